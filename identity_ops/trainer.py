"""The stages that need torch, run as processes of their own: base, train, answer.

Covers base specs, settings of a training, and what decides a result; the work itself is in
`training/`. Torch never enters this process, so a task that calls these stays small, and no GPU
memory outlives a training.
"""

from __future__ import annotations

import json
import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from identity_ops import hf_source, hostfile, launch, tracking, zero
from identity_ops.errors import ConfigError, DataError
from identity_ops.launch import OnLine
from identity_ops.recipes import Recipe, override, read
from identity_ops.records import Message
from identity_ops.store import manifest as manifests
from identity_ops.store.manifest import Manifest
from identity_ops.store.paths import Home
from identity_ops.store.sources import source_digest
from identity_ops.store.stage import Outcome, fingerprint, run_stage

FIGURES = "figures.json"
OnWeights = Callable[[str, list[float]], None]
BASES = "tiny, nanochat:DIR[@step] or hf:NAME_OR_DIR"
TINY_CODE = (
    "identity_ops.general", "identity_ops.probes.frames", "identity_ops.teachers.template",
    "identity_ops.tokens", "training.base", "training.corpus", "training.data", "training.gpt",
    "training.optim", "training.packing", "training.spelling", "training.tokenizer",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """How to train: a recipe with the caller's changes, and what it runs on."""

    recipe_name: str
    changes: tuple[str, ...]
    zero_stage: int = 2
    num_processes: int = 1
    track: str = "none"  # see tracking.py: decides nothing of the model
    offload: str = "none"  # to host memory: optimizer, or parameters too
    hostfile: Path | None = None  # see hostfile.py; num_processes are then its slots

    @classmethod
    def resolve(
        cls,
        base: str,
        *,
        recipe: str | None = None,
        epochs: float | None = None,
        learning_rate: float | None = None,
        zero_stage: int = 2,
        num_processes: int = 1,
        seed: int = 0,
        track: str = "none",
        offload: str = "none",
        hosts: Path | None = None,
    ) -> TrainSettings:
        """Settings for a base spec; None leaves what the recipe says.

        Raises:
            ConfigError: the recipe or a value is wrong, or the tracker is not ready.
        """
        tracking.require(track)
        values = {"epochs": epochs, "learning_rate": learning_rate, "seed": seed}
        changes = tuple(
            f"{name} = {value!r}" for name, value in values.items() if value is not None
        )
        num_processes = _processes(num_processes, hosts)
        settings = cls(
            recipe or recipe_name(base), changes, zero_stage, num_processes, track, offload, hosts
        )
        zero.check(settings.recipe, zero_stage, offload)
        if num_processes < 1:
            raise ConfigError("num_processes is at least 1", got=num_processes)
        if settings.recipe.sft.batch_rows % num_processes:
            raise ConfigError(
                "batch_rows of the recipe does not divide by num_processes",
                expected=f"a divisor of {settings.recipe.sft.batch_rows}", got=num_processes,
            )  # fmt: skip
        return settings

    @property
    def recipe(self) -> Recipe:
        return override(read(self.recipe_name), self.changes)


def _processes(asked: int, hosts: Path | None) -> int:
    """Of all machines together."""
    if hosts is None:
        return asked
    slots = hostfile.processes(hosts)
    if asked not in {1, slots}:
        raise ConfigError(
            "num_processes and the hostfile differ", where=hosts, expected=slots, got=asked,
            todo="Leave num_processes out: the hostfile's slots count.",
        )  # fmt: skip
    return slots


def recipe_name(base: str) -> str:
    """The recipe that goes with a base spec."""
    kind = base.partition(":")[0]
    if kind not in {"tiny", "nanochat", "hf"}:
        raise ConfigError("unknown base", expected=BASES, got=base)
    return kind


def recipe_for(base: str) -> Recipe:
    """The recipe of a base spec."""
    return read(recipe_name(base))


def base_key(spec: str, chat_template: Path | None = None) -> dict[str, Any]:
    """What decides a base: recipe and code for `tiny`, the files' hashes for one of the user's."""
    if spec.startswith("hf:"):
        given = manifests.file_hash(chat_template) if chat_template else ""
        return {"spec": "hf", "files": hf_source.hashes(_hf_folder(spec)), "template": given}
    if chat_template:
        raise ConfigError("a chat template is for hf: bases only", got=spec)
    recipe = recipe_for(spec)
    if spec == "tiny":
        assert recipe.pretrain is not None  # noqa: S101 (our own file)
        return {
            "spec": spec,
            "recipe": recipe.pretrain.model_dump(mode="json"),
            "code": source_digest(*TINY_CODE),
        }
    return {"spec": spec.partition(":")[0], "files": _hashes(spec)}


def _hashes(spec: str) -> dict[str, str]:
    """Hash of each file a user's base may consist of."""
    name, at, step = spec.partition(":")[2].partition("@")
    root = Path(name)
    wanted = f"model_{int(step):06d}.pt" if at and step.isdigit() else "model_*.pt"
    models = sorted(root.rglob(wanted))
    if not models:
        raise DataError("no model", where=root, expected=wanted)
    metas = [
        path.with_name(path.name.replace("model_", "meta_")).with_suffix(".json") for path in models
    ]
    picks = sorted(
        {*root.rglob("tokenizer.pkl"), *root.parent.parent.glob("tokenizer/tokenizer.pkl")}
    )
    files = [path for path in [*models, *metas, *picks] if path.is_file()]
    return {f"{number}/{path.name}": manifests.file_hash(path) for number, path in enumerate(files)}


def _hf_folder(spec: str) -> Path:
    return hf_source.folder_of(spec.removeprefix("hf:"))


def base_stage(
    spec: str, out: Path, *, chat_template: Path | None = None, on_line: OnLine | None = None,
    force: bool = False,
) -> Manifest:  # fmt: skip
    """Commit the base model of a spec, in nanochat's layout or, for `hf:`, in transformers'.

    Files: tokenizer/ and base_checkpoints/<tag>/, or what save_pretrained writes. Figures:
    parameters, and by kind: skills (accuracy by skill), curve, seconds; architecture,
    default_system (what the chat template says where nobody gives a system message), thinks
    (whether it asks the model to think unless told not to).
    """
    key = base_key(spec, chat_template)

    def work(folder: Path) -> Outcome:
        source = f"hf:{_hf_folder(spec)}" if spec.startswith("hf:") else spec
        argv = [
            "-m", "training.base", "--spec", source, "--recipe", recipe_name(spec),
            "--out", str(folder),
            *(("--chat-template", str(chat_template)) if chat_template else ()),
        ]  # fmt: skip
        launch.run(argv, marker=launch.marker_of(out), log=folder / ".base.log", on_line=on_line)
        return _outcome(folder)

    return run_stage("base", out, key, {}, work, force=force)


def base_folder(
    spec: str, home: Home, *, chat_template: Path | None = None, on_line: OnLine | None = None
) -> Path:
    """The folder of a base, made now or found in the cache; a committed folder stays as it is."""
    if (Path(spec) / manifests.FILE_NAME).is_file():
        return Path(spec)
    out = home.result("base", fingerprint("base", base_key(spec, chat_template), {}))
    base_stage(spec, out, chat_template=chat_template, on_line=on_line)
    return out


def _outcome(folder: Path) -> Outcome:
    figures = json.loads((folder / FIGURES).read_bytes())
    return Outcome(files=[*figures.pop("files"), FIGURES], figures=figures)


def train_key(settings: TrainSettings) -> dict[str, Any]:
    """What of the settings decides the trained model: not the number of processes."""
    return {
        "recipe": settings.recipe.model_dump(
            mode="json", exclude={"pretrain", "gate"}, exclude_none=True
        ),
        "zero_stage": settings.zero_stage,
    }


def train_stage(
    mix_dir: Path,
    base_dir: Path,
    out: Path,
    *,
    settings: TrainSettings,
    on_line: OnLine | None = None,
    force: bool = False,
) -> Manifest:
    """Fine-tune the base on the mixture; resumes where an earlier attempt left snapshots.

    Files: chatsft_checkpoints/<tag>/, tokenizer/, log.jsonl (a line a step: step, epoch, loss,
    identity_loss, general_loss, lr, tokens of the step, tokens_per_s, seconds since the start,
    seconds_left, memory_gb: the peak of each rank).
    Figures: steps, tokens, seconds, tokens_per_s, val_before and val_after by source, memory_gb of
    each rank, memory_of (GPU, or process: resident), curve.
    """
    inputs = {
        "mix": manifests.load(mix_dir).digest,
        "base": manifests.load(base_dir).digest,
    }

    def work(folder: Path) -> Outcome:
        argv = train_command(mix_dir, base_dir, folder, settings)
        launch.run(
            argv, marker=launch.marker_of(out), log=folder / ".train.log", on_line=on_line,
            processes=settings.num_processes, elsewhere=settings.hostfile is not None,
        )  # fmt: skip
        outcome = _outcome(folder)
        outcome.figures["curve"] = curve(folder / "log.jsonl")
        outcome.counts.update(outcome.figures["conversations"])
        _remove_snapshots(folder)
        return outcome

    return run_stage("train", out, train_key(settings), inputs, work, force=force)


def train_command(mix_dir: Path, base_dir: Path, out: Path, settings: TrainSettings) -> list[str]:
    """The command, after the interpreter: torchrun's, or over several machines DeepSpeed's."""
    module = [
        "training.sft",
        "--mixture", str(mix_dir), "--base", str(base_dir), "--out", str(out),
        "--recipe", settings.recipe_name, "--zero-stage", str(settings.zero_stage),
        "--track", settings.track, "--offload", settings.offload,
        *(part for change in settings.changes for part in ("--set", change)),
    ]  # fmt: skip
    if settings.hostfile is not None:
        return hostfile.command(settings.hostfile, module)
    return [
        "-m", "torch.distributed.run", "--nnodes", "1", "--rdzv-backend", "c10d",
        "--rdzv-endpoint", "127.0.0.1:0", "--local-addr", "127.0.0.1",
        "--rdzv-id", uuid.uuid4().hex[:8],
        "--nproc-per-node", str(settings.num_processes), "-m", *module,
    ]  # fmt: skip


def curve(log: Path, points: int = 200) -> list[dict[str, Any]]:
    """At most `points` lines of the training log, evenly spread, the last one included."""
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    stride = -(-len(lines) // points)
    return lines[::-1][::stride][::-1] if stride else []


def _remove_snapshots(folder: Path) -> None:
    """They served to resume; the model is exported."""
    for path in sorted((folder / ".snapshots").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


def answer(
    model_dir: Path,
    prompts: Iterable[tuple[str, Sequence[Message]]],
    *,
    max_tokens: int = 64,
    temperature: float = 0.0,
    seed: int = 0,
    choices: Mapping[str, Sequence[str]] = MappingProxyType({}),
    on_weights: OnWeights | None = None,
) -> dict[str, str]:
    """Id -> answer of a model for each prompt, decoded together.

    Args:
        model_dir: a folder in nanochat's layout; a chat model in it wins over a base model.
        prompts: (id, messages that end with the user's turn).
        choices: id -> the only answers there are to that prompt. Nothing is generated for it: its
            answer is the likeliest of them, by mean log-probability of a token.
        on_weights: gets id and these means, in the order of the choices.

    Raises:
        DataError: the model, or a prompt (named), cannot be used.
    """
    with tempfile.TemporaryDirectory(prefix="answer-") as scratch:
        asked, answered = Path(scratch) / "prompts.jsonl", Path(scratch) / "answers.jsonl"
        with asked.open("w", encoding="utf-8") as out:
            for name, messages in prompts:
                row = {"id": name, "messages": list(messages), "choices": choices.get(name, ())}
                out.write(json.dumps(row) + "\n")
        argv = [
            "-m", "training.answer", "--model", str(model_dir), "--prompts", str(asked),
            "--out", str(answered), "--max-tokens", str(max_tokens),
            "--temperature", str(temperature), "--seed", str(seed),
        ]  # fmt: skip
        launch.run(argv, marker=uuid.uuid4().hex, log=Path(scratch) / "log")
        return dict(_answers(answered, on_weights))


def _answers(path: Path, on_weights: OnWeights | None) -> Iterator[tuple[str, str]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if on_weights and "weights" in row:
                on_weights(row["id"], row["weights"])
            yield row["id"], row["answer"]
