"""Train and measure the cells of a sweep, and write its table.

    OUT/sweep.json, sweep.csv, sweep.svg    what came out, after every cell
    OUT/cells/<setting>/<seed>/<stage>      which result each stage of a cell used

Each cell is a run of the pipeline whose results are named by content: what two cells share is made
once, and a sweep that was stopped goes on where it was, in the middle of a training too.
"""

from __future__ import annotations

import csv
import io
import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from identity_ops.conf_files import ConfFiles
from identity_ops.config import TEACHER_SLOTS, RunConfig
from identity_ops.evaluate.samples import Sample
from identity_ops.evaluate.stage import SAMPLES, evaluate_stage
from identity_ops.pipeline import OnLine, Run
from identity_ops.records import Fact, read_jsonl
from identity_ops.run_results import Ref
from identity_ops.store import manifest as manifests
from identity_ops.store.lock import hold
from identity_ops.store.paths import Home
from identity_ops.store.publish import write_atomic
from identity_ops.store.sources import own_code
from identity_ops.sweep import Cell, Setting, Speed, Sweep, Trained, flat_rows, tabulate
from identity_ops.sweep_plot import plot

log = logging.getLogger(__name__)
OnCell = Callable[[int, int, Cell], None]
LEAST_BATCH, MOST_BATCH = 50, 5000


def conf_of(cell: Cell, sweep: Sweep, conf: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a cell's run; it gets its part of the money by its conversations.

    Raises:
        ConfigError: a value that no run may have.
    """
    setting, cap = cell.setting, conf.get("max_cost_usd")
    batch = -(-setting.num_conversations // TEACHER_SLOTS)
    changes: dict[str, Any] = {
        "identity_share": setting.identity_share, "epochs": setting.epochs, "seed": cell.seed,
        "num_conversations": setting.num_conversations,
        "batch_size": min(MOST_BATCH, max(LEAST_BATCH, batch)),
    }  # fmt: skip
    if cap is not None:
        sets = {(one.setting.num_conversations, one.seed) for one in sweep.cells()}
        changes["max_cost_usd"] = cap * setting.num_conversations / sum(num for num, _ in sets)
    return RunConfig.parse({**conf, **changes}).model_dump()


class CellRun(Run):
    """The run of one cell: its folder is in the sweep's, and its paths are the user's own."""

    def __init__(
        self, cell: Cell, sweep: Sweep, conf: Mapping[str, Any], out: Path, home: Home
    ) -> None:
        super().__init__(f"{out.name} {cell}", conf_of(cell, sweep, conf), home)
        self.cell, self.out = cell, out
        self.files = ConfFiles(self.config, home, trusted=(Path("/"),))

    @property
    def folder(self) -> Path:
        name = re.sub(r"[^a-z0-9.]+", "-", str(self.cell.setting).replace(",", ""))
        return self.out / "cells" / name / str(self.cell.seed)

    def make(self, on_line: OnLine | None = None) -> Ref:
        """Every stage, up to the answers of the trained model."""
        self.lint()
        self.plan()
        with ThreadPoolExecutor(TEACHER_SLOTS) as pool:
            list(pool.map(self.generate, range(self.config.batches)))
        self.refill()
        self.curate()
        self.base(on_line)
        self.mix()
        if self.cell.setting.control:
            self.control(on_line)
        else:
            self.train(on_line)
        return self.measure()

    @property
    def model(self) -> str:
        """The stage that makes the cell's model."""
        return "control" if self.cell.setting.control else "train"

    def measure(self) -> Ref:
        """Ask the trained model alone: cells are compared with each other, not with the base."""
        names = ("lint", "probes", self.model)
        return self._stage(
            "evaluate", {"code": own_code(), "draws": 0},
            {name: self.manifest(name).digest for name in names},
            lambda out, force: evaluate_stage(
                self.path(self.model), None, self.path("probes"), self.path("lint"), out,
                force=force,
            ),
        )  # fmt: skip

    def trained(self) -> Trained:
        """What came of it."""
        made = self.manifest(self.model)
        costs = (manifests.load(path, verify=False).cost_usd for path in self._paid())
        samples = tuple(read_jsonl(Sample, self.path("evaluate") / SAMPLES))
        return Trained(
            self.cell, samples, made.figures["tokens"], made.figures["seconds"], sum(costs)
        )

    def _paid(self) -> Iterator[Path]:
        yield from self.folder.glob("generate/[0-9]*")
        yield self.path("refill")


@dataclass(frozen=True, slots=True)
class Checked:
    """What is known before the first cell is made."""

    facts: tuple[Fact, ...]
    cost_usd: float  # likely, of all conversations; 0 where nobody lists a price


def check(sweep: Sweep, conf: Mapping[str, Any], out: Path, home: Home) -> Checked:
    """Find what is wrong with any cell before the first is made: all but its training is planned.

    Raises:
        IdentityError: a value, a file, the tracker, the knowledge base, or the teacher.
    """
    runs = [CellRun(cell, sweep, conf, out, home) for cell in sweep.cells()]
    for run in runs:
        run.train_settings()
    orders: dict[tuple[int, int], CellRun] = {}
    for run in runs:
        orders.setdefault((run.cell.setting.num_conversations, run.cell.seed), run)
    for run in orders.values():
        run.lint()
        run.plan()
    said = [json.loads((run.folder / "forecast.json").read_bytes()) for run in orders.values()]
    facts = read_jsonl(Fact, runs[0].path("lint") / "facts.jsonl")
    return Checked(tuple(facts), sum(one["cost_usd"] or 0.0 for one in said))


def run_sweep(
    sweep: Sweep, conf: Mapping[str, Any], out: Path, home: Home, *,
    on_cell: OnCell | None = None, on_line: OnLine | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Make every cell; a cell that fails is noted, and the others go on.

    Args:
        conf: parameters of the runs besides what the sweep varies, with absolute paths.
        on_cell: told number, total and cell before each.

    Returns:
        What sweep.json holds: `rows` as of `sweep.tabulate`, and what they were made with.

    Raises:
        IdentityError: see `check`.
        BusyError: another sweep is at work in the folder.
    """
    facts = check(sweep, conf, out, home).facts
    cells, trained = list(sweep.cells()), list[Trained]()
    with hold(out / ".lock", wait_s=0.0):
        for number, cell in enumerate(cells, start=1):
            if on_cell:
                on_cell(number, len(cells), cell)
            run = CellRun(cell, sweep, conf, out, home)
            trained.append(_attempt(run, on_line))
            found = _result(sweep, conf, tabulate(sweep, trained, facts))
            _write(out, sweep, found)
    return found


def _attempt(run: CellRun, on_line: OnLine | None) -> Trained:
    try:
        run.make(on_line)
        return run.trained()
    except Exception as error:  # whatever it is: hours of other cells wait behind this one
        log.warning("%s failed: %s", run.cell, error, exc_info=True)
        return Trained(run.cell, error=f"{type(error).__name__}: {error}")


def _result(sweep: Sweep, conf: Mapping[str, Any], rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "conf": dict(conf), "centre": asdict(sweep.centre), "seeds": list(sweep.seeds),
        "cells": len(list(sweep.cells())), "code": own_code()[:16], "rows": rows,
    }  # fmt: skip


def _write(out: Path, sweep: Sweep, found: Mapping[str, Any]) -> None:
    rows = flat_rows(found["rows"])
    text = io.StringIO()
    table = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    write_atomic(out / "sweep.csv", text.getvalue())
    write_atomic(out / "sweep.svg", plot(sweep.centre, found["rows"]))
    write_atomic(out / "sweep.json", json.dumps(found, indent=1) + "\n")


def speed_here(home: Home) -> Speed:
    """From the newest training of this state folder, where there is one."""
    found = [_past(path.parent) for path in (home.root / "results/train").glob("*/manifest.json")]
    newest = max(found, key=lambda one: one.started_at, default=None)
    if newest is None:
        return Speed()
    return Speed(tokens_per_s=newest.figures["tokens_per_s"], measured=True)


def _past(folder: Path) -> manifests.Manifest:
    return manifests.load(folder, verify=False)


def default_setting(recipe_share: float, recipe_epochs: float) -> Setting:
    """What a run without parameters of its own is given."""
    config = RunConfig.parse({})
    return Setting(recipe_share, recipe_epochs, config.num_conversations)
