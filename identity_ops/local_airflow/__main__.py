"""The two commands of the embedded Airflow; `make run` and `make up` call them."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from typing import Any, NoReturn

from identity_ops.cli.output import fail
from identity_ops.errors import ConfigError, IdentityError
from identity_ops.local_airflow.follow import run_and_follow
from identity_ops.local_airflow.instance import airflow
from identity_ops.store.paths import Home


def main() -> None:
    """Run the command in argv; exit code 0 done, 1 failed, 2 wrong usage."""
    arguments = _parser().parse_args()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        extra = dict(pair.split("=", 1) for pair in arguments.set)
        if arguments.command == "up":
            up(extra)
        else:
            run(extra, _conf(arguments.conf), arguments.run_id)
    except IdentityError as error:
        fail(error)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        raise SystemExit(130) from None


def up(extra: dict[str, str]) -> None:
    """Airflow with its web UI until Ctrl-C."""
    clock = time.monotonic()
    with airflow(Home.from_env(), extra) as instance:
        how = f"in {time.monotonic() - clock:.0f} s" if instance.process else "already"
        print(f"Airflow is up {how}. Web UI: {instance.sign_in}", flush=True)
        if instance.process is None:
            return
        print("Trigger identity_sft there, or with `make run`. Ctrl-C stops it.", flush=True)
        instance.process.wait()
        raise SystemExit(1)


def run(extra: dict[str, str], conf: dict[str, Any], run_id: str) -> None:
    """One run of identity_sft on the running Airflow, or on one that lives for the run."""
    home = Home.from_env()
    clock = time.monotonic()
    with airflow(home, extra) as instance:
        how = f"up in {time.monotonic() - clock:.0f} s" if instance.process else "found running"
        print(f"Airflow {how}: {instance.sign_in}", flush=True)
        run_and_follow(instance, home, conf, run_id)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m identity_ops.local_airflow")
    parser.add_argument("command", choices=["run", "up"])
    parser.add_argument("--conf", default="{}", help="parameters of the run, as a JSON object")
    parser.add_argument("--run-id", default="", help="id of the run; default: from the time")
    parser.add_argument(
        "--set", action="append", default=[], metavar="SECTION.KEY=VALUE",
        help="a setting of Airflow",
    )  # fmt: skip
    return parser


def _conf(text: str) -> dict[str, Any]:
    try:
        conf = json.loads(text or "{}")
    except ValueError as error:
        raise ConfigError(f"not JSON: {error}", where="--conf", got=text) from None
    if not isinstance(conf, dict):
        raise ConfigError("not a JSON object", where="--conf", got=text)
    return conf


def _interrupt(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
