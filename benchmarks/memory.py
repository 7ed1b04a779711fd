"""Memory and packing on a general corpus of SmolTalk's size: 460,000 conversations.

    python -m benchmarks memory [--rows N] [--processes N]

The conversations are made up: words drawn so that lengths in tokens follow a log-normal with a
median of 600 and a mean of about 800, cut at a row of 2,048, in two to eight turns; SmolTalk itself
needs the hub. They are written to Parquet as `mix` writes them, tokenised as training does it, and
one epoch is packed and every twentieth step's batch laid out. Reported: the largest memory of the
whole process tree (resident, shared pages counted for each process), tokens/s and how full rows are.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from identity_ops.chat_format import NanochatFormat
from identity_ops.mix.table import SCHEMA
from training import ranks, tokenizer
from training.corpus import Corpus
from training.data import Encoder, collate, load_mixture
from training.packing import Schedule

ROWS, ROW_TOKENS, BATCH, GROUP = 460_000, 2048, 32, 2000
WORDS = 20_000


class Peak:
    """The largest resident memory of this process and all below it, sampled ten times a second."""

    def __init__(self) -> None:
        self.bytes = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        me = psutil.Process()
        while not self._ended.wait(0.1):
            total = 0
            for process in (me, *me.children(recursive=True)):
                try:
                    total += process.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            self.bytes = max(self.bytes, total)


def words() -> list[str]:
    """Made-up words of one to four syllables."""
    rng = random.Random("words")
    parts = [a + b for a in "bcdfghklmnprstvw" for b in ("a", "e", "i", "o", "u", "an", "er", "in")]
    return ["".join(rng.choices(parts, k=rng.choice((1, 2, 2, 3, 4)))) for _ in range(WORDS)]


def conversations(count: int, known: list[str]) -> Iterator[dict[str, Any]]:
    """Rows of a mixture; one in a thousand is about identity."""
    rng = random.Random("conversations")
    for number in range(count):
        length = min(1450, max(12, int(rng.lognormvariate(6.22, 0.72))))  # in words
        turns = 2 * rng.choice((1, 1, 2, 3, 4))
        said = [" ".join(rng.choices(known, k=max(1, length // turns))) for _ in range(turns)]
        roles = ("user", "assistant")
        messages = [{"role": roles[n % 2], "content": text} for n, text in enumerate(said)]
        source = "general" if number % 1000 else "identity"
        yield {
            "id": f"{source}-{number:06d}", "source": source, "skill": "", "messages": messages,
            "fact_ids": [], "part": -1, "tokens": 0,
        }  # fmt: skip


def write(path: Path, count: int, known: list[str]) -> None:
    """The rows as Parquet, a row group at a time."""
    rows = conversations(count, known)
    with pq.ParquetWriter(path, SCHEMA, compression="zstd") as out:
        for start in range(0, count, GROUP):
            group = [next(rows) for _ in range(min(GROUP, count - start))]
            out.write_table(pa.Table.from_pylist(group, schema=SCHEMA))


def use(corpus: Corpus) -> Schedule:
    """Pack an epoch and lay out batches, as training would."""
    schedule = Schedule(corpus.lengths, ROW_TOKENS, BATCH, 1.0, 0, corpus.parts)
    for step in range(0, schedule.steps, 20):
        batch = collate(corpus, schedule.rows_of(step), ROW_TOKENS)
        supervised = (batch.select // ROW_TOKENS).unique()
        if len(supervised) < BATCH:
            raise RuntimeError(f"step {step} has a row without a supervised token")
    return schedule


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks memory")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--processes", type=int, default=ranks.encoding_processes(ROWS))
    args = parser.parse_args()
    known = words()
    with tempfile.TemporaryDirectory(prefix="memory-") as scratch:
        data = Path(scratch) / "train.parquet"
        write(data, args.rows, known)
        sample = (turn["content"] for row in conversations(3000, known) for turn in row["messages"])
        chat = NanochatFormat(tokenizer.train(sample, 16_384))
        with Peak() as peak:
            started = time.perf_counter()
            encode = Encoder(chat, ROW_TOKENS)
            corpus = load_mixture(data, encode, 0.02, args.processes, Path(scratch) / "tokens")
            took = time.perf_counter() - started
            schedule = use(corpus)
        report(corpus, schedule, peak.bytes, took, args.processes, data)


def report(
    corpus: Corpus, schedule: Schedule, peak: int, took: float, processes: int, data: Path
) -> None:  # fmt: skip
    """What was measured, and on what."""
    total, count = sum(corpus.lengths), len(corpus.lengths)
    median = sorted(corpus.lengths)[count // 2]
    left_out = ", ".join(f"{len(names)} {why}" for why, names in corpus.left_out.items())
    print(
        f"{count:,} conversations, {total:,} tokens (mean {total // count}, median {median}), "
        f"{data.stat().st_size / 1e9:.2f} GB of Parquet; left out: {left_out}"
    )
    print(f"tokenised in {took:.0f} s by {processes} processes: {total / took:,.0f} tokens/s")
    print(f"packed into {schedule.rows:,} rows of {ROW_TOKENS}: {schedule.fill:.3%} full")
    print(f"peak memory of the process tree: {peak / 1e9:.2f} GB ({os.cpu_count()} cores)")


if __name__ == "__main__":
    main()
