"""Locks exclude, name their holder, and die with their process."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from identity_ops.errors import BusyError
from identity_ops.store.lock import hold

HOLDER = """
import subprocess, sys, time
from pathlib import Path
from identity_ops.store.lock import hold
with hold(Path(sys.argv[1])):
    child = subprocess.Popen(["sleep", "60"])
    print(child.pid, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / ".lock")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    child = int(process.stdout.readline())
    yield process
    process.kill()
    process.wait()
    process.stdout.close()
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)


def test_a_held_lock_refuses_and_names_the_process(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    """The error says who holds the lock."""
    with pytest.raises(BusyError, match=f"process {holder.pid}"), hold(tmp_path / ".lock"):
        pass


def test_the_lock_of_a_killed_process_is_free_though_its_child_lives(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    """An orphaned child does not keep the lock."""
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with hold(tmp_path / ".lock", wait_s=5):
        assert (tmp_path / ".lock").read_text() == str(os.getpid())
