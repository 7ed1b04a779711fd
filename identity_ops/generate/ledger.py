"""The ledger: one line when a request is sent, one when it ended, with the money of each.

A request without its second line was in flight at a kill; its worst case counts as spent.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

from identity_ops.generate.appendfile import AppendFile
from identity_ops.teachers.spend import UNKNOWN

FILE_NAME = "ledger.jsonl"


class Ledger:
    """The books of one batch, in `path`."""

    def __init__(self, path: Path) -> None:
        self._file = AppendFile(path, is_whole=lambda line: _read(line) is not None)
        rows = [row for line in self._file.lines if (row := _read(line)) is not None]
        self.sent = sum("status" not in row for row in rows)
        self.confirmed_usd, self.uncertain_usd = _totals(rows)
        self._names = itertools.count(self.sent)

    @property
    def spent_usd(self) -> float:
        """What earlier processes have or may have spent here."""
        return self.confirmed_usd + self.uncertain_usd

    def open(self, key: str, usd: float) -> str:
        entry = f"{key[:16]}-{next(self._names)}"
        self._write({"entry": entry, "usd": usd})
        return entry

    def close(self, entry: str, usd: float, status: str) -> None:
        self._write({"entry": entry, "usd": usd, "status": status})

    def shut(self) -> None:
        """Close the file."""
        self._file.sync()
        self._file.close()

    def _write(self, row: dict[str, Any]) -> None:
        self._file.append([json.dumps(row, separators=(",", ":")).encode()], durable=False)


def spent(path: Path) -> tuple[float, float, int]:
    """Confirmed and uncertain US dollars and the requests sent, from a ledger on disk."""
    if not path.is_file():
        return 0.0, 0.0, 0
    rows = [row for line in path.read_bytes().splitlines() if (row := _read(line)) is not None]
    return *_totals(rows), sum("status" not in row for row in rows)


def _totals(rows: list[dict[str, Any]]) -> tuple[float, float]:
    """(paid for certain, perhaps paid)."""
    open_usd: dict[str, float] = {}
    confirmed, uncertain = 0.0, 0.0
    for row in rows:
        if "status" not in row:
            open_usd[row["entry"]] = row["usd"]
            continue
        open_usd.pop(row["entry"], None)
        if row["status"] == UNKNOWN:
            uncertain += row["usd"]
        else:
            confirmed += row["usd"]
    return confirmed, uncertain + sum(open_usd.values())


def _read(line: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    is_row = isinstance(row, dict) and isinstance(row.get("entry"), str)
    return row if is_row and isinstance(row.get("usd"), int | float) else None
