#!/usr/bin/env bash
# Resolve pyproject.toml anew in a fresh environment and write requirements/lock.txt.
# The lock is a constraints file over all extras. It leaves out what torch itself pins exactly and
# only some builds of it need (CUDA libraries, triton), so that one lock serves CPU and GPU.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3.11}
fresh=$(mktemp -d)
trap 'rm -rf "$fresh" build' EXIT # pip builds the package in place

install() { "$fresh/bin/python" -m pip install -qq --disable-pip-version-check --no-input "$@"; }

"$python" -m venv "$fresh"
install --upgrade setuptools wheel ninja py-cpuinfo "$(grep -o 'torch==[0-9.]*' pyproject.toml)"
install --no-build-isolation "$(grep -o 'deepspeed==[0-9.]*' pyproject.toml)"
install ".[airflow,celery,kubernetes,training,dev]"
{
    echo "# Every version of the environment, over all extras. Made by \`make lock\`; do not edit."
    "$fresh/bin/python" -m pip freeze --all --exclude identity-ops --exclude pip |
        sed -E 's/^(torch==[0-9.]+)\+.*/\1/' |
        grep -vE '^(nvidia-|triton|cuda-|pytorch-triton)'
} > requirements/lock.txt.new
mv requirements/lock.txt.new requirements/lock.txt
echo "lock: $(grep -c == requirements/lock.txt) versions"
