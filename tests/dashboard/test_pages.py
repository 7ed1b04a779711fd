"""What the pages of the web UI show, and what they never do."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from identity_ops import registry
from identity_ops.dashboard import data, pages, trends
from identity_ops.errors import CorruptError, DataError
from identity_ops.store.paths import Home
from tests.dashboard.conftest import HOSTILE, NAME


def _report_ids(page: str) -> list[str]:
    return re.findall(r'href="/x/reports/([0-9a-f]{64})"', page)


def test_every_run_is_listed_with_status_cost_and_coverage(filled: Home) -> None:
    """Also one that came to little, and one that cannot be read."""
    page = pages.overview(filled, "/x")
    for text in ("r1", "published", "$0.0400", "early", "after lint", "unreadable", "Thistle"):
        assert text in page


def test_a_damaged_run_hides_no_other(filled: Home) -> None:
    """It is last, and says what is wrong with it."""
    rows = data.rows(filled)
    assert [row.key for row in rows if row.info is None] == ["torn"]
    assert "unreadable manifest" in rows[-1].problem


@pytest.mark.parametrize("file", ["run.json", "evaluate/manifest.json"])
def test_what_is_no_record_is_shown_as_damaged(home: Home, file: str) -> None:
    (home.run("r1") / file).write_text("[]")
    assert {row.key for row in data.rows(home) if row.info is None} == {"torn", "r1"}


@pytest.mark.parametrize("damage", ["registry.json", "manifest.json", "empty"])
def test_a_damaged_model_hides_no_other_model_and_no_report(home: Home, damage: str) -> None:
    """A copy that stopped half-way is enough; what is whole can still be looked at."""
    shutil.copytree(home.model(NAME), home.model("Other"))
    whole = _report_ids(pages.overview(home, "/x"))
    folder = home.model("Other", registry.versions(home, "Other")[0])
    if damage == "empty":
        folder.with_name("v0009-00000000").mkdir()
    else:
        (home.model("Other") if damage == "registry.json" else folder).joinpath(damage).write_text(
            "{"
        )
    other, thistle = data.models(home)
    assert (len(thistle.versions), thistle.problems) == (2, ())
    assert len(other.problems) == 1
    assert "problem" in pages.models(home, "/x", may_write=True)
    assert all("Identity report" in data.report(home, digest) for digest in whole)


def test_nothing_run_yet_says_what_to_do(tmp_path: Path) -> None:
    assert "identity_sft" in pages.overview(Home(tmp_path), "/x")
    assert "Nothing is published yet" in pages.models(Home(tmp_path), "/x", may_write=True)


def test_what_others_wrote_comes_out_as_text(filled: Home) -> None:
    """Run ids, names and answers may hold anything; no page has a script of its own."""
    assert HOSTILE in [row.info.run_id for row in data.rows(filled) if row.info]
    shown = [
        pages.overview(filled, "/x"),
        pages.models(filled, "/x", may_write=True, problem=HOSTILE),
        pages.message("/x", HOSTILE, HOSTILE),
        data.report_of_run(filled, HOSTILE),
        data.report_of_run(filled, "r1"),
    ]
    for page in shown:
        assert "&lt;script&gt;" in page
        assert "<script" not in page
        assert "<img" not in page


def test_a_report_is_found_by_the_digest_of_its_manifest(filled: Home) -> None:
    """The link in the list leads there; a path or a part of a digest leads nowhere."""
    ids = _report_ids(pages.overview(filled, "/x"))
    assert len(ids) == 4
    assert all("Identity report" in data.report(filled, digest) for digest in ids)
    for other in ("", ids[0][:12], "../r1", "runs/r1/report.html", "/etc/passwd"):
        with pytest.raises(DataError, match="no report"):
            data.report(filled, other)


def test_a_published_report_must_be_the_published_one(home: Home) -> None:
    """Its hash is in the version's manifest."""
    (newest, *_) = registry.list_models(home)
    model = data.models(home)[0]
    assert NAME in data.report(home, model.reports[0])
    path = Path(newest.folder) / "report.html"
    path.unlink()
    path.write_text("<p>another</p>")
    with pytest.raises(CorruptError, match="not what was published"):
        data.report(home, model.reports[0])


def test_a_run_without_results_has_no_report_yet(filled: Home) -> None:
    with pytest.raises(DataError, match="committed nothing yet"):
        data.report_of_run(filled, "never-ran")


def test_models_show_what_is_in_force_and_where_back_leads(home: Home) -> None:
    """Buttons are for those who may use them."""
    page = pages.models(home, "/x", may_write=True)
    first, second = registry.versions(home, NAME)
    assert page.count("in force<") == 1
    assert f"Roll back to {first}" in page
    assert f'name="version" value="{first}"' in page
    assert f'name="version" value="{second}"' not in page
    assert "<form" not in pages.models(home, "/x", may_write=False)
    registry.rollback(home, NAME, why="by ada")
    page = pages.models(home, "/x", may_write=True)
    assert "Roll back" not in page
    assert f"to {first}, by ada" in page


def test_trends_have_a_dot_for_each_evaluated_run(filled: Home) -> None:
    """Not for runs that measured nothing; with words for those who point at it or listen."""
    table = trends.frame(data.rows(filled))
    assert list(table["run"]) == ["r1", "r2"]
    charts = trends.charts(table)
    assert set(charts) == set(trends.FIGURES.values())
    for title, chart in charts.items():
        assert chart.count("<circle") == 2, title
        assert f'aria-label="{title}"' in chart
    assert "run r2" in charts["Name and creator"]


def test_one_run_is_no_trend(filled: Home) -> None:
    only = [row for row in data.rows(filled) if row.key != "r1"]
    assert trends.charts(trends.frame(only)) == {}


def test_an_axis_holds_every_point_and_interval(filled: Home) -> None:
    """A dot outside the drawing would be a lie."""
    for chart in trends.charts(trends.frame(data.rows(filled))).values():
        heights = [float(y) for y in re.findall(r'(?:cy|y1|y2)="([\d.-]+)"', chart)]
        assert all(0 <= y <= trends.HEIGHT for y in heights)
