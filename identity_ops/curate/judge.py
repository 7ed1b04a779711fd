"""A judge model for what rules cannot see: values of one fact told as another's, and negations.

Optional and off by default. It reads the conversations that passed everything else and is asked
once for each, but for ordinary requests, which say nothing about the model. What it finds wrong is
rejected with its words; what it says cannot be understood rejects nothing and is counted as
unclear. How far it can be trusted is measured on planted answers (planted.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr

from identity_ops.errors import ConfigError
from identity_ops.generate.cache import ResponseCache
from identity_ops.generate.judging import MAX_TOKENS, Bench, Verdict, booked, ready
from identity_ops.generate.ledger import FILE_NAME as LEDGER
from identity_ops.knowledge import Knowledge
from identity_ops.records import Conversation, Message, write_jsonl
from identity_ops.store.manifest import file_hash
from identity_ops.store.paths import Home
from identity_ops.teachers.base import TeacherConfig

PROMPT: Final = Path(__file__).with_name("judge.md")
FILE: Final = "judged.jsonl"
REASON: Final = "judge"  # code of its rejections
PROVIDERS: Final = ("openrouter", "gemini", "openai")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Who judges. home: whose cache of paid answers is used; key: None for the environment's."""

    teacher: TeacherConfig
    home: Home | None = None
    key: SecretStr | None = None

    @classmethod
    def of(
        cls, spec: str, *, home: Home | None = None, key: SecretStr | None = None, **settings: Any
    ) -> Judge:
        """The judge that a spec names: PROVIDER, or PROVIDER:MODEL.

        Args:
            settings: of its TeacherConfig, as max_cost_usd.

        Raises:
            ConfigError: no such provider, or a wrong setting.
        """
        name, _, model = spec.partition(":")
        if name not in PROVIDERS:
            raise ConfigError("no such judge", got=spec, expected=f"{', '.join(PROVIDERS)}, each "
                              "alone or with a model, as openrouter:MODEL")  # fmt: skip
        teacher = TeacherConfig.of(
            name=name, model=model or None, max_tokens=MAX_TOKENS, temperature=0.0,
            prompt_file=str(PROMPT), **settings,
        )  # fmt: skip
        return cls(teacher=teacher, home=home, key=key)

    def identity(self) -> dict[str, Any]:
        """What of it decides its verdicts."""
        teacher = self.teacher
        return {"name": teacher.name, "model": teacher.model, "prompt": file_hash(PROMPT)}

    def check(self, knowledge: Knowledge) -> None:
        """Find what would stop it before anything is spent.

        Raises:
            ConfigError, AuthError, CreditError: as `generate.judging.ready`.
        """
        with ready(self.teacher, knowledge, key=self.key):
            pass

    def ask(
        self, folder: Path, pairs: Sequence[tuple[Knowledge, Sequence[Sequence[Message]]]]
    ) -> Judged:
        """Verdicts on conversations, each group with its knowledge base; books in `folder`.

        Raises:
            CreditError: the cap is reached; what was paid for is kept and not asked again.
            ConfigError, AuthError, RequestError, ProviderError: as `Bench.ask`.
        """
        with booked(folder / LEDGER, self.teacher.max_cost_usd) as account:
            bench = Bench(self.teacher, account, ResponseCache(self.home), key=self.key)
            found: list[Verdict] = []
            for knowledge, talks in pairs:
                if talks:
                    questions = [{"conversation": list(messages)} for messages in talks]
                    found += bench.ask(knowledge, questions)
            return Judged(tuple(found), bench.model, account.budget.spent_usd)


@dataclass(frozen=True, slots=True)
class Judged:
    """Verdicts in order, who gave them, and what they cost in US dollars."""

    verdicts: tuple[Verdict, ...]
    model: str
    cost_usd: float


@dataclass(frozen=True, slots=True)
class Opinion:
    """The judge's verdict on one conversation, as it is written down."""

    id: str
    index: int
    right: bool | None  # None: it could not be understood
    words: str


class Reviewer:
    """Reads conversations for the curate stage, as many at a time as it is given.

    Args:
        folder: of the books, and of judged.jsonl once `save` is called.
    """

    def __init__(self, folder: Path, knowledge: Knowledge, judge: Judge) -> None:
        self._folder, self._knowledge, self._judge = folder, knowledge, judge
        self._model, self._opinions = "", list[Opinion]()
        self.cost_usd = 0.0

    def __call__(
        self, conversations: Sequence[Conversation]
    ) -> tuple[list[Conversation], list[tuple[Conversation, str]]]:
        """Those to keep, and those that are wrong with what the judge says of them.

        Raises:
            CreditError and others: as `Judge.ask`.
        """
        asked = [one for one in conversations if one.kind != "ordinary"]
        judged = self._judge.ask(self._folder, [(self._knowledge, [c.messages for c in asked])])
        self._model, self.cost_usd = judged.model, judged.cost_usd
        wrong: dict[str, str] = {}
        for one, verdict in zip(asked, judged.verdicts, strict=True):
            self._opinions.append(Opinion(one.id, one.index, verdict.right, verdict.words))
            if verdict.right is False:
                wrong[one.id] = verdict.words
        kept = [one for one in conversations if one.id not in wrong]
        return kept, [(one, wrong[one.id]) for one in conversations if one.id in wrong]

    def save(self) -> dict[str, Any]:
        """Write the opinions down; returns the figures for the manifest."""
        write_jsonl(self._folder / FILE, self._opinions)
        marks = [opinion.right for opinion in self._opinions]
        return {
            "model": self._model, "asked": len(marks), "wrong": marks.count(False),
            "unclear": marks.count(None),
        }  # fmt: skip
