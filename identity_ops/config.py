"""The parameters of a run: one model for the DAG's form, the CLI and the pipeline.

Airflow checks a trigger against the JSON Schema but lets unknown keys pass, so `RunConfig.parse`
validates again and refuses what it does not know.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from identity_ops.errors import ConfigError
from identity_ops.records import Ascii
from identity_ops.tracking import Track

TEACHER_SLOTS = 4  # of the pool `teacher`: each generation task gets workers / TEACHER_SLOTS
ONE_LINE = r"^[^\x00-\x1f\x7f]*$"  # no control characters: it is shown, and sent on
MAX_BATCHES = 500  # Airflow stops a mapping at 1,024; the web UI gets slow long before

Teacher = Literal["template", "openrouter", "gemini", "openai"]
Stage = Literal[
    "lint", "plan", "generate", "refill", "curate", "base", "mix", "train", "evaluate", "gate",
    "publish",
]  # fmt: skip


class RunConfig(BaseModel):
    """Parameters of `identity_sft`. A null value means: as the base's recipe says."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    knowledge: str = Field(
        "self_knowledge.md",
        title="Knowledge base",
        description="Markdown file with the facts, relative to the knowledge/ folder.",
        examples=["self_knowledge.md", "examples/smarternano.md"],
        min_length=1,
    )
    probes: str | None = Field(
        None,
        title="Own probes",
        description="JSONL file with probes of your own, relative to the knowledge/ folder. "
        "They are asked beside the built ones.",
    )
    teacher: Teacher = Field(
        "template",
        title="Teacher",
        description="Who writes the conversations. template is built in: no key, no cost. The "
        "others use the connection openrouter_default, gemini_default or openai_default, else the "
        "key in the environment.",
    )
    teacher_model: str | None = Field(
        None,
        min_length=1,
        pattern=ONE_LINE,
        title="Teacher model",
        description="Model name at the provider. Empty: the default one; openai has none.",
        examples=["google/gemini-3-flash-preview", "gemini-3-flash-preview"],
    )
    num_conversations: int = Field(
        1000, ge=1, le=100_000, title="Conversations", description="Accepted conversations wanted."
    )
    batch_size: int = Field(
        50,
        ge=1,
        le=5000,
        title="Batch size",
        description="Conversations that one mapped task writes.",
    )
    temperature: float = Field(
        1.0,
        ge=0,
        le=2,
        title="Temperature",
        description="Sampling temperature of the teacher; template ignores it.",
    )
    catalogue: str | None = Field(
        None,
        title="Catalogue",
        description="YAML file with topics, personas, dynamics and openers, relative to the "
        "knowledge/ folder. Empty: knowledge/catalogue.yaml.",
    )
    prompt_file: str | None = Field(
        None,
        title="Prompt file",
        description="Own prompt for the teacher, relative to the knowledge/ folder. Empty: the "
        "shipped one; template uses none.",
    )
    personality: str | None = Field(
        None,
        min_length=1,
        max_length=500,
        title="Personality",
        description="How the assistant speaks, in a few words; template ignores it. Empty: as the "
        "knowledge base says.",
        examples=["calm and brief", "cheerful, with dry humour"],
    )
    ascii: Ascii = Field(
        "fold",
        title="Characters",
        description="fold: accents and typographic marks become plain ASCII. strict: a "
        "conversation with others is rejected. off: any script. What the knowledge base writes "
        "always stays.",
    )
    workers: int = Field(
        8,
        ge=1,
        le=512,
        title="Workers",
        description="Requests to the teacher at one time, over all batches.",
    )
    max_cost_usd: float | None = Field(
        None,
        ge=0,
        title="Spend cap (USD)",
        description="The plan fails where its forecast passes the cap; generation stops at it. "
        "Empty: no cap.",
    )
    price: str | None = Field(
        None,
        pattern=r"^\d+(\.\d+)?:\d+(\.\d+)?$",
        title="Price (USD a million tokens)",
        description="IN:OUT, as 0.5:3, where nobody lists the model's price: a spend cap needs "
        "one. Empty: the provider's or the shipped list's.",
    )
    curate_judge: str | None = Field(
        None,
        pattern=r"^(openrouter|gemini|openai)(:\S+)?$",
        title="Judge",
        description="PROVIDER or PROVIDER:MODEL. A model that reads each conversation for what "
        "rules cannot see, swapped facts and negations, and rejects with a reason; the spend cap "
        "is for it, too. `identity-ops check-judge` measures one. Empty: none.",
        examples=["openrouter", "openrouter:google/gemini-3-flash-preview", "gemini"],
    )
    max_requests_per_day: int | None = Field(
        None,
        ge=1,
        title="Requests a day",
        description="For free tiers: with this key on this machine, over all runs. Used up, "
        "generation stops; the same run goes on the next day. Empty: no limit.",
    )
    seed: int = Field(
        0,
        ge=0,
        le=2**32 - 1,
        title="Seed",
        description="The same inputs and seed give the same data, to the byte.",
    )
    general: tuple[str, ...] = Field(
        ("builtin",),
        min_length=1,
        title="General chat",
        description="Sources mixed with the identity data: builtin, a Parquet or JSONL file with "
        "messages, or hf:REPO[:split]. One a line; each may carry a weight, as SOURCE=2.",
    )
    identity_share: float | None = Field(
        None,
        gt=0,
        le=1,
        title="Identity share",
        description="Share of the mixture's tokens that teaches identity, between 0 and 1. "
        "Empty: as the base's recipe says.",
    )
    base_model: str = Field(
        "tiny",
        title="Base model",
        description="tiny (pretrained here in minutes, then cached), nanochat:DIR[@step], or "
        "hf:NAME_OR_DIR: a Hugging Face chat model, from the hub or a folder.",
        examples=["tiny", "nanochat:base_checkpoints/d12", "hf:Qwen/Qwen3-0.6B"],
        min_length=1,
    )
    chat_template: str | None = Field(
        None,
        title="Chat template",
        description="Jinja file for an hf: base that has no chat template or should have another, "
        "relative to the knowledge/ folder. Empty: the model's own.",
    )
    zero_stage: Literal[0, 1, 2, 3] = Field(
        2,
        title="ZeRO stage",
        description="What DeepSpeed splits over the processes: 0 nothing, 1 optimizer state, 2 "
        "gradients too, 3 weights too.",
    )
    num_processes: int = Field(
        1, ge=1, le=64, title="Processes", description="Training processes, one for each GPU."
    )
    epochs: float | None = Field(
        None,
        gt=0,
        le=1000,
        title="Epochs",
        description="Passes over the mixture. Empty: as the base's recipe says.",
    )
    learning_rate: float | None = Field(
        None,
        gt=0,
        le=1,
        title="Learning rate",
        description="Peak rate. Empty: as the base's recipe says.",
    )
    hostfile: str | None = Field(
        None,
        title="Hostfile",
        description="File with the machines to train on, a line each: NAME slots=N; relative to "
        "the knowledge/ folder. Its slots are then the processes. Empty: this machine alone.",
    )
    offload: Literal["none", "optimizer", "parameters"] = Field(
        "none",
        title="Offload",
        description="What is kept in the host's memory to save the GPU's: optimizer (ZeRO 1 to "
        "3), or parameters too (ZeRO 3). Slower.",
    )
    track: Track = Field(
        "none",
        title="Tracker",
        description="tensorboard or wandb: training tells its figures there, too. wandb takes "
        "its key from WANDB_API_KEY on the training worker.",
    )
    rounds: int = Field(
        1,
        ge=1,
        le=10,
        title="Rounds",
        description="At most so many rounds of teaching and training: each further one adds "
        "conversations about what failed, and none begins once the gate is met.",
    )
    round_conversations: int | None = Field(
        None,
        ge=1,
        le=100_000,
        title="Conversations of a further round",
        description="Empty: a quarter of Conversations.",
    )
    require_approval: bool = Field(
        False,
        title="Ask for approval",
        description="Wait for a person before training, after showing what was made.",
    )
    min_name_accuracy: float | None = Field(
        None,
        ge=0,
        le=1,
        title="Minimum name accuracy",
        description="The gate: lower bound of the 95 % interval over name and creator probes; "
        "empty: as the base's recipe says (0.95 but for the tiny base).",
    )
    samples: int = Field(
        0,
        ge=0,
        le=50,
        title="Drawn answers",
        description="How often the trained model is asked each probe again, at a temperature of "
        "0.7. 0: its likeliest answer alone.",
    )
    control: bool = Field(
        False,
        title="Matched control",
        description="Train a second model alike but without the identity rows, and tell what "
        "identity has cost beside it. Takes about half as long as the training again.",
    )
    rules: str | None = Field(
        None,
        title="Rules of the gate",
        description="TOML file with what the model must reach, relative to the knowledge/ folder; "
        "see `identity-ops gate --help`. Empty: as the base's recipe says.",
    )
    publish_as: str | None = Field(
        None,
        min_length=1,
        max_length=80,
        pattern=ONE_LINE,
        title="Publish as",
        description="Name of the published model. Empty: the name in the knowledge base.",
    )
    force: tuple[Stage, ...] = Field(
        (), title="Redo", description="Stages to make again although a result is there."
    )

    @classmethod
    def parse(cls, conf: Mapping[str, Any]) -> RunConfig:
        """The parameters in `conf`.

        Raises:
            ConfigError: every wrong value and unknown key at once.
        """
        try:
            return cls.model_validate(dict(conf))
        except ValidationError as error:
            lines = [_explain(dict(item)) for item in error.errors()]
            raise ConfigError("wrong parameters: " + "; ".join(lines), where="conf") from None

    @model_validator(mode="after")
    def _mappable(self) -> RunConfig:
        if self.batches > MAX_BATCHES:
            need = -(-self.num_conversations // MAX_BATCHES)
            raise ValueError(
                f"{self.batches} batches, at most {MAX_BATCHES} can be mapped: "
                f"set batch_size to {need} or more"
            )
        return self

    @property
    def batches(self) -> int:
        """Mapped generation tasks."""
        return -(-self.num_conversations // self.batch_size)


def _explain(item: dict[str, Any]) -> str:
    name = ".".join(map(str, item["loc"])) or "parameters"
    if item["type"] == "extra_forbidden":
        near = difflib.get_close_matches(name, RunConfig.model_fields, n=1)
        return f"{name}: unknown" + (f", did you mean {near[0]}?" if near else "")
    message = item["msg"].removeprefix("Value error, ")
    return f"{name}: {message} (got {item['input']!r})" if item["loc"] else message


STAGES: tuple[str, ...] = get_args(Stage)
