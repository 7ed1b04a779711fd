"""The list of runs: status, cost and scores from what each has committed."""

from __future__ import annotations

from pathlib import Path

import pytest

from identity_ops.errors import DataError
from identity_ops.publish import publish_run
from identity_ops.runs import find_run, list_runs
from identity_ops.store.paths import Home
from tests.a_published_run import finish_run, start_run


def test_no_runs_is_an_empty_list(tmp_path: Path) -> None:
    """A fresh state folder is no error."""
    assert list_runs(Home(tmp_path)) == []


def test_an_unknown_run_is_an_error(tmp_path: Path) -> None:
    """The message says how to list them."""
    with pytest.raises(DataError, match="identity-ops runs"):
        find_run(Home(tmp_path), "nope")


def test_status_follows_the_run(tmp_path: Path) -> None:
    """Unfinished, judged, published: each step shows, with cost and scores."""
    home = Home(tmp_path)
    run, oracle = start_run(home)
    (info,) = list_runs(home)
    assert (info.status, info.cost_usd, info.name_accuracy) == ("after train", 0.04, None)
    finish_run(run, oracle)
    (info,) = list_runs(home)
    assert (info.status, info.name_accuracy, info.name) == ("passed", 1.0, "Thistle")
    folder = publish_run(run, home, name="Thistle")
    (info,) = list_runs(home)
    assert (info.status, info.version) == ("published", folder.name)
    assert find_run(home, "latest") == run


def test_a_damaged_run_hides_no_other(tmp_path: Path) -> None:
    """A torn manifest: the run is listed last, as what it is, and is not the latest."""
    home = Home(tmp_path)
    run, _ = start_run(home)
    torn = home.root / "runs" / "torn" / "lint"
    torn.mkdir(parents=True)
    (torn / "manifest.json").write_text("{")
    assert [info.status for info in list_runs(home)] == ["after train", "damaged"]
    assert find_run(home, "latest") == run
