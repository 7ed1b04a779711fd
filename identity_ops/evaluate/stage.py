"""The evaluate stage: ask base and trained model the same probes, grade, count.

Files: samples.jsonl (every answer with its grade and why), choices.jsonl (the same for multiple
choice), scores.json (all figures); where asked for, drawn.jsonl (the trained model's answers at a
temperature) and control.jsonl (those of the matched control). The models are asked through the
exported checkpoint, the same way `chat` does.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

from identity_ops.errors import DataError
from identity_ops.evaluate import drawn
from identity_ops.evaluate.against import FILE as CONTROL
from identity_ops.evaluate.against import against_control, asked_of_control, general_losses
from identity_ops.evaluate.choices import FILE as CHOICES
from identity_ops.evaluate.choices import add_row, choice_samples
from identity_ops.evaluate.choices import prompts as choice_prompts
from identity_ops.evaluate.samples import Sample, judge, prompt
from identity_ops.evaluate.score import scores
from identity_ops.knowledge import Knowledge, read_knowledge
from identity_ops.probes.choices import ChoiceProbe
from identity_ops.probes.files import load_choices, load_probes
from identity_ops.probes.leaks import LeakFinder, masked_phrases
from identity_ops.records import Message, Probe, write_jsonl
from identity_ops.store import manifest as manifests
from identity_ops.store.manifest import Manifest
from identity_ops.store.publish import write_atomic
from identity_ops.store.stage import Outcome, run_stage

log = logging.getLogger(__name__)
SAMPLES, SCORES, DRAWN = "samples.jsonl", "scores.json", "drawn.jsonl"
MORE = {"control": CONTROL, "drawn": DRAWN}  # figures that were asked for, and their answers


class Answer(Protocol):
    """How a model is asked: `identity_ops.trainer.answer`, or a stand-in of a test."""

    def __call__(
        self, model_dir: Path, prompts: Iterable[tuple[str, list[Message]]], *, max_tokens: int,
        temperature: float, seed: int, **choices: Any,
    ) -> Mapping[str, str]: ...  # fmt: skip


def evaluate_stage(
    model_dir: Path,
    baseline_dir: Path | None,
    probes_dir: Path,
    lint_dir: Path,
    out: Path,
    *,
    mix_dir: Path | None = None,
    control_dir: Path | None = None,
    answer: Answer | None = None,
    max_tokens: int = 64,
    draws: int = 0,
    seed: int = 0,
    force: bool = False,
) -> Manifest:
    """Evaluate `model_dir` against `baseline_dir` (None: no "before").

    Args:
        probes_dir, lint_dir, mix_dir: committed results; the mixture tells which of the user's
            own probes training has seen.
        control_dir: a model that was trained alike without identity rows.
        answer: asks a model; default `identity_ops.trainer.answer`, greedy.
        max_tokens: limit of each answer.
        draws: how many times to ask the trained model each probe again, at a temperature.

    Raises:
        DataError: an input is not committed, or a model left probes unanswered.
    """
    folders = {
        "model": model_dir, "baseline": baseline_dir, "probes": probes_dir, "lint": lint_dir,
        "mix": mix_dir, "control": control_dir,
    }  # fmt: skip
    inputs = {name: _digest(path) for name, path in folders.items() if path}

    def work(folder: Path) -> Outcome:
        exam = _Exam.of(
            probes_dir, lint_dir, mix_dir, ask=answer or trained_answer, max_tokens=max_tokens,
            seed=seed,
        )  # fmt: skip
        asked = [exam.take(baseline_dir, "before")] if baseline_dir else []
        asked.append(exam.take(model_dir, "after"))
        samples, chosen = (list(chain(*parts)) for parts in zip(*asked, strict=True))
        found = scores(samples, exam.knowledge.facts)
        add_row(found["rows"], chosen)
        write_jsonl(folder / CHOICES, chosen)
        if control_dir:
            theirs = exam.of_control(control_dir)
            write_jsonl(folder / CONTROL, theirs)
            after = [sample for sample in samples if sample.model == "after"]
            found["control"] = against_control(
                theirs, after, general_losses(model_dir, control_dir)
            )
        if draws:
            again = exam.draw(model_dir, draws)
            write_jsonl(folder / DRAWN, again)
            found["drawn"] = drawn.drawn_scores(again, draws)
        return _commit(folder, samples, found)

    config = {"max_tokens": max_tokens, "seed": seed, "temperature": 0.0, "draws": draws}
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
    temperature: float, seed: int, **choices: Any,
) -> Mapping[str, str]:  # fmt: skip
    """Ask a model in a process of its own, as `chat` does."""
    from identity_ops import trainer

    return trainer.answer(
        model_dir, prompts, max_tokens=max_tokens, temperature=temperature, seed=seed, **choices
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Exam:
    """The probes, and how a model is asked them and graded."""

    knowledge: Knowledge
    probes: Sequence[Probe]
    choices: Sequence[ChoiceProbe]
    own: frozenset[str]  # ids of the user's probes, and of those that training has seen
    seen: frozenset[str]
    ask: Answer
    max_tokens: int
    seed: int

    @classmethod
    def of(
        cls, probes_dir: Path, lint_dir: Path, mix_dir: Path | None, *, ask: Answer,
        max_tokens: int, seed: int,
    ) -> _Exam:  # fmt: skip
        knowledge = read_knowledge(lint_dir)
        built, own = load_probes(probes_dir)
        seen = _seen(own, mix_dir, knowledge) if own and mix_dir else frozenset[str]()
        return cls(
            knowledge=knowledge, probes=[*built, *own], choices=load_choices(probes_dir),
            own=frozenset(p.id for p in own), seen=seen, ask=ask, max_tokens=max_tokens, seed=seed,
        )  # fmt: skip

    def take(self, path: Path, model: str) -> tuple[list[Sample], list[Sample]]:
        """The likeliest answers of the model in `path`, graded, and those chosen of several."""
        asked = [(probe.id, prompt(probe)) for probe in self.probes]
        choices = {probe.id: probe.choices for probe in self.choices}
        weights: dict[str, list[float]] = {}
        answers = self._answers(
            path, [*asked, *choice_prompts(self.choices)], 0.0, choices=choices,
            on_weights=weights.__setitem__,
        )  # fmt: skip
        spoken = {key: text for key, text in answers.items() if key not in choices}
        return self._grade(spoken, model), choice_samples(self.choices, answers, weights, model)

    def of_control(self, path: Path) -> list[Sample]:
        """The likeliest answers of a control to what it can be asked, graded."""
        part = replace(self, probes=asked_of_control(self.probes), choices=())
        return part.take(path, "control")[0]

    def draw(self, path: Path, count: int) -> list[Sample]:
        """Answers drawn at random, `count` to each probe, graded."""
        answers = self._answers(path, drawn.prompts(self.probes, count), drawn.TEMPERATURE)
        return [
            replace(sample, draw=number)
            for number, part in drawn.by_draw(answers, count)
            for sample in self._grade(part, "after")
        ]

    def _answers(
        self, path: Path, asked: Sequence[tuple[str, list[Message]]], temperature: float,
        **choices: Any,
    ) -> Mapping[str, str]:  # fmt: skip
        log.info("evaluate: asking %s %d questions", path, len(asked))
        return self.ask(
            path, asked, max_tokens=self.max_tokens, temperature=temperature, seed=self.seed,
            **choices,
        )  # fmt: skip

    def _grade(self, answers: Mapping[str, str], model: str) -> list[Sample]:
        from identity_ops.curate.rivals import rival_claims

        claims = {
            key: "; ".join(found)
            for key, text in answers.items()
            if (found := rival_claims(text, self.knowledge.profile))
        }
        return judge(
            self.probes, answers, model, facts=self.knowledge.facts, claims=claims, own=self.own,
            seen=self.seen,
        )  # fmt: skip


def _seen(own: Sequence[Probe], mix_dir: Path, knowledge: Knowledge) -> frozenset[str]:
    """Ids of the user's probes that a training turn equals or overlaps."""
    import pyarrow.parquet as pq  # heavy, and Airflow's web pages read evaluations, too

    finder = LeakFinder(own, masked_phrases([knowledge.profile.name], knowledge.facts))
    found: set[str] = set()
    table = pq.ParquetFile(mix_dir / "train.parquet")
    for batch in table.iter_batches(columns=["messages"]):
        for row in batch.to_pylist():
            found |= finder.find_all(row["messages"])
    return frozenset(found)


def _commit(folder: Path, samples: Sequence[Sample], found: Mapping[str, Any]) -> Outcome:
    write_jsonl(folder / SAMPLES, samples)
    write_atomic(folder / SCORES, json.dumps(found, ensure_ascii=False, indent=1) + "\n")
    answered = [sample for sample in samples if sample.model == "after"]
    return Outcome(
        files=[SAMPLES, CHOICES, SCORES, *(file for name, file in MORE.items() if name in found)],
        counts={
            "probes": len(answered), "passed": sum(sample.passed for sample in answered),
            "own": sum(sample.own for sample in answered),
            "seen": sum(sample.seen for sample in answered),
        },
        figures={name: found[name] for name in ("rows", "headline", *MORE) if name in found},
    )  # fmt: skip
