"""A folder answers one order: the same one resumes it, another is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from identity_ops.errors import ConfigError, DataError
from identity_ops.generate.layout import Layout
from identity_ops.generate.order import FILE_NAME, Order, check_knowledge, choose_part, remember
from identity_ops.store.stage import Outcome, run_stage
from identity_ops.teachers.base import TeacherConfig

IDENTITY = {"teacher": "template"}


def order(folder: Path, **changes: Any) -> Order:
    source = folder / "kb.md"
    if not source.exists():
        source.write_text("# Wren\n")
    values: dict[str, Any] = {"knowledge": source, "num": 10, "teacher": TeacherConfig()}
    return Order(**(values | changes))


def begin(layout: Layout, asked: Order, *, finish: bool = False, resumable: bool = False) -> None:
    terms = asked.terms(IDENTITY)
    part = layout.part(choose_part(layout, asked, terms))
    remember(part, terms)
    if finish:
        run_stage(
            "refill", part.refill, {}, {},
            lambda _: Outcome(files=[], figures={"resumable": resumable}),
        )  # fmt: skip


def choose(layout: Layout, asked: Order) -> int:
    return choose_part(layout, asked, asked.terms(IDENTITY))


@pytest.mark.parametrize("changes", [{"num": 11}, {"seed": 1}, {"batch_size": 5}])
def test_other_order_is_refused_with_the_folder_and_the_difference(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    """What differs is named, and so is the folder."""
    layout = Layout(tmp_path / "out")
    begin(layout, order(tmp_path))
    (name,) = changes
    with pytest.raises(ConfigError, match=name) as caught:
        choose(layout, order(tmp_path, **changes))
    assert str(layout.root) in str(caught.value)


def test_changed_knowledge_is_another_order(tmp_path: Path) -> None:
    """The same path with other text is not the same order."""
    layout = Layout(tmp_path / "out")
    begin(layout, order(tmp_path))
    (tmp_path / "kb.md").write_text("# Another\n")
    with pytest.raises(ConfigError, match="knowledge"):
        choose(layout, order(tmp_path))


def test_workers_and_cap_are_no_part_of_the_order(tmp_path: Path) -> None:
    """More workers or more money resume the same work."""
    layout = Layout(tmp_path / "out")
    begin(layout, order(tmp_path))
    more = TeacherConfig.of(workers=99, max_cost_usd=5.0)
    assert choose(layout, order(tmp_path, teacher=more)) == 0


def test_append_makes_a_part_of_its_own_once_the_last_is_done(tmp_path: Path) -> None:
    """N more come after what is finished; an unfinished part is resumed first."""
    layout = Layout(tmp_path / "out")
    more = order(tmp_path, num=4, append=True)
    assert choose(layout, more) == 0  # nothing there yet: the first part
    begin(layout, order(tmp_path), finish=True)
    assert choose(layout, more) == 1
    begin(layout, more)
    assert choose(layout, more) == 1
    begin(layout, more, finish=True)
    assert choose(layout, more) == 2


def test_append_resumes_a_part_that_money_stopped(tmp_path: Path) -> None:
    """A shortfall that more money can end is ended before more is begun."""
    layout = Layout(tmp_path / "out")
    begin(layout, order(tmp_path), finish=True)
    more = order(tmp_path, num=4, append=True)
    begin(layout, more, finish=True, resumable=True)
    assert choose(layout, more) == 1


def test_append_may_have_settings_of_its_own_once_the_last_part_is_done(tmp_path: Path) -> None:
    """Batches of other seeds go into one folder; what was begun is ended first."""
    layout = Layout(tmp_path / "out")
    begin(layout, order(tmp_path), finish=True)
    other = order(tmp_path, seed=9, append=True)
    assert choose(layout, other) == 1
    begin(layout, other)
    with pytest.raises(ConfigError, match=r"expected seed=9, got seed=0.*comes first"):
        choose(layout, order(tmp_path, append=True))


def test_append_about_other_knowledge_is_refused(tmp_path: Path) -> None:
    """One set is about one model, and the message does not advise --append."""
    layout = Layout(tmp_path / "out")
    begin(layout, order(tmp_path), finish=True)
    (tmp_path / "kb.md").write_text("# Another\n")
    with pytest.raises(ConfigError, match="knowledge=") as caught:
        check_knowledge(layout, order(tmp_path, append=True))
    assert "--append" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "{", "7"])
def test_unreadable_order_is_refused(tmp_path: Path, text: str) -> None:
    """A broken generate.json never counts as an empty folder."""
    layout = Layout(tmp_path / "out")
    begin(layout, order(tmp_path))
    (layout.root / FILE_NAME).write_text(text)
    with pytest.raises(DataError, match=FILE_NAME):
        choose(layout, order(tmp_path))


def test_sources_are_the_finished_parts(tmp_path: Path) -> None:
    """`curate` reads every finished final set, in order; none is an error."""
    layout = Layout(tmp_path / "out")
    with pytest.raises(DataError, match="no finished generation"):
        layout.sources()
    begin(layout, order(tmp_path), finish=True)
    begin(layout, order(tmp_path, num=4, append=True))
    assert layout.sources() == [layout.refill]
