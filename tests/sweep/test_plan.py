"""Which cells a sweep has, and what its table says of their answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest

from identity_ops.errors import UsageError
from identity_ops.evaluate.samples import Sample
from identity_ops.evaluate.stats import wilson
from identity_ops.records import Fact
from identity_ops.sweep import (
    Cell,
    Setting,
    Speed,
    Trained,
    estimate,
    flat_rows,
    plan_sweep,
    tabulate,
    text_rows,
)
from identity_ops.sweep_plot import plot

DEFAULT = Setting(0.5, 10.0, 1000)
CONTROL = replace(DEFAULT, control=True)
FACT = Fact(
    id="f1", section="", attribute="Mascot", value="a heron", aliases=(), polarity=True,
    role="", file="kb.md", line=3,
)  # fmt: skip


def test_one_factor_at_a_time_around_the_default() -> None:
    """Each value once, the centre first and its control next."""
    sweep = plan_sweep(DEFAULT, {"identity_share": (0.2, 0.5), "epochs": (5.0, 10.0, 20.0)}, (0,))
    assert sweep.settings == (
        DEFAULT, CONTROL, replace(DEFAULT, identity_share=0.2), replace(DEFAULT, epochs=5.0),
        replace(DEFAULT, epochs=20.0),
    )  # fmt: skip


def test_a_list_without_the_default_is_centred_on_its_middle() -> None:
    """No training of a value that nobody asked for."""
    sweep = plan_sweep(DEFAULT, {"num_conversations": (40, 10, 20)}, (0,), control=False)
    assert sweep.centre.num_conversations == 20
    assert {setting.num_conversations for setting in sweep.settings} == {10, 20, 40}


def test_a_grid_has_every_combination_and_whole_seeds_come_first() -> None:
    """Stopped half-way, a sweep over two seeds has a whole table of one."""
    values = {"identity_share": (0.2, 0.5), "num_conversations": (100, 1000)}
    cells = list(plan_sweep(DEFAULT, values, (3, 4), grid=True).cells())
    assert len(cells) == 2 * 5
    assert [cell.seed for cell in cells] == [3] * 5 + [4] * 5
    assert len({cell.setting for cell in cells if not cell.setting.control}) == 4


@pytest.mark.parametrize(
    ("values", "seeds"),
    [({"epochs": (1.0, 1.0)}, (0,)), ({"epochs": ()}, (0,)), ({}, ()), ({}, (1, 1)),
     ({"rate": (0.1,)}, (0,))],
)  # fmt: skip
def test_what_makes_no_sweep_is_refused(values: dict[str, Any], seeds: Sequence[int]) -> None:
    """The same value twice would be two columns of one training."""
    with pytest.raises(UsageError):
        plan_sweep(DEFAULT, values, seeds)


def samples(name: Sequence[bool], ability: Sequence[bool], ordinary: int = 0) -> tuple[Sample, ...]:
    """Answers to name probes, to exercises, and to ten ordinary requests."""
    marks = [("name/direct", n, ok) for n, ok in enumerate(name)]
    marks += [("ability/sums", n, ok) for n, ok in enumerate(ability)]
    marks += [("ordinary", n, n >= ordinary) for n in range(10)]
    marks += [("fact/paraphrase", n, n < 3) for n in range(4)]
    return tuple(
        Sample(
            model="after",
            probe_id=f"{category}-{n}",
            category=category,
            question="",
            answer="",
            passed=ok,
            fact_ids=("f1",) if category.startswith("fact") else (),
            why="",
        )
        for category, n, ok in marks
    )


def test_shares_of_one_seed_are_the_report_s() -> None:
    """The same interval as a run's own table."""
    sweep = plan_sweep(DEFAULT, {}, (0,), control=False)
    done = [Trained(Cell(DEFAULT, 0), samples([True] * 8 + [False] * 2, [True] * 5, 3), 100)]
    (row,) = tabulate(sweep, done, [FACT])
    assert row["measures"]["name"]["low"] == wilson(8, 10).low
    assert row["measures"]["over_identity"]["value"] == 0.3
    assert row["measures"]["facts"]["value"] == 0.75
    assert "gain" not in row["measures"]
    assert row["tokens"] == 100


def test_means_over_seeds_know_that_probes_are_the_same() -> None:
    """Three seeds that answer alike tell no more than one."""
    sweep = plan_sweep(DEFAULT, {}, (0, 1, 2), control=False)
    alike = samples([True] * 8 + [False] * 2, [True] * 5)
    (row,) = tabulate(sweep, [Trained(Cell(DEFAULT, seed), alike) for seed in (0, 1, 2)], [FACT])
    one = wilson(8, 10)
    assert row["measures"]["name"]["value"] == pytest.approx(0.8)
    width = row["measures"]["name"]["high"] - row["measures"]["name"]["low"]
    assert width == pytest.approx(one.high - one.low, rel=0.1)
    assert row["seeds"] == [0, 1, 2]


def test_the_gain_over_the_control_is_paired_by_exercise() -> None:
    """Half of the exercises lost is half, and the control itself has no gain."""
    sweep = plan_sweep(DEFAULT, {}, (0,))
    done = [Trained(Cell(DEFAULT, 0), samples([True], [True, False] * 20)),
            Trained(Cell(CONTROL, 0), samples([False], [True] * 40))]  # fmt: skip
    taught, control = tabulate(sweep, done, [FACT])
    gain = taught["measures"]["gain"]
    assert gain["value"] == -0.5
    assert -0.7 < gain["low"] < -0.5 < gain["high"] < -0.3
    assert "gain" not in control["measures"]


def test_a_failed_cell_is_told_and_the_others_are_counted() -> None:
    """By seed, with why; a setting of which nothing is left has no figures."""
    sweep = plan_sweep(DEFAULT, {"epochs": (5.0, 10.0)}, (0, 1), control=False)
    other = replace(DEFAULT, epochs=5.0)
    done = [Trained(Cell(DEFAULT, 0), samples([True], [True])),
            Trained(Cell(other, 0), error="out of memory"),
            Trained(Cell(DEFAULT, 1), error="disk full")]  # fmt: skip
    first, second = tabulate(sweep, done, [FACT])
    assert first["failed"] == {"1": "disk full"}
    assert first["seeds"] == [0]
    assert second["measures"] == {}
    assert text_rows(sweep, [first, second])[2][3:7] == ("-",) * 4
    assert flat_rows([first, second])[1]["name"] == ""


def test_the_plot_has_a_dot_for_each_value_and_the_control_s_line() -> None:
    """Well-formed, with the values at the axis, and higher is higher."""
    sweep = plan_sweep(DEFAULT, {"identity_share": (0.2, 0.5)}, (0,))
    low = Setting(0.2, 10.0, 1000)
    done = [Trained(Cell(DEFAULT, 0), samples([True] * 9 + [False], [True] * 5)),
            Trained(Cell(CONTROL, 0), samples([False] * 10, [True] * 5)),
            Trained(Cell(low, 0), samples([True] * 5 + [False] * 5, [True] * 5))]  # fmt: skip
    rows = tabulate(sweep, done, [FACT])
    svg = plot(sweep.centre, rows)
    tree = ElementTree.fromstring(svg)  # noqa: S314 - made by us one line above
    dots = [dot for dot in tree.iter() if dot.tag.endswith("circle")]
    assert len(dots) == 2 * len(rows[0]["measures"])
    first, second = (float(dot.get("cy") or 0) for dot in dots[:2])
    assert second < first  # 0.5 of tokens knows its name better than 0.2, and y grows downwards
    assert 'class="control"' in svg
    assert ">0.2<" in svg


def test_nothing_measured_is_an_empty_plot() -> None:
    """Every cell failed: still a file."""
    sweep = plan_sweep(DEFAULT, {}, (0,))
    rows = tabulate(sweep, [Trained(Cell(DEFAULT, 0), error="no")], [FACT])
    assert plot(sweep.centre, rows).endswith("</svg>\n")


def test_an_estimate_grows_with_epochs_and_falls_with_the_share() -> None:
    """A control trains on the general rows alone."""
    speed = Speed(tokens_a_conversation=100, tokens_per_s=1000, seconds_beside=10)
    cells = [Cell(DEFAULT, 0), Cell(CONTROL, 0)]
    said = estimate(cells, speed)
    assert said == {"trainings": 2, "tokens": 3_000_000, "seconds": 3020}
