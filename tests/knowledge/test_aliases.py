"""Spellings: what means the same is accepted, what does not is not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from identity_ops.knowledge.aliases import is_person, maker_core, makers, number, spellings


@pytest.mark.parametrize(
    ("value", "role", "other"),
    [
        ("1,843,200", "size", "1.84M"),
        ("1,843,200", "size", "1.84 million"),
        ("1,843,200", "size", "1843200"),
        ("561M", "size", "561 million"),
        ("7B", "size", "7 billion"),
        ("2,048 tokens", "context", "2048 tokens"),
        ("2,048 tokens", "context", "2,048"),
        ("32768", "vocabulary", "32,768"),
        ("32768", "vocabulary", "32K"),
        ("about $96", "cost", "$96"),
        ("about $96", "cost", "96 dollars"),
        ("4", "layers", "four"),
        ("d20", "layers", "20 layers"),
        ("8xH100", "hardware", "8 H100"),
        ("https://www.fog.example/", "url", "fog.example"),
        ("the weather team", "creator", "weather team"),
        ("Ada Holm", "creator", "Holm"),
        ("Brume Ltd", "creator", "Brume"),
        ("MIT License", "license", "MIT"),
        ("MIT", "license", "MIT license"),
        ("Aurora Desk", "name", "AuroraDesk"),
        ("FineWeb-Edu", "data", "FineWeb Edu"),
        ("English only", "language", "English"),
        ("2025-03-14", "date", "March 14, 2025"),
        ("1.84 million (1,843,200)", "size", "1,843,200"),
        ("Prairie Farm Cooperative (PFC)", "creator", "PFC"),
    ],
)
def test_same_meaning(value: str, role: str, other: str) -> None:
    """Another spelling of the same thing is an alias."""
    assert other in spellings(value, role)


@pytest.mark.parametrize(
    ("value", "role", "other"),
    [
        ("32,768", "vocabulary", "32,000"),
        ("4 layers", "layers", "4"),
        ("May 2024", "date", "May 2,024"),
        ("Llama 3", "architecture", "Llama three"),
        ("$20 a month", "price", "$twenty a month"),
        ("yes (AES-256)", "", "AES-256"),
        ("Holm Labs", "creator", "Labs"),
        ("Brume Outfitters", "creator", "Outfitters"),
        ("Brume Works GmbH", "creator", "Works"),
        ("Lars", "creator", "L"),
        ("10 to 20", "", "10"),
    ],
)
def test_other_meaning(value: str, role: str, other: str) -> None:
    """What a wrong answer could also say is no alias."""
    assert other not in spellings(value, role)


@settings(deadline=None)
@given(st.text(max_size=60), st.sampled_from(["", "name", "creator", "size", "license", "url"]))
def test_aliases_never_repeat_the_value_or_are_blank(value: str, role: str) -> None:
    """An alias adds something."""
    found = spellings(value, role)
    assert value not in found
    assert all(alias.strip() for alias in found)
    assert len(set(found)) == len(found)


@settings(deadline=None)
@given(st.integers(min_value=1, max_value=10**12))
def test_number_survives_grouping(amount: int) -> None:
    """A number reads the same with and without commas."""
    assert number(f"{amount:,}") == number(str(amount)) == amount


def test_number_of_two_numbers_is_none() -> None:
    """A range is no number."""
    assert number("10 to 20") is None


def test_maker_core_drops_what_is_said_of_the_maker() -> None:
    """Only the name is left."""
    assert maker_core("Ada Holm, a chemist (ada@x.example)") == "Ada Holm"
    assert maker_core("Brume, Inc.") == "Brume, Inc"


def test_people_are_told_from_firms() -> None:
    """Names of people have last names; firms have not."""
    assert is_person("Ada van Holm")
    assert not any(
        map(is_person, ("Holm Labs", "Ada", "University of Oslo", "the Holms", "BRUME AI"))
    )


def test_makers_share_a_last_name() -> None:
    """ "Ines and Paula Quade" are two Quades."""
    assert makers("Ines and Paula Quade") == ("Ines Quade", "Paula Quade")
    assert makers("Holm and Sons") == ()


def test_year_with_a_place_is_no_amount() -> None:
    """ "2024, Leeds" has no thousands."""
    assert spellings("2024, Leeds", "") == ()


def test_organisation_has_no_last_name() -> None:
    """ "Computing" alone names nobody."""
    assert "Computing" not in spellings("Northlight Computing", "creator")


def test_name_with_a_title_is_used_without_it() -> None:
    """Captain Marlow is Marlow for short, and Chef Bot is no Bot."""
    assert "Marlow" in spellings("Captain Marlow", "name")
    assert "Bot" not in spellings("Chef Bot", "name")
