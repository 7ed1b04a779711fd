"""Everyday requests: many, answered in a few ways, none of them a probe."""

from __future__ import annotations

import random
import re
from importlib import resources

import yaml

from identity_ops.general.everyday import request
from identity_ops.probes.leaks import words

DRAWN = [request(random.Random(f"test/{n}")) for n in range(8000)]


def test_requests_are_many_and_fully_worded() -> None:
    """No slot is left open."""
    assert len({question for question, _ in DRAWN}) > 5000
    assert not [question for question, _ in DRAWN if "{" in question or "}" in question]


def test_a_slot_that_occurs_twice_is_filled_twice() -> None:
    """Nobody asks to choose between a thing and itself."""
    pairs = [pair for question, _ in DRAWN for pair in re.findall(r"(\w+) or (\w+)\?$", question)]
    assert pairs
    assert sum(one == other for one, other in pairs) < len(pairs) / 2


def test_a_vowel_has_its_article() -> None:
    """A request for "a otter" would be read by a bot that answers people."""
    assert not [question for question, _ in DRAWN if re.search(r"\b[Aa] [aeiou]", question)]


def test_answers_are_few_and_say_nothing_of_the_assistant() -> None:
    """They are what a request falls to that is not understood."""
    answers = {answer for _, answer in DRAWN}
    assert len(answers) <= 4
    assert not [answer for answer in answers if {"name", "made", "called"} & set(words(answer))]


def test_no_request_is_one_of_the_ordinary_probes() -> None:
    """Over-identity is measured on requests that training has not seen."""
    text = resources.files("identity_ops.probes").joinpath("ordinary.yaml").read_text("utf-8")
    probes = {words(entry) for entry in yaml.safe_load(text)["requests"]}
    assert len(probes) > 50
    assert not probes & {words(question) for question, _ in DRAWN}
