"""Answers labelled by hand: what graders and judges are held against. See labelled/README.md."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path

from identity_ops.knowledge import Knowledge, read_knowledge
from identity_ops.probes.build import build_probes
from identity_ops.records import Probe

FOLDER = Path(__file__).with_name("labelled")


@dataclass(frozen=True, slots=True)
class Labelled:
    """One answer with its label."""

    knowledge: str  # name of the knowledge base's file
    probe: Probe
    answer: str
    right: bool
    source: str  # model or written
    tricky: str  # how it is hard, "" where it is not

    def __str__(self) -> str:
        return f"{self.probe.question!r} -> {self.answer!r}, labelled {self.right}"


@functools.cache
def labelled() -> tuple[Labelled, ...]:
    """All of them whose probe is still built."""
    lines = (FOLDER / "answers.jsonl").read_text(encoding="utf-8").splitlines()
    found = []
    for row in map(json.loads, lines):
        name = row["knowledge"]
        probe = _probes(name).get(row["probe"])
        if probe is not None:
            found.append(Labelled(name, probe, row["answer"], row["right"], row["source"],
                                  row.get("tricky", "")))  # fmt: skip
    return tuple(found)


def knowledge_of(name: str) -> Knowledge:
    """The knowledge base of labelled answers."""
    return read_knowledge(FOLDER / f"{name}.md")


@functools.cache
def _probes(name: str) -> dict[str, Probe]:
    return {probe.id: probe for probe in build_probes(knowledge_of(name))}
