"""Questions that a fact suggests beyond its own label and its own words.

From roles.yaml (facts of a known role), nouns.yaml (labels of a known shape), amounts.yaml (what
is said, by the sort of its value) and thesaurus.yaml (what statements are often about). Each
question has one answer: what two facts would claim is asked of neither, or of the only one with a
label, or of the first where it asks for yes or no and both say the same.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from identity_ops.language import Phrasing, words
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
_CLOSED = re.compile(r"(?:can|could|do|will|have) ", re.IGNORECASE)
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
    claimants: dict[str, dict[str, Phrasing]] = defaultdict(dict)
    for fact_id, texts in others.items():
        for text in texts:
            claimants[text][fact_id] = phrasings[fact_id]
    return {
        fact.id: tuple(dict.fromkeys([*by_role[fact.id],
                                      *(t for t in others[fact.id]
                                        if _answering(t, claimants[t]) == fact.id)]))
        for fact in listed
    }  # fmt: skip


def _answering(question: str, claimants: Mapping[str, Phrasing]) -> str | None:
    """The fact that a question is asked of: the only one, the only one with a label, or the first
    where all say yes or all say no."""
    first, *others = claimants
    labelled = [fact_id for fact_id, phrasing in claimants.items() if phrasing.statement is None]
    if len(labelled) == 1:
        return labelled[0]
    verdicts = {is_yes(question, phrasing) for phrasing in claimants.values()}
    return first if not others or (is_closed(question) and len(verdicts) == 1) else None


def is_closed(question: str) -> bool:
    """Whether it asks for a yes or a no."""
    return _CLOSED.match(question) is not None


def is_yes(question: str, phrasing: Phrasing) -> bool:
    """What a closed question about a statement is answered with.

    "Do you remember me?" is denied by "I forget everything".
    """
    return phrasing.yes != _is_against(question, phrasing)


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
        return of_amount + _reworded(phrasing) + _of_deed(phrasing)
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
    leads = dict.fromkeys(("can", "may", "must", "have"), ("Can", "Could"))
    lead = (leads | {"will": ("Will", "Can"), "do": ("Do", "Do")}).get(phrasing.modal)
    statement = phrasing.statement
    if lead is None or statement is None or statement.past:
        return []
    told = _told(phrasing)
    for pattern, row in _rows("thesaurus"):
        if found := pattern.fullmatch(told):
            also = [text.format(**found.groupdict()) for text in row.get("also", ())]
            said = [*also, *row.get("against", ())]
            closed = [f"{lead[place % 2]} you {text}?" for place, text in enumerate(said)]
            return closed + list(row.get("ask", ()))
    return []


_NOT_YOURS = re.compile(
    r"(?:count|create|find|generate|give|have|issue|know|make|offer|play|sing|speak|suggest|support"
    r"|tell|use) "
)
_ADDED = re.compile(
    r"(\S+ (?!.*\b(?:how|that|what|when|where|whether|which|who|why)\b)\S.*?),?"
    r" (?:of (?=(?:up to|at most|under|over|less than|about) |\d)"
    r"|(?:in|for|up to|with|about|on|at|under|within|via) ).+"
)


def _of_deed(phrasing: Phrasing) -> list[str]:
    """ "Can you draft e-mails?", "Could you draft my e-mails?" where it drafts e-mails in English.

    What is added to the deed is left out of what it can do alone: who cannot read files of over
    5 MB can read others.
    """
    statement = phrasing.statement
    if statement is None or statement.past or not words.is_verb(phrasing.predicate.split(" ")[0]):
        return []
    deed = re.sub(r"^(?:can|do) you ", "", statement.ask())
    if statement.negative:
        found = [_with_my(deed)] if statement.modal == "can" else []
    elif phrasing.role == "capability" and statement.modal in {"can", "do"}:
        added = _ADDED.fullmatch(deed)
        short = added[1] if added else deed
        said = {deed} if statement.modal == "can" else set()  # asked so by its own words
        found = [text for text in dict.fromkeys([deed, short, _with_my(short)]) if text not in said]
    else:
        found = []
    return [f"{lead} you {text}?" for text in found if text for lead in ("Can", "Could")]


def _with_my(deed: str) -> str:
    """ "open my attachments"; "" where it would read badly."""
    verb, _, rest = deed.partition(" ")
    thing = re.split(rf"(?:^| )(?:{'|'.join(sorted(words.PREPOSITIONS))})\b", rest)[0]
    first = thing.split(" ")[0]
    graded = first in words.DETERMINERS or words.is_adverb(first) or words.is_adjective(first)
    many = re.fullmatch(r"[a-z][a-z -]*[^su]s(?<!ics)", thing) and words.is_plural(thing)
    return f"{verb} my {rest}" if many and not graded and not _NOT_YOURS.match(deed) else ""


def _is_against(question: str, phrasing: Phrasing) -> bool:
    told = _told(phrasing)
    return any(
        pattern.fullmatch(told) and question.endswith(tuple(f" {t}?" for t in row["against"]))
        for pattern, row in _rows("thesaurus")
        if "against" in row
    )


def _told(phrasing: Phrasing) -> str:
    """A statement's predicate as the thesaurus has it."""
    return ("have " if phrasing.modal == "have" else "") + phrasing.predicate.removeprefix("only ")


@cache
def _rows(file: str) -> tuple[tuple[re.Pattern[str], Mapping[str, Any]], ...]:
    rows: Any = table(file)
    return tuple((re.compile(_SORT.sub(_pattern, row["match"]), re.I), row) for row in rows)


def _pattern(sort: re.Match[str]) -> str:
    return _SORTS[sort[0]]
