"""All of `generate`: lint, plan, every batch, refill, in one folder, resumed where it stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from identity_ops.generate import ledger
from identity_ops.generate.drive import GLANCE_S, InterruptedRunError, Progress, Shared
from identity_ops.generate.forecast import Forecast, add_up
from identity_ops.generate.layout import Layout, Part
from identity_ops.generate.order import (
    Order,
    check_knowledge,
    choose_part,
    is_drawn_as,
    remember,
)
from identity_ops.generate.refill import refill_stage
from identity_ops.generate.stage import borrowed, generate_stage, is_resumable
from identity_ops.knowledge import read_knowledge
from identity_ops.knowledge.stage import lint_stage
from identity_ops.plan import plan_stage
from identity_ops.store import manifest as manifests
from identity_ops.store.lock import hold
from identity_ops.store.manifest import FILE_NAME, Manifest
from identity_ops.store.paths import Home
from identity_ops.store.stage import set_aside
from identity_ops.teachers.base import Teacher
from identity_ops.teachers.check import check_ready
from identity_ops.teachers.spend import Budget

Show = Callable[[Progress], None]
Announce = Callable[[Forecast], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a `generate` command left in its folder; money and tokens over all its batches."""

    out: Path
    wanted: int
    accepted: int
    rejections: dict[str, int]
    stopped: str | None
    requests: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    cost_usd: float
    uncertain_usd: float
    forecast_usd: float | None  # of the same work; None without a price
    responses_usd: float  # value of the answers used, whoever paid for them and when

    @property
    def shortfall(self) -> int:
        return self.wanted - self.accepted


@dataclass(frozen=True, slots=True, kw_only=True)
class _Site:
    """Where one command works, and with what."""

    layout: Layout
    part: Part
    first: int  # the part that began the plan which this one's continues; else its own number
    after: Path | None  # the plan that this part's continues
    order: Order
    home: Home | None
    teacher: Teacher
    shared: Shared


def no_announcement(_: Forecast) -> None:
    """For callers who do not want to hear of the cost beforehand."""


def generate(
    order: Order, out: Path, *, home: Home | None, show: Show, announce: Announce = no_announcement
) -> Summary:
    """Make or resume what `order` asks for in `out`.

    Args:
        home: whose response cache is used.
        show: gets the progress over all batches.
        announce: gets the forecast of the whole order, before its first request.

    Raises:
        BusyError: another process works in `out`.
        ConfigError: `out` answers another order.
        KnowledgeError: lint found errors; nothing was asked of the teacher.
        AuthError, RequestError, OutageError: the provider refuses; finished work is kept.
    """
    layout = Layout(out)
    with hold(out / ".generate.lock"):
        check_knowledge(layout, order)
        lint_stage(order.knowledge, layout.lint)
        with borrowed(None, order.teacher, read_knowledge(layout.lint)) as teacher:
            terms = order.terms(teacher.identity())
            number = choose_part(layout, order, terms)
            check_ready(teacher)
            site = _site(layout, number, order, home, teacher)
            remember(site.part, terms)
            _plan(site)
            if not teacher.free:
                announce(add_up(teacher, order.teacher, site.part.plan, after=site.after))
            return _work(site, show)


def _site(layout: Layout, number: int, order: Order, home: Home | None, teacher: Teacher) -> _Site:
    part, earlier = layout.part(number), _continued(layout, number, order)
    return _Site(
        layout=layout, part=part, first=earlier[0] if earlier else number,
        after=layout.part(earlier[-1]).plan if earlier else None,
        order=order, home=home, teacher=teacher,
        shared=Shared(
            client=teacher, budget=_budget(order, part),
            slots=threading.Semaphore(order.teacher.workers),
        ),
    )  # fmt: skip


def _continued(layout: Layout, number: int, order: Order) -> list[int]:
    """The parts whose plan part `number` goes on with: those that were drawn in the same way."""
    if order.focus:
        return []
    return [n for n in range(number) if is_drawn_as(layout.part(n), order)]


def _plan(site: _Site) -> None:
    """Commit the part's plan: a longer one whose beginning earlier parts have done, or one of its
    own where there is a focus or another seed."""
    order, done = site.order, 0
    if site.after is not None:
        done = manifests.load(site.after).counts["cells"]
    plan_stage(
        site.layout.lint, site.part.plan, num=done + order.num, seed=order.seed,
        batch_size=order.batch_size, catalogue=order.catalogue, focus=order.focus,
        part=site.first,
    )  # fmt: skip


def _work(site: _Site, show: Show) -> Summary:
    order, part = site.order, site.part
    watch = _Watch(order.num, show)
    batches = _run_batches(site, watch)
    stopped = next((m.figures["stopped"] for m in batches if m.figures["stopped"]), None)
    earlier = [p.refill for p in site.layout.parts() if p.root != part.root and p.is_finished]
    if is_resumable(part.refill):
        set_aside(part.refill)  # the batches went on since, so its inputs are others now
    refill = refill_stage(
        site.layout.lint, part.plan, part.batches(), part.refill, num=order.num,
        teacher=order.teacher, home=site.home, shared=site.shared,
        after=site.after, previous=earlier, stopped=stopped, on_progress=watch.of(-1),
    )  # fmt: skip
    return _summary(site.layout.root, batches, refill)


def _run_batches(site: _Site, watch: _Watch) -> list[Manifest]:
    """Manifests of the batches, several at work at once."""
    order, lanes = site.order, _Lanes(site, watch)
    count = -(-order.num // order.batch_size)
    wide = 1 if site.teacher.free else 1 + -(-order.teacher.workers // order.batch_size)
    with ThreadPoolExecutor(min(wide, count)) as pool:
        batches = [pool.submit(lanes.run, number) for number in range(count)]
        try:
            _watch_over(batches)
        except BaseException:  # Ctrl-C comes up here, while the lanes are at work
            site.shared.interrupted.set()
            _watch_over(batches)
            raise
    if lanes.failures:
        raise lanes.failures[0]
    made = [batch.result() for batch in batches]
    return [manifest for manifest in made if manifest is not None]


def _watch_over(batches: Sequence[Future[Manifest | None]]) -> None:
    """Until all have ended, by glances: a signal that comes as the main thread begins to wait for
    a lock is handled only when that wait ends, and an answer may take minutes."""
    while wait(batches, timeout=GLANCE_S).not_done:
        pass


class _Lanes:
    """Batches side by side. The first failure ends the others early; spent money begins none."""

    def __init__(self, site: _Site, watch: _Watch) -> None:
        self._site, self._watch = site, watch
        self._out_of_money = threading.Event()
        self.failures: list[BaseException] = []

    def run(self, number: int) -> Manifest | None:
        """The batch's manifest; None where it was not begun or did not end."""
        folder, interrupted = self._site.part.batch(number), self._site.shared.interrupted
        begun = (folder / FILE_NAME).exists()
        if interrupted.is_set() or (self._out_of_money.is_set() and not begun):
            return None
        try:
            manifest = self._generate(number, folder)
        except InterruptedRunError:
            return None
        except BaseException as error:
            self.failures.append(error)
            interrupted.set()
            return None
        self._watch.settle(number, manifest)
        if manifest.figures["stopped"]:
            self._out_of_money.set()
        return manifest

    def _generate(self, number: int, folder: Path) -> Manifest:
        site = self._site
        return generate_stage(
            site.layout.lint, site.part.plan, folder, batch=number, teacher=site.order.teacher,
            home=site.home, after=site.after, shared=site.shared,
            on_progress=self._watch.of(number),
        )  # fmt: skip


def _budget(order: Order, part: Part) -> Budget | None:
    """One cap over all stages of the part, with what earlier processes spent on it."""
    if order.teacher.max_cost_usd is None:
        return None
    books = [*part.root.glob("batches/[0-9]*/ledger.jsonl"), part.refill / ledger.FILE_NAME]
    totals = [ledger.spent(path) for path in books]
    return Budget(order.teacher.max_cost_usd, sum(sure + maybe for sure, maybe, _ in totals))


def _summary(out: Path, batches: list[Manifest], refill: Manifest) -> Summary:
    stages = [*batches, refill]

    def total(name: str) -> Any:
        return sum(manifest.figures[name] for manifest in stages)

    return Summary(
        out=out,
        wanted=refill.counts["wanted"],
        accepted=refill.counts["accepted"],
        rejections=refill.figures["rejections"],
        stopped=refill.figures["stopped"],
        requests=total("requests"),
        prompt_tokens=total("prompt_tokens"),
        cached_tokens=total("cached_tokens"),
        completion_tokens=total("completion_tokens"),
        cost_usd=round(sum(manifest.cost_usd for manifest in stages), 6),
        uncertain_usd=round(total("uncertain_usd"), 6),
        forecast_usd=_sum(manifest.figures["forecast_usd"] for manifest in batches),
        responses_usd=round(total("responses_usd"), 6),
    )


def _sum(amounts: Iterable[float | None]) -> float | None:
    known = [amount for amount in amounts if amount is not None]
    return round(sum(known), 6) if known else None


class _Watch:
    """Adds up the progress of stages that run at the same time."""

    def __init__(self, wanted: int, show: Show) -> None:
        self._wanted, self._show = wanted, show
        self._parts: dict[int, Progress] = {}
        self._lock = threading.Lock()

    def of(self, number: int) -> Show:
        """The callback of one stage."""

        def update(progress: Progress) -> None:
            with self._lock:
                self._parts[number] = progress
                self._show(self._sum())

        return update

    def settle(self, number: int, manifest: Manifest) -> None:
        """Count a stage that was reused, and so never called back."""
        done = Progress(
            manifest.counts["accepted"], manifest.counts["rejected"], manifest.counts["wanted"],
            manifest.cost_usd,
        )  # fmt: skip
        self.of(number)(done)

    def _sum(self) -> Progress:
        parts = self._parts.values()
        return Progress(
            sum(p.accepted for p in parts), sum(p.rejected for p in parts), self._wanted,
            sum(p.cost_usd for p in parts), sum(p.in_flight for p in parts),
        )  # fmt: skip
