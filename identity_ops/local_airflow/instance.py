"""Find the embedded Airflow that runs on this state folder, or start one for as long as needed."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from identity_ops.errors import BusyError, ConfigError, TransientError
from identity_ops.local_airflow.client import Client
from identity_ops.local_airflow.processes import (
    end_descendants,
    inherit_orphans,
    same_process,
    spawn,
)
from identity_ops.local_airflow.settings import ROOT, USER, State
from identity_ops.local_airflow.supervisor import START_LIMIT_S, STOP_GRACE_S
from identity_ops.store.lock import hold
from identity_ops.store.paths import Home


@dataclass(frozen=True, slots=True)
class Instance:
    """A running Airflow. `process` is its supervisor where this process started it."""

    client: Client
    password: str
    process: subprocess.Popen[bytes] | None

    @property
    def sign_in(self) -> str:
        return f"{self.client.url}  user {USER}  password {self.password}"


@contextlib.contextmanager
def airflow(home: Home, extra: Mapping[str, str]) -> Iterator[Instance]:
    """The Airflow of this state folder: the running one, or one that lives for the block.

    One that others still use when the block ends is kept until they are done.
    """
    state = State.of(home)
    state.root.mkdir(parents=True, exist_ok=True)
    users = os.open(state.root / ".users.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(users, fcntl.LOCK_SH)
        running = _find_or_await(state)
        if running is not None:
            yield running
            return
        inherit_orphans()
        process = _start(home, extra)
        try:
            yield _wait(state, process)
            _wait_for_others(users)
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_GRACE_S + 15)
            end_descendants(2)  # what it left, had it been killed
    finally:
        os.close(users)


def _find_or_await(state: State) -> Instance | None:
    """The running instance; one that another process is just starting is waited for."""
    limit = time.monotonic() + START_LIMIT_S
    while time.monotonic() < limit:
        running = find(state)
        if running is not None:
            return running
        try:
            with hold(state.lock):
                return None
        except BusyError:
            time.sleep(0.5)
    raise TransientError("another process has been starting Airflow for too long", where=state.lock)


def find(state: State) -> Instance | None:
    """The running instance, if one runs and answers.

    Raises:
        ConfigError: it runs from another checkout, so it would run that one's code.
    """
    try:
        record = json.loads(state.record.read_text())
    except FileNotFoundError:
        return None
    if not same_process(record["pid"], record["created"]):
        return None
    if record["checkout"] != str(ROOT):
        raise ConfigError(
            "an Airflow of another checkout runs on this state folder",
            where=state.root,
            expected=ROOT,
            got=record["checkout"],
            todo="Stop it, or set IDENTITY_HOME to another folder.",
        )
    password = state.password()
    return Instance(Client(record["url"], USER, password), password, None)


def _start(home: Home, extra: Mapping[str, str]) -> subprocess.Popen[bytes]:
    print("Starting Airflow (SQLite, LocalExecutor) ...", file=sys.stderr)
    argv = [sys.executable, "-m", "identity_ops.local_airflow.supervisor"]
    argv += [part for name, value in extra.items() for part in ("--set", f"{name}={value}")]
    return spawn(argv, os.environ | {"IDENTITY_HOME": str(home.root)}, None)


def _wait(state: State, process: subprocess.Popen[bytes]) -> Instance:
    while process.poll() is None:
        if state.record.exists():
            running = find(state)
            if running is not None:
                return Instance(running.client, running.password, process)
        time.sleep(0.1)
    raise TransientError(
        "Airflow did not start", where=state.logs / "processes", todo="Read the logs there."
    )


def _wait_for_others(users: int) -> None:
    """Return when no other process uses this Airflow any more."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("Another run uses this Airflow; it stops when that run has ended.", file=sys.stderr)
        fcntl.flock(users, fcntl.LOCK_EX)
