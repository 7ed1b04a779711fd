"""The matched control: what the same training makes of the same base without the identity rows.

What a model lost beside it was lost to identity, not to fine-tuning as such. The control reads the
general rows of the very mixture, by the same recipe, seed and processes.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from identity_ops.errors import UsageError
from identity_ops.evaluate.stats import Interval, percentile
from identity_ops.mix.table import TRAIN, VAL
from identity_ops.store import manifest as manifests
from identity_ops.store.manifest import Manifest
from identity_ops.store.stage import Outcome, run_stage

if TYPE_CHECKING:
    from identity_ops.trainer import TrainSettings

CONTROL: Final = {"control": "general rows alone"}
RESAMPLES: Final = 2000


def control_settings(settings: TrainSettings) -> TrainSettings:
    """The same training, which may go without identity rows."""
    return replace(settings, changes=(*settings.changes, "control = true"))


def control_stage(mix_dir: Path, out: Path, *, force: bool = False) -> Manifest:
    """Commit a mixture without its identity rows; counts: rows of each file."""
    inputs = {"mix": manifests.load(mix_dir).digest}

    def work(folder: Path) -> Outcome:
        counts = {name: _general(mix_dir / name, folder / name) for name in (TRAIN, VAL)}
        figures = {"share": 0.0, "exposures": {}}
        return Outcome(files=[TRAIN, VAL], counts=counts, figures=figures)

    return run_stage("mix", out, CONTROL, inputs, work, force=force)


def mean_difference(
    taught: Sequence[Sequence[bool]], control: Sequence[Sequence[bool]]
) -> Interval:
    """Difference of the means over seeds, with a 95 % interval by bootstrap over items.

    Args:
        taught, control: for each seed, whether each item was right; the same items in all.

    Raises:
        UsageError: a side is empty, or the items are not as many everywhere.
    """
    lengths = {len(marks) for marks in (*taught, *control)}
    if not taught or not control or len(lengths) != 1 or not min(lengths):
        raise UsageError("a difference needs the same items on both sides", got=sorted(lengths))
    columns = zip(_means(taught), _means(control), strict=True)
    gains = [ours - theirs for ours, theirs in columns]
    rng = random.Random("control")
    means = [statistics.fmean(rng.choices(gains, k=len(gains))) for _ in range(RESAMPLES)]
    return Interval(statistics.fmean(gains), percentile(means, 0.025), percentile(means, 0.975))


def _means(sides: Sequence[Sequence[bool]]) -> list[float]:
    """Of each item over the seeds."""
    return [statistics.fmean(marks) for marks in zip(*sides, strict=True)]


def _general(source: Path, target: Path) -> int:
    """Copy the rows that teach no identity, a row group at a time; how many there were."""
    import pyarrow.compute as pc  # heavy
    import pyarrow.parquet as pq

    count = 0
    found = pq.ParquetFile(source)
    with pq.ParquetWriter(target, found.schema_arrow) as out:
        for group in range(found.num_row_groups):
            kept = found.read_row_group(group).filter(pc.field("source") != "identity")
            out.write_table(kept)
            count += kept.num_rows
    return count
