"""A knowledge base drafted by a teacher from a README, and marked for review.

It is asked for as a conversation of two messages, the shape in which every teacher answers. What
the README does not say is marked line by line; lint refuses the file until a person has looked.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from identity_ops.curate.grounding import Source, ungrounded
from identity_ops.curate.parse import Limits, parse_messages
from identity_ops.errors import DataError, RejectedError
from identity_ops.generate.ledger import Ledger
from identity_ops.generate.stage import unknown_price
from identity_ops.knowledge import Knowledge, read_knowledge
from identity_ops.records import Cell
from identity_ops.store.manifest import canonical_hash
from identity_ops.teachers.base import Teacher, TeacherConfig, make_teacher
from identity_ops.teachers.spend import Account, Budget

PROMPT: Final = Path(__file__).with_name("prompt.md")
LIMITS: Final = Limits(messages=2, turn_chars=20_000, conversation_chars=24_000)
TRIES: Final = 3  # a model now and then misses the form
REVIEW: Final = "TODO: compare every line with {name}, correct it, then delete this line."
DOUBT: Final = "{line} (TODO: {name} does not say {what})"


@dataclass(frozen=True, slots=True)
class Draft:
    """A drafted knowledge base, and what it cost in US dollars."""

    text: str
    cost_usd: float


def from_model(readme: Path, config: TeacherConfig) -> Draft:
    """Have the teacher of `config` draft a knowledge base from a README.

    Raises:
        KnowledgeError: the README cannot be read, or is over the size cap.
        DataError: no answer could be used.
        ConfigError: a cap, and nobody says what a token costs.
        AuthError, CreditError, RequestError, ProviderError: as the teacher's `complete`.
    """
    knowledge = read_knowledge(readme)
    asked = config.model_copy(update={"prompt_file": str(PROMPT)})
    with contextlib.closing(make_teacher(asked, knowledge)) as teacher, _account(config) as account:
        teacher.preflight()
        if teacher.price() is None and config.max_cost_usd is not None:
            raise unknown_price()
        answer = _answer(teacher, _cell(knowledge), account)
        return Draft(_marked(answer, knowledge, readme.name), account.budget.spent_usd)


@contextlib.contextmanager
def _account(config: TeacherConfig) -> Iterator[Account]:
    """Books for one draft: nobody resumes it, so they are kept only as long as it takes."""
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder) / "ledger.jsonl")
        try:
            yield Account(Budget(config.max_cost_usd), ledger, retries=10)
        finally:
            ledger.shut()


def _answer(teacher: Teacher, cell: Cell, account: Account) -> str:
    reason = ""
    for attempt in range(TRIES):
        response = teacher.complete(cell, attempt, account)
        try:
            if response.finish_reason != "stop":
                raise RejectedError(response.finish_reason)
            messages = parse_messages(response.text, LIMITS)
            return messages[-1]["content"]
        except RejectedError as error:
            reason = error.what
    raise DataError(
        "the teacher wrote no draft that can be used", got=reason, expected="a knowledge base",
        todo="Try another model, or leave --teacher out.",
    )  # fmt: skip


def _marked(text: str, knowledge: Knowledge, name: str) -> str:
    """The draft with a first line that lint refuses, and a mark on each doubtful line."""
    source = Source([knowledge.text])
    lines: list[str] = [REVIEW.format(name=name), ""]
    for line in text.strip().splitlines():
        said = line.partition(":**")[2] or line
        if not line.startswith("#") and (gaps := ungrounded(said, [source])):
            what = ", ".join(gap.text for gap in gaps)
            line = DOUBT.format(line=line, name=name, what=what)
        lines.append(line)
    return "\n".join(lines) + "\n"


def _cell(knowledge: Knowledge) -> Cell:
    cell_id = canonical_hash(["draft", knowledge.fingerprint])[:16]
    return Cell(
        id=cell_id, index=0, kind="identity", category="drafting", topic="all that is known",
        persona="one of its makers", dynamic="one request and one answer", openers=(),
        language="en", turns=2, fact_ids=(), seed=0,
    )  # fmt: skip
