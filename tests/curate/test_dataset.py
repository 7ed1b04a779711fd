"""The data set on disk: the hub's layout, and nothing read that is not what was written."""

from __future__ import annotations

import json
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from identity_ops.curate.dataset import (
    CONVERSATIONS,
    REJECTIONS,
    TRAIN,
    read_conversations,
    read_table,
    write_dataset,
    write_rejections,
)
from identity_ops.errors import CorruptError, DataError
from identity_ops.records import Rejection
from identity_ops.store.stage import Outcome, run_stage
from tests.curate.samples import conversation

ROWS = [
    conversation(n, f"Who are you, {n}?", "I am \u017biva.", fact_ids=("f1",)) for n in range(2500)
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("set")
    run_stage("curate", out, {}, {}, lambda f: Outcome(files=write_dataset(f, ROWS, "\u017biva")))
    return out


def copy(folder: Path, to: Path) -> Path:
    for path in folder.rglob("*"):
        if path.is_file() and path.name != ".lock":
            target = to / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    return to


def test_what_was_written_is_read_back(folder: Path) -> None:
    """Every field survives, over more than one row group."""
    assert list(read_conversations(folder)) == ROWS
    assert pq.ParquetFile(folder / TRAIN).num_row_groups == 2


@pytest.mark.parametrize("streaming", [False, True])
def test_datasets_loads_the_folder(folder: Path, tmp_path: Path, streaming: bool) -> None:
    """The hub's library finds the rows by the card alone, plain and streaming."""
    clean = copy(folder, tmp_path / "set")
    loaded = datasets.load_dataset(
        str(clean), split="train", streaming=streaming, cache_dir=str(tmp_path / "cache")
    )
    first = next(iter(loaded))
    assert first["messages"] == list(ROWS[0].messages)
    assert sum(1 for _ in loaded) == len(ROWS)


def test_the_twin_has_messages_alone(folder: Path) -> None:
    """The JSONL twin carries one object with one key a line."""
    lines = (folder / "conversations.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [{"messages": list(r.messages)} for r in ROWS]


def test_a_flipped_byte_is_noticed(folder: Path, tmp_path: Path) -> None:
    """The manifest's hash catches one changed bit in the middle of the file."""
    damaged = copy(folder, tmp_path) / TRAIN
    data = bytearray(damaged.read_bytes())
    data[len(data) // 2] ^= 1
    damaged.write_bytes(data)
    with pytest.raises(CorruptError):
        list(read_conversations(tmp_path))


@pytest.mark.parametrize("keep", [0, 4, 100, -1])
def test_a_truncated_table_is_no_table(folder: Path, tmp_path: Path, keep: int) -> None:
    """Whatever is missing at the end, a clear error names the file."""
    path = tmp_path / "x.parquet"
    path.write_bytes((folder / TRAIN).read_bytes()[:keep])
    with pytest.raises(CorruptError, match=r"x\.parquet"):
        list(read_table(path, CONVERSATIONS))


def test_page_damage_is_noticed_without_a_manifest(folder: Path, tmp_path: Path) -> None:
    """Page checksums catch what the footer does not show."""
    path = tmp_path / "x.parquet"
    data = bytearray((folder / TRAIN).read_bytes())
    data[len(data) // 3] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(CorruptError):
        list(read_table(path, CONVERSATIONS))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.append_column("extra", pa.array([1] * len(t))), "unknown extra"),
        (lambda t: t.drop_columns(["topic"]), "missing topic"),
        (lambda t: t.set_column(1, "index", t["index"].cast(pa.string())), "index is string"),
        (lambda t: t.select(list(reversed(t.column_names))), "another order"),
    ],
)
def test_other_columns_are_refused(folder: Path, tmp_path: Path, change, said: str) -> None:  # type: ignore[no-untyped-def]
    """Extra, missing, retyped and reordered columns are named, before any row is read."""
    path = tmp_path / "x.parquet"
    pq.write_table(change(pq.read_table(folder / TRAIN)), path)
    with pytest.raises(DataError, match=said):
        list(read_table(path, CONVERSATIONS))


def test_no_file_is_a_data_error(tmp_path: Path) -> None:
    """A missing file is said to be missing, not damaged."""
    with pytest.raises(DataError, match="no such file"):
        list(read_table(tmp_path / "no.parquet", CONVERSATIONS))


def test_a_rejected_text_of_any_bytes_is_kept(tmp_path: Path) -> None:
    """Quarantine takes what no other file may hold."""
    path = tmp_path / "r.parquet"
    text = 'a\0b \ud800 "quoted" \u4f60'
    write_rejections(path, [Rejection(id="x", index=1, reason="nul", detail="", text=text)])
    (row,) = read_table(path, REJECTIONS)
    assert row["text"] == 'a\0b \\ud800 "quoted" \u4f60'
