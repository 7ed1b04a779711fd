"""Locks that die with their process: flock on a file, released by the kernel on any exit."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from identity_ops.errors import BusyError


@contextlib.contextmanager
def hold(path: Path, *, wait_s: float = 0.0) -> Iterator[None]:
    """Hold the lock at `path` for the block.

    Child processes do not inherit it (the descriptor is close-on-exec), so an orphaned child
    never keeps a stage locked.

    Raises:
        BusyError: another process still holds it after `wait_s` seconds; names its pid.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _acquire(handle, path, time.monotonic() + wait_s)
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)


def _acquire(handle: int, path: Path, deadline: float) -> None:
    while True:
        try:
            return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                pid = os.pread(handle, 32, 0).decode(errors="replace") or "unknown"
                raise BusyError(
                    f"locked by process {pid}",
                    where=path.parent,
                    todo="Wait for it to end, or stop it, then try again.",
                ) from None
            time.sleep(0.05)
