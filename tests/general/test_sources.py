"""General chat from files: what is read, and how bad files are named."""

from __future__ import annotations

import json
import sys
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from identity_ops.errors import ConfigError, CorruptError, DataError, IdentityError
from identity_ops.general.sources import MAX_LINE, open_source

TALK = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]


def parquet(path: Path, rows: list[object], name: str = "messages") -> Path:
    pq.write_table(pa.table({name: rows, "id": list(range(len(rows)))}), path)
    return path


def read(path: Path | str) -> list[tuple[dict[str, str], ...]]:
    return [row.messages for row in open_source(str(path)).rows()]  # type: ignore[misc]


def test_the_three_file_forms_say_the_same(tmp_path: Path) -> None:
    """Parquet, objects with messages and nanochat's bare arrays give the same rows."""
    (tmp_path / "a.jsonl").write_text(json.dumps({"messages": TALK, "id": 1}) + "\n\n")
    (tmp_path / "b.jsonl").write_text(json.dumps(TALK))
    parquet(tmp_path / "c.parquet", [TALK])
    assert [read(tmp_path / n) for n in ("a.jsonl", "b.jsonl", "c.parquet")] == [[tuple(TALK)]] * 3


def test_the_builtin_exercises_never_end() -> None:
    """However many are taken, there is one more."""
    source = open_source("builtin", seed=3)
    assert source.endless
    assert len({str(row.messages) for row in islice(source.rows(), 300)}) > 250


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('"text"', "no messages"),
        ('{"conversations": []}', "no messages"),
        ('{"messages": "hi"}', "not a list"),
        ('[{"role": "user"}]', "not a message"),
        ('[{"from": "human", "value": "hi"}]', "not a message"),
        ('[{"role": "user", "content": null}]', "not a message"),
        ('["hi"]', "not a message"),
        ('{"messages": "' + "x" * MAX_LINE + '"}', "too long"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, said: str) -> None:
    """The error says file and line, and what was expected."""
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps(TALK) + "\n" + line + "\n")
    with pytest.raises(DataError, match=said) as caught:
        read(path)
    assert caught.value.where == f"{path}:2"


def test_a_bad_parquet_row_is_named(tmp_path: Path) -> None:
    """Row numbers count over row groups."""
    bad = [{"role": "user", "content": None}]
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"messages": [TALK] * 5 + [bad]}), path, row_group_size=2)
    with pytest.raises(DataError, match="not a message") as caught:
        read(path)
    assert caught.value.where == f"{path}:5"


@pytest.mark.parametrize(
    ("rows", "name", "said"),
    [
        ([TALK], "conversations", "no column messages"),
        (["text"], "messages", "no column messages"),
        ([["a", "b"]], "messages", "no column messages"),
        ([[{"from": "a", "value": "b"}]], "messages", "lack a field"),
    ],
)
def test_a_table_without_messages_is_refused(
    tmp_path: Path, rows: list[object], name: str, said: str
) -> None:
    """The schema is judged before any row is read."""
    path = parquet(tmp_path / "x.parquet", rows, name)
    with pytest.raises(DataError, match=said):
        read(path)


def test_a_damaged_table_is_corrupt(tmp_path: Path) -> None:
    """Half a file is no file."""
    path = parquet(tmp_path / "x.parquet", [TALK] * 100)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(CorruptError):
        read(path)


@pytest.mark.parametrize(
    ("spec", "error"), [("none.jsonl", DataError), ("buildin", DataError), ("", DataError)]
)
def test_an_unknown_source_is_refused(spec: str, error: type[IdentityError]) -> None:
    """A typo is no empty source."""
    with pytest.raises(error, match="no such file"):
        open_source(spec)


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    """CSV is not guessed at."""
    (tmp_path / "x.csv").write_text("a,b")
    with pytest.raises(ConfigError, match="format"):
        open_source(str(tmp_path / "x.csv"))


def test_a_data_set_that_is_not_there_is_said(tmp_path: Path) -> None:
    """The message names the data set and the way around; nothing half-made stays."""
    with pytest.raises(DataError, match="local Parquet"):
        open_source(f"hf:{tmp_path / 'none'}:train", spool=tmp_path)
    assert not list(tmp_path.glob("*.parquet"))


def test_without_the_library_the_hub_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only hf: sources need the package."""
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(ConfigError, match="pip install datasets"):
        open_source("hf:nobody/nothing", spool=tmp_path)


def test_a_data_set_of_the_hub_is_fetched_once(tmp_path: Path) -> None:
    """A folder in the hub's layout is read like a repository, and then from the copy."""
    data = tmp_path / "repo"
    data.mkdir()
    parquet(data / "train.parquet", [TALK] * 7)
    first = open_source(f"hf:{data}:train", spool=tmp_path / "spool")
    assert [row.messages for row in first.rows()] == [tuple(TALK)] * 7
    (data / "train.parquet").unlink()
    again = open_source(f"hf:{data}:train", spool=tmp_path / "spool")
    assert again.digest() == first.digest()
