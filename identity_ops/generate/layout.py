"""Where `generate --out DIR` puts things, for the commands that read them.

DIR/generate.json      what was asked for
DIR/lint  DIR/plan     the fact ledger and the cells
DIR/batches/0000 ...   responses and local checks
DIR/refill             the final set: what `curate` reads
DIR/append-001/plan, batches, refill   N more, by --append
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from identity_ops.errors import DataError
from identity_ops.store.manifest import FILE_NAME


@dataclass(frozen=True, slots=True)
class Part:
    """One plan with its batches and its final set."""

    root: Path

    @property
    def plan(self) -> Path:
        return self.root / "plan"

    @property
    def refill(self) -> Path:
        return self.root / "refill"

    def batch(self, number: int) -> Path:
        return self.root / "batches" / f"{number:04d}"

    def batches(self) -> list[Path]:
        """The committed batches, in order."""
        return [path.parent for path in sorted(self.root.glob(f"batches/[0-9]*/{FILE_NAME}"))]

    @property
    def is_finished(self) -> bool:
        return (self.refill / FILE_NAME).exists()


@dataclass(frozen=True, slots=True)
class Layout:
    """The folder of one `generate` command and of those that appended to it."""

    root: Path

    @property
    def config(self) -> Path:
        return self.root / "generate.json"

    @property
    def lint(self) -> Path:
        return self.root / "lint"

    @property
    def plan(self) -> Path:
        return Part(self.root).plan

    @property
    def refill(self) -> Path:
        return Part(self.root).refill

    def batches(self) -> list[Path]:
        return Part(self.root).batches()

    def part(self, number: int) -> Part:
        """Part 0 is the first command's; the others were appended."""
        return Part(self.root / f"append-{number:03d}" if number else self.root)

    def parts(self) -> Iterator[Part]:
        """All parts that were begun, in order."""
        yield self.part(0)
        number = 1
        while (part := self.part(number)).root.is_dir():
            yield part
            number += 1

    def sources(self) -> list[Path]:
        """The final sets, in order: the input of `curate`.

        Raises:
            DataError: generation has not finished here.
        """
        finished = [part.refill for part in self.parts() if part.is_finished]
        if not finished:
            raise DataError(
                "no finished generation here", where=self.root, expected=f"refill/{FILE_NAME}",
                todo="Run `identity-ops generate` with --out on this folder.",
            )  # fmt: skip
        return finished

    def plans(self) -> list[Path]:
        """The plans of those sets, in order, as far as they lie here."""
        plans = [part.plan for part in self.parts() if part.is_finished]
        return [plan for plan in plans if (plan / FILE_NAME).exists()]
