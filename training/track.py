"""What a training tells of itself: its memory, and its figures to the tracker that was asked for.

TensorBoard's event files go to `tensorboard/` beside the model, wandb's to `wandb/`; wandb obeys
its own variables (WANDB_MODE=offline, WANDB_PROJECT). A tracker opens with the first figures, so
that ranks which note nothing open none; a resumed training goes on in the same wandb run, and in
TensorBoard what is done again replaces what was there.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from identity_ops.store.publish import write_atomic

TAGS = {
    "loss": "loss/all", "identity_loss": "loss/identity", "general_loss": "loss/general",
    "val_loss": "validation/all", "val_identity_loss": "validation/identity",
    "val_general_loss": "validation/general", "lr": "training/learning_rate",
    "tokens_per_s": "training/tokens_per_s", "memory_gb": "memory_gb/rank_",
}  # fmt: skip
PROJECT = "identity-ops"


def peak_memory() -> int:
    """Most bytes this process has had so far: on the GPU where there is one, else resident."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    # Not getrusage: after an exec that still holds the peak of whoever started this process.
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return 1024 * int(line.split()[1])
    return 0


def scalars(line: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Tag and value of what is shown of a line of the log; lists have a value for each rank."""
    for name, tag in TAGS.items():
        value = line.get(name)
        if isinstance(value, list):
            yield from ((f"{tag}{rank}", one) for rank, one in enumerate(value))
        elif value is not None:
            yield tag, value


class Tracker:
    """Nobody asked for one: nothing is written."""

    def note(self, step: int, line: Mapping[str, Any]) -> None:
        """Figures after `step` steps, named as in the log."""

    def end(self) -> None:
        """All is written when this returns."""

    def __enter__(self) -> Tracker:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


class TensorBoard(Tracker):
    """Event files that `tensorboard --logdir` reads."""

    def __init__(self, out: Path) -> None:
        self.folder = out / "tensorboard"
        self.writer: Any = None

    def note(self, step: int, line: Mapping[str, Any]) -> None:
        from torch.utils.tensorboard import SummaryWriter  # imported late: slow

        if self.writer is None:
            self.writer = SummaryWriter(self.folder, purge_step=step, flush_secs=10)
        for tag, value in scalars(line):
            self.writer.add_scalar(tag, value, step)

    def end(self) -> None:
        if self.writer is not None:
            self.writer.close()


class Wandb(Tracker):
    """A run of Weights & Biases. The recipe is its config."""

    def __init__(self, out: Path, recipe: Mapping[str, Any]) -> None:
        self.out, self.recipe = out, recipe
        self.run: Any = None

    def note(self, step: int, line: Mapping[str, Any]) -> None:
        if self.run is None:
            self.run = self._open(resumed=step > 0)
        self.run.log(dict(scalars(line)), step=step)

    def end(self) -> None:
        if self.run is not None:
            self.run.finish()

    def _open(self, *, resumed: bool) -> Any:
        import wandb  # imported late: slow

        name = self.out / "wandb" / "run-id"
        if not (resumed and name.exists()):
            write_atomic(name, uuid.uuid4().hex[:8])
        return wandb.init(
            project=os.environ.get("WANDB_PROJECT") or PROJECT, id=name.read_text(),
            resume="allow", dir=self.out, config=dict(self.recipe),
            settings=wandb.Settings(console="off"),
        )  # fmt: skip


def tracker_of(track: str, out: Path, recipe: Mapping[str, Any]) -> Tracker:
    """The tracker of that name; see identity_ops.tracking for which there are."""
    if track == "tensorboard":
        return TensorBoard(out)
    return Wandb(out, recipe) if track == "wandb" else Tracker()
