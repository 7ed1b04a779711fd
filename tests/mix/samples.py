"""A tokenizer, curated folders and general chat for the tests of the mixture."""

from __future__ import annotations

import json
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tiktoken

from identity_ops.curate.dataset import read_table, write_dataset
from identity_ops.mix.table import SCHEMA, MixRow
from identity_ops.records import Conversation, Probe, write_jsonl
from identity_ops.store.stage import Outcome, run_stage
from identity_ops.tokens import PICKLE, SPECIAL_TOKENS


def base(folder: Path, context: int = 512) -> Path:
    """A committed base: a tokenizer of single bytes and a checkpoint's description."""
    ranks = {bytes([byte]): byte for byte in range(256)}
    special = {name: 256 + n for n, name in enumerate(SPECIAL_TOKENS)}
    encoding = tiktoken.Encoding(
        "bytes", pat_str=r"[\s\S]", mergeable_ranks=ranks, special_tokens=special
    )

    def work(out: Path) -> Outcome:
        (out / PICKLE).parent.mkdir(parents=True)
        (out / PICKLE).write_bytes(pickle.dumps(encoding))
        meta = out / "base_checkpoints" / "tiny" / "meta_000010.json"
        meta.parent.mkdir(parents=True)
        meta.write_text(json.dumps({"model_config": {"sequence_len": context}}))
        return Outcome(files=[str(PICKLE), str(meta.relative_to(out))])

    run_stage("base", folder, {}, {}, work)
    return folder


def curated(folder: Path, rows: Sequence[Conversation]) -> Path:
    """A committed curate folder."""
    run_stage("curate", folder, {}, {}, lambda f: Outcome(files=write_dataset(f, rows, "Vela")))
    return folder


def probes(folder: Path, questions: Sequence[str]) -> Path:
    """A committed probes folder."""

    def work(out: Path) -> Outcome:
        rows = [Probe(id=f"p{n}", category="name", question=q) for n, q in enumerate(questions)]
        write_jsonl(out / "probes.jsonl", rows)
        return Outcome(files=["probes.jsonl"])

    run_stage("probes", folder, {}, {}, work)
    return folder


def jsonl(path: Path, talks: Sequence[Sequence[str]]) -> Path:
    """General chat, a list of turns each."""
    roles = ("user", "assistant")
    with path.open("w") as out:
        for turns in talks:
            messages = [{"role": roles[i % 2], "content": text} for i, text in enumerate(turns)]
            out.write(json.dumps({"messages": messages}) + "\n")
    return path


def rows_of(folder: Path, name: str = "train.parquet") -> list[MixRow]:
    """The rows of a mixture's file."""
    found = []
    for row in read_table(folder / name, SCHEMA):
        fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in row.items()}
        found.append(MixRow(**fields))
    return found
