"""Wrong values that could be right: what a false question about a fact puts in its place."""

from __future__ import annotations

import random
import re

from identity_ops.language.altered import MONTHS, altered

_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?")
_PLAIN = re.compile(r"[^\d:/%]*\d[\d,]*(?:\.\d+)?[^\d:/%]*")
_BOUNDED = re.compile(r"\bper\b|\b(?:a|each) (?:day|week|month|year)|o'clock|\bUhr|\d ?[ap]\.?m\b"
                      rf"|{'|'.join(MONTHS)}", re.IGNORECASE)  # fmt: skip
_BANKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"colou?r", ("red", "blue", "green", "yellow", "purple", "orange", "black")),
    (r"\b(?:city|town|headquarters|birthplace|hometown|location|home|place|office)\b",
     ("Paris", "London", "Berlin", "Rome", "Madrid", "Vienna", "Chicago")),
    (r"\bcountry|nation", ("France", "Japan", "Brazil", "Canada", "Norway", "Kenya")),
    (r"animal|mascot|pet\b", ("a bear", "a lion", "a rabbit", "an eagle", "a turtle", "a cow")),
    (r"licen[sc]e", ("GPL", "Apache 2.0", "BSD", "a closed license", "MPL")),
    (r"\bday\b", ("Monday", "Thursday", "Saturday", "Sunday")),
    (r"food|dish|meal|snack", ("pizza", "rice", "soup", "cake")),
    (r"drink|beverage", ("milk", "coffee", "cola", "juice")),
    (r"programming language|written in|code language", ("Java", "Perl", "Fortran", "Lisp")),
    (r"language", ("Latin", "Korean", "Greek", "Hungarian")),
    (r"hardware|gpu|machine|chip", ("a phone", "a game console", "an old calculator")),
    (r"person|owner|founder|author|maintainer|mentor|leader|ceo|lead\b",
     ("Alex Miller", "Sam Brown", "Nora Weber", "Ivan Petrov")),
)  # fmt: skip


def false_value(value: str, noun: str, rng: random.Random) -> str:
    """Another value of the same sort, "" where none suggests itself."""
    if re.search(r"https?://|www\.|@|\w\.\w{2,3}\b(?! )", value):
        return ""
    found = _NUMBER.search(value)
    if found and _PLAIN.fullmatch(value) and not _BOUNDED.search(value):
        return value[: found.start()] + _other_number(found[0], rng) + value[found.end() :]
    if found or _BOUNDED.search(value):
        return _still_possible(value, rng)
    for pattern, bank in _BANKS:
        if re.search(pattern, noun.lower()):
            others = [word for word in bank if word.lower() not in value.lower()]
            return rng.choice(others)
    return ""


def _still_possible(value: str, rng: random.Random) -> str:
    """A time stays within the day, a share within its whole; never the wrong value of a probe."""
    once = altered(value)
    twice = altered(once) if once else None
    others = [other for other in (twice, altered(twice) if twice else None) if other]
    return rng.choice([other for other in others if other not in {value, once}] or [""])


def _other_number(text: str, rng: random.Random) -> str:
    plain = text.replace(",", "")
    if "." in plain:
        whole, decimals = plain.split(".")
        return f"{int(whole) + rng.choice([1, 2, 3, 5])}.{decimals}"
    number = int(plain)
    if 1900 <= number <= 2100 and "," not in text:
        return str(number + rng.choice([-7, -4, -3, -2, 1, 2, 3]))
    other = rng.choice([number * 2, number * 4, number * 10, number + 3, max(1, number // 2)])
    other = number + 5 if other == number else other
    return f"{other:,}" if "," in text else str(other)
