"""Conversations for the benchmark of near-duplicate removal: text that is never read by anybody."""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path

from identity_ops.catalogue import read_catalogue
from identity_ops.curate.dedup import text_of
from identity_ops.general import builtin
from identity_ops.knowledge import read_knowledge
from identity_ops.plan import plan
from identity_ops.teachers.template import TemplateTeacher

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE_SHARE = 0.05  # of the conversations
COPY_SHARE = 0.33  # of the others
CHANGED = (0.01, 0.12)  # of a copy's words
FRESH = 0.6  # of the sentences: the others are said in many conversations


def texts(count: int, seed: int) -> list[str]:
    """`count` texts in no order; the same for the same seed."""
    rng = random.Random(f"dedup/{seed}")
    found = _template(int(count * TEMPLATE_SHARE), seed)
    talk, new = _Talk(rng), list[str]()
    while len(found) < count:
        if new and rng.random() < COPY_SHARE:
            found.append(talk.changed(rng.choice(new)))
        else:
            new.append(talk.new())
            found.append(new[-1])
    rng.shuffle(found)
    return found


class _Talk:
    """Draws conversations of 2 to 8 turns and 20 to several hundred words."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        made = builtin.conversations("train", 5000, seed=1)
        self._said = [m["content"] for item in made for m in item.messages]
        self._words = sorted({word for text in self._said for word in text.split()})
        ranks = range(10, len(self._words) + 10)
        self._weights = list(itertools.accumulate(1 / rank for rank in ranks))
        rng.shuffle(self._words)

    def new(self) -> str:
        """A conversation like no other, but for the sentences that many say."""
        turns = 2 * self._rng.choices([1, 2, 3, 4], [4, 3, 2, 1])[0]
        return "\n".join(self._turn() for _ in range(turns))

    def changed(self, text: str) -> str:
        """A copy with some words replaced by others, each alone."""
        words = text.split(" ")
        many = max(1, int(self._rng.uniform(*CHANGED) * len(words)))
        for at in self._rng.sample(range(len(words)), many):
            words[at] = self._rng.choice(self._words)
        return " ".join(words)

    def _turn(self) -> str:
        sentences = max(1, int(self._rng.lognormvariate(0.7, 0.7)))
        return " ".join(self._sentence() for _ in range(sentences))

    def _sentence(self) -> str:
        if self._rng.random() > FRESH:
            return self._rng.choice(self._said)
        length = self._rng.randint(5, 24)
        return " ".join(self._rng.choices(self._words, cum_weights=self._weights, k=length)) + "."


def _template(count: int, seed: int) -> list[str]:
    knowledge = read_knowledge(ROOT / "knowledge" / "self_knowledge.md")
    teacher, catalogue = TemplateTeacher(knowledge), read_catalogue(None)
    cells = plan(knowledge, catalogue, num=count, seed=seed) if count else []
    answers = (teacher.complete(cell) for cell in cells if not cell.spare)
    return [text_of(json.loads(answer)["messages"]) for answer in answers]
