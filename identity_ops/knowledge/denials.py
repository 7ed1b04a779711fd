"""What a heading, a cross or an empty box denies: "Browse the web" under "What it can't do"."""

from __future__ import annotations

import re
from dataclasses import replace

from identity_ops.knowledge.entries import Entry, Section
from identity_ops.knowledge.split import tidy
from identity_ops.knowledge.words import (
    BASE_VERBS,
    has_finite_verb,
    negative_statement,
    opens_with_verb,
)


def denied(entries: list[Entry], section: Section) -> list[Entry]:
    """Under "What it can't do" or "Limitations", "Browse the web" means "Cannot browse the web"."""
    if section.role == "limitation" and not section.denied:
        return [_deny(entry) if _bare_action(entry) else entry for entry in entries]
    if not section.denied:
        return entries
    parts = [part for entry in entries for part in _listed(entry)]
    return [part if part.label else _deny(part, section.denied) for part in parts]


# Under "Limitations" these are faults or needs, and no actions that are out of reach.
_FAULT = re.compile(
    r"(?:hallucinat|forget|misunderst|misread|confus|los[ei]|fail|err|need|requir|depend|rel[yi]"
    r"|repeat|struggl|get|guess|invent|lack|drift|lie|lying|overheat|stop|slow"
    r"|mak(?:e|ing) (?:\w+ )?(?:mistakes?|errors?|things up|up)"
    r"|tak(?:e|ing) (?:an? |some|many|several|up|long|time|\d))"
    r"|.*\b(?:only|slowly|poorly|badly|sometimes|often|up to|at most)\b",
    re.IGNORECASE,
)


def _bare_action(entry: Entry) -> bool:
    """Whether a bullet is an action and no more: "Take payments", "Browsing the web"."""
    action = opens_with_verb(_base_form(entry.value)) and len(entry.value.split()) > 1
    return action and not entry.label and not _FAULT.match(entry.value)


def _listed(entry: Entry) -> list[Entry]:
    """The parts of "Financial advice; legal advice", each denied by the heading."""
    parts = [tidy(part) for part in entry.value.split(";")]
    if entry.label or len(parts) < 2 or has_finite_verb(entry.value):
        return [entry]
    return [replace(entry, value=part[:1].upper() + part[1:]) for part in parts if part]


def crossed(entry: Entry) -> Entry:
    """An entry behind a cross or an empty box."""
    return replace(entry if entry.label else _deny(entry), polarity=False)


def _deny(entry: Entry, verb: str = "Cannot") -> Entry:
    """ "Browse the web" to "Cannot browse the web", "Voice calls" to "No voice calls"."""
    value = entry.value
    if negative_statement(value) or re.match(r"(?:it|i|you|the|this)\b", value.lower()):
        return entry
    value = _base_form(value)
    lowered = value if value[1:2].isupper() else value[:1].lower() + value[1:]
    return replace(
        entry, value=f"{verb if opens_with_verb(value) else 'No'} {lowered}", polarity=False
    )


def _base_form(value: str) -> str:
    """ "Naming people" to "name people", where the verb is known; other values stay."""
    found = re.match(r"([A-Za-z]+)ing\b(?= \w)", value)
    stem = found.group(1).lower() if found else ""
    for base in (stem, stem + "e", stem[:-1]):
        if found and base in BASE_VERBS:
            return base + value[found.end() :]
    return value
