"""Training recipes: one TOML file for each kind of base, read by the CLI and the DAG alike.

Every value is explained in `tiny.toml`. A recipe of your own is a copy with other values:
`identity-ops train --recipe my.toml`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from identity_ops.errors import ConfigError

FOLDER = Path(__file__).resolve().parent
Precision = Literal["auto", "float32", "bfloat16"]
Beta = Annotated[float, Field(ge=0, lt=1)]
Share = Annotated[float, Field(ge=0, le=1)]


class Settings(BaseModel):
    """Frozen, and strict about unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Pretrain(Settings):
    """How the embedded base is made. Absent where the base is the user's own."""

    vocabulary: int = Field(ge=512)
    sequence_len: int = Field(ge=32)
    layers: int = Field(ge=1)
    width: int = Field(ge=24)
    heads: int = Field(ge=1)
    steps: int = Field(ge=1)
    batch_rows: int = Field(ge=1)
    conversations: int = Field(ge=1)
    copied_terms: int = Field(ge=0)
    about_itself: int = Field(ge=0)
    asked: int = Field(ge=0)
    cut_words: float = Field(ge=0, lt=1)
    muon_rate: float = Field(gt=0)
    adam_rate: float = Field(gt=0)
    embedding_factor: float = Field(gt=0)
    scalar_factor: float = Field(gt=0)
    betas: tuple[Beta, Beta]
    warmup_steps: int = Field(ge=0)
    decay_share: float = Field(gt=0, le=1)
    clip: float = Field(gt=0)
    precision: Precision
    seed: int


class Sft(Settings):
    """How a base is fine-tuned on a mixture."""

    identity_share: float = Field(gt=0, le=1)
    epochs: float = Field(gt=0)
    learning_rate: float = Field(gt=0)
    embedding_factor: float = Field(gt=0)
    scalar_factor: float = Field(gt=0)
    betas: tuple[Beta, Beta]
    weight_decay: float = Field(ge=0)
    warmup_steps: int = Field(ge=0)
    decay_share: float = Field(gt=0, le=1)
    clip: float = Field(ge=0)  # 0: none
    row_tokens: int = Field(ge=16)
    batch_rows: int = Field(ge=1)
    micro_rows: int = Field(ge=1)
    hidden_words: float = Field(ge=0, lt=1)
    cut_words: float = Field(ge=0, lt=1)
    max_left_out: float = Field(ge=0, lt=1)
    precision: Precision
    checkpoint_seconds: float = Field(ge=0)
    validations: int = Field(1, ge=1)  # evenly spread; the best model is kept beside the last
    seed: int = 0
    control: bool = False  # train without identity rows, to measure what these cost


class HuggingFace(Settings):
    """What only a Hugging Face base needs."""

    attention: Literal["sdpa", "flex"] = "sdpa"
    loss_rows: int = Field(1024, ge=1)
    checkpoint_activations: bool = False


class Lora(Settings):
    """Low-rank adapters instead of full weights (Hu et al. 2021, "LoRA")."""

    rank: int = Field(ge=1)
    alpha: int = Field(ge=1)
    targets: tuple[str, ...] | Literal["all-linear"] = "all-linear"
    merge: bool = True


class Muon(Settings):
    """nanochat's optimizer: Muon for matrices, at learning_rate, and AdamW for the rest.

    Rates of AdamW are for 768 channels; they fall with the square root of the width.
    """

    embedding_rate: float = Field(gt=0)
    head_rate: float = Field(gt=0)
    scalar_rate: float = Field(gt=0)


class Rules(Settings):
    """What a model must reach at the gate, by bounds of 95 % intervals.

    Shares lie in [0, 1]; null (a TOML file: "off") leaves a rule out.
    """

    min_name_accuracy: Share = 0.95  # lower bound over name and creator probes
    max_over_identity: Share | None = 0.05  # upper bound: at most 2 of 172 ordinary answers
    max_rival_claims: Share | None = 0.01  # upper bound over all answers
    max_facts_at_zero: Annotated[int, Field(ge=0)] | None = 0
    min_facts_at_80: Share | None = None  # lower bound of the share of facts at 80 % or better
    max_forgetting: Share | None = 0.02  # loss of ability against the base, beyond doubt

    @field_validator("*", mode="before")
    @classmethod
    def _off(cls, value: object) -> object:
        return None if value == "off" else value


class Recipe(Settings):
    """One file."""

    pretrain: Pretrain | None = None
    sft: Sft
    gate: Rules = Rules()
    hf: HuggingFace | None = None
    lora: Lora | None = None
    muon: Muon | None = None
    deepspeed: dict[str, Any] = {}

    @property
    def identity_share(self) -> float:
        return self.sft.identity_share


def read(name: str | Path) -> Recipe:
    """The recipe in a file, or one of ours by its name ("tiny").

    Raises:
        ConfigError: no such file, not TOML, or every wrong value at once.
    """
    path = (
        FOLDER / f"{name}.toml"
        if "/" not in str(name) and not str(name).endswith(".toml")
        else Path(name)
    )
    try:
        return Recipe.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        known = ", ".join(sorted(found.stem for found in FOLDER.glob("*.toml")))
        raise ConfigError("no such recipe", where=path, expected=known, got=name) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"not TOML: {error}", where=path) from error
    except ValidationError as error:
        raise ConfigError(explain(error), where=path) from None


def explain(error: ValidationError) -> str:
    """All findings of a validation in one line."""
    return "; ".join(
        f"{'.'.join(map(str, item['loc']))}: {item['msg']} (got {item['input']!r})"
        for item in error.errors()
    )


def override(recipe: Recipe, changes: Sequence[str]) -> Recipe:
    """The recipe with [sft] values replaced: "epochs=3", each value as TOML writes it.

    Raises:
        ConfigError: not NAME=VALUE, an unknown name or a wrong value.
    """
    values = recipe.model_dump()
    for change in changes:
        try:
            values["sft"] |= tomllib.loads(change)
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"not NAME=VALUE: {error}", got=change) from error
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        raise ConfigError(explain(error), where="recipe") from None
