"""Questions that a fact suggests beyond its own label and its own words.

From roles.yaml (facts of a known role), nouns.yaml (labels of a known shape), amounts.yaml (what
is said, by the sort of its value) and thesaurus.yaml (what statements are often about). A question
that two facts would claim is asked of neither, so that each question has one answer.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from identity_ops.language import Phrasing
from identity_ops.records import Fact
from identity_ops.teachers.template.frames import table

_ABOUT = r"(?:(?:about|around|roughly|approximately|only|under|over|up to) |~ ?)?"
_SIGN = "[$\u20ac\u00a3\u00a5]"
_CODE = "USD|EUR|GBP|CHF|DKK|NOK|SEK|JPY"
_COIN = "(?:US )?dollars?|euros?|pounds?|cents?|francs?|kroner|yen"
_SORTS = {  # what the names in amounts.yaml stand for
    "ABOUT": _ABOUT,
    "MONEY": rf"{_ABOUT}(?:(?:[A-Z]{{0,3}}{_SIGN}|(?:{_CODE})\b) ?\d[\d.,]*"
             rf"|\d[\d.,]* ?(?:{_SIGN}|(?:{_COIN}|{_CODE})\b))",
    "SPAN": rf"{_ABOUT}\d[\d.,]*(?: ?(?:to|-|\u2013) ?\d[\d.,]*)? "
            r"(?P<unit>seconds?|minutes?|hours?|days?|weeks?|months?|years?)\b",
}  # fmt: skip
_SORT = re.compile(r"\b(?:ABOUT|MONEY|SPAN)")


def own_questions(
    facts: Iterable[Fact], phrasings: Mapping[str, Phrasing]
) -> dict[str, tuple[str, ...]]:
    """Fact id -> its questions, each with its mark."""
    listed = list(facts)
    by_role = {fact.id: role_questions(fact, phrasings[fact.id]) for fact in listed}
    claimed = {text for texts in by_role.values() for text in texts}
    others = {
        fact.id: [
            text
            for text in _suggested(phrasings[fact.id], has_own=bool(by_role[fact.id]))
            if text not in claimed
        ]
        for fact in listed
    }
    counts = Counter(text for texts in others.values() for text in set(texts))
    return {
        fact.id: tuple(dict.fromkeys([*by_role[fact.id],
                                      *(t for t in others[fact.id] if counts[t] == 1)]))
        for fact in listed
    }  # fmt: skip


def role_row(fact: Fact, phrasing: Phrasing) -> Mapping[str, Any]:
    """What roles.yaml has for a fact, {} where its label speaks of something else."""
    row: Mapping[str, Any] = table("roles").get(phrasing.role) or {}
    return row if re.search(row.get("label", ""), fact.attribute.lower()) else {}


def role_questions(fact: Fact, phrasing: Phrasing) -> tuple[str, ...]:
    """Wordings of the fact's role; statements have none."""
    return () if phrasing.statement else tuple(role_row(fact, phrasing).get("ask", ()))


def _suggested(phrasing: Phrasing, *, has_own: bool) -> list[str]:
    of_amount = [] if has_own else _of_amount(phrasing)
    if phrasing.statement is not None:
        return of_amount + _reworded(phrasing)
    noun = phrasing.noun.lower()
    out: list[str] = []
    for pattern, row in _rows("nouns") if noun else ():
        if found := pattern.fullmatch(noun):
            groups = dict(zip("ab", [g or "" for g in found.groups()], strict=False))
            out += [text.format(**groups) for text in row["ask"]]
    return out + of_amount


def _of_amount(phrasing: Phrasing) -> list[str]:
    """ "How much does the premium plan cost?" where a price is told."""
    told = phrasing.declare_you()
    found = [(pattern.fullmatch(told), row["ask"]) for pattern, row in _rows("amounts")]
    return [text.format(**match.groupdict()) for match, ask in found if match for text in ask]


def _reworded(phrasing: Phrasing) -> list[str]:
    """ "Can you go online?" for a statement about browsing the internet."""
    lead = {"can": ("Can", "Could"), "may": ("Can", "Could"), "will": ("Will", "Can"),
            "do": ("Do", "Do"), "have": ("Can", "Could")}.get(phrasing.modal)  # fmt: skip
    statement = phrasing.statement
    if lead is None or statement is None or statement.past:
        return []
    told = ("have " if phrasing.modal == "have" else "") + phrasing.predicate.removeprefix("only ")
    for pattern, row in _rows("thesaurus"):
        if pattern.fullmatch(told):
            return [f"{lead[place % 2]} you {text}?" for place, text in enumerate(row["also"])]
    return []


@cache
def _rows(file: str) -> tuple[tuple[re.Pattern[str], Mapping[str, Any]], ...]:
    rows: Any = table(file)
    return tuple((re.compile(_SORT.sub(_pattern, row["match"]), re.I), row) for row in rows)


def _pattern(sort: re.Match[str]) -> str:
    return _SORTS[sort[0]]
