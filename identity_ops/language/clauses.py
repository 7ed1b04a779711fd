"""Clauses: statements with a subject of their own, such as "Training took 3 hours".

They say nothing that can be turned to "I" or "you", so they are only found here, and quoted whole.
"""

from __future__ import annotations

import re

from identity_ops.language import words
from identity_ops.language.statement import Statement

_DIGITS = frozenset("0123456789$\u20ac\u00a3")  # an amount begins with one of these


def clause_of(body: str) -> Statement | None:
    """A sentence with a subject of its own: "Training took 3 hours"."""
    body = re.sub(r"^(?:His|Her) ", "Its ", body)
    aux = "is|are|was|were|can|cannot|can't|will|has|have|had|must|may|should|does|do|did"
    aux += (
        r"|took|takes|costs?(?= (?:(?:about|approximately|around|only|roughly) )?[\d$\u20ac\u00a3])"
    )
    verbs = re.search(rf" (?P<verb>{aux}|isn't|aren't|doesn't|won't) ", body)
    subject = body[: verbs.start()] if verbs else _subject(body.split(" "))
    head = subject.split(" ")[0].lower()
    if not subject or len(subject.split(" ")) > 6 or head in words.PREPOSITIONS or (
        re.search(r"\b(?:that|which|who|when|if|what|how|whether|why|where)\b", subject)
    ):  # fmt: skip
        return None
    return Statement(modal="clause", subject=_lower_subject(subject),
                     predicate=body[len(subject) :].strip())  # fmt: skip


def is_clause(text: str) -> bool:
    """Whether the text is a sentence with a subject of its own, begun as one."""
    return text[:1].isupper() and len(text.split(" ")) > 2 and bool(
        re.search(r"^\w+(?: \w+){0,4} (?:is|are|was|were|has|have|will|can|cannot|must) ", text)
    )  # fmt: skip


def _subject(parts: list[str]) -> str:
    """What stands before the verb: "Training" of "Training took 3 hours"."""
    for place in range(1, min(4, len(parts) - 1)):
        before = parts[place - 1]
        if before.endswith(",") or before.lower() == "never":
            break
        skipped = parts[place].lower() == "never" and not words.is_adjective(before)
        if _verb_follows(parts[:place], [word.lower() for word in parts[place + skipped :]]):
            return " ".join(parts[:place])
    return ""


def _verb_follows(subject: list[str], rest: list[str]) -> bool:
    """Whether `rest` begins with the verb that belongs to `subject`."""
    before, low, after = subject[-1], rest[0], rest[1] if len(rest) > 1 else ""
    plural = words.is_plural(before) or words.is_plural(" ".join(subject))
    if plural and not words.is_verb(subject[0]) and words.is_verb(low) and not words.nounish(low):
        return True  # "Small models make mistakes"
    verb = words.base_of_s(low) or words.base_of_past(low)
    verb = verb or (words.base_of_participle(low) if after == "it" else "")  # "named it"
    inside = before.lower() in words.PREPOSITIONS | words.DETERMINERS
    opens = after in words.DETERMINERS | words.PREPOSITIONS or after[:1] in _DIGITS
    named = subject[0] in {"The", "Its"} or (
        len(subject) > 1 and all(w[:1].isupper() for w in subject)
    )
    paid = after[:1] in _DIGITS and not words.is_adjective(subject[0])  # "Entry costs $5"
    # "Support answers within a day", but not "Quick answers within a page"
    timed = after == "within" and not words.is_adjective(subject[0])
    owned = subject[0] == "Its" and after in words.PREPOSITIONS  # "Its memory ends with the chat"
    surely = not words.nounish(verb) or paid or timed or owned or after == "it"
    return bool(verb) and surely and not inside and (opens or named)


def _lower_subject(subject: str) -> str:
    """A single word that may be a name keeps its capital."""
    known = (
        words.is_verb(subject)
        or words.is_mass(subject)
        or re.search(r"(?:s|ing|[as][st]ion|ment|ness|graphy|logy)$", subject.lower())
    )
    named = bool(re.match(r"\S+ [A-Z]", subject)) and subject.split(" ")[0] != "The"
    return words.lower_first(subject) if (" " in subject or known) and not named else subject
