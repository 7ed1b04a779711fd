"""Makers: one or several, people or firms, with titles and initials, labelled or in prose."""

from __future__ import annotations

import pytest

from tests.knowledge.ledgers import profile, rows

ONE = (
    "Finch & Sons", "Finch & Sons Ltd", "Smith & Jones", "Marks & Spencer", "Alice Smith & Sons",
    "Anna Holm & Partners", "Johnson and Johnson", "Barnes & Noble Labs", "Dr. A. Lee", "Mx. Q",
    "Prof. Dr. A. Lee", "Sgt. Pepper", "J. R. R. Toll", "Zo\u00eb \u00c5. Berg",
)  # fmt: skip
SEVERAL = (
    ("Alice Smith & Bob Jones", ("Alice Smith", "Bob Jones")),
    ("Alice Smith and Bob Jones, of Oslo", ("Alice Smith", "Bob Jones")),
    ("Alice Smith, Bob Jones & Carla Diaz", ("Alice Smith", "Bob Jones", "Carla Diaz")),
    ("Alice Smith, Bob Jones, and Carla Diaz", ("Alice Smith", "Bob Jones", "Carla Diaz")),
    ("Ines & Paula Quade", ("Ines Quade", "Paula Quade")),
    ("A. Lee & B. Kim", ("A. Lee", "B. Kim")),
    ("Dr. A. Lee and Dr. B. Kim", ("Dr. A. Lee", "Dr. B. Kim")),
    ("Finch & Sons and Orla Byrne", ("Finch & Sons", "Orla Byrne")),
    ("Mx. Q and Orla Byrne", ("Mx. Q", "Orla Byrne")),
    ("Finch & Sons together with Orla Byrne", ("Finch & Sons", "Orla Byrne")),
)
WAYS = (
    "- **Name:** Fog\n- **Created by:** {}\n",
    "| Attribute | Value |\n|---|---|\n| Name | Fog |\n| Creator | {} |\n",
    "Fog is a small assistant created by {}. It cannot sing.\n",
    "Fog is a small assistant. It was made by {} in 2024. It cannot sing.\n",
)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("maker", ONE)
def test_one_maker_stays_one(maker: str, way: str) -> None:
    """A firm is not split at its "&", nor a person at an initial."""
    assert profile(way.format(maker)).creators == (maker,)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("value", "makers"), SEVERAL)
def test_several_makers_are_told_apart(value: str, makers: tuple[str, ...], way: str) -> None:
    """Each person is a maker, and so is a firm beside a person."""
    assert profile(way.format(value)).creators == makers


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("- **Mascot:** Mx. Q", [("", "Mascot", "Mx. Q")]),
        ("- **Named after:** Mr. B. The cat was his.",
         [("", "Named after", "Mr. B"), ("", "", "The cat was his")]),
        ("- **Sponsor:** Dr. A. Lee of Oslo. He is kind.",
         [("", "Sponsor", "Dr. A. Lee of Oslo"), ("", "", "He is kind")]),
        ("- **Plan:** plan B. It works.", [("", "Plan", "plan B"), ("", "", "It works")]),
        ("It was made by Mx. Q. It speaks English.",
         [("creator", "creator", "Mx. Q"), ("language", "languages", "English")]),
        ("- **Mentor:** Capt. Vega and Sra. Ruiz", [("", "Mentor", "Capt. Vega and Sra. Ruiz")]),
    ],
)  # fmt: skip
def test_titles_and_initials_end_no_value(line: str, found: list[tuple[str, str, str]]) -> None:
    """ "Mx." and "A." stand inside a name; a new sentence after an initial still begins."""
    assert rows(line) == found


@pytest.mark.parametrize(
    ("told", "role"),
    [
        ("a librarian in Groningen", ""), ("a retired tutor", ""), ("a teacher in Oslo", ""),
        ("a small language model for kids", "kind"), ("a friendly AI tutor", "kind"),
    ],
)  # fmt: skip
def test_what_is_said_of_the_maker_is_not_said_of_the_model(told: str, role: str) -> None:
    """ "Made by Imke Vos, a librarian": the model is none."""
    made = rows(f"It was made by Imke Vos, {told}.")
    assert made[0] == ("creator", "creator", "Imke Vos")
    assert made[1][0] == role
    assert role or made[1:] == [("", "description of the creator", told)]


def test_what_has_its_own_subject_is_not_said_of_the_model() -> None:
    """The second half of a sentence belongs to the subject of the first."""
    assert rows("The museum opens at 10:00 and closes at 17:00.") == [
        ("", "", "The museum opens at 10:00 and closes at 17:00")
    ]


def test_nobody_is_no_maker() -> None:
    """ "together with no outside vendor" names nobody."""
    text = "It was developed by the Kestrel Foundation together with no outside vendor."
    assert profile(text).creators == ("Kestrel Foundation",)
