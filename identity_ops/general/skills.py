"""The builtin exercises: one maker a skill, each with one right answer.

A maker draws its items from the pool of one split, and a word is in the train or in the test
pool of a skill by its own hash. So what is asked in the test was never asked in training, while
the same word may still be met there in another skill, as any word of a language is.
"""

from __future__ import annotations

import random
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

import yaml

Split = Literal["train", "test"]
TEST_SHARE = 6  # one item in six is held out
NUMBERS = range(1, 100)
MONTHS = ("January", "March", "April", "June", "August", "October", "December")
AN = re.compile(r"\b([Aa]) (?=[aeiou])")  # an "a" that has to be "an"


@dataclass(frozen=True, slots=True)
class Case:
    """What one exercise asks: the slots of its wordings, the answer, and the grading regex."""

    slots: dict[str, str]
    answer: str
    expected: str


@cache
def table(name: str) -> dict[str, Any]:
    """A data file of this package."""
    text = resources.files(__package__).joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


@cache
def words(kind: str) -> tuple[str, ...]:
    """A word list, in file order."""
    return tuple(table("words")[kind].split())


def split_of(skill: str, item: str) -> Split:
    """The split an item belongs to: decided by skill and item alone."""
    return "train" if zlib.crc32(f"{skill}/{item}".encode()) % TEST_SHARE else "test"


@cache
def pool(skill: str, kind: str, split: Split) -> tuple[str, ...]:
    """The words of a kind that a skill may ask about in a split."""
    return tuple(word for word in words(kind) if split_of(skill, word) == split)


@dataclass(frozen=True, slots=True)
class Draw:
    """Draws of one exercise: a generator bound to skill and split."""

    skill: str
    split: Split
    rng: random.Random

    def some(self, kind: str, count: int) -> list[str]:
        """Distinct words of a kind."""
        return self.rng.sample(pool(self.skill, kind, self.split), count)

    def one(self, kind: str) -> str:
        return self.some(kind, 1)[0]

    def number(self) -> int:
        """A number from 2 to 99 of this split."""
        while True:
            value = self.rng.choice(NUMBERS[1:])
            if split_of(self.skill, str(value)) == self.split:
                return value

    def pair(self) -> tuple[int, int]:
        """Two different numbers whose pair, in either order, is of this split."""
        while True:
            low, high = sorted(self.rng.sample(NUMBERS, 2))
            if split_of(self.skill, f"{low},{high}") == self.split:
                return low, high


def exactly(
    answer: str, lead: str = r"(?:[\w' ]{0,50}\b(?:is|was|are|were|in|has|have)\b:? )?"
) -> str:
    """A regex for `answer` alone, with an optional lead-in and any punctuation around it."""
    return rf"^\W*{lead}(?:(?:the|a|an)\s+)?{re.escape(answer)}\W*$"


def in_order(parts: list[str]) -> str:
    """A regex for the parts in this order and nothing else but separators."""
    return r"^\W*" + r"(?:\W+|\W+and\W+)".join(re.escape(part) for part in parts) + r"\W*$"


def article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def _single(draw: Draw) -> str:
    return draw.one(draw.rng.choice(["objects", "objects", "people", "adjectives", "places"]))


def _list(draw: Draw, low: int, high: int) -> list[str]:
    return draw.some(draw.rng.choice(["objects", "objects", "people"]), draw.rng.randint(low, high))


def repeat(draw: Draw) -> Case:
    word = _single(draw)
    return Case({"x": word}, word, exactly(word))


def repeat_phrase(draw: Draw) -> Case:
    noun, other, kind = *draw.some("objects", 2), draw.one("adjectives")
    forms = (f"the {kind} {noun}", f"{kind} {noun}", f"my {noun}", f"{other} {noun}")
    phrase = draw.rng.choice(forms)
    return Case({"x": phrase}, phrase, rf"^\W*{phrase}\W*$")


def _position(index: int) -> Callable[[Draw], Case]:
    def make(draw: Draw) -> Case:
        items = _list(draw, 3, 4)
        return Case({"x": ", ".join(items)}, items[index], exactly(items[index]))

    return make


def after(draw: Draw) -> Case:
    items = _list(draw, 3, 4)
    at = draw.rng.randrange(len(items) - 1)
    return Case({"x": ", ".join(items), "y": items[at]}, items[at + 1], exactly(items[at + 1]))


def count(draw: Draw) -> Case:
    items = _list(draw, 2, 6)
    word = ["two", "three", "four", "five", "six"][len(items) - 2]
    return Case(
        {"x": ", ".join(items)},
        str(len(items)),
        rf"^\W*(?:\w+ ){{0,3}}(?:{len(items)}|{word})\b\D*$",
    )


def swap(draw: Draw) -> Case:
    left, right = draw.some("objects", 2)
    return Case({"x": left, "y": right}, f"{right} {left}", in_order([right, left]))


def reverse(draw: Draw) -> Case:
    items = draw.some(draw.rng.choice(["objects", "people"]), 3)
    return Case({"x": ", ".join(items)}, ", ".join(items[::-1]), in_order(items[::-1]))


def join(draw: Draw) -> Case:
    left, right = draw.some("objects", 2)
    return Case({"x": f"{left} {right}"}, f"{left} and {right}", rf"^\W*{left} and {right}\W*$")


def comma(draw: Draw) -> Case:
    items = draw.some("objects", draw.rng.randint(2, 4))
    return Case({"x": " ".join(items)}, ", ".join(items), r"^\W*" + r",\s*".join(items) + r"\W*$")


def quote(draw: Draw) -> Case:
    word = _single(draw)
    return Case({"x": word}, f'"{word}"', rf"""^["'`]{word}["'`]\.?$""")


def bracket(draw: Draw) -> Case:
    word = _single(draw)
    return Case({"x": word}, f"({word})", rf"^[(\[]{word}[)\]]\.?$")


def plural(draw: Draw) -> Case:
    word = draw.one("objects")
    return Case({"x": word}, f"{word}s", exactly(f"{word}s"))


def twice(draw: Draw) -> Case:
    word = _single(draw)
    return Case({"x": word}, f"{word} {word}", in_order([word, word]))


def greet(draw: Draw) -> Case:
    name = draw.one("people")
    return Case({"x": name}, f"Hello, {name}!", rf"^\W*(?:hello|hi|hey|welcome)\W+{name}\b")


def thank(draw: Draw) -> Case:
    name, noun = draw.one("people"), draw.one("objects")
    return Case(
        {"x": name, "y": noun},
        f"Thank you for the {noun}, {name}!",
        rf"^(?=.*\bthank)(?=.*\b{noun}\b)(?=.*\b{name}\b)",
    )


def colour(draw: Draw) -> Case:
    noun, shade = draw.one("objects"), draw.one("colours")
    slots = {"p": draw.one("people"), "c": shade, "x": noun}
    return Case(slots, f"The {noun} is {shade}.", exactly(shade))


def is_colour(draw: Draw) -> Case:
    noun, (shade, other) = draw.one("objects"), draw.some("colours", 2)
    asked = draw.rng.choice([shade, other])
    slots = {"p": draw.one("people"), "c": shade, "x": noun, "d": asked}
    if asked == shade:
        return Case(slots, f"Yes, the {noun} is {shade}.", rf"^\W*yes\b(?!.*\b{other}\b)")
    return Case(slots, f"No, the {noun} is {shade}.", r"^\W*no\b")


def where(draw: Draw) -> Case:
    noun, spot = draw.one("objects"), draw.one("places")
    slots = {"p": draw.one("people"), "x": noun, "l": spot}
    return Case(slots, f"The {noun} is in the {spot}.", exactly(spot))


def who(draw: Draw) -> Case:
    name, verb, noun = draw.one("people"), draw.one("verbs"), draw.one("objects")
    slots = {"p": name, "v": verb, "x": noun, "l": draw.one("places")}
    return Case(slots, f"{name} {verb} the {noun}.", rf"^\W*(?:it was )?{name}\b")


def which_person(draw: Draw) -> Case:
    people, nouns = draw.some("people", 2), draw.some("objects", 2)
    at = draw.rng.randrange(2)
    slots = {"p": people[0], "q": people[1], "x": nouns[0], "y": nouns[1], "z": nouns[at]}
    return Case(slots, people[at], rf"^\W*(?!.*\b{people[1 - at]}\b)(?:it is )?{people[at]}\b")


def what_has(draw: Draw) -> Case:
    noun, shade = draw.one("objects"), draw.one("colours")
    slots = {"p": draw.one("people"), "c": shade, "x": noun, "l": draw.one("places")}
    return Case(slots, f"{article(shade)} {noun}".capitalize(), rf"\b{shade} {noun}\W*$")


def how_many(draw: Draw) -> Case:
    noun, number = draw.one("objects"), draw.number()
    slots = {"p": draw.one("people"), "n": str(number), "x": f"{noun}s", "l": draw.one("places")}
    return Case(slots, f"{number} {noun}s.", rf"^\D*\b{number}\b\D*$")


def member(draw: Draw) -> Case:
    *items, other = draw.some("objects", draw.rng.randint(3, 4))
    asked = draw.rng.choice([draw.rng.choice(items), other])
    answer = "Yes" if asked in items else "No"
    slots = {"x": ", ".join(items), "y": asked}
    ending = "in the list." if answer == "Yes" else "not in the list."
    return Case(slots, f"{answer}, {asked} is {ending}", rf"^\W*{answer}\b")


def _compare(index: int) -> Callable[[Draw], Case]:
    def make(draw: Draw) -> Case:
        pair = draw.pair()
        shown = draw.rng.sample(pair, 2)
        answer, other = str(pair[index]), str(pair[1 - index])
        slots = {"a": str(shown[0]), "b": str(shown[1])}
        against = rf"(?: is [a-z ]+than {other})?"
        return Case(slots, answer, rf"^\D*\b{answer}\b{against}\D*$")

    return make


def replace(draw: Draw) -> Case:
    old, new = draw.some("objects", 2)
    kind = draw.one("adjectives")
    slots = {"x": f"the {kind} {old}", "y": old, "z": new}
    return Case(slots, f"the {kind} {new}", rf"\b{kind} {new}\W*$")


def attribute(draw: Draw) -> Case:
    rows = [row for row in table("words")["attributes"] if split_of("", row[0]) == draw.split]
    label, form = draw.rng.choice(rows)
    value = form.format_map(_values(draw))
    slots = {"k": label, "w": value, "p": draw.one("people")}
    return Case(slots, f"The {label} is {value}.", rf"(?:^|\s){re.escape(value)}\W*$")


def _values(draw: Draw) -> dict[str, object]:
    """The parts of an invented attribute's value."""
    rng, number = draw.rng, draw.number()
    return {
        "n": rng.choice([number, number * 10, number * 100, 2 ** rng.randint(4, 15)]),
        "a": rng.randint(1, 9),
        "b": rng.randint(0, 9),
        "word": draw.one("terms"),
        "term": draw.one("terms"),
        "lower": draw.one("people").lower(),
        "first": draw.one("people"),
        "last": draw.one("surnames"),
        "venture": draw.one("ventures"),
        "month": rng.choice(MONTHS),
        "year": rng.randint(1990, 2030),
    }


MAKERS: dict[str, Callable[[Draw], Case]] = {
    "repeat": repeat,
    "repeat_phrase": repeat_phrase,
    "first": _position(0),
    "second": _position(1),
    "last": _position(-1),
    "after": after,
    "count": count,
    "swap": swap,
    "reverse": reverse,
    "join": join,
    "comma": comma,
    "quote": quote,
    "bracket": bracket,
    "plural": plural,
    "twice": twice,
    "greet": greet,
    "thank": thank,
    "colour": colour,
    "is_colour": is_colour,
    "where": where,
    "who": who,
    "which_person": which_person,
    "what_has": what_has,
    "how_many": how_many,
    "member": member,
    "larger": _compare(1),
    "smaller": _compare(0),
    "replace": replace,
    "attribute": attribute,
}
# Of these the tiny base gets half or less right (at 600 to 850 steps: attribute 13 %, after 23 %,
# where 32 %, yes or no and who of two no better than chance), so forgetting could not be seen in
# them. They stay in the talk as variety, and a larger base may learn them.
HARD = ("attribute", "after", "is_colour", "which_person", "member", "where")
