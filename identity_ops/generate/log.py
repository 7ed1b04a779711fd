"""The response log: every answer that was paid for, appended before anything is made of it."""

from __future__ import annotations

from pathlib import Path

from identity_ops.errors import CorruptError, DataError
from identity_ops.generate.appendfile import AppendFile
from identity_ops.records import Response, decode, encode


class ResponseLog:
    """Responses by their key, in `path` and in memory.

    Raises:
        CorruptError: a line before the last cannot be read; its neighbours are left alone.
    """

    def __init__(self, path: Path) -> None:
        self._file = AppendFile(path, is_whole=_is_response)
        self._by_key: dict[str, Response] = {}
        try:
            for number, line in enumerate(self._file.lines, start=1):
                response = _read(line, f"{path}:{number}")
                self._by_key[response.key] = response
        except BaseException:
            self._file.close()
            raise

    def get(self, key: str) -> Response | None:
        return self._by_key.get(key)

    def append(self, responses: list[Response], *, durable: bool = True) -> None:
        """Add responses; on disk before returning if `durable`.

        Raises:
            TerminalError: no room; none of them is in the log.
        """
        self._file.append([encode(response).encode() for response in responses], durable=durable)
        self._by_key.update((response.key, response) for response in responses)

    def responses(self) -> list[Response]:
        """All of them, in the order in which they came."""
        return list(self._by_key.values())

    def close(self) -> None:
        """Bring what is left to the disk and close."""
        self._file.sync()
        self._file.close()


def _read(line: bytes, where: str) -> Response:
    try:
        return decode(Response, line.decode(), where)
    except (DataError, UnicodeDecodeError):
        raise CorruptError(
            "a line of the response log is damaged", where=where, expected="a response",
            todo="Restore the file, or delete that line: its response is then paid for again.",
        ) from None  # fmt: skip


def _is_response(line: bytes) -> bool:
    try:
        decode(Response, line.decode())
    except (DataError, UnicodeDecodeError):
        return False
    return True
