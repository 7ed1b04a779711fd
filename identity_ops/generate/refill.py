"""The refill stage: over all batches, drop duplicates and fill the gaps until exactly N.

What is drawn, in this order: cells that no answer reached, spares that no batch used (those that
teach a fact that is still thin come first), and at last every lost cell again. The result is in
the order of the cells' index, whatever the order of the answers.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from identity_ops.curate.dedup import find_duplicates
from identity_ops.generate.batch import Batch, Draw
from identity_ops.generate.drive import Drive, OnProgress, Shared, ignore_progress
from identity_ops.generate.stage import (
    ACCEPTED,
    PATIENCE,
    REJECTIONS,
    TRIES,
    Means,
    Plan,
    borrowed,
    digests,
    is_resumable,
    open_desk,
    outcome,
)
from identity_ops.knowledge import Knowledge, read_knowledge
from identity_ops.records import Cell, Conversation, Rejection, read_jsonl
from identity_ops.store import manifest as manifests
from identity_ops.store.manifest import Manifest
from identity_ops.store.paths import Home
from identity_ops.store.stage import Outcome, run_stage
from identity_ops.teachers.base import TeacherConfig

T = TypeVar("T")


def refill_stage(
    lint_dir: Path,
    plan_dir: Path,
    batch_dirs: Sequence[Path],
    out: Path,
    *,
    num: int,
    teacher: TeacherConfig,
    home: Home | None = None,
    after: Path | None = None,
    shared: Shared | None = None,
    previous: Sequence[Path] = (),
    stopped: str | None = None,
    on_progress: OnProgress = ignore_progress,
    force: bool = False,
) -> Manifest:
    """The final set over all batches: no duplicates, exactly `num` unless tries or money end.

    Args:
        num: conversations wanted.
        teacher: its `max_cost_usd` counts only where the batches had no cap; where they had
            one, what they left unspent is the cap here.
        previous: final sets that this one continues; it may not repeat them.
        after: as in `generate_stage`.
        stopped: why the teacher is not to be asked for more; what is there is committed.
        home, shared, force: as in `generate_stage`.

    Raises:
        AuthError, RequestError, OutageError: as in `generate_stage`.
    """
    knowledge = read_knowledge(lint_dir)
    config = _with_leftover(teacher, batch_dirs)
    sources = Sources(plan_dir, after, batch_dirs, previous)
    inputs = digests(lint=lint_dir, plan=plan_dir, **({"after": after} if after else {}))
    inputs |= {f"batch-{n:04d}": digests(it=path)["it"] for n, path in enumerate(batch_dirs)}
    inputs |= {f"previous-{n:03d}": digests(it=path)["it"] for n, path in enumerate(previous)}
    shared = shared or Shared()
    with borrowed(shared.client, teacher, knowledge) as asked:
        means = Means(
            teacher=asked, config=config, home=home, shared=shared, on_progress=on_progress
        )
        return run_stage(
            "refill",
            out,
            {"num": num, "teacher": asked.identity(), "tries": TRIES, "ascii": teacher.ascii},
            inputs,
            lambda folder: _work(folder, knowledge, sources, num, means, stopped),
            force=force or is_resumable(out),
        )


@dataclass(frozen=True, slots=True)
class Sources:
    """The committed folders that a refill reads."""

    plan: Path
    after: Path | None
    batches: Sequence[Path]
    previous: Sequence[Path]


def _work(
    folder: Path,
    knowledge: Knowledge,
    sources: Sources,
    num: int,
    means: Means,
    stopped: str | None,
) -> Outcome:
    pool = _Pool(
        tuple(_read_all(Conversation, sources.previous, ACCEPTED)),
        list(_read_all(Rejection, sources.batches, REJECTIONS)),
    )
    pool.add(_read_all(Conversation, sources.batches, ACCEPTED))
    with open_desk(folder, knowledge, means, size=max(1, num - len(pool.kept))) as desk:
        if stopped is None:
            _fill(
                pool,
                _candidates(Plan.read(sources.plan, sources.after).cells, pool),
                num,
                desk.drive,
            )
        accepted = sorted(pool.first(num), key=lambda row: row.index)
        return outcome(folder, accepted, pool.rejections, num, desk, stopped)


def _read_all(kind: type[T], folders: Sequence[Path], name: str) -> Iterator[T]:
    return (row for folder in folders for row in read_jsonl(kind, folder / name))


def _fill(pool: _Pool, candidates: list[Draw], num: int, drive: Drive) -> None:
    """Draw until `num` are kept. Each round asks for more, so that a plan of near-duplicates
    costs few comparisons of the whole set."""
    rounds = 0
    while (gap := num - len(pool.kept)) > 0 and candidates and drive.out_of_money is None:
        kept = {row.id for row in pool.kept}
        open_draws = [draw for draw in candidates if draw.cell.id not in kept]
        patience = None if pool.kept else PATIENCE  # the last cells may well be the hard ones
        batch = Batch(open_draws, max(gap, 2**rounds // 2), tries=1, patience=patience)
        drive.run(batch)
        pool.rejections += batch.rejections()
        pool.add(batch.winners())
        candidates, rounds = batch.rest(), rounds + 1


@dataclass
class _Pool:
    """What is kept so far. `before` is never dropped, and never counted."""

    before: tuple[Conversation, ...]
    rejections: list[Rejection]
    kept: list[Conversation] = field(default_factory=list)

    def add(self, rows: Iterable[Conversation]) -> None:
        """Keep what repeats nothing kept before it; the rest becomes rejections."""
        fresh = sorted(rows, key=lambda row: row.index)
        ranked = enumerate([*self.before, *self.kept, *fresh])
        doubles = find_duplicates(dataclasses.replace(row, index=rank) for rank, row in ranked)
        for row in fresh:
            if row.id in doubles:
                self.rejections.append(_duplicate(row, *doubles[row.id]))
            else:
                self.kept.append(row)

    def first(self, num: int) -> list[Conversation]:
        """The `num` that were kept first; the last round may have brought more."""
        for row in self.kept[num:]:
            self.rejections.append(_rejection(row, "surplus", "more than were wanted"))
        return self.kept[:num]


def _candidates(cells: Sequence[Cell], pool: _Pool) -> list[Draw]:
    """Draws for the gaps, in order of preference."""
    kept = {row.id for row in pool.kept}
    reasons = {row.id: row.reason for row in pool.rejections}
    lost = [cell for cell in cells if cell.id not in kept]
    unreached = [c for c in lost if not c.spare and reasons.get(c.id, "provider") == "provider"]
    unused = [c for c in lost if c.spare and reasons.get(c.id, "provider") == "provider"]
    thin = _thin_facts(cells, pool.kept)
    unused.sort(key=lambda cell: (thin.isdisjoint(cell.fact_ids), cell.index))
    first = [Draw(cell, 0) for cell in unreached + unused]
    # Attempts that no batch has made: their answers would only repeat.
    again = [Draw(cell, TRIES + n) for n in range(TRIES) for cell in lost]
    return first + again


def _thin_facts(cells: Sequence[Cell], kept: Sequence[Conversation]) -> set[str]:
    """Facts found in fewer conversations than the plan gives the least planned fact."""
    planned = Counter(fact for cell in cells if not cell.spare for fact in cell.fact_ids)
    found = Counter(fact for row in kept for fact in row.fact_ids)
    floor = min(planned.values(), default=0)
    return {fact for fact in planned if found[fact] < floor}


def _with_leftover(teacher: TeacherConfig, batch_dirs: Sequence[Path]) -> TeacherConfig:
    """The settings with the cap that the batches' unspent money makes."""
    left = 0.0
    for path in batch_dirs:
        manifest = manifests.load(path, verify=False)
        cap = manifest.figures.get("cap_usd")
        if cap is None:
            return teacher
        left += max(0.0, cap - manifest.cost_usd - manifest.figures.get("uncertain_usd", 0.0))
    return teacher.model_copy(update={"max_cost_usd": left}) if batch_dirs else teacher


def _duplicate(row: Conversation, kept_id: str, how: str) -> Rejection:
    return _rejection(row, "duplicate", f"{how} duplicate of {kept_id}")


def _rejection(row: Conversation, reason: str, detail: str) -> Rejection:
    text = "\n".join(f"{message['role']}: {message['content']}" for message in row.messages)
    return Rejection(id=row.id, index=row.index, reason=reason, detail=detail, text=text)
