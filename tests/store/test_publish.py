"""Files appear whole or not at all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from identity_ops.store.publish import atomic_file, write_atomic

DISK_FULL = """
import resource, sys
from pathlib import Path
from identity_ops.store.publish import write_atomic
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try:
    write_atomic(Path(sys.argv[1]), b"n" * 5000)
except OSError as error:
    print(type(error).__name__)
"""


def test_an_error_in_the_block_leaves_the_old_bytes_and_no_rubbish(tmp_path: Path) -> None:
    """A writer that fails half-way changes nothing."""
    path = tmp_path / "file"
    write_atomic(path, "old")
    with pytest.raises(TypeError), atomic_file(path) as out:
        out.writelines([b"half of the new", None])  # type: ignore[list-item]
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_leaves_the_old_bytes(tmp_path: Path) -> None:
    """Writing past the file size limit fails and the previous version stays readable."""
    path = tmp_path / "file"
    write_atomic(path, "old")
    done = subprocess.run(
        [sys.executable, "-c", DISK_FULL, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "OSError"
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
