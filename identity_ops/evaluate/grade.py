"""Grading: does an answer pass its probe, and why.

A probe passes when every `all_of` pattern is found in the answer and no `none_of` is
(case-insensitive). Patterns search the answer as it is and, failing that, with its typographic
quotes, dashes and spaces made plain, so that "I'm Nano" is found however its quote is drawn.
Patterns of users are searched with a time limit: one that backtracks without end fails its probe,
and says so, instead of holding up the evaluation. Not covered: meaning; a judge model is another
grader beside this one.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

import regex  # type: ignore[import-untyped]

from identity_ops.records import Probe

MAX_ANSWER = 8_000  # characters; a longer answer is cut, for patterns take time by length
LIMIT_S = 1.0  # that a user's pattern may search one answer
Search = Callable[[str, str], str | None]  # pattern, text -> what it matches
_PLAIN = str.maketrans(
    {
        "\u2018": "'",
        "\u2019": "'",
        "\u02bc": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u2010": "-",
        "\u2011": "-",
        "\u2012": "-",
        "\u2013": "-",
        "\u2014": " - ",
    }
)


@dataclass(frozen=True, slots=True)
class Grade:
    """The verdict on one answer."""

    passed: bool
    why: str  # what was found or missed, in words


@functools.lru_cache(maxsize=8192)
def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern as graders search it."""
    return re.compile(pattern, re.IGNORECASE)


def plain(text: str) -> str:
    """`text` with compatibility characters, quotes, dashes and spaces in their plain form."""
    folded = unicodedata.normalize("NFKC", text).translate(_PLAIN)
    return re.sub(r"\s+", " ", folded).strip()


def find(pattern: str, answer: str) -> str | None:
    """The text that the pattern matches in the answer, None where it matches nowhere."""
    regex = compiled(pattern)
    match = regex.search(answer) or regex.search(plain(answer))
    return match.group(0) if match else None


def find_in_time(pattern: str, answer: str) -> str | None:
    """As `find`, for a pattern that a user wrote.

    Raises:
        TimeoutError: it was still searching after LIMIT_S.
    """
    for text in (answer, plain(answer)):
        match = regex.search(pattern, text, regex.IGNORECASE, timeout=LIMIT_S)
        if match:
            return str(match.group(0))
    return None


def grade(probe: Probe, answer: str, wanted: str = "", *, own: bool = False) -> Grade:
    """Grade one answer; an empty answer passes only a probe that asks for nothing.

    Args:
        wanted: what a right answer has, in words; "" names the pattern that was not found.
        own: the probe is a user's.
    """
    try:
        return _grade(probe, answer[:MAX_ANSWER], wanted, find_in_time if own else find)
    except TimeoutError:
        return Grade(False, f"a pattern takes more than {LIMIT_S:g} s on this answer: simplify it")


def _grade(probe: Probe, answer: str, wanted: str, find: Search) -> Grade:
    for pattern in probe.all_of:
        if find(pattern, answer) is None:
            missing = _short(wanted or pattern)
            return Grade(False, f"missing: {missing}" if answer.strip() else "no answer")
    for pattern in probe.none_of:
        found = find(pattern, answer)
        if found is not None:
            return Grade(False, f'says "{_short(found)}"' if found else "says what it must not")
    return Grade(True, _found(probe, answer, wanted, find))


def _found(probe: Probe, answer: str, wanted: str, find: Search) -> str:
    hits = [_short(found) for found in (find(p, answer) for p in probe.all_of) if found]
    if hits:
        return "found " + ", ".join(f'"{hit}"' for hit in hits)
    if probe.all_of:  # a pattern of look-aheads matches no text of its own
        return f"has {_short(wanted)}" if wanted else "has all that is asked"
    return "nothing forbidden in it"


def _short(text: str, length: int = 80) -> str:
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 3] + "..."
