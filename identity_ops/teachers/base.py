"""The interface of a teacher, its settings, and the embedded one.

A teacher turns a cell into a response. A new provider is one short module with a class that has
these methods, and a line in `make_teacher`.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from identity_ops.errors import ConfigError
from identity_ops.knowledge import Knowledge
from identity_ops.records import Ascii, Cell, Response
from identity_ops.store.manifest import canonical_hash
from identity_ops.store.sources import source_digest
from identity_ops.teachers.spend import Account, Estimate, Price, Purse


class TeacherConfig(BaseModel):
    """Who writes, and how. Holds no key: keys come from the environment or a connection."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Literal["template", "openrouter", "gemini", "openai"] = "template"
    model: str | None = Field(None, description="Model at the provider; null: its default.")
    temperature: float = Field(1.0, ge=0, le=2, allow_inf_nan=False)
    max_tokens: int = Field(4096, ge=64, le=131_072, description="Limit of one response.")
    base_url: str | None = Field(None, description="Null: from the environment.")
    prompt_file: str | None = Field(None, description="Own prompt instead of the shipped one.")
    personality: str | None = Field(
        None, max_length=500, description="How the assistant speaks; null: as the knowledge says."
    )
    ascii: Ascii = Field("fold", description="Characters of the conversations.")
    workers: int = Field(8, ge=1, le=512, description="Requests in flight.")
    max_cost_usd: float | None = Field(None, ge=0, allow_inf_nan=False, description="Hard cap.")
    price: Price | None = Field(None, description="Where the provider publishes none.")
    max_requests_per_day: int | None = Field(
        None, ge=1, description="For free tiers; over all runs with the same key."
    )
    timeout_s: float = Field(180.0, gt=0, le=3600, description="For one request, body and all.")
    attempts: int = Field(6, ge=1, le=20, description="Sends of one request before it fails.")
    backoff_s: float = Field(1.0, gt=0, le=60, description="First wait; doubles, with jitter.")
    max_wait_s: float = Field(60.0, gt=0, le=3600, description="Cap of any wait, asked or own.")

    @classmethod
    def of(cls, **values: Any) -> TeacherConfig:
        """The settings in `values`.

        Raises:
            ConfigError: every wrong value at once.
        """
        try:
            return cls(**values)
        except ValidationError as error:
            wrong = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
            raise ConfigError("wrong teacher settings: " + "; ".join(wrong)) from None


class Teacher(Protocol):
    """What generation needs of a teacher. Methods are called from several threads."""

    free: bool  # answers cost nothing and can be made again to the byte

    def identity(self) -> dict[str, Any]:
        """JSON-able: all of the teacher that decides its responses."""

    def preflight(self) -> bool:
        """Find a missing or wrong key and an empty account, with one request at most.

        Returns:
            Whether the provider has looked at the key; False: it has no page that does.

        Raises:
            AuthError: no key, or the provider refuses it.
            CreditError: nothing is left to spend.
        """

    def offered(self) -> list[str]:
        """Names of the provider's models; empty where nobody lists them."""

    def purse(self) -> Purse:
        """Whose requests of a day are counted together."""

    def price(self, *, ask: bool = True) -> Price | None:
        """What tokens cost; None where nobody says.

        Args:
            ask: False: only what is known without a request.
        """

    def forecast(self, cell: Cell) -> Estimate:
        """What one request for this cell is likely to take."""

    def key(self, cell: Cell, attempt: int) -> str:
        """Hash of all that is asked; the same key is never paid for twice."""

    def complete(self, cell: Cell, attempt: int, account: Account) -> Response:
        """The answer, whatever its finish reason.

        Raises:
            ProviderError: no usable answer after the bounded attempts.
            RejectedError: the provider declines this one prompt.
            CreditError, AuthError, RequestError: asking on is of no use.
        """

    def close(self) -> None:
        """Give connections back."""


class TemplateAnswers:
    """The embedded teacher behind the interface of the paid ones."""

    free = True

    def __init__(self, knowledge: Knowledge) -> None:
        from identity_ops.teachers.template import TemplateTeacher

        self._teacher = TemplateTeacher(knowledge)
        code = source_digest("identity_ops.teachers.template", "identity_ops.language")
        self._identity = {"teacher": "template", "code": code[:16]}
        self._stem = canonical_hash([self._identity, knowledge.fingerprint])

    def identity(self) -> dict[str, Any]:
        return dict(self._identity)

    def preflight(self) -> bool:
        """Nothing to find: no key, no account."""
        return True

    def offered(self) -> list[str]:
        return []

    def purse(self) -> Purse:
        return Purse("template", "UTC")

    def price(self, *, ask: bool = True) -> Price | None:  # noqa: ARG002 - the interface's
        return Price(prompt=0.0, completion=0.0, source="nobody is asked")

    def forecast(self, cell: Cell) -> Estimate:  # noqa: ARG002 - the interface's
        return Estimate(0, 0, 0.0)

    def key(self, cell: Cell, attempt: int) -> str:
        return canonical_hash([self._stem, dataclasses.asdict(cell), attempt])

    def complete(self, cell: Cell, attempt: int, account: Account) -> Response:  # noqa: ARG002
        return Response(
            id=cell.id, key=self.key(cell, attempt), attempt=attempt,
            text=self._teacher.complete(cell, attempt), finish_reason="stop",
            provider="template", model="template", prompt_tokens=0, cached_tokens=0,
            completion_tokens=0, cost_usd=0.0, latency_s=0.0,
        )  # fmt: skip

    def close(self) -> None:
        """Nothing to give back."""


def make_teacher(
    config: TeacherConfig, knowledge: Knowledge, *, key: SecretStr | None = None
) -> Teacher:
    """The teacher that `config` names.

    Args:
        key: the API key where the caller has it (an Airflow connection); otherwise it is looked
            for in the environment, `.env` and the key file when it is first needed.

    Raises:
        ConfigError: a wrong address, prompt file or model.
    """
    if config.name == "template":
        return TemplateAnswers(knowledge)
    if config.name == "openrouter":
        from identity_ops.teachers.openrouter import OpenRouterTeacher

        return OpenRouterTeacher(config, knowledge, key=key)
    if config.name == "gemini":
        from identity_ops.teachers.gemini import GeminiTeacher

        return GeminiTeacher(config, knowledge, key=key)
    from identity_ops.teachers.openai import OpenAITeacher

    return OpenAITeacher(config, knowledge, key=key)
