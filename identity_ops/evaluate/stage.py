"""The evaluate stage: ask base and trained model the same probes, grade, count.

Files: samples.jsonl (every answer with its grade and why), scores.json (all figures). The models
are asked through the exported checkpoint, the same way `chat` does.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import pyarrow.parquet as pq

from identity_ops.errors import DataError
from identity_ops.evaluate.samples import Sample, judge, prompt
from identity_ops.evaluate.score import scores
from identity_ops.knowledge import Knowledge, read_knowledge
from identity_ops.probes.files import load_probes
from identity_ops.probes.leaks import LeakFinder, masked_phrases
from identity_ops.records import Message, Probe, write_jsonl
from identity_ops.store import manifest as manifests
from identity_ops.store.manifest import Manifest
from identity_ops.store.publish import write_atomic
from identity_ops.store.stage import Outcome, run_stage

log = logging.getLogger(__name__)
SAMPLES, SCORES = "samples.jsonl", "scores.json"


class Answer(Protocol):
    """How a model is asked: `identity_ops.trainer.answer`, or a stand-in of a test."""

    def __call__(
        self, model_dir: Path, prompts: Iterable[tuple[str, list[Message]]], *, max_tokens: int,
        temperature: float, seed: int,
    ) -> Mapping[str, str]: ...  # fmt: skip


def evaluate_stage(
    model_dir: Path,
    baseline_dir: Path | None,
    probes_dir: Path,
    lint_dir: Path,
    out: Path,
    *,
    mix_dir: Path | None = None,
    answer: Answer | None = None,
    max_tokens: int = 64,
    seed: int = 0,
    force: bool = False,
) -> Manifest:
    """Evaluate `model_dir` against `baseline_dir` (None: no "before").

    Args:
        probes_dir, lint_dir, mix_dir: committed results; the mixture tells which of the user's
            own probes training has seen.
        answer: asks a model; default `identity_ops.trainer.answer`, greedy.
        max_tokens: limit of each answer.

    Raises:
        DataError: an input is not committed, or a model left probes unanswered.
    """
    folders = {
        "model": model_dir, "baseline": baseline_dir, "probes": probes_dir, "lint": lint_dir,
        "mix": mix_dir,
    }  # fmt: skip
    inputs = {name: _digest(path) for name, path in folders.items() if path}
    ask = answer or trained_answer

    def work(folder: Path) -> Outcome:
        knowledge = read_knowledge(lint_dir)
        built, own = load_probes(probes_dir)
        seen = _seen(own, mix_dir, knowledge) if own and mix_dir else frozenset[str]()
        samples: list[Sample] = []
        for model, path in (("before", baseline_dir), ("after", model_dir)):
            if path is not None:
                answers = _answers(ask, path, [*built, *own], max_tokens, seed)
                samples += _judge([*built, *own], answers, model, knowledge, own, seen)
        return _commit(folder, samples, knowledge)

    config = {"max_tokens": max_tokens, "seed": seed, "temperature": 0.0}
    return run_stage("evaluate", out, config, inputs, work, force=force)


def load_scores(folder: Path) -> dict[str, Any]:
    """The figures of a committed evaluation."""
    found: dict[str, Any] = json.loads((folder / SCORES).read_bytes())
    return found


def _digest(folder: Path) -> str:
    """Of a committed result, or of the files of a model that was made elsewhere."""
    if (folder / manifests.FILE_NAME).exists():
        return manifests.load(folder).digest
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    if not names:
        raise DataError("no model here", where=folder, todo="Name a folder with a model.")
    entries = manifests.describe_files(folder, names)
    return manifests.canonical_hash([(entry.path, entry.sha256) for entry in entries])


def trained_answer(
    model_dir: Path, prompts: Iterable[tuple[str, list[Message]]], *, max_tokens: int,
    temperature: float, seed: int,
) -> Mapping[str, str]:  # fmt: skip
    """Ask a model in a process of its own, as `chat` does."""
    from identity_ops import trainer

    return trainer.answer(
        model_dir, prompts, max_tokens=max_tokens, temperature=temperature, seed=seed
    )


def _answers(
    ask: Answer, model: Path, probes: Sequence[Probe], max_tokens: int, seed: int
) -> Mapping[str, str]:
    log.info("evaluate: asking %s %d probes", model, len(probes))
    prompts = [(probe.id, prompt(probe)) for probe in probes]
    return ask(model, prompts, max_tokens=max_tokens, temperature=0.0, seed=seed)


def _judge(
    probes: Sequence[Probe], answers: Mapping[str, str], model: str, knowledge: Knowledge,
    own: Sequence[Probe], seen: frozenset[str],
) -> list[Sample]:  # fmt: skip
    from identity_ops.curate.rivals import rival_claims

    claims = {
        key: "; ".join(found)
        for key, text in answers.items()
        if (found := rival_claims(text, knowledge.profile))
    }
    ids = frozenset(probe.id for probe in own)
    return judge(probes, answers, model, facts=knowledge.facts, claims=claims, own=ids, seen=seen)


def _seen(own: Sequence[Probe], mix_dir: Path, knowledge: Knowledge) -> frozenset[str]:
    """Ids of the user's probes that a training turn equals or overlaps."""
    finder = LeakFinder(own, masked_phrases([knowledge.profile.name], knowledge.facts))
    found: set[str] = set()
    table = pq.ParquetFile(mix_dir / "train.parquet")
    for batch in table.iter_batches(columns=["source", "messages"]):
        for row in batch.to_pylist():
            if row["source"] == "identity":
                found |= finder.find_all(row["messages"])
    return frozenset(found)


def _commit(folder: Path, samples: Sequence[Sample], knowledge: Knowledge) -> Outcome:
    found = scores(samples, knowledge.facts)
    write_jsonl(folder / SAMPLES, samples)
    write_atomic(folder / SCORES, json.dumps(found, ensure_ascii=False, indent=1) + "\n")
    answered = [sample for sample in samples if sample.model == "after"]
    return Outcome(
        files=[SAMPLES, SCORES],
        counts={
            "probes": len(answered), "passed": sum(sample.passed for sample in answered),
            "own": sum(sample.own for sample in answered),
            "seen": sum(sample.seen for sample in answered),
        },
        figures={"rows": found["rows"], "headline": found["headline"]},
    )  # fmt: skip
