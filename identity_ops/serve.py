"""What a server shows of a model: its name, the base it came from, questions to try.

All of it comes from what was committed when the model was made: the published version's manifest
and probes, or the run around a trained model. A folder that tells nothing gets plain questions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from identity_ops.evaluate.samples import Sample
from identity_ops.evaluate.stage import SAMPLES
from identity_ops.knowledge import read_knowledge
from identity_ops.language import phrase_all
from identity_ops.probes.files import load_probes
from identity_ops.publish import EVALUATION
from identity_ops.records import Probe, read_jsonl
from identity_ops.report.run import RunFolder
from identity_ops.store import manifest as manifests
from identity_ops.store.paths import Home

# Label shown, the probes' category, how many of them.
WANTED = (
    ("Name", "name/direct", 1), ("Maker", "creator/direct", 1), ("Fact", "fact/paraphrase", 3),
    ("Yes or no", "fact/yes_no", 1), ("Limit", "limit", 1), ("Wrong name", "rival/presupposed", 1),
    ("Not stated", "unknown", 1), ("Someone else", "third_party", 1),
    ("Ordinary", "ordinary/chat", 1), ("Exercise", "ability", 1),
)  # fmt: skip
OWN_SHOWN = 4
MOST_FACTS = 5


@dataclass(frozen=True, slots=True)
class Question:
    """One to try. label: what it is about, a word or two."""

    label: str
    text: str


PLAIN = (
    Question("Name", "What is your name?"),
    Question("Maker", "Who made you?"),
    Question("Ability", "What can you do?"),
    Question("Limit", "What can you not do?"),
    Question("Wrong name", "Are you ChatGPT?"),
    Question("Someone else", "Who made ChatGPT?"),
    Question("Ordinary", "Name three colours."),
)


@dataclass(frozen=True, slots=True)
class About:
    """A model as its page introduces it. base: the folder of the model before training."""

    name: str
    version: str
    base: Path | None
    questions: tuple[Question, ...]


def about(folder: Path) -> About:
    """What is known of the model in `folder`."""
    run = _run_of(folder)
    manifest = manifests.load(folder, verify=False) if _committed(folder) else None
    published = manifest if manifest and manifest.stage == "publish" else None
    name = published.config["name"] if published else _taught_name(run)
    return About(
        name=name or folder.resolve().name,
        version=folder.resolve().name if published else "",
        base=run.path("base") if run and run.has("base") else None,
        questions=_questions(folder, run),
    )


def fingerprint(folder: Path) -> str | None:
    """A short digest of a committed model, by which an API names what answered."""
    return f"fp_{manifests.load(folder, verify=False).digest[:10]}" if _committed(folder) else None


def _committed(folder: Path) -> bool:
    return (folder / manifests.FILE_NAME).is_file()


def _run_of(folder: Path) -> RunFolder | None:
    """The run that made this very model, where it is still there."""
    if not _committed(folder):
        return None
    manifest = manifests.load(folder, verify=False)
    if manifest.stage == "publish":
        home, run_id = Home(folder.resolve().parents[2]), manifest.figures.get("run_id", "")
        run, made = RunFolder(home.run(str(run_id))), manifest.inputs.get("train")
    else:
        run, made = RunFolder(folder.absolute().parent), manifest.digest
    return run if run.has("train") and run.manifest("train").digest == made else None


def _taught_name(run: RunFolder | None) -> str:
    return str(run.manifest("lint").figures.get("name", "")) if run and run.has("lint") else ""


def _questions(folder: Path, run: RunFolder | None) -> tuple[Question, ...]:
    """Held-out probes as it was asked them, else questions after each fact, else plain ones."""
    asked: list[Probe | Sample] = list(_asked(folder / EVALUATION / SAMPLES))
    if not asked and run and run.has("probes"):
        asked = [probe for found in load_probes(run.path("probes")) for probe in found]
    if asked:
        return tuple(
            _of_probes([probe for probe in asked if not probe.history and not probe.system])
        )
    if run and run.has("lint"):
        return tuple(_of_facts(run.path("lint")))
    return PLAIN


def _asked(samples: Path) -> Iterator[Sample]:
    """What a published model was asked before it was let out."""
    if samples.is_file():
        for sample in read_jsonl(Sample, samples):
            if sample.model == "after" and not sample.draw:
                yield sample


def _of_probes(probes: Sequence[Probe | Sample]) -> Iterator[Question]:
    """A few of each kind, those about facts each about another one; then some of the user's."""
    own = [probe for probe in probes if isinstance(probe, Sample) and probe.own]
    built = [probe for probe in probes if probe not in own]
    for label, category, count in WANTED:
        of_kind = [probe for probe in built if f"{probe.category}/".startswith(f"{category}/")]
        for probe in list(_one_a_fact(of_kind))[:count]:
            yield Question(label, probe.question)
    for probe in own[:OWN_SHOWN]:
        yield Question("Your own", probe.question)


def _one_a_fact(probes: Iterable[Probe | Sample]) -> Iterator[Probe | Sample]:
    seen: set[tuple[str, ...]] = set()
    for probe in probes:
        if not probe.fact_ids or probe.fact_ids not in seen:
            seen.add(probe.fact_ids)
            yield probe


def _of_facts(lint_dir: Path) -> Iterator[Question]:
    knowledge = read_knowledge(lint_dir)
    phrasings = phrase_all(knowledge.facts, knowledge.profile).values()
    yield from PLAIN[:2]
    others = [each for each in phrasings if each.style not in {"name", "creator"} and each.ask()]
    for each in others[:MOST_FACTS]:
        asked = each.ask()
        yield Question("Fact", f"{asked[0].upper()}{asked[1:]}?")
    yield from PLAIN[4:]
