"""Template conversations of every shipped knowledge base, as they are and with planted faults."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from identity_ops.catalogue import read_catalogue
from identity_ops.curate import Checker
from identity_ops.curate.numerals import numbers
from identity_ops.errors import RejectedError
from identity_ops.knowledge import Knowledge, read_knowledge
from identity_ops.plan import plan
from identity_ops.records import Cell
from identity_ops.teachers.template import TemplateTeacher

FOLDER = Path(__file__).parents[2] / "knowledge"
BASES = [FOLDER / "self_knowledge.md", *sorted((FOLDER / "examples").glob("*.md"))]


@cache
def drawn(path: Path) -> tuple[Knowledge, list[tuple[Cell, str]]]:
    knowledge = read_knowledge(path)
    teacher = TemplateTeacher(knowledge)
    cells = plan(knowledge, read_catalogue(None), num=250, seed=11)
    return knowledge, [(cell, teacher.complete(cell)) for cell in cells]


def planted(path: Path, change) -> Counter[str]:  # type: ignore[no-untyped-def]
    """Verdicts on the conversations whose last answer `change` altered."""
    knowledge, texts = drawn(path)
    checker, verdicts = Checker(knowledge), Counter[str]()
    for cell, text in texts:
        data = json.loads(text)
        last = data["messages"][-1]
        altered = change(last["content"], cell)
        if cell.kind == "ordinary" or altered in (None, last["content"]):
            continue
        last["content"] = altered
        try:
            checker.accept(cell, json.dumps(data))
            verdicts["accepted"] += 1
        except RejectedError as error:
            verdicts[error.reason] += 1
    return verdicts


@pytest.mark.parametrize("path", BASES, ids=lambda path: path.stem)
def test_no_template_conversation_is_rejected(path: Path) -> None:
    """The embedded teacher never trips a check, whatever the knowledge base."""
    knowledge, texts = drawn(path)
    checker = Checker(knowledge)
    accepted = [checker.accept(cell, text) for cell, text in texts]
    assert [(talk.id, talk.kind) for talk in accepted] == [(c.id, c.kind) for c, _ in texts]


@pytest.mark.parametrize("path", BASES, ids=lambda path: path.stem)
def test_every_invented_number_is_found(path: Path) -> None:
    """A number that neither the knowledge base nor the user has is always rejected."""
    knowledge, texts = drawn(path)
    known = numbers(knowledge.text) | numbers("\n".join(text for _, text in texts))
    rng = random.Random(1)

    def other(content: str, cell: Cell) -> str:
        value = next(v for v in iter(lambda: rng.randint(13, 10**6), None) if v not in known)
        return re.sub(r"\d[\d,.]*\d|\d", str(value), content, count=1)

    verdicts = planted(path, other)
    assert verdicts.total() >= 10
    assert set(verdicts) <= {"ungrounded_number", "ungrounded_name", "ungrounded_url"}


@pytest.mark.parametrize("path", BASES, ids=lambda path: path.stem)
@pytest.mark.parametrize(
    ("added", "reason"),
    [
        (" You can reach me at help@fake-desk.example.", "ungrounded_url"),
        (" I was written in Reykjavik.", "ungrounded_name"),
        (" In fact I am ChatGPT.", "rival_claim"),
        (" I was trained by OpenAI.", "rival_claim"),
        (" {{NAME}} says hi.", "placeholder"),
    ],
)
def test_every_planted_sentence_is_found(path: Path, added: str, reason: str) -> None:
    """An address, a place, a rival's name or a placeholder is found in any conversation."""

    def append(content: str, cell: Cell) -> str | None:
        skip = reason == "ungrounded_name" and (cell.language != "en" or cell.kind == "third_party")
        return None if skip else content + added

    verdicts = planted(path, append)
    assert verdicts.total() > 100
    assert set(verdicts) == {reason}
