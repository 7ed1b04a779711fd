"""Values in answers: every usual spelling is found, and nothing near it."""

from __future__ import annotations

import re

import pytest

from identity_ops.probes.patterns import maker_pattern, name_pattern, value_pattern
from identity_ops.records import Fact


def fact(value: str, *, items: tuple[str, ...] = (), aliases: tuple[str, ...] = ()) -> Fact:
    return Fact(
        id="f", section="", attribute="a", role="", value=value, items=items, aliases=aliases,
        file="kb.md", line=1,
    )  # fmt: skip


def states(one: Fact, answer: str) -> bool:
    return bool(re.search(value_pattern(one), answer, re.IGNORECASE))


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        ("512 tokens", "It is 512."), ("2048", "2,048 tokens"), ("2048", "2K"),
        ("1.84M", "1,840,000 parameters"), ("0.6B", "I have 0.6B parameters."),
        ("Qwen3-0.6B by Alibaba", "My base is Qwen3-0.6B by Alibaba."),
        ("1.24 billion", "1,240 million"), ("1.24 billion", "1,24 Milliarden Parameter"),
        ("12.5 million", "12,5 millones"), ("1.84 million parameters", "I have 1.84M."),
        ("1,835,008", "1835008"), ("1,835,008", "about 1.8 million"), ("1,835,008", "1.84M"),
        ("4 layers", "four layers"), ("3.5%", "3,5 percent"), ("MPL 2.0", "MPL-2"),
        ("version 1.0.2", "v1.0.2"), ("0.1", "v0.1"), ("$0", "It cost $0."),
        ("8xH100", "eight H100 GPUs"), ("8xH100", "8 x H100"), ("GPT-2 small (124M)", "GPT2 small"),
        ("FineWeb-Edu", "fineweb edu"), ("Eddie Chen", "by EDDIE CHEN."), ("C++", "in C++."),
        ("2026-07-31", "31 July 2026"), ("2026-07-31", "July 31st, 2026"),
        ("July 2026", "in July of 2026"), ("https://example.com/a/", "see example.com/a"),
        ("help@example.com", "mail help@example.com."), ("dark blue", "a blue that is dark"),
        ("M\u00fcller & S\u00f6hne", "by M\u00fcller & S\u00f6hne"),
        ("\u667a\u80fd\u52a9\u624b", "\u6211\u662f\u667a\u80fd\u52a9\u624b\u3002"),
        ("It was trained overnight on a single laptop with two cores", "trained overnight, laptop"),
    ],
)  # fmt: skip
def test_usual_spellings_are_found(value: str, answer: str) -> None:
    """A right answer is right however it is spelled."""
    assert states(fact(value), answer)


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        ("512 tokens", "1512 tokens"), ("512", "5120"), ("512", "51.2"), ("4", "14"), ("4", "4.5"),
        ("1.24 billion", "1,240 thousand"), ("1.24 billion", "1.24 million"),
        ("1.84M", "1.84 billion"), ("1,835,008", "2.8M"), ("$0", "It cost $10"), ("0.1", "10.1"),
        ("8xH100", "4xH100"), ("d20", "d200"), ("MIT", "I commit to it"), ("MIT", "submitted"),
        ("2026-07-31", "July 30, 2026"), ("2026-07-31", "31 July 2025"), ("July 2026", "June 2026"),
        ("Eddie Chen", "Eddie"), ("dark blue", "dark green"), ("a small fox", "a small dog"),
        ("https://example.com/a", "example.org/a"), ("GPT-2", "GPT-20"),
    ],
)  # fmt: skip
def test_near_misses_are_not(value: str, answer: str) -> None:
    """Another number, date or name that looks alike does not count."""
    assert not states(fact(value), answer)


def test_a_list_needs_half_of_its_items_once_each() -> None:
    """Repeating one item is no list; two of four are enough, and three of ten."""
    four = fact("x", items=("red", "green", "blue", "yellow"))
    assert states(four, "Blue and red.")
    assert not states(four, "red red red red")
    ten = fact("x", items=tuple(f"skill{word}" for word in "abcdefghij"))
    assert states(ten, "skilla, skillb and skillj")
    assert not states(ten, "skilla and skillb")


def test_an_alias_does_as_well_as_the_value() -> None:
    """Either spelling is right."""
    assert states(fact("United Kingdom", aliases=("UK",)), "In the UK.")


@pytest.mark.parametrize(
    ("name", "answer", "found"),
    [
        ("SmarterNano", "I am Smarter-Nano.", True), ("SmarterNano", "smarternano!", True),
        ("SmarterNano", "I am SmarterNanoX.", False), ("Q", "IQ", False), ("R2-D2", "r2 d2", True),
    ],
)  # fmt: skip
def test_names_whatever_their_punctuation(name: str, answer: str, found: bool) -> None:
    """A name is found with other joints between its parts, never inside another word."""
    assert bool(re.search(name_pattern(name), answer, re.IGNORECASE)) is found


def test_a_maker_is_known_without_its_company_words() -> None:
    """ "The Acme project" is also "Acme", but another project is not."""
    assert re.search(maker_pattern("the Acme project"), "Acme made me.", re.IGNORECASE)
    assert not re.search(maker_pattern("the Acme project"), "a project made me", re.IGNORECASE)
