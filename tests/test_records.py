"""Records survive their JSON lines, and foreign lines are refused with their place."""

from __future__ import annotations

from pathlib import Path

import pytest

from identity_ops.errors import DataError
from identity_ops.records import Rejection, decode, encode, read_jsonl, write_jsonl

ROW = Rejection(id="a", index=1, reason="empty", detail="line\nbreak \u2028 \x00", text="\u00e9")


def test_a_record_is_one_line_and_comes_back(tmp_path: Path) -> None:
    """Line breaks of every kind stay inside the text."""
    path = tmp_path / "rows.jsonl"
    assert write_jsonl(path, [ROW, ROW]) == 2
    assert path.read_bytes().count(b"\n") == 2
    assert list(read_jsonl(Rejection, path)) == [ROW, ROW]


@pytest.mark.parametrize(
    "line", ["", "{", "[]", "null", '{"id": "a"}', encode(ROW)[:-1] + ',"x":1}']
)
def test_a_foreign_line_names_file_and_line(line: str) -> None:
    """Missing and extra keys are as wrong as broken JSON."""
    with pytest.raises(DataError, match="rows:7"):
        decode(Rejection, line, "rows:7")
