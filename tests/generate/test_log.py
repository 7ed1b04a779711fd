"""The response log under torn writes, a full disk and damage."""

from __future__ import annotations

import dataclasses
import resource
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from identity_ops.errors import CorruptError
from identity_ops.generate.log import ResponseLog
from identity_ops.records import Response, encode

ONE = Response(
    id="a", key="k0", attempt=0, text='{"messages": []} \u00e9 \u2028', finish_reason="stop",
    provider="p", model="m", prompt_tokens=1, cached_tokens=0, completion_tokens=2, cost_usd=0.5,
    latency_s=0.1,
)  # fmt: skip


def numbered(count: int) -> list[Response]:
    return [dataclasses.replace(ONE, key=f"k{n}") for n in range(count)]


def read(path: Path) -> list[Response]:
    log = ResponseLog(path)
    try:
        return log.responses()
    finally:
        log.close()


def test_torn_log_loses_only_its_tail_at_every_byte(tmp_path: Path) -> None:
    """Cut anywhere: whole lines stay, the torn one goes, and the next append is clean."""
    whole = b"".join(encode(row).encode() + b"\n" for row in numbered(2))
    ends = [n + 1 for n, byte in enumerate(whole) if byte == 10]
    for cut in range(len(whole) + 1):
        path = tmp_path / "log"
        path.write_bytes(whole[:cut])
        kept = read(path)
        # A line that lacks nothing but its newline is whole: it was paid for.
        assert kept == numbered(sum(end - 1 <= cut for end in ends))
        log = ResponseLog(path)
        log.append([dataclasses.replace(ONE, key="next")])
        log.close()
        assert [row.key for row in read(path)] == [row.key for row in kept] + ["next"]


@pytest.mark.parametrize("tail", [b"\0" * 4096, b'{"id": 1}', b"\xff\xfe", b"{}"])
def test_tail_of_rubbish_is_cut(tmp_path: Path, tail: bytes) -> None:
    """What a power cut leaves behind the last newline is no response."""
    path = tmp_path / "log"
    path.write_bytes(encode(ONE).encode() + b"\n" + tail)
    assert read(path) == [ONE]
    assert path.read_bytes() == encode(ONE).encode() + b"\n"


def test_damage_in_the_middle_is_said_and_left_alone(tmp_path: Path) -> None:
    """A damaged line that is not the last is no torn write: nothing is thrown away."""
    path = tmp_path / "log"
    damaged = b"rubbish\n" + encode(ONE).encode() + b"\n"
    path.write_bytes(damaged)
    with pytest.raises(CorruptError, match="log:1"):
        ResponseLog(path)
    assert path.read_bytes() == damaged


def test_full_disk_keeps_what_was_there(tmp_path: Path) -> None:
    """A write that does not fit is taken back whole, and what was there can be read."""
    path = tmp_path / "log"
    limit = len(encode(ONE)) * 3
    code = f"""
        import dataclasses, pathlib, resource, sys
        resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
        from identity_ops.errors import TerminalError
        from tests.generate.test_log import ResponseLog, numbered
        log = ResponseLog(pathlib.Path({str(path)!r}))
        for row in numbered(9):
            try:
                log.append([row])
            except TerminalError as error:
                sys.exit(str(error))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "Make room on the disk" in done.stderr
    assert read(path) == numbered(2)
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
