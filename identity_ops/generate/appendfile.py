"""A file of lines that only grows, and survives a kill or a full disk at any byte.

A line counts once its newline is there. On opening, a torn tail is cut off; a failed write is
taken back at once, so that nothing can be appended behind half a line.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from identity_ops.errors import TerminalError
from identity_ops.store.publish import fsync_folder


class AppendFile:
    """Lines appended to `path` by one process (the caller holds the stage's lock).

    Args:
        is_whole: says of a last line without newline whether it is complete; then it is kept.
    """

    def __init__(self, path: Path, is_whole: Callable[[bytes], bool] = lambda _: False) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._lock = threading.Lock()
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            self.lines = self._recover(is_whole)
            fsync_folder(path.parent)
        except BaseException:
            os.close(self._handle)
            raise

    def append(self, lines: list[bytes], *, durable: bool) -> None:
        """Add lines (without newlines), all or none; on disk before returning if `durable`.

        Raises:
            TerminalError: no room. What was there before stays readable.
        """
        data = b"".join(line + b"\n" for line in lines)
        with self._lock:
            try:
                _write_all(self._handle, data)
                if durable:
                    os.fsync(self._handle)
            except OSError as error:
                self._take_back()
                raise TerminalError(
                    f"cannot write: {error.strerror}", where=self.path,
                    todo="Make room on the disk and run again; what was finished is kept.",
                ) from error  # fmt: skip
            self._size += len(data)

    def sync(self) -> None:
        """Bring all appended lines to the disk."""
        os.fsync(self._handle)

    def close(self) -> None:
        os.close(self._handle)

    def __enter__(self) -> AppendFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _recover(self, is_whole: Callable[[bytes], bool]) -> list[bytes]:
        """The whole lines; a torn tail is cut off the file."""
        data = self.path.read_bytes()
        end = data.rfind(b"\n") + 1
        self._size = end
        tail = data[end:]
        if tail and is_whole(tail):
            _write_all(self._handle, b"\n")
            self._size = len(data) + 1
            return data.split(b"\n")
        if tail:
            self._take_back()
        return data[:end].split(b"\n")[:-1]

    def _take_back(self) -> None:
        os.ftruncate(self._handle, self._size)


def _write_all(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]
