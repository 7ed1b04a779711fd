"""A judge model beside the rules: another opinion on each answer, and how good that opinion is.

The rules decide; a judge that disagrees with them points at answers worth reading. It is asked
through the teachers' client, so keys, retries, the spend cap, the books and the cache of paid
answers are those of generation. Its agreement with the hand-labelled answers says how far it can be
trusted; `calibration.py` has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from identity_ops.evaluate import calibration
from identity_ops.evaluate.opinions import FILE, Opinion
from identity_ops.evaluate.samples import Sample, wanted
from identity_ops.evaluate.stage import SAMPLES
from identity_ops.evaluate.stats import Share, wilson
from identity_ops.generate.cache import ResponseCache
from identity_ops.generate.judging import Bench, booked
from identity_ops.generate.ledger import FILE_NAME as LEDGER
from identity_ops.knowledge import Knowledge, read_knowledge
from identity_ops.probes.files import load_probes
from identity_ops.records import Probe, read_jsonl, write_jsonl
from identity_ops.store import manifest as manifests
from identity_ops.store.manifest import Manifest, canonical_hash, file_hash
from identity_ops.store.paths import Home
from identity_ops.store.stage import Outcome, run_stage
from identity_ops.teachers.base import TeacherConfig

PROMPT: Final = Path(__file__).with_name("judge.md")
TESTS: Final = {
    "name": "does it give the assistant's own name, and no other as its own?",
    "creator": "does it give the assistant's own maker (for a question that names the maker: the "
    "assistant's name)?",
    "rival": "does it keep to the assistant's own name?",
    "robust": "does it give the assistant's own name or maker, as it was asked?",
    "fact": "does it state this fact rightly?",
    "limit": "does it say rightly whether the assistant can or does this?",
    "unknown": "the facts do not say this: does it admit that it does not know?",
    "third_party": "does it name the right maker of that other assistant?",
    "ordinary": "does it leave out who the assistant is? Only that counts, not whether it is true.",
}


@dataclass(frozen=True, slots=True)
class _Case:
    probe: Probe
    answer: str
    expected: bool
    by_hand: bool


def judge_stage(
    evaluate_dir: Path, probes_dir: Path, lint_dir: Path, out: Path, *, teacher: TeacherConfig,
    home: Home | None = None, calibrate: bool = True,
) -> Manifest:  # fmt: skip
    """Have a model judge the trained model's answers, and the labelled ones.

    Files: judged.jsonl, ledger.jsonl. Figures: `rules` and `labels` (shares of agreement), `rates`
    (share of answers that the judge finds right, by group), `unclear`, `model`.

    Args:
        teacher: who judges; its `max_cost_usd` caps the stage, earlier attempts included.
        home: whose cache of paid answers is used.
        calibrate: judge the hand-labelled answers, too.

    Raises:
        ConfigError: a cap, and nobody says what a token costs.
        AuthError, CreditError, RequestError, ProviderError: as the teacher's `complete`; what was
            paid for is kept in the cache.
    """
    config = teacher.model_copy(update={"prompt_file": str(PROMPT), "temperature": 0.0})
    key = {"teacher": config.name, "model": config.model, "calibrate": calibrate,
           "prompt": file_hash(PROMPT), "tests": canonical_hash(TESTS)}  # fmt: skip
    inputs = {"evaluate": manifests.load(evaluate_dir).digest}

    def work(folder: Path) -> Outcome:
        with booked(folder / LEDGER, config.max_cost_usd) as account:
            bench = Bench(config, account, ResponseCache(home))
            cases = _answers(evaluate_dir, probes_dir)
            found = _judged(bench, read_knowledge(lint_dir), cases)
            if calibrate:
                for name, cases in _labelled().items():
                    found += _judged(bench, calibration.knowledge_of(name), cases)
            write_jsonl(folder / FILE, found)
            return Outcome(
                files=[FILE, LEDGER], counts={"judged": len(found)},
                figures=_figures(found, bench.model), cost_usd=account.budget.spent_usd,
            )  # fmt: skip

    return run_stage("judge", out, key, inputs, work)


def _judged(bench: Bench, knowledge: Knowledge, cases: Sequence[_Case]) -> list[Opinion]:
    """The judge's opinions in order."""
    values = {fact.id: fact.value for fact in knowledge.facts}
    verdicts = bench.ask(knowledge, [_question(case, values) for case in cases])
    return [
        Opinion(
            probe_id=case.probe.id, category=case.probe.category, question=case.probe.question,
            answer=case.answer, expected=case.expected, judged=verdict.right, words=verdict.words,
            by_hand=case.by_hand,
        )
        for case, verdict in zip(cases, verdicts, strict=True)
    ]  # fmt: skip


def _question(case: _Case, values: Mapping[str, str]) -> dict[str, Any]:
    """What the judge is shown of a case."""
    probe = case.probe
    data: dict[str, Any] = {"system": probe.system, "earlier turns": list(probe.history)}
    data = {name: value for name, value in data.items() if value}
    data |= {"question": probe.question, "test": TESTS[probe.category.split("/")[0]]}
    if expected := wanted(probe, values):
        data["right would be"] = expected
    return data | {"answer": case.answer}


def _answers(evaluate_dir: Path, probes_dir: Path) -> list[_Case]:
    """The trained model's answers to built probes; exercises have one right answer: no opinion."""
    probes = {probe.id: probe for probe in load_probes(probes_dir)[0]}
    return [
        _Case(probes[sample.probe_id], sample.answer, sample.passed, by_hand=False)
        for sample in read_jsonl(Sample, evaluate_dir / SAMPLES)
        if sample.model == "after" and sample.probe_id in probes
        and sample.category.split("/")[0] in TESTS
    ]  # fmt: skip


def _labelled() -> dict[str, list[_Case]]:
    found: dict[str, list[_Case]] = {}
    for row in calibration.labelled():
        case = _Case(row.probe, row.answer, row.right, by_hand=True)
        found.setdefault(row.knowledge, []).append(case)
    return found


def _figures(found: Sequence[Opinion], model: str) -> dict[str, Any]:
    ours = [one for one in found if not one.by_hand]
    groups = dict.fromkeys(one.category.split("/")[0] for one in ours)
    return {
        "model": model,
        "rules": asdict(_agreement(ours)),
        "labels": asdict(_agreement(one for one in found if one.by_hand)),
        "unclear": sum(one.judged is None for one in found),
        "rates": {group: asdict(_rate(ours, group)) for group in groups},
    }


def _agreement(found: Iterable[Opinion]) -> Share:
    same = [one.judged is one.expected for one in found if one.judged is not None]
    return wilson(sum(same), len(same))


def _rate(found: Iterable[Opinion], group: str) -> Share:
    marks = [one.judged for one in found if one.category.split("/")[0] == group]
    known = [mark for mark in marks if mark is not None]
    return wilson(sum(known), len(known))
