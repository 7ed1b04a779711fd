"""Keeps the five processes of the embedded Airflow alive, and ends all of them when it ends.

    python -m identity_ops.local_airflow.supervisor [--set section.key=value ...]

Ready when `$IDENTITY_HOME/airflow/instance.json` exists. TERM stops it in order; when it is
killed its children get TERM, and whoever started it ends what they left (see `instance`).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

import psutil

from identity_ops.errors import IdentityError, TransientError
from identity_ops.local_airflow import settings
from identity_ops.local_airflow.client import Client, answers
from identity_ops.local_airflow.processes import end_descendants, inherit_orphans, spawn
from identity_ops.local_airflow.settings import USER, Ports, State
from identity_ops.store.lock import hold
from identity_ops.store.paths import Home
from identity_ops.store.publish import write_atomic

START_LIMIT_S: Final = 180  # a busy machine of two cores needs up to a minute
STOP_GRACE_S: Final = 8.0  # a trainer writes its checkpoint within 4 s of TERM
RESTARTS: Final = 5  # within RESTART_WINDOW_S, for one process; more means it cannot run
RESTART_WINDOW_S: Final = 120


class Supervisor:
    """The processes of one embedded Airflow."""

    def __init__(self, home: Home, extra: Mapping[str, str]) -> None:
        self.state = State.of(home)
        self.home, self.extra = home, extra
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self.starts: dict[str, deque[float]] = {}

    def run(self) -> NoReturn:
        """Start all, announce the instance, and watch until a signal ends this process."""
        with hold(self.state.lock), Ports.reserved() as self.ports:
            self.env = settings.environment(self.state, self.home, self.ports, self.extra)
            try:
                self._start()
                while True:
                    self._watch()
                    time.sleep(0.5)
            finally:
                self.state.record.unlink(missing_ok=True)
                end_descendants(STOP_GRACE_S)

    def _start(self) -> None:
        self.state.password()
        self._migrate()
        *first, last = settings.commands()
        for name in first:
            self._spawn(name)
        client = self._wait_until_ready()
        self._spawn(last)  # nothing of ours waits for it, and the start is short of cores
        self._announce(client)

    def _migrate(self) -> None:
        """Bring the database to this Airflow's version; skipped where that was done before."""
        stamp = self.state.root / f"migrated-{_airflow_version()}"
        if stamp.exists() and (self.state.root / "airflow.db").exists():
            return
        log = self.state.process_log("db-migrate")
        process = spawn([sys.executable, "-m", "airflow", "db", "migrate"], self.env, log)
        if process.wait() != 0:
            raise TransientError(
                f"the database could not be prepared:\n{tail(log)}", where=self.state.root
            )
        stamp.touch()

    def _spawn(self, name: str) -> None:
        ports = {"web": self.ports.web, "execution": self.ports.execution}
        argv = [part.format(**ports) for part in settings.commands()[name]]
        starts = self.starts.setdefault(name, deque(maxlen=RESTARTS + 1))
        starts.append(time.monotonic())
        self.children[name] = spawn(argv, self.env, self.state.process_log(name))

    def _wait_until_ready(self) -> Client:
        client = Client(f"http://127.0.0.1:{self.ports.web}", USER, self.state.password())
        limit = time.monotonic() + START_LIMIT_S
        # The first request to the tasks' API builds it in 3 s: better now than in the first task.
        execution = f"http://127.0.0.1:{self.ports.execution}/execution/health"
        while not (answers(execution) and client.ready()):
            self._watch()
            if time.monotonic() > limit:
                raise TransientError(
                    f"Airflow was not ready after {START_LIMIT_S} s",
                    where=self.state.process_log("scheduler").parent,
                    todo="Read the logs there.",
                )
            time.sleep(0.2)
        return client

    def _announce(self, client: Client) -> None:
        me = psutil.Process()
        record = {
            "url": client.url,
            "pid": me.pid,
            "created": me.create_time(),
            "checkout": str(settings.ROOT),
        }
        write_atomic(self.state.record, json.dumps(record))

    def _watch(self) -> None:
        """Restart what ended, and collect orphans that ended."""
        own = {child.pid for child in self.children.values()}
        for process in psutil.Process().children():
            if process.pid not in own and process.status() == psutil.STATUS_ZOMBIE:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(process.pid, os.WNOHANG)
        for name, child in list(self.children.items()):
            if child.poll() is not None:
                self._restart(name, child.returncode)

    def _restart(self, name: str, code: int) -> None:
        starts = self.starts[name]
        log = self.state.process_log(name)
        if len(starts) > RESTARTS and time.monotonic() - starts[0] < RESTART_WINDOW_S:
            raise TransientError(
                f"Airflow's {name} ended {len(starts)} times, last with {code}:\n{tail(log)}",
                where=log,
            )
        print(f"Airflow's {name} ended with {code}; starting it again", file=sys.stderr)
        self._spawn(name)


def tail(path: Path, lines: int = 15) -> str:
    """The last lines of a text file."""
    with path.open(errors="replace") as file:
        return "".join(deque(file, maxlen=lines)).rstrip()


def _airflow_version() -> str:
    from importlib.metadata import version

    return version("apache-airflow-core")


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    for handled in (signal.SIGTERM, signal.SIGINT):  # a second one must not cut the clean-up
        signal.signal(handled, signal.SIG_IGN)
    raise SystemExit(0)


def main() -> None:
    """Run until TERM or INT."""
    parser = argparse.ArgumentParser(description="Keep the embedded Airflow running.")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE")
    arguments = parser.parse_args()
    for handled in (signal.SIGTERM, signal.SIGINT):
        signal.signal(handled, _stop)
    inherit_orphans()
    try:
        Supervisor(Home.from_env(), dict(pair.split("=", 1) for pair in arguments.set)).run()
    except IdentityError as error:
        print(f"identity-ops: {error}", file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
