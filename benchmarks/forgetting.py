"""What does learning an identity cost? Ordinary ability against the same mix without identity.

    python -m benchmarks forgetting

For each seed two models are trained from the same base by the same recipe: one on the mixture of
the embedded run, one on the general rows of that very mixture alone (the control). Both answer the
same held-out exercises. Printed: accuracy of each, and their difference in points with a 95 %
interval by bootstrap over items (an item's difference is its mean over seeds).
"""

from __future__ import annotations

import statistics
from pathlib import Path

from identity_ops.control import CONTROL, control_settings, control_stage, mean_difference
from identity_ops.evaluate.grade import grade
from identity_ops.general import builtin
from identity_ops.pipeline import Run
from identity_ops.records import Probe
from identity_ops.store import manifest as manifests
from identity_ops.store.paths import Home
from identity_ops.store.stage import fingerprint
from identity_ops.trainer import TrainSettings, answer, train_key, train_stage

ITEMS = 600


def main() -> None:
    """Train the pairs, ask the items, print the table."""
    run = Run("benchmark-forgetting", {}, Home.from_env())
    run.lint(), run.plan()
    for batch in range(run.config.batches):
        run.generate(batch)
    for stage in (run.refill, run.curate, run.base, run.mix):
        stage()
    items = list(builtin.ability_probes(ITEMS, seed=1))
    seeds = range(3)
    pairs = [(_score(run, seed, items, control=False), _score(run, seed, items, control=True))
             for seed in seeds]  # fmt: skip
    _report(pairs, len(items), list(seeds))


def _control(run: Run) -> Path:
    """The run's mixture without its identity rows."""
    inputs = {"mix": run.manifest("mix").digest}
    out = run.home.result("mix", fingerprint("mix", CONTROL, inputs))
    control_stage(run.path("mix"), out)
    return out


def _score(run: Run, seed: int, items: list[Probe], *, control: bool) -> list[bool]:
    """Train on the run's mixture, or on its general rows alone, and grade the items."""
    settings = TrainSettings.resolve("tiny", seed=seed)
    mix = _control(run) if control else run.path("mix")
    if control:
        settings = control_settings(settings)
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
    found = mean_difference([taught for taught, _ in pairs], [control for _, control in pairs])
    print(f"mean difference {100 * found.value:+.2f} points, "
          f"95 % interval {100 * found.low:+.2f} to {100 * found.high:+.2f}")  # fmt: skip


if __name__ == "__main__":
    main()
