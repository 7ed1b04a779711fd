"""Facts out of sentences: what a clause says of the model, or the whole clause as a statement.

Only clauses about the model itself are read ("FineWeb was made by Hugging Face" is a statement,
and names no creator), and denied clauses ("was not made by X") stay statements. Whatever no
pattern covers stays in the ledger as it was written.
"""

from __future__ import annotations

import re

from identity_ops.knowledge.blocks import Text
from identity_ops.knowledge.claims import Clause, Topic, claims
from identity_ops.knowledge.entries import Entry, Section
from identity_ops.knowledge.roles import label_role
from identity_ops.knowledge.split import clauses, sentences, split_label, tidy
from identity_ops.knowledge.words import (
    COPULAS,
    has_finite_verb,
    negative_statement,
    opens_with_verb,
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
    (re.compile(r"^(She|He|This|Here)['\u2019]s\b(?= (?:an?|the|not|made|built)\b)"), r"\1 is"),
    (re.compile(r"\b(You|you|We|we|They|they)['\u2019]re\b"), r"\1 are"),
)
_MAX_SENTENCE = 600  # characters; what is longer is no sentence that patterns can read
_NUMBER = re.compile(r"^\d+(?:\.\d+)+\.?\s+(?=[A-Z])")  # "1.2 Fog was made by ..."
_NOTED = re.compile(r"(?:please )?note that (?=\w)", re.IGNORECASE)
_DENIAL = re.compile(  # "Not affiliated with: any brewery"
    r"((?:not|never|cannot|can['\u2019]t|do(?:es)? not|do(?:es)?n['\u2019]t)\b[^:]{0,40}"
    r"\b(?:with|by|for|to|in|of|from|as|on)): (?=\w)",
    re.IGNORECASE,
)
_GREETING = re.compile(r"(?:Meet|Hello|Hi|Welcome|This is|Say hi)\b[^.]{0,40}!?$")


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


def _sentence(sentence: Text, section: Section, topic: Topic) -> list[Entry]:
    line, whole = sentence.line_at(0), tidy(_NUMBER.sub("", sentence.text))
    if noted := _NOTED.match(whole):
        whole = whole[noted.end() :][:1].upper() + whole[noted.end() + 1 :]
    if whole.endswith("?") or re.fullmatch(r"Because [^,]*", whole):
        return []
    if not re.search(r"\w", whole) or _GREETING.match(whole):
        return []
    if len(whole) > _MAX_SENTENCE:
        return [statement(whole, section, line)]
    parts = _clauses(whole, topic)
    read_parts = [claims(part, section, topic, line) for part in parts]
    mixed = len({negative_statement(part.text) for part in parts}) > 1
    short = any(len(part.text.split()) < 3 for part in parts)
    if short and not mixed and not any(entries for entries, _ in read_parts):
        return [statement(whole, section, line)]
    found: list[Entry] = []
    for part, (entries, complete) in zip(parts, read_parts, strict=True):
        found.extend(entries)
        if not complete:
            found.append(statement(_standing(part), section, line))
    return found


def _clauses(sentence: str, topic: Topic) -> list[Clause]:
    found: list[Clause] = []
    subject, own = "", True
    for number, text in enumerate(clauses(sentence)):
        expanded = text
        for pattern, full in _SHORT:
            expanded = pattern.sub(full, expanded)
        match = topic.subject().match(expanded)
        if match:
            subject, own = match.group(0), True
            found.append(Clause(text, subject, expanded[match.end() :].strip(), True))
            continue
        bare = number == 0 and not _has_subject(expanded)
        inherits = number > 0 and re.match(r"(?:also |then |often |currently |only )?\S+", expanded)
        starts_verb = not _has_subject(expanded) and (own or has_finite_verb(expanded.split()[0]))
        if number > 0 and inherits and starts_verb and not (subject or own):
            return [Clause(sentence, "", sentence, False)]  # "The shop opens at 10 and closes at 5"
        if number > 0 and inherits and starts_verb:
            found.append(Clause(text, subject, expanded, own))
        else:
            subject, own = _subject_of(expanded), bare
            found.append(Clause(text, "", expanded, own))
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


_VERBS = "has|have|had|can|cannot|does|will|took|takes|lasted|needed|ran|cost|costs"


def _subject_of(clause: str) -> str:
    found = re.match(rf"(.+?) (?:{COPULAS}|{_VERBS})\b", clause)
    return found.group(1) if found and len(found.group(1).split()) <= 5 else ""


def _standing(part: Clause) -> str:
    """A clause that can stand alone: without its own subject it gets the sentence's."""
    text = part.text
    if part.subject and not text.lower().startswith(part.subject.lower()):
        expanded = text
        for pattern, full in _SHORT:
            expanded = pattern.sub(full, expanded)
        if expanded == part.rest:
            return f"{part.subject[:1].upper()}{part.subject[1:]} {text}"
    return text[:1].upper() + text[1:]


def statement(text: str, section: Section, line: int) -> Entry:
    """An unlabelled entry."""
    said = _DENIAL.sub(r"\1 ", tidy(text), count=1)
    return Entry(section=section.heading, label="", value=said, line=line, under=section.role)
