"""Proof that the final mixture holds no probe, by other code than that which cleans it."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from identity_ops.curate.dataset import read_conversations
from identity_ops.curate.stage import curate_stage
from identity_ops.errors import DataError
from identity_ops.generate.layout import Layout
from identity_ops.mix import mix_stage
from identity_ops.mix.screen import Screen
from identity_ops.probes.files import load_probes
from identity_ops.probes.leaks import EXERCISES
from identity_ops.probes.stage import probes_stage
from identity_ops.records import Message, Probe
from tests.curate.samples import conversation
from tests.generate.test_command import invoke
from tests.mix.samples import base, curated, jsonl, rows_of

KB = Path(__file__).resolve().parents[2] / "knowledge" / "self_knowledge.md"
RUN = 8  # words


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generated and curated conversations, and the probes of the same knowledge base."""
    root = tmp_path_factory.mktemp("made")
    done = invoke(KB, "--num", 150, "--out", root / "raw")
    assert done.exit_code == 0, done.output
    layout = Layout(root / "raw")
    curate_stage(layout.lint, layout.sources(), root / "curated", num=150)
    probes_stage(layout.lint, root / "probes")
    base(root / "base")
    return root


def asked(messages: list[Message] | tuple[Message, ...]) -> list[list[str]]:
    return [words(m["content"]) for m in messages if m["role"] == "user"]


def words(text: str) -> list[str]:
    return re.sub(r"[^a-z0-9 ]+", " ", text.lower().replace("'", "")).split()


def long_runs(found: list[str]) -> set[tuple[str, ...]]:
    return {tuple(found[at : at + RUN]) for at in range(len(found) - RUN + 1)}


def leaks(rows: list[list[str]], probes: list[Probe]) -> list[str]:
    """Questions that a row repeats whole, or of which it holds eight words in a row.

    Runs with more than two words of the facts themselves are no wording of the probe: what a
    conversation teaches it has to say.
    """
    about = set(words(KB.read_text()))
    equal = {tuple(row) for row in rows}
    runs = {run for row in rows for run in long_runs(row) if len(set(run) - about) >= RUN - 2}
    return [
        probe.question
        for probe in probes
        if tuple(words(probe.question)) in equal
        or (not probe.category.startswith(EXERCISES) and long_runs(words(probe.question)) & runs)
    ]


def mixed(made: Path, out: Path, identity: Path, general: list[str]) -> list[list[str]]:
    mix_stage(identity, made / "base", out, general=general, identity_share=0.4,
              probes_dir=made / "probes", lint_dir=made / "raw" / "lint", passes=2)  # fmt: skip
    rows = [row for name in ("train.parquet", "val.parquet") for row in rows_of(out, name)]
    return [turn for row in rows for turn in asked(row.messages)]


def test_the_shipped_mixture_holds_no_probe(made: Path, tmp_path: Path) -> None:
    """Neither training nor validation rows, of either kind of chat."""
    rows = mixed(made, tmp_path / "mix", made / "curated", ["builtin"])
    assert len(rows) > 500
    assert leaks(rows, load_probes(made / "probes")[0]) == []


def test_planted_probes_do_not_come_through(made: Path, tmp_path: Path) -> None:
    """Every probe, as it is, shouted or inside a longer question, put into both kinds of data."""
    probes = [p for p in load_probes(made / "probes")[0] if not p.history and not p.system]
    forms = [str.upper, "Well then: {}".format, "{}  ".format]
    planted = [forms[n % 3](probe.question) for n, probe in enumerate(probes)]
    assert len(leaks([words(q) for q in planted], probes)) > 0.6 * len(probes)
    clean = list(read_conversations(made / "curated", verify=False))
    dirty = [conversation(900 + n, q, "I am not sure.") for n, q in enumerate(planted[::2])]
    chat = [[q, f"Nice weather, number {n}."] for n, q in enumerate(planted[1::2])]
    chat += [[f"How is {a} and {b}?", f"Fine, {a}."] for a, b in pairwise(map(str, range(3000)))]
    path = jsonl(tmp_path / "chat.jsonl", chat)
    rows = mixed(made, tmp_path / "mix", curated(tmp_path / "dirty", [*clean, *dirty]), [str(path)])
    assert leaks(rows, probes) == []


def test_a_leak_that_cleaning_misses_makes_mix_fail(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The written files are read again: with the first look disarmed, nothing is committed."""
    monkeypatch.setattr(Screen, "check", lambda _screen, messages: (len(messages), ""))
    question = load_probes(made / "probes")[0][0].question
    clean = list(read_conversations(made / "curated", verify=False))
    leaking = curated(tmp_path / "c", [*clean, conversation(900, question, "I am Tessel.")])
    with pytest.raises(DataError, match="probe_leak in the mixture"):
        mixed(made, tmp_path / "mix", leaking, ["builtin"])
    assert not (tmp_path / "mix" / "manifest.json").exists()
