"""One turn of our training loop: training.sft as it is, with a clock.

    python -m benchmarks.sft_turn_ours STEPS [OPTION ...]      the options of training.sft

Nothing is replaced; the clock sees each step begin and counts the tokens whose losses it computes.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from benchmarks.sft_turns import ALONE, Clock
from training import sft


class Timed(sft.Trainer):
    """The trainer, with a clock."""

    clock: Clock

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        losses, family = self.family.losses, self.family

        def counted(engine: Any, batch: Any) -> Any:
            if engine.training:
                self.clock.add(len(batch.targets))
            return losses(engine, batch)

        family.losses = counted  # type: ignore[method-assign]

    def _train_step(self) -> sft.Line:
        self.clock.begin()
        return super()._train_step()


def main() -> None:
    """Train until the clock ends it."""
    steps, *options = sys.argv[1:]
    os.environ.update(ALONE)
    Timed.clock = Clock(int(steps))
    setattr(sft, "Trainer", Timed)  # noqa: B010
    sft.main(options)


if __name__ == "__main__":
    main()
