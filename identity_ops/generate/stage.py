"""The generate stage: one batch of cells becomes checked conversations.

Files: responses.jsonl (all answers, append-only), ledger.jsonl (all sends and their money),
accepted.jsonl, rejections.jsonl. A kill at any moment costs what was in flight, no more.
"""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from identity_ops.curate import Checker
from identity_ops.errors import ConfigError, DataError
from identity_ops.generate.allowance import Allowance
from identity_ops.generate.batch import Batch, Draw, slice_cells
from identity_ops.generate.cache import ResponseCache
from identity_ops.generate.drive import Drive, OnProgress, Shared, ignore_progress
from identity_ops.generate.ledger import FILE_NAME as LEDGER
from identity_ops.generate.ledger import Ledger
from identity_ops.generate.ledger import spent as ledger_spent
from identity_ops.generate.log import ResponseLog
from identity_ops.knowledge import Knowledge, read_knowledge
from identity_ops.records import Cell, Conversation, Rejection, Response, read_jsonl, write_jsonl
from identity_ops.store import manifest as manifests
from identity_ops.store.manifest import Manifest
from identity_ops.store.paths import Home, safe_component
from identity_ops.store.publish import write_atomic
from identity_ops.store.stage import Outcome, run_stage
from identity_ops.teachers.base import Teacher, TeacherConfig, make_teacher
from identity_ops.teachers.spend import Account, Budget, Estimate, Price, no_limit

log = logging.getLogger(__name__)
TRIES = 3  # draws of one cell at most
PATIENCE = 50  # answers without a usable one: chance alone, at one in ten usable, in 1 of 200 cases
RETRIES = 4  # sends beyond the first, for each cell of a batch on average, before it is an outage
RESPONSES, ACCEPTED, REJECTIONS = "responses.jsonl", "accepted.jsonl", "rejections.jsonl"


@dataclass(frozen=True, slots=True)
class Plan:
    """A committed plan as generation reads it."""

    cells: Sequence[Cell]
    batch_size: int
    batches: int

    @classmethod
    def read(cls, plan_dir: Path, after: Path | None = None) -> Plan:
        """The plan in `plan_dir`, without the cells of the plan `after` that it continues."""
        manifest = manifests.load(plan_dir, verify=False)
        taken = manifests.load(after, verify=False).counts if after else {"cells": 0, "spares": 0}
        cells = list(read_jsonl(Cell, plan_dir / "cells.jsonl"))
        mains = [cell for cell in cells if not cell.spare][taken["cells"] :]
        spares = [cell for cell in cells if cell.spare][taken["spares"] :]
        batch_size = int(manifest.config["batch_size"])
        return cls(mains + spares, batch_size, -(-len(mains) // batch_size))


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a stage works with: the teacher, the money, where paid answers are shared."""

    teacher: Teacher
    config: TeacherConfig
    home: Home | None
    shared: Shared
    on_progress: OnProgress


@dataclass(frozen=True, slots=True)
class Desk:
    """The open files of a stage at work, and the drive over them."""

    drive: Drive
    responses: ResponseLog
    ledger: Ledger
    cap_usd: float | None


def generate_stage(
    lint_dir: Path,
    plan_dir: Path,
    out: Path,
    *,
    batch: int,
    teacher: TeacherConfig,
    home: Home | None = None,
    after: Path | None = None,
    shared: Shared | None = None,
    on_progress: OnProgress = ignore_progress,
    force: bool = False,
) -> Manifest:
    """Have the teacher write one batch, check it locally, and top it up from its spares.

    A batch that runs out of money or tries is committed with its shortfall; called again after
    a shortfall that money or the provider caused, it goes on from what is there.

    Args:
        batch: number of the batch, from 0.
        teacher: its `max_cost_usd` caps this stage.
        home: state folder whose response cache is used; None: only the stage's own log.
        after: a plan that `plan_dir` continues; its cells are done already.
        shared: what other stages at work in this process use, too.
        force: judge the answers again; what was paid for is not asked again.

    Raises:
        AuthError, RequestError: the provider refuses; finished answers are kept.
        OutageError: the provider fails too often; finished answers are kept.
    """
    knowledge = read_knowledge(lint_dir)
    shared = shared or Shared()
    with borrowed(shared.client, teacher, knowledge) as asked:
        means = Means(
            teacher=asked, config=teacher, home=home, shared=shared, on_progress=on_progress
        )
        return run_stage(
            "generate",
            out,
            {
                "batch": batch,
                "teacher": asked.identity(),
                "tries": TRIES,
                "ascii": teacher.ascii,
            },
            digests(lint=lint_dir, plan=plan_dir, **({"after": after} if after else {})),
            lambda folder: _work(folder, knowledge, Plan.read(plan_dir, after), batch, means),
            force=force or is_resumable(out),
        )


def _work(folder: Path, knowledge: Knowledge, plan: Plan, number: int, means: Means) -> Outcome:
    mains, spares = slice_cells(plan.cells, number, plan.batch_size, plan.batches)
    if not mains:
        raise DataError("no such batch", where=folder, expected=f"under {plan.batches}", got=number)
    draws = [Draw(cell, 0) for cell in mains + spares]
    batch = Batch(draws, len(mains), tries=TRIES, patience=PATIENCE)
    with open_desk(folder, knowledge, means, size=len(mains)) as desk:
        desk.drive.run(batch)
        price = means.teacher.price(ask=False)
        likely = likely_cost(map(means.teacher.forecast, mains), price)
        return outcome(
            folder, batch.winners(), batch.rejections(), batch.wanted, desk, forecast_usd=likely
        )


@contextlib.contextmanager
def borrowed(
    client: Teacher | None, config: TeacherConfig, knowledge: Knowledge
) -> Iterator[Teacher]:
    """`client`, or a teacher made for the block and closed after it."""
    if client is not None:
        yield client
        return
    made = make_teacher(config, knowledge)
    try:
        yield made
    finally:
        made.close()


def digests(**folders: Path) -> dict[str, str]:
    """Digest of each committed folder, its files checked."""
    return {name: manifests.load(folder).digest for name, folder in folders.items()}


def is_resumable(out: Path) -> bool:
    """True for a committed result whose shortfall another run may end."""
    if not (out / manifests.FILE_NAME).exists():
        return False
    return bool(manifests.load(out, verify=False).figures.get("resumable"))


@contextlib.contextmanager
def open_desk(folder: Path, knowledge: Knowledge, means: Means, *, size: int) -> Iterator[Desk]:
    """The log and books in `folder`, with a drive over them.

    Raises:
        ConfigError: a cap, and nobody says what a token costs.
    """
    _take_over(folder)
    checker = Checker(knowledge, means.config.ascii)
    with contextlib.ExitStack() as stack:
        responses = ResponseLog(folder / RESPONSES)
        stack.callback(responses.close)
        ledger = Ledger(folder / LEDGER)
        stack.callback(ledger.shut)
        budget = means.shared.budget or Budget(means.config.max_cost_usd, ledger.spent_usd)
        if budget.cap_usd is not None and means.teacher.price() is None:
            raise unknown_price()
        account = Account(budget, ledger, retries=max(20, RETRIES * size), take=_daily_take(means))
        drive = Drive(
            means.teacher, account, responses, ResponseCache(means.home), checker.accept,
            workers=min(means.config.workers, size), shared=means.shared,
            on_progress=means.on_progress,
        )  # fmt: skip
        yield Desk(drive, responses, ledger, means.config.max_cost_usd)


def _daily_take(means: Means) -> Callable[[], None]:
    limit = means.config.max_requests_per_day
    if limit is None:
        return no_limit
    purse, home = means.teacher.purse(), means.home or Home.from_env()
    path = home.root / "allowances" / f"{safe_component(purse.name)}.json"
    return Allowance(path, limit, zone=purse.zone).take


def likely_cost(sizes: Iterable[Estimate], price: Price | None) -> float | None:
    """US dollars for one answer each; None without a price."""
    if price is None:
        return None
    return round(sum(price.of(size.prompt_tokens, size.completion_tokens) for size in sizes), 6)


def unknown_price() -> ConfigError:
    """A cap that nobody can reckon with."""
    return ConfigError(
        "a spend cap, but the price is unknown", where="max_cost_usd",
        todo="Give the model's price (--price IN:OUT), or drop the cap.",
    )  # fmt: skip


def outcome(
    folder: Path,
    accepted: Sequence[Conversation],
    rejections: Sequence[Rejection],
    wanted: int,
    desk: Desk,
    stopped: str | None = None,
    forecast_usd: float | None = None,
) -> Outcome:
    """Write the results and say what they are.

    Args:
        stopped: why nothing more was asked, where the caller knows.
        forecast_usd: what they were to cost.
    """
    write_jsonl(folder / ACCEPTED, accepted)
    write_jsonl(folder / REJECTIONS, rejections)
    confirmed, uncertain, sent = ledger_spent(folder / LEDGER)
    reasons = dict(sorted(Counter(row.reason for row in rejections).items()))
    missing = wanted - len(accepted)
    if desk.drive.out_of_money is not None:
        stopped = str(desk.drive.out_of_money)
    if missing > 0:
        why = stopped or f"no cells left to try; rejected: {reasons}"
        log.warning("%s: %d of %d conversations missing: %s", folder, missing, wanted, why)
    log.info(
        "%d of %d accepted, %d rejected, %d requests, $%.4f",
        len(accepted), wanted, len(rejections), sent, confirmed,
    )  # fmt: skip
    return Outcome(
        files=[RESPONSES, LEDGER, ACCEPTED, REJECTIONS],
        counts={"wanted": wanted, "accepted": len(accepted), "rejected": len(rejections)},
        figures={
            "rejections": reasons,
            "shortfall": missing,
            "stopped": stopped,
            "resumable": missing > 0 and (stopped is not None or "provider" in reasons),
            "requests": sent,
            "reused": desk.drive.reused,
            "uncertain_usd": round(uncertain, 6),
            "cap_usd": desk.cap_usd,
            **_money(desk.responses.responses(), forecast_usd, len(accepted)),
        },
        cost_usd=round(confirmed, 6),
    )


def _money(
    responses: list[Response], forecast_usd: float | None, accepted: int
) -> dict[str, float | int | None]:
    """The forecast, and what the answers used were worth, whoever paid for them and when."""
    usage = _usage(responses)
    worth = usage["responses_usd"]
    return {
        **usage,
        "forecast_usd": forecast_usd,
        "forecast_ratio": round(worth / forecast_usd, 4) if forecast_usd else None,
        "usd_per_accepted": round(worth / accepted, 6) if accepted else None,
    }


def _usage(responses: list[Response]) -> dict[str, float | int]:
    """Tokens and value of the answers used."""
    prompt, cached, completion = (
        sum(getattr(response, field) for response in responses)
        for field in ("prompt_tokens", "cached_tokens", "completion_tokens")
    )
    return {
        "responses": len(responses),
        "prompt_tokens": prompt,
        "cached_tokens": cached,
        "completion_tokens": completion,
        "cached_share": round(cached / prompt, 4) if prompt else 0.0,
        "responses_usd": round(sum(response.cost_usd for response in responses), 6),
    }


def _take_over(folder: Path) -> None:
    """Go on with the answers of a result that was set aside: they are paid for."""
    for name in (RESPONSES, LEDGER):
        old = sorted(folder.glob(f".replaced-*/{name}"))
        if old and not (folder / name).exists():
            write_atomic(folder / name, old[-1].read_bytes())
