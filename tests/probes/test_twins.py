"""False twins: values that are surely wrong, of the same kind as the true one."""

from __future__ import annotations

import re

import pytest

from identity_ops.language.altered import altered
from identity_ops.probes.patterns import value_pattern
from identity_ops.probes.twins import false_value
from identity_ops.records import Fact


def fact(value: str, role: str = "", identity: str = "f") -> Fact:
    return Fact(
        id=identity, section="", attribute="a", role=role, value=value, file="kb.md", line=1
    )  # fmt: skip


@pytest.mark.parametrize(
    ("value", "role"),
    [
        ("512 tokens", "context"), ("1.84 million (1,835,008)", "size"), ("0", ""),
        ("2024", "date"), ("2026-07-31", "date"), ("July 2026", "date"), ("MIT", "license"),
        ("Apache 2.0", "license"), ("Netscape", "creator"), ("a small fox", ""), ("$96", "cost"),
        ("a paper boat", ""), ("Zanzibar", ""), ("8xH100", "hardware"),
    ],
)  # fmt: skip
def test_a_twin_is_never_the_truth(value: str, role: str) -> None:
    """What the fact's own pattern accepts is no twin."""
    one = fact(value, role)
    twin = false_value(one, value, [one, fact("green tea", identity="g")])
    assert twin is None or not re.search(value_pattern(one), twin, re.IGNORECASE)


def test_numbers_change_and_the_rest_stays() -> None:
    """Units and words around a number are kept."""
    assert altered("512 tokens") == "1024 tokens"
    assert altered("1,024 rows in 2020") == "2,048 rows in 2017"
    assert altered("a grey heron") is None


def test_another_fact_lends_its_value_where_it_fits() -> None:
    """A free-text value is exchanged for one of the same look, not for an address or a name."""
    facts = [
        fact("a small fox"),
        fact("https://example.com", identity="u"),
        fact("Thistle", "name", identity="n"),
        fact("a wool scarf", identity="w"),
    ]
    assert false_value(facts[0], "a small fox", facts) == "a wool scarf"
