"""What the page shows, gathered from a run's manifests and the files they list.

Nothing is computed here that a stage has measured already; lineage is joined: probe -> facts ->
conversations of the mixture that teach them -> the response that each came from.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from identity_ops.evaluate.choices import FILE as CHOICES
from identity_ops.evaluate.opinions import FILE as JUDGED
from identity_ops.evaluate.opinions import Opinion
from identity_ops.evaluate.samples import Sample
from identity_ops.evaluate.score import LABELS
from identity_ops.evaluate.stage import SAMPLES, load_scores
from identity_ops.records import Conversation, Response, read_jsonl
from identity_ops.report.curation import curation, rejections
from identity_ops.report.rounds import round_rows
from identity_ops.report.run import RunFolder
from identity_ops.report.training import training_section
from identity_ops.store.manifest import Manifest

TAUGHT_SHOWN = 3  # conversations shown for each fact
JUDGED_SHOWN = 12  # answers on which a judge and the rules differ
ANSWERS_SHOWN = 12  # answers shown for each fact
SAMPLES_SHOWN = 8  # answers shown for each category, wrong ones first
RIGHT_SHOWN = 3  # right ones among them, however many are wrong
GROUPS = tuple(LABELS)


def gather(run: RunFolder) -> dict[str, Any]:
    """All sections of the page; a section whose stages are absent is None."""
    samples = _samples(run)
    return {
        "run_id": run.run_id,
        "name": _figure(run, "lint", "name") or run.run_id,
        "creator": _figure(run, "lint", "creator") or "",
        "scores": load_scores(run.path("evaluate")) if run.has("evaluate") else None,
        "probes": run.manifest("probes").figures if run.has("probes") else None,
        "gate": run.manifest("gate").figures if run.has("gate") else None,
        "facts": _facts(run, samples),
        "rounds": round_rows(run),
        "judge": _judge(run),
        "samples": _by_category(samples),
        "over_identity": [s for s in samples["after"] if _is_over(s)],
        "rival_claims": [s for s in samples["after"] if s.rival],
        "training": training_section(run),
        "data": _data(run),
        "mix": run.manifest("mix").figures if run.has("mix") else None,
        "stages": [_stage_row(name, found) for name, found in run.manifests().items()],
        "cost_usd": sum(found.cost_usd for found in run.manifests().values()),
        "seconds": sum(found.seconds for found in run.manifests().values()),
    }


def _figure(run: RunFolder, stage: str, key: str) -> Any:
    return run.manifest(stage).figures.get(key) if run.has(stage) else None


def _samples(run: RunFolder) -> dict[str, list[Sample]]:
    found: dict[str, list[Sample]] = {"before": [], "after": []}
    if run.has("evaluate"):
        for sample in read_jsonl(Sample, run.path("evaluate") / SAMPLES):
            found[sample.model].append(sample)
    return found


def _is_over(sample: Sample) -> bool:
    return sample.category.startswith("ordinary") and not sample.passed and not sample.own


def _by_category(samples: Mapping[str, list[Sample]]) -> list[dict[str, Any]]:
    """Groups of answers in the table's order; of each the wrong ones first, some right ones."""
    before = {sample.probe_id: sample for sample in samples["before"]}
    groups: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples["after"]:
        groups["your probes" if sample.own else _group(sample)].append(sample)
    return [
        {
            "name": group, "n": len(found), "wrong": sum(not one.passed for one in found),
            "pairs": [{"after": one, "before": before.get(one.probe_id)} for one in _shown(found)],
        }
        for group, found in sorted(groups.items(), key=lambda item: _place(item[0]))
    ]  # fmt: skip


def _shown(found: list[Sample]) -> list[Sample]:
    wrong = [sample for sample in found if not sample.passed][:SAMPLES_SHOWN]
    right = [sample for sample in found if sample.passed]
    return wrong + right[: max(RIGHT_SHOWN, SAMPLES_SHOWN - len(wrong))]


def _place(group: str) -> int:
    return GROUPS.index(group) if group in GROUPS else -1  # the user's own come first


def _facts(run: RunFolder, samples: Mapping[str, list[Sample]]) -> list[dict[str, Any]]:
    """Every fact with its figures, answers and teachers; the worst first, the unasked last."""
    if not run.has("evaluate"):
        return []
    answers = _by_fact(sample for sample in samples["after"] if not sample.own)
    chosen = _by_fact(_chosen(run))
    taught = _taught(run)
    rows = []
    for row in load_scores(run.path("evaluate"))["facts"]:
        shown = [*chosen[row["id"]], *sorted(answers[row["id"]], key=lambda s: s.passed)]
        rows.append(
            row
            | {"answers": shown[:ANSWERS_SHOWN], "taught": taught.get(row["id"], Taught())}
            | {"kinds": _kinds(shown)}
        )
    return sorted(rows, key=lambda row: (not row["n"], row["after"]["value"], row["id"]))


def _by_fact(samples: Iterable[Sample]) -> dict[str, list[Sample]]:
    found: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        for fact_id in sample.fact_ids:
            found[fact_id].append(sample)
    return found


def _chosen(run: RunFolder) -> list[Sample]:
    """Multiple choice of the trained model; none in evaluations made without."""
    path = run.path("evaluate") / CHOICES
    if not path.exists():
        return []
    return [sample for sample in read_jsonl(Sample, path) if sample.model == "after"]


def _judge(run: RunFolder) -> dict[str, Any] | None:
    """A judge model's figures, and answers of which it thinks otherwise than the rules."""
    if not run.has("judge"):
        return None
    opinions = read_jsonl(Opinion, run.path("judge") / JUDGED)
    against = [
        one
        for one in opinions
        if not one.by_hand and one.judged is not None and one.judged is not one.expected
    ]
    return run.manifest("judge").figures | {"against": against[:JUDGED_SHOWN]}


def _kinds(answers: list[Sample]) -> dict[str, tuple[int, int]]:
    """Kind of probe -> passed, asked: one row of the heat map."""
    found: dict[str, tuple[int, int]] = {}
    for sample in answers:
        kind = sample.category if sample.category.startswith("fact/") else _group(sample)
        passed, asked = found.get(kind, (0, 0))
        found[kind] = passed + sample.passed, asked + 1
    return found


def _group(sample: Sample) -> str:
    return sample.category.split("/")[0]


@dataclass(slots=True)
class Taught:
    """Who taught a fact: how many conversations of the mixture, and a few of them."""

    count: int = 0
    shown: list[tuple[Conversation, Response | None]] = field(default_factory=list)


def _taught(run: RunFolder) -> dict[str, Taught]:
    trained = _trained_ids(run)
    found: dict[str, Taught] = defaultdict(Taught)
    shown: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for talk in _conversations(run):
        if trained is None or talk.id in trained:
            for fact_id in talk.fact_ids:
                found[fact_id].count += 1
                if len(found[fact_id].shown) < TAUGHT_SHOWN:
                    shown[talk.id].append((fact_id, len(found[fact_id].shown)))
                    found[fact_id].shown.append((talk, None))
    for response in _responses(run):
        for fact_id, place in shown.get(response.id, ()):
            found[fact_id].shown[place] = (found[fact_id].shown[place][0], response)
    return found


def _trained_ids(run: RunFolder) -> set[str] | None:
    """Ids of the identity conversations in the training mixture; None without a mixture."""
    import pyarrow.parquet as pq  # heavy, and Airflow's web pages import this module

    if not run.has("mix"):
        return None
    ids: set[str] = set()
    for batch in pq.ParquetFile(run.path("mix") / "train.parquet").iter_batches(
        columns=["id", "source"]
    ):
        ids |= {row["id"] for row in batch.to_pylist() if row["source"] == "identity"}
    return ids


def _conversations(run: RunFolder) -> Iterator[Conversation]:
    for stage in run.refills() or run.batches():
        yield from read_jsonl(Conversation, run.path(stage) / "accepted.jsonl")


def _responses(run: RunFolder) -> Iterator[Response]:
    for stage in _generated(run):
        path = run.path(stage) / "responses.jsonl"
        if path.exists():
            yield from read_jsonl(Response, path)


def _data(run: RunFolder) -> dict[str, Any] | None:
    """Generation and curation: how many, why not, what it cost, which facts are covered."""
    if not run.batches() and not run.has("curate"):
        return None
    kinds: Counter[str] = Counter(talk.kind for talk in _conversations(run))
    return {
        "accepted": sum(kinds.values()),
        "kinds": dict(kinds.most_common()),
        "rejections": dict(Counter(row.reason for row in rejections(run)).most_common()),
        "tokens": _tokens(run),
        "money": money(run),
        "coverage": _coverage(run),
        "curation": curation(run, _conversations(run)),
        "curate": run.manifest("curate").counts if run.has("curate") else {},
    }


def _tokens(run: RunFolder) -> dict[str, Any]:
    totals: Counter[str] = Counter()
    models: Counter[str] = Counter()
    for response in _responses(run):
        totals["prompt"] += response.prompt_tokens
        totals["completion"] += response.completion_tokens
        models[f"{response.provider} {response.model}".strip()] += 1
    return {"prompt": totals["prompt"], "completion": totals["completion"], "models": dict(models)}


def money(run: RunFolder) -> dict[str, Any]:
    """What the teacher's answers were to cost and what they were worth, US dollars.

    `worth_usd` counts every answer used, also those that an earlier run paid for; so it can be
    held against the forecast. None where nothing was forecast or nobody lists a price.
    """
    figures = [run.manifest(stage).figures for stage in _generated(run)]
    likely = [row["forecast_usd"] for row in figures if row.get("forecast_usd") is not None]
    worth = prompt = cached = 0.0
    for response in _responses(run):
        worth += response.cost_usd
        prompt += response.prompt_tokens
        cached += response.cached_tokens
    accepted = sum(run.manifest(stage).counts["accepted"] for stage in run.refills())
    return {
        "forecast_usd": sum(likely) if likely else None,
        "worth_usd": worth,
        "ratio": worth / sum(likely) if sum(likely) else None,
        "per_accepted_usd": worth / accepted if accepted else None,
        "cached_share": cached / max(prompt, 1),
    }


def _generated(run: RunFolder) -> list[str]:
    return [*run.batches(), *run.refills()]


def _coverage(run: RunFolder) -> dict[str, Any]:
    path = run.path("curate") / "coverage.json" if run.has("curate") else Path("no curate stage")
    found: dict[str, Any] = json.loads(path.read_bytes()) if path.exists() else {}
    return found


def _stage_row(name: str, found: Manifest) -> dict[str, Any]:
    return {
        "name": name, "digest": found.digest, "inputs": found.inputs, "counts": found.counts,
        "seconds": found.seconds, "cost_usd": found.cost_usd, "started_at": found.started_at,
        "files": len(found.files), "bytes": sum(entry.bytes for entry in found.files),
    }  # fmt: skip
