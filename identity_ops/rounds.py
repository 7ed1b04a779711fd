"""Rounds: where the gate is not met, more conversations about what failed, and training again.

    runs/<run_id>/rounds/2/   plan, generate/, refill, curate, mix, train, evaluate of round 2

Round 1 is the run itself. Each further round has a plan of its own, focused on the evaluation
before it (see `focus.py`); its conversations are curated together with all earlier ones, mixed,
and the base is trained on them anew. The knowledge base, the probes and the base are the run's, so
rounds are comparable probe by probe. `report.run.RunFolder` reads the last finished round's model
and evaluation as the run's.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from identity_ops.config import TEACHER_SLOTS
from identity_ops.pipeline import OnLine, Run
from identity_ops.run_results import Ref
from identity_ops.store import manifest as manifests

log = logging.getLogger(__name__)
FOLDER: Final = "rounds"
SHARE: Final = 0.25  # of the run's conversations: the size of a further round
SHARED: Final = frozenset({"lint", "probes", "base", "control"})


class Round(Run):
    """One further round of a run. Stages are the run's, on more and other conversations.

    Args:
        before: the round before it; the run itself is the first.
    """

    def __init__(self, run: Run, before: Run, number: int) -> None:
        self.run, self.before, self.number = run, before, number
        changes = {
            "num_conversations": round_size(run), "max_cost_usd": left_to_spend(run),
            "rounds": 1,
        }  # fmt: skip
        super().__init__(
            run.run_id, run.config.model_dump() | changes, run.home, find_access=run.find_access
        )

    @property
    def folder(self) -> Path:
        return self.run.folder / FOLDER / str(self.number)

    def path(self, stage: str) -> Path:
        """As of a run; what all rounds share is the run's."""
        return self.run.path(stage) if stage in SHARED else super().path(stage)

    def make(self, on_line: OnLine | None = None) -> Ref:
        """Every stage of the round."""
        self.plan()
        with ThreadPoolExecutor(TEACHER_SLOTS) as pool:
            list(pool.map(self.generate, range(self.config.batches)))
        for stage in (self.refill, self.curate, self.mix):
            stage()
        self.train(on_line)
        return self.measure()

    def focus(self) -> Path | None:
        return self.before.path("evaluate")

    @property
    def part(self) -> int:
        return self.number - 1

    def earlier(self) -> list[Path]:
        return [*self.before.earlier(), self.before.path("refill")]

    def plans(self) -> list[Path]:
        return [*self.before.plans(), self.path("plan")]

    def wanted(self) -> int:
        return self.before.wanted() + self.config.num_conversations

    def _probes(self) -> None:
        """Those of the run."""


def round_size(run: Run) -> int:
    """Conversations that a further round adds."""
    asked = run.config.round_conversations
    return asked or max(1, round(SHARE * run.config.num_conversations))


def left_to_spend(run: Run) -> float | None:
    """What the cap leaves for further rounds, US dollars."""
    cap = run.config.max_cost_usd
    if cap is None:
        return None
    stages = ("generate/[0-9]*", "refill", "curate")
    paid = [path for stage in stages for path in run.folder.glob(stage)]
    paid += [path for stage in stages for path in run.folder.glob(f"{FOLDER}/*/{stage}")]
    spent = sum(manifests.load(path, verify=False).cost_usd for path in paid)
    return max(0.0, cap - spent)


def improve(run: Run, is_met: Callable[[Path], bool], on_line: OnLine | None = None) -> None:
    """Further rounds until the gate is met or none is left. Finished rounds are found again.

    Args:
        is_met: whether the evaluation in a folder meets the gate.
    """
    current, number = run, 1
    while number < run.config.rounds and not is_met(current.path("evaluate")):
        number += 1
        log.info("round %d of %d: %d conversations about what failed", number, run.config.rounds,
                 round_size(run))  # fmt: skip
        current = Round(run, current, number)
        current.make(on_line)
    _forget(run, number)


def _forget(run: Run, last: int) -> None:
    """Remove the links of rounds that an earlier attempt made and this one does not need."""
    for folder in run.folder.glob(f"{FOLDER}/*"):
        if int(folder.name) > last:
            shutil.rmtree(folder)
            run.depot.forget(folder)
