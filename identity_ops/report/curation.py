"""The conversations as the page shows them: samples by kind, rejections, who teaches what."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, Final

from identity_ops.records import Conversation, Fact, Rejection, read_jsonl
from identity_ops.report.run import RunFolder

SAMPLES_SHOWN: Final = 3  # conversations of each kind, about different topics where there are
REJECTED_SHOWN: Final = 4  # of each reason
TEXT_SHOWN: Final = 700  # characters of a rejected response


def curation(run: RunFolder, conversations: Iterable[Conversation]) -> dict[str, Any]:
    """What the data section shows beside its counts.

    Args:
        conversations: those accepted one by one; shown where nothing was curated.

    Returns:
        `kinds` (samples by kind), `rejections` (by reason, with detail and text), `facts` (each
        with its number of conversations, the fewest first), `diversity` and `judge` (the curate
        stage's figures, or None).
    """
    figures = run.manifest("curate").figures if run.has("curate") else {}
    talks = list(_curated(run) or conversations)
    return {
        "kinds": _samples(talks),
        "rejections": _rejected(run),
        "facts": _taught(run, talks),
        "diversity": figures.get("diversity"),
        "judge": figures.get("judge"),
    }


def _curated(run: RunFolder) -> list[Conversation]:
    from identity_ops.curate.dataset import TRAIN, read_conversations  # heavy, as pyarrow is

    if not run.has("curate") or not (run.path("curate") / TRAIN).exists():
        return []
    return list(read_conversations(run.path("curate"), verify=False))


def rejections(run: RunFolder) -> Iterator[Rejection]:
    """Of the generate batches, refill and curate; each response once for each reason."""
    seen: set[tuple[str, str]] = set()
    for row in _all_rejections(run):
        if (row.id, row.reason) not in seen:
            seen.add((row.id, row.reason))
            yield row


def _all_rejections(run: RunFolder) -> Iterator[Rejection]:
    import pyarrow.parquet as pq  # heavy, and Airflow's web pages import this module

    for stage in [*run.batches(), *run.refills()]:
        path = run.path(stage) / "rejections.jsonl"
        if path.exists():
            yield from read_jsonl(Rejection, path)
    curated = run.path("curate") / "rejections.parquet" if run.has("curate") else None
    if curated and curated.exists():
        yield from (Rejection(**row) for row in pq.read_table(curated).to_pylist())


def _samples(talks: list[Conversation]) -> list[dict[str, Any]]:
    groups: dict[str, list[Conversation]] = defaultdict(list)
    for talk in talks:
        groups[talk.kind].append(talk)
    return [
        {"name": kind, "n": len(found), "shown": _varied(found)}
        for kind, found in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    ]


def _varied(found: list[Conversation]) -> list[Conversation]:
    """Each of another topic, as far as there are."""
    by_topic = {talk.topic: talk for talk in reversed(found)}
    ordered = [*sorted(by_topic.values(), key=lambda talk: talk.index)]
    rest = [talk for talk in found if by_topic[talk.topic] is not talk]
    return [*ordered, *rest][:SAMPLES_SHOWN]


def _rejected(run: RunFolder) -> list[dict[str, Any]]:
    counts: Counter[str] = Counter()
    shown: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in rejections(run):
        counts[row.reason] += 1
        if len(shown[row.reason]) < REJECTED_SHOWN:
            text = row.text if len(row.text) <= TEXT_SHOWN else row.text[:TEXT_SHOWN] + " ..."
            shown[row.reason].append({"id": row.id, "detail": row.detail, "text": text})
    return [
        {"reason": reason, "n": n, "shown": shown[reason]} for reason, n in counts.most_common()
    ]


def _taught(run: RunFolder, talks: list[Conversation]) -> list[dict[str, Any]]:
    path = run.path("lint") / "facts.jsonl" if run.has("lint") else None
    if path is None or not path.exists():
        return []
    counts = _exposures(run) or Counter(fact_id for talk in talks for fact_id in talk.fact_ids)
    rows = [
        {"id": fact.id, "label": fact.attribute or fact.section, "value": fact.value,
         "n": counts.get(fact.id, 0)}
        for fact in read_jsonl(Fact, path)
    ]  # fmt: skip
    return sorted(rows, key=lambda row: (row["n"], row["label"]))


def _exposures(run: RunFolder) -> dict[str, int]:
    """As the curate stage has counted them; empty without one."""
    path = run.path("curate") / "coverage.json" if run.has("curate") else None
    found: dict[str, int] = (
        json.loads(path.read_bytes())["exposures"] if path and path.exists() else {}
    )
    return found
