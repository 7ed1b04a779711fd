"""Trainings side by side: one turn is one training in a process of its own, on one thread.

Covers the clock that every trainer carries, the data that all of them get, and rounds of turns in
alternation. Each reports, for every optimizer step, its supervised tokens and its seconds from
the start of one step to the start of the next, so nothing a loop does between steps is left out.
"""

from __future__ import annotations

import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from identity_ops.general import builtin
from identity_ops.records import Message
from identity_ops.store.stage import Outcome, run_stage

ROOT = Path(__file__).resolve().parent.parent
ALONE = {  # a process group of one, as torchrun would describe it
    "RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1", "LOCAL_WORLD_SIZE": "1",
    "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "0",
}  # fmt: skip
WARM = 4  # steps at the start that do not count: caches fill, and compilers work


@dataclass(frozen=True, slots=True)
class Shape:
    """A model and the batch it is trained by."""

    layers: int
    width: int
    heads: int
    vocabulary: int
    row_tokens: int
    batch_rows: int


class Clock:
    """Marks the steps of a training; when enough are done it prints them and ends the process."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.began = time.perf_counter()  # torch and the trainer are imported by now
        self.starts: list[tuple[float, float]] = []  # wall and processor time
        self.tokens: list[int] = []

    def begin(self, tokens: int = 0) -> None:
        """A step begins, with so many supervised tokens as far as known; the last one is done."""
        self.starts.append((time.perf_counter(), time.process_time()))
        self.tokens.append(tokens)
        if len(self.starts) > self.steps:
            self._end()

    def add(self, tokens: int) -> None:
        """The step that runs has so many supervised tokens more."""
        if self.tokens:
            self.tokens[-1] += tokens

    def _end(self) -> None:
        pairs = itertools.pairwise(self.starts)
        steps = [
            (tokens, after[0] - before[0], after[1] - before[1])
            for tokens, (before, after) in zip(self.tokens, pairs, strict=False)
        ]
        first = self.starts[1][0] - self.began
        print("\nTURN " + json.dumps({"first": first, "steps": steps}), flush=True)
        os._exit(0)  # the process exists for this line: no checkpoint, no clean-up to wait for


@dataclass(frozen=True, slots=True)
class Turn:
    """What one training reported."""

    first: float  # seconds until the first step was done, imports left out
    steps: list[tuple[int, float, float]]  # supervised tokens, seconds, processor seconds

    @property
    def rate(self) -> float:
        """Supervised tokens a second, over the steps after the first WARM."""
        counted = self.steps[WARM:]
        return sum(step[0] for step in counted) / sum(step[1] for step in counted)

    @property
    def cpu_rate(self) -> float:
        """The same by processor time: what else runs on the machine hardly changes it."""
        counted = self.steps[WARM:]
        return sum(step[0] for step in counted) / sum(step[2] for step in counted)

    @property
    def wait(self) -> float:
        """Seconds that the first WARM steps took longer than later ones: compiling, mostly."""
        usual = statistics.median(step[1] for step in self.steps[WARM:])
        return sum(max(0.0, step[1] - usual) for step in self.steps[:WARM])


def take_turn(module: str, args: Sequence[object], env: Mapping[str, str] | None = None) -> Turn:
    """Run a module of this package as a training on one thread."""
    single = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{module}", *map(str, args)], cwd=ROOT,
        env=os.environ | single | dict(env or {}), capture_output=True, text=True,
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line.startswith("TURN ")]
    if not lines:
        raise RuntimeError(f"{module} measured nothing:\n{(done.stdout + done.stderr)[-4000:]}")
    found = json.loads(lines[-1].removeprefix("TURN "))
    return Turn(found["first"], [tuple(step) for step in found["steps"]])


def settings(row_tokens: int, batch_rows: int) -> list[str]:
    """Options of training.sft: batches of this shape, leaving the data as it is."""
    changes = {
        "row_tokens": row_tokens, "batch_rows": batch_rows, "micro_rows": batch_rows,
        "hidden_words": 0.0, "cut_words": 0.0, "control": "true", "checkpoint_seconds": 1e9,
        "epochs": 1000.0,
    }  # fmt: skip
    return [part for name, value in changes.items() for part in ("--set", f"{name}={value}")]


def talks(count: int) -> list[list[Message]]:
    """Conversations of the general chat that ships with the project."""
    return [list(item.messages) for item in builtin.conversations("train", count, seed=5)]


def write_mixture(folder: Path, found: Sequence[Sequence[Message]]) -> Path:
    """The conversations as a committed mixture, all of them general ones."""
    rows: list[dict[str, Any]] = [
        {"id": str(number), "source": "general", "skill": "", "messages": messages, "fact_ids": [],
         "part": -1, "tokens": 0}
        for number, messages in enumerate(found)
    ]  # fmt: skip

    def work(out: Path) -> Outcome:
        for name, part in (("train", rows), ("val", rows[:1])):
            pq.write_table(pa.Table.from_pylist(part), out / f"{name}.parquet")
        return Outcome(files=["train.parquet", "val.parquet"])

    run_stage("mix", folder, {"rows": len(rows)}, {}, work)
    return folder


def show(title: str, rounds: Sequence[Mapping[str, Turn]], ours: str) -> None:
    """Medians over rounds; ratios are taken within a round, and their range is shown."""
    print(f"\n{title}; one thread each, medians of {len(rounds)} rounds in alternation")
    print(
        f"{'':<28}{'supervised/s':>13}{'ours is':>9}{'(range)':>15}{'/CPU s':>9}{'ours is':>9}"
        f"{'(range)':>15}{'wait s':>8}{'1st step s':>12}"
    )
    for name in rounds[0]:
        turns = [found[name] for found in rounds]
        wall = [found[ours].rate / found[name].rate for found in rounds]
        cpu = [found[ours].cpu_rate / found[name].cpu_rate for found in rounds]
        print(
            f"{name:<28}{statistics.median(turn.rate for turn in turns):>13,.0f}{_ratio(wall)}"
            f"{statistics.median(turn.cpu_rate for turn in turns):>9,.0f}{_ratio(cpu)}"
            f"{max(turn.wait for turn in turns):>8.1f}{max(turn.first for turn in turns):>12.1f}"
        )


def _ratio(found: Sequence[float]) -> str:
    span = f"({min(found):.2f}-{max(found):.2f})"
    return f"{statistics.median(found):>8.2f}x{span:>15}"
