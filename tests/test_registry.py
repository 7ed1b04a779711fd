"""The registry: what is in force, how to go back, and what nobody may change."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from identity_ops import registry
from identity_ops.errors import CorruptError, DataError, UsageError
from identity_ops.publish import publish_run
from identity_ops.registry import latest_model, list_models, promoted, versions
from identity_ops.store.paths import Home
from tests.a_published_run import finish_run, start_run
from tests.a_run import commit, probes_of

NAME = "Thistle"
SWITCH = """
import sys
from pathlib import Path
from identity_ops import registry
from identity_ops.store.paths import Home
print("at work", flush=True)
for turn in range(10_000):
    registry.promote(Home(Path(sys.argv[1])), "Thistle", str(turn % 2 + 1))
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def publish(home: Home, run_id: str, *, silent: int = 0) -> Path:
    """A published version with weights of its own, which fails so many probes of its facts."""
    if not home.run(run_id).exists():
        shutil.copytree(finished(run_id, silent).run(run_id), home.run(run_id))
    return publish_run(home.run(run_id), home, name=NAME)


def finished(run_id: str, silent: int) -> Home:
    """A home with this run up to its gate, made once."""
    return Home(Path(_made(run_id, silent).name))


@functools.cache
def _made(run_id: str, silent: int) -> tempfile.TemporaryDirectory[str]:
    folder = tempfile.TemporaryDirectory()
    run, oracle = start_run(Home(Path(folder.name)), run_id)
    shutil.rmtree(run / "train")
    commit(run / "train", "train", {"model.pt": f"weights of {run_id}"})
    weak = [p for p in probes_of(oracle.knowledge) if p.category == "fact/paraphrase"]
    for probe in weak[:silent]:
        oracle.answers[probe.id] = "Tea."
    finish_run(run, oracle)
    return folder


def test_the_first_version_is_promoted(home: Home) -> None:
    """There is nothing to be worse than."""
    folder = publish(home, "r1")
    assert promoted(home, NAME) == folder.name
    assert registry.read_state(home, NAME).events[-1].why == "the first version"


def test_an_equal_model_replaces_the_old_one(home: Home) -> None:
    """Not significantly worse is enough: the newer data is in force."""
    publish(home, "r1")
    second = publish(home, "r2", silent=1)
    assert latest_model(home) == second


def test_a_significantly_worse_model_is_published_but_not_promoted(home: Home) -> None:
    """It can be looked at and promoted by hand; chat goes on with the old one."""
    first = publish(home, "r1")
    second = publish(home, "r2", silent=16)
    assert second.is_dir()
    assert latest_model(home, NAME) == first
    event = registry.read_state(home, NAME).events[-1]
    assert (event.what, event.version) == ("not promoted", second.name)
    assert "worse at facts" in event.why
    assert registry.promote(home, NAME, "2") == second.name
    assert latest_model(home, NAME) == second


def test_publishing_again_changes_nothing_in_force(home: Home) -> None:
    """A rerun of an old run's publish does not bring its version back."""
    publish(home, "r1")
    second = publish(home, "r2")
    publish_run(home.run("r1"), home, name=NAME)
    assert latest_model(home) == second
    assert len(versions(home, NAME)) == 2


def test_rollback_goes_back_step_by_step(home: Home) -> None:
    """Twice back is two versions back, and then there is no more."""
    names = [publish(home, run).name for run in ("r1", "r2", "r3")]
    assert registry.rollback(home, NAME) == names[1]
    assert registry.rollback(home, NAME) == names[0]
    assert latest_model(home).name == names[0]
    with pytest.raises(DataError, match="before this one"):
        registry.rollback(home, NAME)
    assert promoted(home, NAME) == names[0]


@pytest.mark.parametrize("wanted", ["7", "v0007", "", "zzz", "../v0001"])
def test_an_unknown_version_is_refused(home: Home, wanted: str) -> None:
    """The error lists those that there are, and what is in force stays."""
    first = publish(home, "r1")
    with pytest.raises(UsageError, match=first.name):
        registry.promote(home, NAME, wanted)
    assert promoted(home, NAME) == first.name


@pytest.mark.parametrize("how", ["changed", "missing", "added", "manifest"])
def test_tampering_is_found(home: Home, how: str) -> None:
    """A changed, missing or added file, or a changed manifest: not promoted, and listed."""
    first, second = publish(home, "r1"), publish(home, "r2")
    tamper(first, how)
    with pytest.raises(CorruptError):
        registry.promote(home, NAME, "1")
    with pytest.raises(CorruptError):
        registry.rollback(home, NAME)
    assert promoted(home, NAME) == second.name
    assert [v.intact for v in list_models(home, check=True)] == [True, False]


def tamper(folder: Path, how: str) -> None:
    if how == "missing":
        (folder / "README.md").unlink()
    elif how == "added":
        (folder / "extra.bin").write_bytes(b"x")
    else:
        name = "manifest.json" if how == "manifest" else "README.md"
        text = (folder / name).read_text()
        (folder / name).write_text(text.replace("Thistle", "Thistel"))


def test_a_broken_registry_is_named(home: Home) -> None:
    """It is not taken for an empty one: that would forget what was in force."""
    publish(home, "r1")
    (home.model(NAME) / registry.FILE).write_text("{")
    with pytest.raises(CorruptError, match=r"registry\.json"):
        promoted(home, NAME)


def test_versions_without_a_registry_still_work(home: Home) -> None:
    """The newest is taken where nothing was ever promoted."""
    publish(home, "r1")
    second = publish(home, "r2")
    (home.model(NAME) / registry.FILE).unlink()
    assert latest_model(home) == second


def test_the_list_shows_figures_and_what_is_in_force(home: Home) -> None:
    """Date, accuracy, over-identity, gate; the newest first."""
    publish(home, "r1")
    publish(home, "r2", silent=16)
    newest, oldest = list_models(home)
    assert (newest.promoted, oldest.promoted) == (False, True)
    assert oldest.name_accuracy == 1
    assert oldest.over_identity == 0
    assert oldest.gate == "passed"
    assert (newest.fact_recall or 0) < (oldest.fact_recall or 0)
    assert oldest.published_at.startswith("20")


def test_a_kill_leaves_one_version_in_force(home: Home) -> None:
    """Killed while it switches to and fro, the registry names a version that is there."""
    publish(home, "r1")
    publish(home, "r2")
    for pause in (0.05, 0.11, 0.23):
        process = subprocess.Popen(
            [sys.executable, "-c", SWITCH, str(home.root)], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(pause)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        assert promoted(home, NAME) in versions(home, NAME)
        assert registry.promote(home, NAME, "1") == versions(home, NAME)[0]  # the lock is free


def test_many_may_promote_and_roll_back_at_one_time(home: Home) -> None:
    """Each change is made whole or refused, and all that was made is in the record."""
    first, second = publish(home, "r1").name, publish(home, "r2").name
    before = registry.read_state(home, NAME)

    def switch(turn: int) -> None:
        with contextlib.suppress(DataError):  # nothing left to go back to
            if turn % 3:
                registry.promote(home, NAME, (first, second)[turn % 2])
            else:
                registry.rollback(home, NAME)
            assert promoted(home, NAME) in {first, second}

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(switch, range(60)))
    state = registry.read_state(home, NAME)
    made = [event.what for event in state.events[len(before.events) :]]
    assert len(made) > 20
    grown = made.count("promoted") - made.count("rolled back")
    assert len(state.promoted) == len(before.promoted) + grown
    assert all(a != b for a, b in itertools.pairwise(state.promoted))
