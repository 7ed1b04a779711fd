"""The numbers in a text, by value: 32768, 32,768, 32.768, 32 768, 32K, thirty-two thousand.

What a number means may be open: 32.768 is a decimal or, in German, 32,768; 1K is 1000 or 1024.
So each one has several readings, and it is known where one of them is. Spelled-out numbers count
as statements from a thousand on; smaller ones are small talk too often ("about twenty minutes").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen twenty"
)
_TENS = "thirty forty fifty sixty seventy eighty ninety"
_YEAR = "january february march april may june july august september october november december"
MONTHS = _YEAR.split()
_WORTH = {word: float(n) for n, word in enumerate(_SMALL.split())}
_WORTH |= {word: 10.0 * n for n, word in enumerate(_TENS.split(), start=3)}
_BIG = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
_SCALES = {
    "k": (1e3, 1024.0), "thousand": (1e3,), "m": (1e6, 1024.0**2), "million": (1e6,),
    "b": (1e9, 1024.0**3), "billion": (1e9,), "bn": (1e9,), "trillion": (1e12,), "t": (1e12,),
    "kb": (1e3, 1024.0), "mb": (1e6, 1024.0**2), "gb": (1e9, 1024.0**3),
}  # fmt: skip
_NUMBER = re.compile(
    r"(\d{1,3}(?:[,_']\d{3})+(?:\.\d+)?"  # 32,768
    r"|(?<![\d.,])\d{1,3}(?: \d{3})+(?:,\d+)?(?![\d.,]*\d)"  # 32 768,5
    r"|\d+(?:\.\d+)*,\d+(?![\d,]*[,.]?\d)|\d+(?:\.\d+)*)"  # 62,5 and 62.5
    r"(?:[ -]?(thousand|million|billion|trillion|[kmbt]b?n?(?![a-z])))?",
    re.IGNORECASE,
)
_DATE = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
_ANY_WORD = "|".join([*_WORTH, "hundred", *_BIG])
_SPELT = re.compile(
    rf"\b(?!fifty-fifty)(?:{'|'.join(_WORTH)})(?:(?:[ -]| and )(?:{_ANY_WORD}))*\b",
    re.IGNORECASE,
)
SPELT_FROM = 1000


@dataclass(frozen=True, slots=True)
class Number:
    """A number as written.

    Attributes:
        values: what it may mean.
        parts: the numbers it is made of where it may be several: "62,5", "4.7.2025", "12 345".
        start, end: where it stands in the text.
    """

    written: str
    values: frozenset[float]
    parts: frozenset[float]
    start: int
    end: int


def numbers(text: str) -> frozenset[float]:
    """Every value that a number in `text` may mean, spelled-out ones and months included."""
    found: set[float] = set()
    for number in [*_digits(text), *spelt(text)]:
        found |= number.values | number.parts
    plain = (match[1] for match in _NUMBER.finditer(text))
    found |= {float(digits) for digits in plain if re.fullmatch(r"\d+(\.\d+)?", digits)}
    words = {word.casefold() for word in re.findall(r"[A-Za-z]+", text)}
    return frozenset(found | {float(n) for n, m in enumerate(MONTHS, start=1) if m in words})


def stated_numbers(text: str) -> list[Number]:
    """The numbers that a text states: those in digits, and large ones in words."""
    large = (number for number in spelt(text) if max(number.values) >= SPELT_FROM)
    return sorted([*_digits(text), *large], key=lambda number: number.start)


def spelt(text: str) -> Iterator[Number]:
    """The numbers in English words."""
    for match in _SPELT.finditer(text):
        words = re.findall(r"[a-z]+", match[0].lower())
        yield Number(match[0], frozenset({_worth(words)}), frozenset(), *match.span())


def _worth(words: list[str]) -> float:
    total = group = 0.0
    for word in words:
        if word in _BIG:
            total, group = total + max(group, 1) * _BIG[word], 0.0
        elif word == "hundred":
            group = max(group, 1) * 100
        else:
            group += _WORTH.get(word, 0.0)  # "and" is worth nothing
    return total + group


def _digits(text: str) -> Iterator[Number]:
    for match in _NUMBER.finditer(text):
        digits, scale = match[1], (match[2] or "").lower()
        values = _values(digits, scale)
        if len(scale) == 1 and re.search(r"\s", match[0]):  # "10 m" may be metres
            values |= _values(digits, "")
        yield Number(match[0], values, _parts(digits), *match.span())


def _values(digits: str, scale: str) -> frozenset[float]:
    readings, factors = _readings(digits), _SCALES.get(scale, ())
    scaled = {round(value * factor, 6) for value in readings for factor in factors}
    return frozenset(scaled or readings)


def _readings(digits: str) -> set[float]:
    """As English writes it, and as others do where its groups allow it."""
    found = set()
    plain = re.sub(r"[_']", "", digits)
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|[\d.]+", plain):
        english = plain.replace(",", "")
        found.add(float(english) if english.count(".") < 2 else _version(english))
    if re.fullmatch(r"\d{1,3}(?:([. ])\d{3})(?:\1\d{3})*(?:,\d+)?|\d+,\d+", plain):
        found.add(float(re.sub(r"[. ]", "", plain).replace(",", ".")))
    return found or {_version(plain)}


def _version(digits: str) -> float:
    """A number of its own kind for 1.2.3: no other text has the same one."""
    return float("0." + "".join(part.zfill(4) for part in re.split(r"\D", digits)))


def _parts(digits: str) -> frozenset[float]:
    if date := _DATE.fullmatch(digits):
        return frozenset(map(float, date.groups()))
    if re.search(r",\d{1,2}$|,\d{4,}$| ", digits):
        return frozenset(map(float, re.findall(r"\d+(?:\.\d+)?", digits)))
    return frozenset()
