"""Memory and packing on a general corpus of SmolTalk's size: 460,000 conversations.

    python -m benchmarks memory
    python -m benchmarks.memory [--rows N] [--processes N]   # here, with this environment

The conversations are made up, in two to eight turns, their lengths log-normal (mean about 800
tokens), none longer than a row of 2,048; SmolTalk itself needs the hub. They are written to Parquet
as `mix` writes them, tokenised as training does it, one epoch is packed, and every twentieth step's
batch laid out. Reported: the largest memory of the whole process tree (resident, pages that
processes share counted once), tokens/s, and how full the rows are.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from identity_ops import launch
from identity_ops.chat_format import NanochatFormat
from identity_ops.mix.table import SCHEMA
from identity_ops.tokens import load_encoding
from training import tokenizer
from training.corpus import Corpus
from training.data import Encoder, collate, load_mixture
from training.packing import Schedule

ROWS, ROW_TOKENS, BATCH, GROUP = 460_000, 2048, 32, 2000
MU, SIGMA, LIMIT = 8.2, 0.75, 10_200  # of the lengths in characters; longer ones are drawn again
DATA = "train.parquet"


class Peak:
    """The largest memory of this process and all below it, sampled five times a second."""

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
        while not self._ended.wait(0.2):
            total = 0
            for process in (me, *me.children(recursive=True)):
                with contextlib.suppress(psutil.NoSuchProcess):
                    total += process.memory_full_info().pss
            self.bytes = max(self.bytes, total)


def text() -> str:
    """A million made-up words of one to four syllables, from a vocabulary of 20,000."""
    rng = random.Random("words")
    parts = [a + b for a in "bcdfghklmnprstvw" for b in ("a", "e", "i", "o", "u", "an", "er", "in")]
    known = ["".join(rng.choices(parts, k=rng.choice((1, 2, 2, 3, 4)))) for _ in range(20_000)]
    return " ".join(rng.choices(known, k=1_000_000))


def conversations(count: int, source: str) -> Iterator[dict[str, Any]]:
    """Rows of a mixture, cut out of `source`; one in a thousand is about identity."""
    rng = random.Random("conversations")
    for number in range(count):
        length = LIMIT + 1  # in characters
        while length > LIMIT:
            length = int(rng.lognormvariate(MU, SIGMA))
        turns = 2 * rng.choice((1, 1, 2, 3, 4))
        starts = [rng.randrange(len(source) - length) for _ in range(turns)]
        messages = [
            {"role": ("user", "assistant")[n % 2], "content": source[at : at + length // turns + 8]}
            for n, at in enumerate(starts)
        ]
        name = "general" if number % 1000 else "identity"
        yield {
            "id": f"{name}-{number:06d}", "source": name, "skill": "", "messages": messages,
            "fact_ids": [], "part": -1, "tokens": 0,
        }  # fmt: skip


def make(folder: Path, count: int) -> None:
    """The mixture as Parquet, a row group at a time, and a tokenizer."""
    source = text()
    rows = conversations(count, source)
    with pq.ParquetWriter(folder / DATA, SCHEMA, compression="zstd") as out:
        for start in range(0, count, GROUP):
            group = [next(rows) for _ in range(min(GROUP, count - start))]
            out.write_table(pa.Table.from_pylist(group, schema=SCHEMA))
    tokenizer.save(tokenizer.train([source[:2_000_000]], 16_384), folder)


def use(corpus: Corpus) -> Schedule:
    """Pack an epoch and lay out batches, as training would."""
    schedule = Schedule(corpus.lengths, ROW_TOKENS, BATCH, 1.0, 0, corpus.parts)
    for step in range(0, schedule.steps, 20):
        batch = collate(corpus, schedule.rows_of(step), ROW_TOKENS)
        if len(set((batch.select // ROW_TOKENS).tolist())) < BATCH:
            raise RuntimeError(f"step {step} has a row without a supervised token")
    return schedule


def main() -> None:
    """Measure in a process of its own, with the settings that a training's process gets."""
    env = launch.environment("", Path(os.devnull))
    subprocess.run([sys.executable, "-m", "benchmarks.memory"], env=env, check=True)


def measure() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--processes", type=int, default=2)
    args = parser.parse_args()
    import deepspeed  # noqa: F401 (a training has it in memory, too)

    with tempfile.TemporaryDirectory(prefix="memory-") as scratch:
        folder = Path(scratch)
        # In a process of its own: what it leaves allocated is not training's.
        maker = multiprocessing.get_context("spawn").Process(target=make, args=(folder, args.rows))
        maker.start()
        maker.join()
        encode = Encoder(NanochatFormat(load_encoding(folder)), ROW_TOKENS)
        with Peak() as peak:
            started = time.perf_counter()
            corpus = load_mixture(folder / DATA, encode, 0.01, args.processes, folder / "tokens")
            took = time.perf_counter() - started
            schedule = use(corpus)
        report(corpus, schedule, peak.bytes, took, args.processes, folder / DATA)


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
    measure()
