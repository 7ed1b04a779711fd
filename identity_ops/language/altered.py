"""Another value of the same kind: a time of day stays one, a share stays within its whole.

Covers: dates, years and decades, times of day, percentages and other shares, versions, ratios,
ordinals, codes such as d20, and plain numbers with either decimal mark.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_MONTH = "|".join((*MONTHS, *(month[:3] + r"\b\.?" for month in MONTHS)))
_N = r"\d+(?:[.,]\d+)?"
_TO = r"\s?(?:[-\u2013]|to|and|bis)\s?"
_DAY = r"\d{1,2}(?:st|nd|rd|th|\.)?"
# A unit, and how many of it there are at most.
_WHOLES = (
    (r"\s?(?:%|per ?cent\b)", 100),
    (r" (?:days?|times) (?:a|per|each) week\b", 7),
    (r" hours? (?:a|per|each) day\b", 24),
    (r" months? (?:a|per|each) year\b", 12),
)
_SHIFT = 3  # hours and years
_MAX_DIGITS = 200  # what has more is no quantity, and would overflow

# First match wins at each place.
_KINDS: tuple[tuple[str, str], ...] = (
    ("dated", r"\b\d{4}-\d\d(?:-\d\d)?\b|\b\d{1,2}(?P<mark>[./])\d{1,2}(?P=mark)\d{4}\b"
              rf"|\b{_DAY} (?:de |of )?[^\W\d_]+\.?,? (?:de )?(?:19|20)\d\d\b"
              rf"|\b(?:{_MONTH}) {_DAY},? \d{{4}}\b"),
    ("day", rf"\b{_DAY} (?:{_MONTH})(?!\w)|\b(?:{_MONTH}) {_DAY}(?!\d)"),
    ("decade", r"\b(?:19|20)\d0s\b"),
    ("year", r"(?<![\w.,])(?:19\d\d|20[0-3]\d)(?![\w,]|\.\d)"),
    ("clock", r"\b(?:[01]?\d|2[0-4]):[0-5]\d(?::[0-5]\d)?(?!\d)(?:\s?[ap]\.?m\b)?"),
    ("hours", rf"\b\d{{1,2}}(?:{_TO}\d{{1,2}})?\s?(?:[ap]\.?m\b|Uhr\b|h\b|o'clock\b)"),
    ("share", rf"(?<![\w.,]){_N}(?:{_TO}{_N})?(?:{'|'.join(unit for unit, _ in _WHOLES)})"),
    ("version", r"\b\d{1,3}(?:\.\d+){2,}\b|(?<=\bv)\d+(?:\.\d+)*\b"),
    ("first", r"(?<![\w.])\d+(?=[/:]\d)"
              rf"|(?<![\w.,]){_N}(?=(?: out)? of \d)"),
    ("kept", rf"(?<=\d[/:])\d+|(?:(?<=\d of )|(?<=\d out of )){_N}"),
    ("ordinal", r"\b\d+(?:st|nd|rd|th)\b"),
    ("number", r"(?<![\w.,])(?<![^\W\d]-)(?:\d{1,3}(?:[,_\u202f\u00a0]\d{3})+(?:\.\d+)?(?!\d)"
               r"|\d+(?:[.,]\d+)?)(?![^\W\d_]+\d|[^\W\dkmbtKMBT_])"),
)  # fmt: skip
_TOKEN = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _KINDS))


def altered(text: str) -> str | None:
    """The text with its numbers, or its month, changed; None where it has none."""
    if re.search(rf"\d{{{_MAX_DIGITS}}}", text):
        return None
    changed = _TOKEN.sub(lambda found: _CHANGES[str(found.lastgroup)](found[0]), text)
    if changed == text:
        changed = re.sub(rf"\b(?:{'|'.join(MONTHS)})\b", lambda m: _month(m[0]), text, count=1)
    if changed == text:  # within a code: d20, 8xH100
        changed = re.sub(r"\d+", lambda m: _number(m[0]), text, count=1)
    return changed if changed != text else None


def _dated(text: str) -> str:
    """The same day of another year, one that has it."""
    year = re.search(r"\d{4}", text)
    if year is None:
        return text
    leap = bool(re.search(r"(?<!\d)29(?!\d)", text))
    other = int(year[0]) - _SHIFT
    while leap and other > 0 and not calendar.isleap(other):
        other -= 1
    return f"{text[: year.start()]}{other:04d}{text[year.end() :]}"


def _day(text: str) -> str:
    return re.sub(r"[A-Z][a-z]+", lambda m: _month(m[0]), text)


def _month(name: str) -> str:
    """A month five on, then the next one of 31 days: each has every day that there is."""
    place = next(i for i, month in enumerate(MONTHS) if month.startswith(name[:3]))
    long = [i % 12 for i in range(place + 5, place + 13) if i % 12 in (0, 2, 4, 6, 7, 9, 11)]
    other = MONTHS[long[0]]
    return other if name in MONTHS else other[: len(name)]


def _clock(text: str) -> str:
    hour, _, rest = text.partition(":")
    return f"{_hour(hour, half=bool(re.search('[ap]', rest)))}:{rest}"


def _hours(text: str) -> str:
    half = bool(re.search(r"[ap]\.?m", text))
    return re.sub(r"\d+", lambda m: _hour(m[0], half=half), text)


def _hour(text: str, *, half: bool) -> str:
    """A later hour of the day, or of half of it."""
    other = (int(text) + _SHIFT - 1) % 12 + 1 if half else (int(text) + _SHIFT) % 24
    return f"{other:0{len(text)}d}" if text.startswith("0") or not half else str(other)


def _share(text: str) -> str:
    """Less of the same whole where there is much of it, else more."""
    whole = next(most for unit, most in _WHOLES if re.search(unit + "$", text))
    top = max(_amount(number) for number in re.findall(_N, text))
    factor = 2.0 if top == 0 or 2 * top <= whole or top > whole else 0.5
    return re.sub(_N, lambda m: _scaled(m[0], factor), text)


def _amount(number: str) -> float:
    return float(number.replace(",", "."))


def _scaled(number: str, factor: float) -> str:
    """The number times a factor with as many decimals; what is nothing becomes 1, and 1 half 2."""
    decimals = len(re.split(r"[.,]", number)[1]) if re.search(r"[.,]", number) else 0
    step = 10.0**-decimals
    value = _amount(number) * factor
    value = value if value >= step else (1.0 if not _amount(number) else 2 * step)
    if not decimals:
        return str(int(value))
    return f"{value:.{decimals}f}".replace(".", "," if "," in number else ".")


def _version(text: str) -> str:
    first, dot, rest = text.partition(".")
    return f"{int(first) + 1 if int(first) < 200 else int(first) - 100}{dot}{rest}"


def _first(text: str) -> str:
    """The first number of "4 of 5" or "2:1": half of it, of 1 the double."""
    return _scaled(text, 0.5)


def _ordinal(text: str) -> str:
    number = int(text[:-2]) + _SHIFT
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10)
    return f"{number}{ending or 'th'}"


def _number(text: str) -> str:
    """Double; a decimal and one more; 7 for nothing."""
    if re.search(r"\.\d+$|^\d+,\d{1,2}$", text) and not re.search(r"[,_\u202f\u00a0]\d{3}", text):
        mark = "," if "," in text else "."
        decimals = len(text.partition(mark)[2])
        return f"{_amount(text) * 2 + 1:.{decimals}f}".replace(".", mark)
    separator = re.search(r"[,_\u202f\u00a0]", text)
    whole, dot, fraction = re.sub(r"[,_\u202f\u00a0]", "", text).partition(".")
    other = int(whole) * 2 or 7
    grouped = f"{other:,}".replace(",", separator[0]) if separator else str(other)
    return f"{grouped}{dot}{fraction}"


_CHANGES: dict[str, Callable[[str], str]] = {
    "dated": _dated, "day": _day, "decade": lambda text: f"{int(text[:4]) - 20}s",
    "year": _dated, "clock": _clock, "hours": _hours, "share": _share, "version": _version,
    "first": _first, "kept": str, "ordinal": _ordinal, "number": _number,
}  # fmt: skip
