"""A state folder with two published runs, one that stopped early, and a damaged one.

What a model or a user wrote is hostile here: it must come out as text wherever it is shown.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from identity_ops.publish import publish_run
from identity_ops.store.manifest import FILE_NAME
from identity_ops.store.paths import Home
from tests.a_published_run import finish_run, start_run
from tests.a_run import commit, commit_lint, knowledge_of

NAME = "Thistle"
HOSTILE = "<script>document.title='hacked'</script><img src=x onerror=document.title='hacked'>"


def fill(home: Home) -> Home:
    """Runs r1 and r2 (published), `early`, `torn`, and one with a hostile id."""
    for run_id in ("r1", "r2"):
        run, oracle = start_run(home, run_id)
        shutil.rmtree(run / "train")
        commit(run / "train", "train", {"model.pt": f"weights of {run_id}"})
        for probe_id in list(oracle.answers)[:3]:
            oracle.answers[probe_id] = HOSTILE
        finish_run(run, oracle)
        publish_run(run, home, name=NAME)
    early = home.run("early")
    commit_lint(early, knowledge_of(early))
    hostile = home.run(HOSTILE)
    commit_lint(hostile, knowledge_of(hostile))
    (hostile / "run.json").write_text('{"run_id": "' + HOSTILE + '"}')
    torn = home.run("torn") / "lint"
    torn.mkdir(parents=True)
    (torn / FILE_NAME).write_text("{")
    return home


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Made once."""
    return fill(Home(tmp_path_factory.mktemp("filled")))


@pytest.fixture
def home(filled: Home, tmp_path: Path) -> Home:
    """A copy for a test that changes it."""
    shutil.copytree(filled.root, tmp_path / "home", symlinks=True)
    return Home(tmp_path / "home")
