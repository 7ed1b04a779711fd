#!/usr/bin/env bash
# Make .venv from requirements/lock.txt: the package with all its extras, in three steps.
# Only the package registry that pip is configured for is needed.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3.11}

is_311() { "$1" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; }

if ! is_311 "$python"; then
    echo "setup: Python 3.11 is needed and '$python' is not it." >&2
    echo "       Install it (Debian: apt-get install python3.11 python3.11-venv python3.11-dev;" >&2
    echo "       macOS: brew install python@3.11), or name it: make setup PYTHON=/path/to/python3.11" >&2
    exit 2
fi

install() {
    .venv/bin/python -m pip install -qq --disable-pip-version-check --no-input \
        --constraint requirements/lock.txt "$@"
}

started=$SECONDS
is_311 .venv/bin/python || "$python" -m venv --clear .venv
echo "setup: installing PyTorch and build tools (1/3)"
install setuptools wheel ninja py-cpuinfo torch
# DeepSpeed has no wheel, and its build looks at the torch that is there.
echo "setup: building DeepSpeed (2/3)"
install --no-build-isolation deepspeed
echo "setup: installing Airflow and the rest (3/3)"
install --editable ".[airflow,training,dev]"
echo "setup: .venv is ready after $((SECONDS - started)) s"
