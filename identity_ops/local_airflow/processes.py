"""Processes that end with their parent, and ending a whole tree of them.

Two guards, since Airflow's executor and a trainer start process groups and sessions of their
own: a parent-death signal on each child, and a "subreaper" that inherits every orphan below it,
so that the tree under a supervisor stays complete whatever dies in between. Linux only; elsewhere
the tree is followed by parent id alone.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import psutil

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_CHILD_SUBREAPER: Final = 36
_LIBC: Final = ctypes.CDLL(None, use_errno=True)  # loaded before any fork


def inherit_orphans() -> None:
    """Become the parent of every descendant whose own parent dies."""
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def spawn(argv: Sequence[str], env: Mapping[str, str], log: Path | None) -> subprocess.Popen[bytes]:
    """Start a process in its own session that is told to stop when this one dies.

    Args:
        log: file to append its output to; None: this process's own output.
    """
    parent = os.getpid()

    def die_with_parent() -> None:
        if sys.platform == "linux":
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
            if os.getppid() != parent:  # it died before the call
                os._exit(1)

    with contextlib.ExitStack() as stack:
        out = None
        if log is not None:
            log.parent.mkdir(parents=True, exist_ok=True)
            out = stack.enter_context(log.open("ab"))
        return subprocess.Popen(
            list(argv),
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out and subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )


def end_descendants(grace_s: float) -> int:
    """End every process below this one: TERM, up to `grace_s` seconds, then KILL.

    Returns:
        How many had to be killed.
    """
    _, alive = psutil.wait_procs(_signal_all(signal.SIGTERM), timeout=grace_s)
    killed = len(alive)
    while alive:  # a dying process may have started another
        alive = _signal_all(signal.SIGKILL)
        psutil.wait_procs(alive, timeout=5)
    return killed


def _signal_all(number: signal.Signals) -> list[psutil.Process]:
    found = psutil.Process().children(recursive=True)
    for process in found:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)
    return found


def same_process(pid: int, created: float) -> bool:
    """Whether the process with that id is still the one created then."""
    try:
        return abs(psutil.Process(pid).create_time() - created) < 1
    except psutil.NoSuchProcess:
        return False
