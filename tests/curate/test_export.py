"""Exports: as nanochat, trl-like readers and the hub take them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import datasets
import pytest

from identity_ops.curate.export import export, nanochat_lines
from identity_ops.errors import CorruptError, DataError, UsageError
from tests.curate.samples import conversation
from tests.mix.samples import curated

NANOCHAT = os.environ.get("NANOCHAT_DIR", "")
needs_custom_json = pytest.mark.skipif(
    not NANOCHAT or not Path(NANOCHAT, "tasks", "customjson.py").exists(),
    reason="NANOCHAT_DIR names no copy of nanochat with its CustomJSON task (until July 2026)",
)
ROWS = [conversation(n, f"Who, {n}?", "I am \u017biva\u2028.", fact_ids=("f",)) for n in range(5)]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return curated(tmp_path / "curated", ROWS)


def custom_json(path: Path) -> list[list[dict[str, str]]]:
    """What nanochat's CustomJSON asserts of each line, written down from its description."""
    found = []
    for line in path.read_bytes().split(b"\n"):
        if not line.strip():
            continue
        messages = json.loads(line)
        assert isinstance(messages, list)
        assert len(messages) >= 2
        for index, message in enumerate(messages):
            assert message["role"] == ("user" if index % 2 == 0 else "assistant")
            assert isinstance(message["content"], str)
        found.append(messages)
    return found


def test_nanochat_reads_every_line(source: Path, tmp_path: Path) -> None:
    """A bare array a line, whatever line separators a message holds."""
    path = tmp_path / "out.jsonl"
    assert export(source, "nanochat", path) == 5
    assert custom_json(path) == [list(row.messages) for row in ROWS]


@needs_custom_json
def test_nanochat_s_own_task_reads_it(source: Path, tmp_path: Path) -> None:
    """The real CustomJSON, in a process with nanochat's own folders on its path."""
    path = tmp_path / "out.jsonl"
    export(source, "nanochat", path)
    script = (
        "import json, sys; from tasks.customjson import CustomJSON\n"
        "task = CustomJSON(filepath=sys.argv[1])\n"
        "print(json.dumps([task[n]['messages'] for n in range(len(task))]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], cwd=NANOCHAT, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert json.loads(done.stdout) == [list(row.messages) for row in ROWS]


def test_metadata_goes_beside_the_lines_and_never_into_them(source: Path, tmp_path: Path) -> None:
    """The sidecar has a line for each line, in the same order, without the messages."""
    path = tmp_path / "out.jsonl"
    export(source, "nanochat", path, metadata=True)
    side = (tmp_path / "out.jsonl.metadata.jsonl").read_bytes().splitlines()
    assert [json.loads(line)["id"] for line in side] == [row.id for row in ROWS]
    assert all("messages" not in json.loads(line) for line in side)
    assert custom_json(path)
    assert not list(tmp_path.glob(".out*"))


def test_messages_and_hub_say_the_same(source: Path, tmp_path: Path) -> None:
    """Objects with one key; and a folder that `datasets` reads."""
    export(source, "messages", tmp_path / "m.jsonl")
    export(source, "hub", tmp_path / "hub")
    lines = (tmp_path / "m.jsonl").read_bytes().splitlines()
    assert [json.loads(line)["messages"] for line in lines] == [list(r.messages) for r in ROWS]
    loaded = datasets.load_dataset(
        str(tmp_path / "hub"), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert loaded["messages"] == [list(row.messages) for row in ROWS]


def test_a_conversation_that_nanochat_would_refuse_is_named() -> None:
    """It is found here and not in the middle of a training run."""
    with pytest.raises(DataError, match=r"c000003.*user's"):
        list(nanochat_lines([conversation(3, "hi", "hello", "bye")]))


def test_an_unknown_format_is_refused(source: Path, tmp_path: Path) -> None:
    """The message lists what there is."""
    with pytest.raises(UsageError, match="nanochat, messages, hub"):
        export(source, "csv", tmp_path / "x")


def test_a_damaged_source_is_not_exported(source: Path, tmp_path: Path) -> None:
    """No file is written from bytes that differ from the manifest."""
    with (source / "README.md").open("a") as out:
        out.write("x")
    with pytest.raises(CorruptError):
        export(source, "nanochat", tmp_path / "out.jsonl")
    assert not (tmp_path / "out.jsonl").exists()
