"""Conversations about odd knowledge bases, for tests of the template teacher."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from identity_ops.catalogue import read_catalogue
from identity_ops.knowledge import Knowledge, read_knowledge
from identity_ops.plan import plan
from identity_ops.records import Cell, Message
from identity_ops.teachers.template import TemplateTeacher

ROOT = Path(__file__).resolve().parents[3]
BASES = sorted(Path(__file__).with_name("bases").glob("*.md"))
SHIPPED = [
    ROOT / "knowledge/self_knowledge.md",
    *sorted((ROOT / "knowledge/examples").glob("*.md")),
]
ALL = {path.stem: path for path in [*BASES, *SHIPPED]}


@cache
def base(name: str) -> Knowledge:
    """A knowledge base by the name of its file."""
    return read_knowledge(ALL[name])


@cache
def written(name: str, num: int = 300, seed: int = 0) -> tuple[tuple[Cell, list[Message]], ...]:
    """Main cells with the conversations that the teacher makes of them."""
    knowledge = base(name)
    teacher = TemplateTeacher(knowledge)
    cells = plan(knowledge, read_catalogue(), num=num, seed=seed)
    return tuple(
        (cell, json.loads(teacher.complete(cell))["messages"]) for cell in cells if not cell.spare
    )


def answers(name: str, num: int = 300) -> list[str]:
    """What the bot says in them."""
    return [turn["content"] for _, messages in written(name, num) for turn in messages[1::2]]


def own_answers(name: str, num: int = 300) -> list[str]:
    """The same without conversations of ordinary requests."""
    return [
        turn["content"]
        for cell, messages in written(name, num)
        if cell.kind != "ordinary"
        for turn in messages[1::2]
    ]
