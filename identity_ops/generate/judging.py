"""Asking a judge model: questions in, verdicts out, through the teachers' client.

So keys, retries, the spend cap, the books and the cache of paid answers are those of generation.
Asked by curation (`curate/judge.py`) and by evaluation (`evaluate/judge.py`), each with a prompt of
its own, in which the question is one JSON object under "Topic".
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr

from identity_ops.curate.parse import parse_messages
from identity_ops.errors import RejectedError
from identity_ops.generate.cache import ResponseCache
from identity_ops.generate.ledger import Ledger
from identity_ops.generate.stage import unknown_price
from identity_ops.knowledge import Knowledge
from identity_ops.records import Cell
from identity_ops.store.manifest import canonical_hash
from identity_ops.teachers.base import Teacher, TeacherConfig, make_teacher
from identity_ops.teachers.spend import Account, Budget

TRIES: Final = 2  # answers to one question, where the first cannot be read
RETRIES: Final = 50  # sends beyond the first, over all questions
MAX_TOKENS: Final = 1024  # of one verdict, thoughts included


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the judge says: right, wrong, or None where it cannot be understood; and its words."""

    right: bool | None
    words: str


@contextlib.contextmanager
def booked(path: Path, cap_usd: float | None) -> Iterator[Account]:
    """An account with its books in `path`; what they hold from before counts against the cap."""
    ledger = Ledger(path)
    try:
        yield Account(Budget(cap_usd, ledger.spent_usd), ledger, retries=RETRIES)
    finally:
        ledger.shut()


@contextlib.contextmanager
def ready(
    config: TeacherConfig, knowledge: Knowledge, *, key: SecretStr | None = None
) -> Iterator[Teacher]:
    """The judge, once its key, its credit and its price are found in order.

    Raises:
        ConfigError: a cap, and nobody says what a token costs.
        AuthError, CreditError: as the teacher's `preflight`.
    """
    with contextlib.closing(make_teacher(config, knowledge, key=key)) as teacher:
        teacher.preflight()
        if teacher.price() is None and config.max_cost_usd is not None:
            raise unknown_price()
        yield teacher


class Bench:
    """Asks the judge, several questions at a time. `model`: who it turned out to be.

    Args:
        key: of the judge's provider; None: from the environment.
    """

    def __init__(
        self, config: TeacherConfig, account: Account, cache: ResponseCache, *,
        key: SecretStr | None = None,
    ) -> None:  # fmt: skip
        self._config, self._account, self._cache, self._key = config, account, cache, key
        self.model = config.model or config.name

    def ask(self, knowledge: Knowledge, questions: Sequence[Mapping[str, Any]]) -> list[Verdict]:
        """The verdicts in order.

        Raises:
            ConfigError: as `ready`.
            AuthError, CreditError, RequestError, ProviderError: as the teacher's `complete`; what
                was paid for is kept in the cache.
        """
        with (
            ready(self._config, knowledge, key=self._key) as teacher,
            ThreadPoolExecutor(self._config.workers) as pool,
        ):
            self.model = str(teacher.identity().get("model", self.model))
            try:
                return list(pool.map(lambda one: self._ask(teacher, cell_of(one)), questions))
            except BaseException:
                self._account.halted.set()
                pool.shutdown(cancel_futures=True)
                raise

    def _ask(self, teacher: Teacher, cell: Cell) -> Verdict:
        verdict = Verdict(None, "")
        for attempt in range(TRIES):
            response = self._cache.get(teacher.key(cell, attempt))
            if response is None:
                response = teacher.complete(cell, attempt, self._account)
                self._cache.put(response)
            verdict = read_verdict(response.text)
            if verdict.right is not None:
                break
        return verdict


def read_verdict(text: str) -> Verdict:
    """The verdict in a response, and its words."""
    try:
        said = parse_messages(text)[-1]["content"].strip()
    except RejectedError as error:
        return Verdict(None, error.what)
    word = said.lower().lstrip("\"'* ")
    return Verdict(
        True if word.startswith("right") else False if word.startswith("wrong") else None, said
    )


def cell_of(question: Mapping[str, Any]) -> Cell:
    """One question to the judge, as the teachers' client takes it."""
    text = json.dumps(question, ensure_ascii=False)
    return Cell(
        id=canonical_hash(["judge", text])[:16], index=0, kind="identity", category="an answer",
        topic=text, persona="somebody who checks", dynamic="one question and one verdict",
        openers=(), language="en", turns=2, fact_ids=(), seed=0,
    )  # fmt: skip
