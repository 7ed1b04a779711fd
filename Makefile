# The commands of a checkout. Needs Python 3.11 and a C compiler; everything else goes to .venv.
#
#   make run                                  the whole chain, from knowledge to a published model
#   make run CONF='{"knowledge": "examples/smarternano.md"}'
#   make up        Airflow's web UI        make chat       talk to the newest model
#   make serve     a web page and an OpenAI-compatible API for it
#   make test      nearly all tests        make test-slow  the long ones, and those in a browser
#   make bench     the benchmarks
#   make setup     the environment alone   make lock       renew requirements/lock.txt
#
# State lies under $IDENTITY_HOME (default ./var).

SHELL := /bin/bash
PYTHON ?= python3.11
BIN := .venv/bin
CONF ?= {}
AIRFLOW := $(BIN)/python -m identity_ops.local_airflow
export CONF
# Tests that mostly wait for Airflow's servers run beside all the others.
SERVERS := tests/e2e tests/dag tests/local_airflow
QUICK := not browser and not long
LOG := .venv/.servers.log

.DEFAULT_GOAL := help
.PHONY: help setup run up chat serve test test-slow bench lock

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile

setup: .venv/.ready

# One recipe for every need: the lock decides the versions, the stamp that nothing is left to do.
.venv/.ready: requirements/lock.txt pyproject.toml
	@PYTHON=$(PYTHON) requirements/install.sh
	@touch $@

run: setup
	@$(AIRFLOW) run --conf "$$CONF"

up: setup
	@$(AIRFLOW) up

chat: setup
	@$(BIN)/identity-ops chat

serve: setup
	@exec $(BIN)/identity-ops serve

test: setup
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/pytest -m "$(QUICK)" -p no:cacheprovider $(SERVERS) >$(LOG) 2>&1 & servers=$$!; \
	$(BIN)/pytest -m "$(QUICK)" $(SERVERS:%=--ignore=%); rest=$$?; \
	wait $$servers; servers=$$?; cat $(LOG); exit $$((servers | rest))

# What takes minutes each, or needs a program of the system's, installed where that can be done.
test-slow: setup
	@command -v chromium >/dev/null || { apt-get -qq update && apt-get -qq install -y chromium >/dev/null; }
	@{ command -v redis-server && compgen -G '/usr/lib/postgresql/*/bin/initdb'; } >/dev/null || \
		{ apt-get -qq update && apt-get -qq install -y redis-server postgresql >/dev/null; }
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-input \
		--constraint requirements/lock.txt --editable ".[celery,kubernetes]"
	@IDENTITY_TESTS_NEED=browser $(BIN)/pytest -m "browser or long"

bench: setup
	@$(BIN)/python -m benchmarks

lock:
	@PYTHON=$(PYTHON) requirements/lock.sh
