"""What one clause says of the model, by the patterns of `patterns.py`.

The clause is read from its subject on, pattern after pattern; `complete` says whether nothing was
left over. Only clauses about the model (or what it is based on) say anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from identity_ops.knowledge.aliases import is_person, jointly, maker_core, makers
from identity_ops.knowledge.entries import Entry, Section
from identity_ops.knowledge.patterns import (
    ACTIVE,
    CALLED,
    FORMS,
    INTRODUCED,
    MET,
    POSSESSED,
    SELF,
    SELF_NAMED,
    THE_NAME,
    WAYS,
)
from identity_ops.knowledge.roles import label_role
from identity_ops.knowledge.split import tidy
from identity_ops.knowledge.words import has_finite_verb, negative_statement, word_list

Make = Callable[[str, str, str], Entry]  # (role, label, value) -> entry

_SKIP = re.compile(
    r"[\s,;()]*(?:(?:and|or|which|that|who|also|then|both|visit)\s+(?=\S))*"
    r"(?:(?:is|was|were|are) (?=\w+(?:ed|de|en|lt) ))?"
)
_NO_LABEL = frozenset(
    word_list(
        """
    model assistant chatbot bot llm ai system agent network program tool service answer answers
    one thing things result results reason following only first second best main goal text reply
    replies response responses user users"""
    )
)


@dataclass(frozen=True, slots=True)
class Topic:
    """Whom the sentences speak of."""

    names: tuple[str, ...] = ()  # the model's names, once known
    bases: tuple[str, ...] = ()  # what it is built on: "X was made by Y" is then about the base
    person: bool = False  # "she" and "he" are the model

    def subject(self) -> re.Pattern[str]:
        also = "(?i:she|he)" if self.person else "(?!)"
        return re.compile(rf"(?:{SELF}|{also}|{self._any(self.names)})(?=\s)")

    def base(self) -> re.Pattern[str]:
        return re.compile(rf"(?:The |the )?(?:{self._any(self.bases)})(?=\s)")

    def owner(self) -> str:
        return "|".join(rf"{re.escape(name)}['\u2019]s?" for name in self.names) or r"(?!)"

    @staticmethod
    def _any(names: tuple[str, ...]) -> str:
        return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True)) or r"(?!)"


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause with its subject: `text` as written, `rest` after the subject, `own` or not."""

    text: str
    subject: str
    rest: str
    own: bool


def claims(part: Clause, section: Section, topic: Topic, line: int) -> tuple[list[Entry], bool]:
    """(entries, whether they say all that the clause says); none for a denial."""
    if negative_statement(part.text):
        return [], False
    part = replace(part, text=jointly(part.text), rest=jointly(part.rest))

    def made(role: str, label: str, value: str) -> Entry:
        return Entry(
            section=section.heading,
            label=label,
            value=tidy(value),
            line=line,
            role=role,
            under=section.role,
        )

    named = THE_NAME.match(part.text)
    if named:
        start = [made("name", "name", named.group("name"))]
        entries, complete = _walk(part.text[named.end() :], made, first=False)
        return start + entries, complete
    active = re.compile(
        ACTIVE.pattern.replace("SELF", "|".join([SELF, *map(re.escape, topic.names)]))
    ).match(part.text)
    if active and not part.subject:
        entries, complete = _walk(part.text[active.end() :], made, first=False)
        return [made("creator", "creator", active.group("creator")), *entries], complete
    possessed = _possessed(part.text, topic)
    if possessed:
        label, value = possessed
        return [made(label_role(label), label, value)], True
    base = topic.base().match(part.text)
    if base:
        return _base(part.text[base.end() :].strip(), made)
    if not part.own:
        return [], False
    return _own(part, made)


def _own(part: Clause, made: Make) -> tuple[list[Entry], bool]:
    called = CALLED.match(part.rest)
    if called:
        entry = made("", called.group("label"), called.group("value"))
        return [entry], not part.rest[called.end() :].strip(" .,")
    proper = SELF_NAMED.match(part.rest)
    if (
        part.subject
        and proper
        and re.match(SELF, part.subject)
        and len(proper.group(1).split()) <= 3
    ):
        entries, complete = _walk(part.rest[proper.end() :], made, first=False)
        return [made("name", "name", proper.group(1)), *entries], complete
    return _walk(part.rest, made, first=True)


def _possessed(text: str, topic: Topic) -> tuple[str, str] | None:
    """("mascot", "an owl") of "Its mascot is an owl"; "The" alone needs a known attribute."""
    pattern = POSSESSED.pattern.replace("OWNER", topic.owner())
    pattern = pattern.replace("HERS", "her|his" if topic.person else r"(?!)")
    pattern = pattern.replace("OWNED", "|".join(map(re.escape, topic.names)) or r"(?!)")
    found = re.match(pattern, text)
    if not found:
        return None
    label, value = found.group("label"), found.group("value")
    words = label.lower().split()
    of_self = " of " in text[: found.start("value")] and " of " not in label
    the = text.lower().startswith("the ")
    if the and not (of_self or label_role(label)):
        return None
    if (
        words[-1] in _NO_LABEL
        or has_finite_verb(label)
        or re.match(
            r"(?:[a-z]+ed|available|not|also|on|in|at|from|with|by|to|for|as|under)\b", value
        )
    ):
        return None
    if label_role(label) == "url":
        address = re.search(r"https?://[^\s,;)]+[^\s,;).]", value)
        return (label, address.group(0)) if address else None
    return (label, value) if len(value.split()) <= 25 else None


def _base(rest: str, made: Make) -> tuple[list[Entry], bool]:
    """ "was made by Y" said of what the model is built on."""
    entries, complete = _walk(rest, made, first=True)
    makers = [entry for entry in entries if entry.role == "creator"]
    label = FORMS["basecreator"][1]
    return [replace(entry, role="base_creator", label=label) for entry in makers], complete and len(
        makers
    ) == len(entries)


def _walk(text: str, made: Make, *, first: bool) -> tuple[list[Entry], bool]:
    """Match patterns one after another from the start of `text`."""
    found: list[Entry] = []
    position = 0
    while True:
        if found and found[-1].role in ("creator", "base_creator"):
            short = _ABBREVIATED.match(text, position)
            position = short.end() if short else position
        skipped = _SKIP.match(text, position)
        position = skipped.end() if skipped and (found or not first) else position
        if not text[position:].strip(" .,;()"):
            return found, True
        match = _match(text, position, found[-1].role if found else "")
        if match is None:
            return found, False
        found.extend(_entries(match, made, text[: match.start()]))
        position = match.end()


def _match(text: str, position: int, last: str) -> re.Match[str] | None:
    """What the text says at `position`, right after a value of role `last`."""
    for way in WAYS:
        if not way.after or last in way.after:
            match = way.pattern.match(text, position)
            if match and match.end() > position:
                return match
    return None


_CUT_SHORT = re.compile(r"\s+(?:who|that|which)\b")  # "for people" says too little
_ABBREVIATED = re.compile(r"\s*\([A-Z][A-Za-z]{1,7}\)")  # "the Cooperative (PAC)"
# "two sisters, Ines and Paula Quade": the names say who.
_APPOSED = re.compile(
    r"^(?:(?:an?|the|two|three|four|five|our) )?(?:[a-z-]+ ){0,3}[a-z-]+"
    r"(?:, | (?:named |called )?)(?=[A-Z])"
)


def _entries(match: re.Match[str], made: Make, before: str) -> list[Entry]:
    found = []
    for group, value in match.groupdict().items():
        if value is None or (group == "purpose" and _CUT_SHORT.match(match.string[match.end() :])):
            continue
        if group == "created" and re.match(r"(?:in|on|since)\b", match.group(0), re.IGNORECASE):
            verbs = re.findall(r"\b(releas|launch|publish|made|creat|built|train)", before)
            group = "released" if verbs and verbs[-1] in ("releas", "launch", "publish") else group
        role, label = FORMS[group]
        if group in ("creator", "basecreator"):
            value = maker_core(_APPOSED.sub("", value)) or value
        placed = re.match(r"(.+?) at (?:the )?([A-Z].+)", value) if group == "creator" else None
        if placed and (is_person(placed.group(1)) or makers(placed.group(1))):
            found.append(made("", FORMS["place"][1], placed.group(2)))
            value = placed.group(1)
        found.append(made(role, label, value))
        if group == "kind":
            size = re.search(r"(\d[\d.,]*\s?(?:[KMBT]|million|billion)?)[- ]param", value)
            if size:
                found.append(made("size", FORMS["size"][1], size.group(1)))
    return found


def guess_name(text: str, title: str) -> str:
    """The subject of the first sentence that says what somebody is: "Bessie is a cheerful tutor".

    For texts that name the model nowhere else. A subject that the title repeats needs no such kind.
    """
    for found in INTRODUCED.finditer(text):
        name = found.group("name")
        if found.group("kind") or re.search(rf"\b{re.escape(name)}(?!\w)", title):
            return name
    met = MET.search(text)
    return met.group("name") if met else ""
