"""Paid responses by key, shared by all runs of one state folder: one small file each.

The log of a stage is the record of what was paid; this makes it findable from other folders. A
file is renamed into place but not fsynced: after a power cut it may be broken, and then it
counts as missing.
"""

from __future__ import annotations

import os
from pathlib import Path

from identity_ops.errors import DataError, TerminalError
from identity_ops.records import Response, decode, encode
from identity_ops.store.paths import Home

KIND = "responses"


class ResponseCache:
    """Look-up by key under `<home>/cache/responses`; without a home it is always empty."""

    def __init__(self, home: Home | None) -> None:
        self._root = home.cache(KIND) if home is not None else None

    def get(self, key: str) -> Response | None:
        if self._root is None:
            return None
        try:
            response = decode(Response, self._path(self._root, key).read_text(encoding="utf-8"))
        except (FileNotFoundError, DataError, UnicodeDecodeError):
            return None
        return response if response.key == key else None

    def put(self, response: Response) -> None:
        """Keep a response.

        Raises:
            TerminalError: no room.
        """
        if self._root is None:
            return
        path = self._path(self._root, response.key)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(encode(response), encoding="utf-8")
            os.replace(temporary, path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise TerminalError(
                f"cannot write: {error.strerror}", where=path,
                todo="Make room on the disk and run again; what was finished is kept.",
            ) from error  # fmt: skip

    @staticmethod
    def _path(root: Path, key: str) -> Path:
        return root / key[:2] / f"{key}.json"
