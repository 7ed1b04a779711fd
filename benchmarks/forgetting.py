"""What does learning an identity cost? Ordinary ability against the same mix without identity.

    python -m benchmarks forgetting

For each seed two models are trained from the same base by the same recipe: one on the mixture of
the embedded run, one on the general rows of that very mixture alone (the control). Both answer the
same held-out exercises. Printed: accuracy of each, and their difference in points with a 95 %
interval by bootstrap over items (an item's difference is its mean over seeds).
"""

from __future__ import annotations

import random
import statistics
from dataclasses import replace
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from identity_ops.evaluate.grade import grade
from identity_ops.general import builtin
from identity_ops.pipeline import Run
from identity_ops.records import Probe
from identity_ops.store import manifest as manifests
from identity_ops.store.paths import Home
from identity_ops.store.stage import Outcome, fingerprint, run_stage
from identity_ops.trainer import TrainSettings, answer, train_key, train_stage

ITEMS, RESAMPLES = 600, 2000
CONTROL = {"control": "general rows alone"}


def main() -> None:
    """Train the pairs, ask the items, print the table."""
    run = Run("benchmark-forgetting", {}, Home.from_env())
    run.lint(), run.plan()
    for batch in range(run.config.batches):
        run.generate(batch)
    for stage in (run.refill, run.curate, run.base, run.mix):
        stage()
    items = list(builtin.ability_probes(ITEMS, seed=1))
    control = _control(run)
    seeds = range(3)
    pairs = [(_score(run, run.path("mix"), seed, items, control=False),
              _score(run, control, seed, items, control=True)) for seed in seeds]  # fmt: skip
    _report(pairs, len(items), list(seeds))


def _control(run: Run) -> Path:
    """The run's mixture without its identity rows, as a committed mixture."""
    inputs = {"mix": run.manifest("mix").digest}
    out = run.home.result("mix", fingerprint("mix", CONTROL, inputs))

    def work(folder: Path) -> Outcome:
        for name in ("train.parquet", "val.parquet"):
            table = pq.read_table(run.path("mix") / name)
            pq.write_table(table.filter(pc.field("source") != "identity"), folder / name)
        return Outcome(files=["train.parquet", "val.parquet"])

    run_stage("mix", out, CONTROL, inputs, work)
    return out


def _score(run: Run, mix: Path, seed: int, items: list[Probe], *, control: bool) -> list[bool]:
    """Train on a mixture and grade the items."""
    settings = TrainSettings.resolve("tiny", seed=seed)
    if control:
        settings = replace(settings, changes=(*settings.changes, "control = true"))
    inputs = {"mix": manifests.load(mix).digest, "base": run.manifest("base").digest}
    out = run.home.result("train", fingerprint("train", train_key(settings), inputs))
    train_stage(mix, run.path("base"), out, settings=settings)
    found = answer(out, [(item.id, [{"role": "user", "content": item.question}]) for item in items])
    return [grade(item, found[item.id]).passed for item in items]


def _report(pairs: list[tuple[list[bool], list[bool]]], items: int, seeds: list[int]) -> None:
    print(f"Ordinary ability on {items} held-out exercises, {len(seeds)} seeds")
    print(f"{'seed':>6}{'identity':>12}{'control':>12}{'difference':>14}")
    for seed, (identity, control) in zip(seeds, pairs, strict=True):
        a, b = 100 * statistics.fmean(identity), 100 * statistics.fmean(control)
        print(f"{seed:>6}{a:>10.1f} %{b:>10.1f} %{a - b:>+12.1f} pt")
    columns = zip(*([x - y for x, y in zip(i, c, strict=True)] for i, c in pairs), strict=True)
    gains = [statistics.fmean(column) for column in columns]
    rng = random.Random("forgetting")
    means = sorted(statistics.fmean(rng.choices(gains, k=len(gains))) for _ in range(RESAMPLES))
    low, high = means[int(0.025 * RESAMPLES)], means[int(0.975 * RESAMPLES)]
    print(f"mean difference {100 * statistics.fmean(gains):+.2f} points, "
          f"95 % interval {100 * low:+.2f} to {100 * high:+.2f}")  # fmt: skip


if __name__ == "__main__":
    main()
