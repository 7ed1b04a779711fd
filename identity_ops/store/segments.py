"""Files that only grow, brought to a bucket piece by piece while they are written.

A piece is named after the place where it begins, so the pieces in order are the file. What was
paid for is so found by whoever goes on after a worker was lost; at most the last piece is missing.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from identity_ops.store.bucket import Bucket
from identity_ops.store.publish import write_atomic

EVERY_S: Final = 5.0
EVERY_LINES: Final = 20


class Segments:
    """The growing files of one result.

    Args:
        folder: where they lie here.
        prefix: where their pieces go.
        names: of the files.
    """

    def __init__(self, bucket: Bucket, folder: Path, prefix: str, names: tuple[str, ...]) -> None:
        self._bucket, self._folder, self._prefix = bucket, folder, prefix
        self._sent = dict.fromkeys(names, 0)
        self._last = time.monotonic()

    def restore(self) -> None:
        """Put what other workers brought up into the files here, before they are opened."""
        for name in self._sent:
            pieces = [self._bucket.get(piece) for piece in self._bucket.names(self._at(name))]
            there = b"".join(piece[0] for piece in pieces if piece)
            path = self._folder / name
            here = path.read_bytes() if path.exists() else b""
            if there and not here.startswith(there):
                write_atomic(path, _joined(there, here))
            self._sent[name] = len(there)

    def push(self, *, now: bool = False) -> None:
        """Bring up what is new: `EVERY_LINES` lines of it, or what came in `EVERY_S`, or all."""
        late = now or time.monotonic() - self._last >= EVERY_S
        for name, sent in self._sent.items():
            new = _whole_lines(self._folder / name, sent)
            if new and (late or new.count(b"\n") >= EVERY_LINES):
                self._bucket.put(f"{self._at(name)}/{sent:012d}", new)
                self._sent[name] = sent + len(new)
        if late:
            self._last = time.monotonic()

    def remove(self) -> None:
        """The result is up as a whole: its pieces are of no use."""
        for name in self._sent:
            if pieces := list(self._bucket.names(self._at(name))):
                self._bucket.delete(*pieces)

    def _at(self, name: str) -> str:
        return f"{self._prefix}/{name}"


def _whole_lines(path: Path, start: int) -> bytes:
    """From `start` to the last newline: half a line is no answer yet."""
    if not path.exists():
        return b""
    with path.open("rb") as file:
        file.seek(start)
        data = file.read()
    return data[: data.rfind(b"\n") + 1]


def _joined(there: bytes, here: bytes) -> bytes:
    """What is there, and after it the lines that only this worker has."""
    known = set(there.splitlines())
    own = [line for line in here.splitlines(keepends=True) if line.endswith(b"\n")]
    return there + b"".join(line for line in own if line.rstrip(b"\n") not in known)
