"""Facts out of sentences: what a clause says of the model, or the whole clause as a statement.

Only clauses about the model itself are read ("FineWeb was made by Hugging Face" is a statement,
and names no creator), and denied clauses ("was not made by X") stay statements. Whatever no
pattern covers stays in the ledger as it was written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from identity_ops.knowledge.aliases import maker_core
from identity_ops.knowledge.blocks import Text
from identity_ops.knowledge.entries import Entry, Section
from identity_ops.knowledge.patterns import (
    ACTIVE,
    AFTER_KIND,
    CALLED,
    FORMS,
    PATTERNS,
    POSSESSED,
    SELF,
    THE_NAME,
)
from identity_ops.knowledge.roles import label_role
from identity_ops.knowledge.split import clauses, sentences, split_label, without_citations
from identity_ops.knowledge.words import (
    COPULAS,
    has_finite_verb,
    negative_statement,
    opens_with_verb,
    plain,
    word_list,
)

_SKIP = re.compile(
    r"[\s,;()]*(?:(?:and|which|that|who|also|then|both)\s+(?=\S))*"
    r"(?:(?:is|was|were|are) (?=\w+(?:ed|de|en|lt) ))?"
)
_SHORT = (
    (re.compile(r"\b(I)['\u2019]m\b"), r"\1 am"),
    (
        re.compile(
            r"\b(It|it|That|that)['\u2019]s\b"
            r"(?= (?:an?|the|not|made|built|created|based|trained)\b)"
        ),
        r"\1 is",
    ),
    (re.compile(r"\b(You|you|We|we|They|they)['\u2019]re\b"), r"\1 are"),
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

    def subject(self) -> re.Pattern[str]:
        return re.compile(rf"(?:{SELF}|{self._any(self.names)})(?=\s)")

    def base(self) -> re.Pattern[str]:
        return re.compile(rf"(?:The |the )?(?:{self._any(self.bases)})(?=\s)")

    def owner(self) -> str:
        return "|".join(rf"{re.escape(name)}['\u2019]s?" for name in self.names) or r"(?!)"

    @staticmethod
    def _any(names: tuple[str, ...]) -> str:
        return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True)) or r"(?!)"


@dataclass(frozen=True, slots=True)
class _Clause:
    """A clause with its subject: `text` as written, `rest` after the subject, `own` or not."""

    text: str
    subject: str
    rest: str
    own: bool


def read(text: Text, section: Section, topic: Topic) -> list[Entry]:
    """The entries of a paragraph or bullet."""
    found: list[Entry] = []
    for sentence in sentences(text):
        labelled = split_label(sentence) if found == [] or len(sentence.text) < 80 else None
        if labelled and labelled[1].text and label_role(labelled[0]):
            label, value = labelled
            found.append(section.entry(label, tidy(value.text), value.line_at(0)))
        else:
            found.extend(_sentence(sentence, section, topic))
    return found


def tidy(text: str) -> str:
    """A value without citations, quotes around it and a full stop at its end."""
    clean = without_citations(text).strip()
    clean = re.sub(r"^([\"\u201c])([^\"\u201c\u201d]*)[\"\u201d]\.?$", r"\2", clean)
    if clean.endswith(".") and not re.search(
        r"(?:\b\w\.\w|\b(?:etc|Inc|Ltd|Co|Corp)|\.\.)\.$", clean
    ):
        clean = clean[:-1]
    return clean.strip(" ;,")


def _sentence(sentence: Text, section: Section, topic: Topic) -> list[Entry]:
    line, whole = sentence.line_at(0), tidy(sentence.text)
    if whole.endswith("?") or not re.search(r"\w", whole):
        return []
    parts = _clauses(whole, topic)
    read_parts = [_clause(part, section, topic, line) for part in parts]
    mixed = len({negative_statement(part.text) for part in parts}) > 1
    short = any(len(part.text.split()) < 3 for part in parts)
    if short and not mixed and not any(entries for entries, _ in read_parts):
        return [_statement(whole, section, line)]
    found: list[Entry] = []
    for part, (entries, complete) in zip(parts, read_parts, strict=True):
        found.extend(entries if complete else [replace(entry, said=False) for entry in entries])
        if not complete:
            found.append(_statement(_standing(part), section, line))
    return found


def _clauses(sentence: str, topic: Topic) -> list[_Clause]:
    found: list[_Clause] = []
    subject, own = "", True
    for number, text in enumerate(clauses(sentence)):
        expanded = text
        for pattern, full in _SHORT:
            expanded = pattern.sub(full, expanded)
        match = topic.subject().match(expanded)
        if match:
            subject, own = match.group(0), True
            found.append(_Clause(text, subject, expanded[match.end() :].strip(), True))
            continue
        bare = number == 0 and not _has_subject(expanded)
        inherits = number > 0 and re.match(r"(?:also |then |often |currently |only )?\S+", expanded)
        starts_verb = not _has_subject(expanded)
        if number > 0 and inherits and starts_verb:
            found.append(_Clause(text, subject, expanded, own))
        else:
            subject, own = _subject_of(expanded), bare
            found.append(_Clause(text, "", expanded, own))
    return found


def _has_subject(clause: str) -> bool:
    """Whether a clause names a subject of its own before its verb."""
    words = clause.split()
    if not words or opens_with_verb(clause) or has_finite_verb(words[0]):
        return False
    if re.match(
        r"(?:\w+ed|made|built|written|based|born|known|run|no|not|never|an?)\b", words[0].lower()
    ):
        return False
    return any(has_finite_verb(word) for word in words[1:8])


def _subject_of(clause: str) -> str:
    found = re.match(rf"(.+?) (?:{COPULAS}|has|have|had|can|cannot|does|will)\b", clause)
    return found.group(1) if found and len(found.group(1).split()) <= 5 else ""


def _standing(part: _Clause) -> str:
    """A clause that can stand alone: without its own subject it gets the sentence's."""
    text = part.text
    if part.subject and not text.lower().startswith(part.subject.lower()):
        expanded = text
        for pattern, full in _SHORT:
            expanded = pattern.sub(full, expanded)
        if expanded == part.rest:
            return f"{part.subject[:1].upper()}{part.subject[1:]} {text}"
    return text[:1].upper() + text[1:]


def _statement(text: str, section: Section, line: int) -> Entry:
    return Entry(section=section.heading, label="", value=tidy(text), line=line)


def _clause(part: _Clause, section: Section, topic: Topic, line: int) -> tuple[list[Entry], bool]:
    """(entries, whether they say all that the clause says)."""
    if negative_statement(part.text):
        return [], False

    def made(role: str, label: str, value: str) -> Entry:
        return Entry(section=section.heading, label=label, value=tidy(value), line=line, role=role)

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


def _own(part: _Clause, made: object) -> tuple[list[Entry], bool]:
    called = CALLED.match(part.rest)
    if called:
        entry = made("", called.group("label"), called.group("value"))  # type: ignore[operator]
        return [entry], not part.rest[called.end() :].strip(" .,")
    proper = re.match(r"(?:is|am|are) ([A-Z][^,;()]{0,40}?)(?=$|,| an? )", part.rest)
    if (
        part.subject
        and proper
        and re.match(SELF, part.subject)
        and len(proper.group(1).split()) <= 3
    ):
        entries, complete = _walk(part.rest[proper.end() :], made, first=False)
        return [made("name", "name", proper.group(1)), *entries], complete  # type: ignore[operator]
    return _walk(part.rest, made, first=True)


def _possessed(text: str, topic: Topic) -> tuple[str, str] | None:
    """("mascot", "an owl") of "Its mascot is an owl"; "The" alone needs a known attribute."""
    pattern = POSSESSED.pattern.replace("OWNER", topic.owner())
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
        or re.match(r"(?:[a-z]+ed|not|also)\b", value)
    ):
        return None
    return (label, value) if len(value.split()) <= 25 else None


def _base(rest: str, made: object) -> tuple[list[Entry], bool]:
    """ "was made by Y" said of what the model is built on."""
    entries, complete = _walk(rest, made, first=True)
    makers = [entry for entry in entries if entry.role == "creator"]
    label = FORMS["basecreator"][1]
    return [replace(entry, role="base_creator", label=label) for entry in makers], complete and len(
        makers
    ) == len(entries)


def _walk(text: str, made: object, *, first: bool) -> tuple[list[Entry], bool]:
    """Match patterns one after another from the start of `text`."""
    found: list[Entry] = []
    position, after_kind = 0, False
    while True:
        skipped = _SKIP.match(text, position)
        position = skipped.end() if skipped and (found or not first) else position
        if not text[position:].strip(" .,;()"):
            return found, True
        match = next(
            (
                hit
                for pattern in PATTERNS
                if (after_kind or pattern not in AFTER_KIND)
                and (hit := pattern.match(text, position))
                and hit.end() > position
            ),
            None,
        )
        if match is None:
            return found, False
        found.extend(_entries(match, made))
        after_kind = bool(found) and found[-1].role in ("kind", "name", "size")
        position = match.end()


def _entries(match: re.Match[str], made: object) -> list[Entry]:
    found = []
    for group, value in match.groupdict().items():
        if value is None:
            continue
        role, label = FORMS[group]
        if group in ("creator", "basecreator"):
            value = maker_core(value) or value
        found.append(made(role, label, value))  # type: ignore[operator]
        if group == "kind":
            size = re.search(r"(\d[\d.,]*\s?(?:[KMBT]|million|billion)?)[- ]param", value)
            if size:
                found.append(made("size", FORMS["size"][1], size.group(1)))  # type: ignore[operator]
    return found


def same(one: str, other: str) -> bool:
    """Whether two labels or values read the same."""
    return plain(one) == plain(other)
