"""How far a judge can be trusted: answers with planted faults that no rule finds, and true ones.

planted.jsonl has them, labelled: values of one fact told as another's and negations of what the
shipped knowledge bases say, beside right answers of the same kinds. All of them pass the checks
of a single conversation, so that what is measured is what the judge adds.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from identity_ops.curate.judge import Judge
from identity_ops.evaluate.calibration import knowledge_of
from identity_ops.evaluate.stats import wilson
from identity_ops.generate.judging import Verdict
from identity_ops.records import Message, write_jsonl

PLANTED: Final = Path(__file__).with_name("planted.jsonl")
FILE: Final = "verdicts.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """One labelled answer. how: true, swap or negation."""

    id: str
    knowledge: str
    how: str
    question: str
    answer: str
    right: bool

    @property
    def messages(self) -> tuple[Message, ...]:
        user = Message(role="user", content=self.question)
        return user, Message(role="assistant", content=self.answer)


@dataclass(frozen=True, slots=True)
class Told:
    """What the judge said of one."""

    id: str
    how: str
    answer: str
    right: bool
    judged: bool | None
    words: str


@functools.cache
def planted() -> tuple[Planted, ...]:
    """All labelled answers, those of one knowledge base together."""
    lines = PLANTED.read_text(encoding="utf-8").splitlines()
    return tuple(Planted(**json.loads(line)) for line in lines)


def measure(judge: Judge, folder: Path) -> dict[str, Any]:
    """Ask the judge about every labelled answer; each verdict goes to verdicts.jsonl in `folder`.

    Returns:
        `precision` (of what it calls wrong, how much is), `recall` (of what is wrong, how much it
        finds) with `swap` and `negation` apart, `kept` (of the true ones, how many it leaves),
        `agreement`, each with its 95 % Wilson interval; `unclear`, `model`, `cost_usd`.

    Raises:
        CreditError and others: as `Judge.ask`.
    """
    rows, names = planted(), dict.fromkeys(row.knowledge for row in planted())
    pairs = [
        (knowledge_of(name), [row.messages for row in rows if row.knowledge == name])
        for name in names
    ]
    judged = judge.ask(folder, pairs)
    told = _told(rows, judged.verdicts)
    write_jsonl(folder / FILE, told)
    return agreement(told) | {"model": judged.model, "cost_usd": judged.cost_usd}


def agreement(told: Sequence[Told]) -> dict[str, Any]:
    """The figures of `measure`, from what was said; what is unclear finds nothing."""
    wrong = [one for one in told if not one.right]
    called = [one for one in told if one.judged is False]
    shares = {
        "precision": [not one.right for one in called],
        "recall": [one.judged is False for one in wrong],
        "swap": [one.judged is False for one in wrong if one.how == "swap"],
        "negation": [one.judged is False for one in wrong if one.how == "negation"],
        "kept": [one.judged is not False for one in told if one.right],
        "agreement": [one.judged is one.right for one in told],
    }
    return {
        "unclear": sum(one.judged is None for one in told),
        **{name: asdict(wilson(sum(marks), len(marks))) for name, marks in shares.items()},
    }


def _told(rows: Sequence[Planted], verdicts: Iterable[Verdict]) -> list[Told]:
    return [
        Told(row.id, row.how, row.answer, row.right, verdict.right, verdict.words)
        for row, verdict in zip(rows, verdicts, strict=True)
    ]
