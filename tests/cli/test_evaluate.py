"""The commands evaluate, report and runs, with a real (untrained) model and no baseline."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from identity_ops.cli import build
from identity_ops.errors import DataError, UsageError
from identity_ops.evaluate.calibration import labelled
from identity_ops.pipeline import Run
from identity_ops.store.paths import Home
from tests.a_learner import Learner
from tests.a_published_run import finish_run, start_run
from tests.a_run import KNOWLEDGE, write_probes
from tests.evaluate.test_judge import saying
from tests.loopback import KEY, Provider, serve
from tests.test_registry import finished
from tests.training.small import row, small_base, talk, write_mixture

MINE = {"id": "mine", "category": "mine", "question": "Who is it?", "none_of": ["zebra"]}


def invoke(*words: object) -> Result:
    return CliRunner().invoke(build(), [str(word) for word in words])


@pytest.fixture
def words(tmp_path: Path) -> list[object]:
    (tmp_path / "kb.md").write_text(KNOWLEDGE)
    model = small_base(tmp_path / "model")
    return ["evaluate", "--model", model, "--knowledge", tmp_path / "kb.md", "--out",
            tmp_path / "out", "--max-tokens", 2]  # fmt: skip


def test_a_missing_model_is_wrong_usage(words: list[object], tmp_path: Path) -> None:
    """Exit code 2 before anything is made."""
    words[2] = tmp_path / "nothing"
    assert invoke(*words).exit_code == 2
    assert not (tmp_path / "out").exists()


def test_a_wrong_probe_file_is_named(words: list[object], tmp_path: Path) -> None:
    """The error tells file and line."""
    wrong = write_probes(tmp_path / "p.jsonl", [MINE | {"none_of": ["("]}])
    result = invoke(*words, "--probes", wrong)
    assert isinstance(result.exception, DataError)
    assert "p.jsonl:1" in str(result.exception)


def test_a_model_is_judged_with_users_probes(words: list[object], tmp_path: Path) -> None:
    """Table, samples and a report; the user's probe has its own row; asking again costs nothing."""
    extra = write_probes(tmp_path / "p.jsonl", [MINE])
    result = invoke(*words, "--probes", extra, "--json")
    assert result.exit_code == 0, result.output
    rows = {row["key"]: row for row in json.loads(result.stdout)["scores"]["rows"]}
    assert rows["own"]["after"]["passed"] == 1
    assert rows["identity"]["before"] is None
    assert (tmp_path / "out" / "report.html").exists()
    again = invoke(*words, "--probes", extra)
    assert "Name and creator" in again.stdout


def test_probes_that_training_has_met_are_told(words: list[object], tmp_path: Path) -> None:
    """In identity and in general rows alike; what is no mixture is refused before it is asked."""
    rows = [
        row(source, source, talk(question, "Tea."))
        for source, question in (("identity", "who is it"), ("general", "And where is that?"))
    ]
    mixture = write_mixture(tmp_path / "mix", rows, rows)
    asked = ["Who is it?", "And where is that?", "Was it you?"]
    probes = [MINE | {"id": str(n), "question": text} for n, text in enumerate(asked)]
    extra = write_probes(tmp_path / "p.jsonl", probes)
    result = invoke(*words, "--probes", extra, "--mixture", mixture)
    assert "2 of your 3 probes occur in training" in result.output
    wrong = invoke(*words, "--probes", extra, "--mixture", tmp_path)
    assert isinstance(wrong.exception, UsageError)


def test_runs_and_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run is listed and its report written; an unknown run is an error."""
    monkeypatch.setenv("IDENTITY_HOME", str(tmp_path))
    assert "No runs yet" in invoke("runs").stdout
    run, oracle = start_run(Home(tmp_path))
    finish_run(run, oracle)
    assert "passed" in invoke("runs").stdout
    assert json.loads(invoke("runs", "--json").stdout)[0]["name_accuracy"] == 1
    result = invoke("report", "latest")
    assert "Name and creator" in result.stdout
    assert (run / "report.html").exists()
    assert isinstance(invoke("report", "nope").exception, DataError)


def test_drawn_answers_and_rules_on_the_command_line(words: list[object], tmp_path: Path) -> None:
    """--samples asks again at a temperature; --rules decides the exit code."""
    rules = tmp_path / "rules.toml"
    rules.write_text('max_facts_at_zero = "off"\nmin_name_accuracy = 0.0\n')
    result = invoke(*words, "--samples", 2, "--rules", rules)
    assert result.exit_code == 0, result.output
    assert "2 more answers to each question" in result.stdout
    rules.write_text("min_name_accuracy = 0.9\n")
    failed = invoke(*words, "--samples", 2, "--rules", rules, "--json")
    assert failed.exit_code == 1
    assert json.loads(failed.stdout)["gate"]["passed"] is False


def test_two_runs_are_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By run id or folder: the table of both, and what changed beyond luck."""
    monkeypatch.setenv("IDENTITY_HOME", str(tmp_path))
    for run_id, silent in (("good", 0), ("weak", 16)):
        shutil.copytree(finished(run_id, silent).run(run_id), tmp_path / "runs" / run_id)
    result = invoke("compare", "good", "weak", "--json")
    assert json.loads(result.stdout)["worse"] == ["fact"]
    other = invoke("compare", tmp_path / "runs/weak/evaluate", tmp_path / "runs/good")
    assert "better at facts" in other.stdout
    assert isinstance(invoke("compare", "good", tmp_path).exception, DataError)


def test_a_judge_is_asked_on_the_command_line(
    words: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its agreement with rules and labels is printed with its cost; the embedded teacher is none,
    and a price that is none is refused before a model is asked."""
    monkeypatch.setenv("OPENROUTER_API_KEY", KEY)
    monkeypatch.setenv("IDENTITY_HOME", str(tmp_path / "home"))
    assert isinstance(invoke(*words, "--judge", "template").exception, UsageError)
    assert isinstance(invoke(*words, "--judge", "openai", "--price", "x").exception, UsageError)
    with serve(Provider(lambda _body: saying("right: sure"))) as provider:
        monkeypatch.setenv("OPENROUTER_BASE_URL", provider.url)
        result = invoke(*words, "--judge", "openrouter", "--price", "1:1", "--max-cost", 9)
    assert result.exit_code == 0, result.output
    assert f"of {len(labelled())} (" in result.stdout
    assert "$" in result.stdout
    assert (tmp_path / "out" / "judge" / "judged.jsonl").exists()


def test_the_control_of_a_run_is_trained_where_it_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once: asked again, it is found. A folder is taken as it is."""
    (tmp_path / "kb.md").write_text(KNOWLEDGE)
    monkeypatch.setenv("IDENTITY_HOME", str(tmp_path))
    learner = Learner(tmp_path / "kb.md", need=1)
    learner.install(monkeypatch)
    conf = {"knowledge": str(tmp_path / "kb.md"), "num_conversations": 40}
    run = Run("r1", conf, Home(tmp_path))
    for stage in (run.lint, run.plan, lambda: run.generate(0), run.refill, run.curate, run.base,
                  run.mix, run.train):  # fmt: skip
        stage()
    words = ["evaluate", "--model", run.path("train"), "--knowledge", tmp_path / "kb.md"]
    for out, control in (("a", "r1"), ("b", "latest"), ("c", None)):
        where = control or run.path("control")
        result = invoke(*words, "--control", where, "--out", tmp_path / out)
        assert "Beside a control" in result.stdout, result.output
    assert learner.trainings == 2
    assert isinstance(
        invoke(*words, "--control", "nobody", "--out", tmp_path / "d").exception, DataError
    )
