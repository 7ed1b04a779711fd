"""A stand-in for training, which takes minutes: it learns what the mixture holds often enough.

The stages around it are the real ones. A fact with fewer than NEED conversations stays unknown, so
that a run is weak where its data is thin, as a trained model is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from identity_ops import trainer
from identity_ops.knowledge import read_knowledge
from identity_ops.records import Message
from identity_ops.store import manifest as manifests
from identity_ops.store.manifest import Manifest
from identity_ops.store.stage import Outcome, run_stage
from tests.a_run import Oracle, probes_of
from tests.mix import samples

FILE = "learnt.json"


class Learner:
    """Takes the place of `identity_ops.trainer`; counts its trainings. A mixture without identity
    rows, a control's, teaches it nothing."""

    def __init__(self, knowledge: Path, need: int) -> None:
        self.knowledge, self.need = read_knowledge(knowledge), need
        self.probes = probes_of(self.knowledge)
        self.oracle = Oracle(self.knowledge, self.probes)
        self.trainings = 0

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(trainer, "base_stage", lambda _spec, out, **_: base(out))
        monkeypatch.setattr(trainer, "train_stage", self.train)
        monkeypatch.setattr(trainer, "answer", self.answer)

    def train(self, mix_dir: Path, base_dir: Path, out: Path, **_: Any) -> Manifest:
        mixed = manifests.load(mix_dir)
        inputs = {"mix": mixed.digest, "base": manifests.load(base_dir).digest}

        def work(folder: Path) -> Outcome:
            self.trainings += 1
            (folder / FILE).write_text(json.dumps(mixed.figures.get("exposures", {})))
            return Outcome(files=[FILE], figures={"tokens": 1, "seconds": 1.0})

        return run_stage("train", out, {}, inputs, work)

    def answer(
        self, model_dir: Path, prompts: Iterable[tuple[str, list[Message]]], **_: Any
    ) -> dict[str, str]:
        path = model_dir / FILE
        seen: dict[str, int] = json.loads(path.read_bytes()) if path.exists() else {}
        known = {fact for fact, count in seen.items() if count >= self.need}
        right = {p.id for p in self.probes if known.issuperset(p.fact_ids)}
        return {
            key: self.oracle.answers[key] if seen and key in right else "Tea." for key, _ in prompts
        }


def base(out: Path) -> Manifest:
    """A base's tokenizer, for the mixture."""
    samples.base(out)
    return manifests.load(out)
