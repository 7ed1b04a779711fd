"""The hand-labelled answers, each with the probe that it answers."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path

from identity_ops.knowledge import read_knowledge
from identity_ops.records import Probe
from tests.a_run import probes_of

FOLDER = Path(__file__).with_name("labelled")


@dataclass(frozen=True, slots=True)
class Labelled:
    """One answer with its label."""

    probe: Probe
    answer: str
    right: bool
    source: str
    tricky: str

    def __str__(self) -> str:
        return f"{self.probe.question!r} -> {self.answer!r}, labelled {self.right}"


@functools.cache
def labelled() -> tuple[Labelled, ...]:
    """All of them whose probe is still built."""
    lines = (FOLDER / "answers.jsonl").read_text(encoding="utf-8").splitlines()
    found = []
    for row in map(json.loads, lines):
        probe = _probes(row["knowledge"]).get(row["probe"])
        if probe is not None:
            found.append(
                Labelled(probe, row["answer"], row["right"], row["source"], row.get("tricky", ""))
            )
    return tuple(found)


@functools.cache
def _probes(knowledge: str) -> dict[str, Probe]:
    return {p.id: p for p in probes_of(read_knowledge(FOLDER / f"{knowledge}.md"))}
