"""Lint rules over the facts: what is missing, empty, vague, repeated, contradicted or too long."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from identity_ops.knowledge.aliases import is_person, maker_core, number, spellings
from identity_ops.knowledge.blocks import Bullets, empty_headings, parse, too_deep
from identity_ops.knowledge.entries import Entry
from identity_ops.knowledge.findings import Finding, Severity
from identity_ops.knowledge.ledger import entries_of
from identity_ops.knowledge.names import confusable, rival
from identity_ops.knowledge.outline import states
from identity_ops.knowledge.roles import label_role
from identity_ops.knowledge.words import plain

MAX_WORDS = 30  # of one value: a small model cannot say more in one answer
_VAGUE = re.compile(
    r"(?:(?:very|really|quite|pretty|fairly|rather|extremely|super|so)\s+(?:cheap|expensive|big"
    r"|small|large|fast|slow|good|bad|many|much|few|little|long|short|high|low|old|new|recent\w*)"
    r"|(?:a )?(?:lots?|plenty|bunch|ton|tons|loads|number|variety|range)(?: of\b.*)?|many|some"
    r"|several"
    r"|various|few|a few|much|enough|cheap|expensive|big|huge|tiny|small|large|fast|slow|good|great"
    r"|etc\.?|soon|recently?|lately|later|sometime|somewhere|someone|somebody|something|stuff|things"
    r"|unknown|unclear|not sure|maybe|tbd|n/?a|depends|varies|it depends|to be (?:announced|decided"
    r"|determined|confirmed)|a (?:while|lot|little|bit)|not (?:known|decided|yet known)|whatever"
    r"|(?:a few|few|some|several|many|various|numerous|countless|a couple of|lots of)"
    r" [\w-]+(?: [\w-]+)?|coming soon|and so on|and more|miscellaneous|other|others|big enough"
    r"|state of the art)",
    re.IGNORECASE,
)
_VAGUE_INSIDE = re.compile(
    r"\b(?:very|really|extremely|super) (?:cheap|expensive|big|large|fast|many)\b|\blots\b"
    r"|\betc\b\.?|\band so on\b|\band (?:many )?more$|\bcoming soon\b|\ba lot of\b|\btons of\b"
    r"|\bsome (?:kind|sort) of\b|\bor something\b",
    re.IGNORECASE,
)
_SINGLE = frozenset(["name", "size", "layers", "width", "heads", "vocabulary", "context"]) | {
    "creator",
    "license",
}
_NUMERIC = frozenset(["size", "layers", "width", "heads", "vocabulary", "context"])
_OPEN = frozenset(("capability", "limitation", "trait"))
_MAX_PAIRS = 200  # values of one attribute that are compared
_OTHER_NAME = re.compile(r"full|nick|short|code|long|also|aka|alias|known|goes by")
_MANY = re.compile(
    r"(?:note|example|fact|feature|tip|rule|can|cannot|limit|limitation|capability|alias|nickname|link"
    r"|also known as|known as|aka|url|contact|reference|see|item|source|skill|ability|quirk|like"
    r"|dislike|award|faq|step|option|detail)s?"
)


def fact_findings(text: str, file: str) -> list[Finding]:
    """Findings about what the text says."""
    entries = entries_of(text)
    found = [*_missing(entries, file), *_nesting(text, file), *_empty(text, file)]
    found += _unfilled(text, file)
    for entry in entries:
        found += _value(entry, file)
        found += _name(entry, file)
    return [*found, *_repeated(entries, file), *_contradictions(entries, file)]


def _make(rule: str, file: str, line: int, message: str, fix: str, severity: Severity) -> Finding:
    return Finding(rule=rule, severity=severity, file=file, line=line, message=message, fix=fix)


def _missing(entries: list[Entry], file: str) -> Iterator[Finding]:
    roles = {entry.role for entry in entries if entry.polarity or entry.role == "limitation"}
    for role, what, fix in (
        ("name", "the model's name", "Add a line such as `- **Name:** Tessel`."),
        ("creator", "who made the model", "Add a line such as `- **Creator:** Ada Example`."),
        (
            "limitation",
            "what the model cannot do",
            "Add a section `## Limitations` with a bullet for each, such as `- Cannot see images`.",
        ),
    ):
        if role not in roles:
            yield _make(f"missing-{role}", file, 1, f"nothing says {what}.", fix, "error")


def _empty(text: str, file: str) -> Iterator[Finding]:
    for heading in empty_headings(text):
        if not states(heading):
            yield _make(
                "empty-section",
                file,
                heading.line_at(0),
                f"nothing stands under {heading.text!r}.",
                "Fill the section, or delete its heading.",
                "warning",
            )


def _unfilled(text: str, file: str) -> Iterator[Finding]:
    for block in parse(text):
        for item in block.items if isinstance(block, Bullets) else ():
            label = item.text.text.rstrip()
            if label.endswith(":") and not item.children:
                yield _make(
                    "empty-value",
                    file,
                    item.text.line_at(0),
                    f"nothing stands after {label!r}.",
                    "Fill it in, or delete the line.",
                    "warning",
                )


def _nesting(text: str, file: str) -> Iterator[Finding]:
    if line := too_deep(text):
        message = "lists or quotes nest too deep: what follows here is not read."
        fix = "Flatten them; two levels say all that a fact needs."
        yield _make("too-deep", file, line, message, fix, "error")


def _value(entry: Entry, file: str) -> Iterator[Finding]:
    value = entry.value.strip(" .!")
    what = _shown(entry)
    inside = _VAGUE_INSIDE.search(value)
    if (entry.label and _VAGUE.fullmatch(value)) or inside:
        yield _make(
            "vague",
            file,
            entry.line,
            f"{what} is vague.",
            "Give a value that an answer can be checked against: a number, a name, a date.",
            "warning",
        )
    if len(entry.value.split()) > MAX_WORDS:
        yield _make(
            "long-value",
            file,
            entry.line,
            f"{what}... has {len(entry.value.split())} words, more than {MAX_WORDS}.",
            "Split it into facts of one line each: a small model cannot learn it whole.",
            "warning",
        )


def _shown(entry: Entry) -> str:
    return f"{entry.label!r}: {entry.value[:60]!r}" if entry.label else repr(entry.value[:60])


def _name(entry: Entry, file: str) -> Iterator[Finding]:
    if entry.role not in ("name", "creator"):
        return
    if found := confusable(entry.value):
        yield _make(
            "confusable",
            file,
            entry.line,
            f"{entry.label!r} mixes look-alike letters: {found}.",
            "Type it again in one script.",
            "error",
        )
    if entry.role == "name" and (known := rival(entry.value)):
        yield _make(
            "rival-name",
            file,
            entry.line,
            f"{entry.value!r} is the name of another model ({known}).",
            "Choose a name of its own: general chat data claims this one for the other.",
            "warning",
        )


def _repeated(entries: list[Entry], file: str) -> Iterator[Finding]:
    names = [plain(entry.value) for entry in entries if entry.role == "name"]
    first: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        key = (plain(entry.label), _core(entry, names))
        if key in first and entry.line != first[key].line:
            yield _make(
                "duplicate",
                file,
                entry.line,
                f"{_shown(entry)} was said in line {first[key].line}.",
                "Delete one of the two.",
                "warning",
            )
        first.setdefault(key, entry)


def _core(entry: Entry, names: list[str]) -> str:
    """What is said, whoever the subject is called: "It can't sing" is "cannot sing"."""
    text = plain(entry.value)
    if entry.label:
        return text
    for subject in ("it", "i", "you", "the model", "the assistant", *names):
        text = text.removeprefix(f"{subject} ")
    return re.sub(r"^can(?:'t| not)\b", "cannot", re.sub(r"\b(do(?:es)?)n't\b", r"\1 not", text))


def _contradictions(entries: list[Entry], file: str) -> Iterator[Finding]:
    yield from _same_label(entries, file)
    yield from _same_role(entries, file)
    yield from _denied(entries, file)


def _denied(entries: list[Entry], file: str) -> Iterator[Finding]:
    """What one line says and another denies: "Can sing" and "Cannot sing"."""
    names = [plain(entry.value) for entry in entries if entry.role == "name"]
    first: dict[str, Entry] = {}
    for entry in entries:
        said = re.sub(r"^(?:can(?:not)?|do(?:es)? not) ", "", _core(entry, names))
        said = re.sub(r"^(\w+[^s\W])s\b", r"\1", said)  # "sings"
        if entry.label or "{{" in said:
            continue
        other = first.setdefault(said, entry)
        if entry.polarity != other.polarity:
            yield _make(
                "contradiction",
                file,
                entry.line,
                f"{_shown(entry)} is the opposite of {_shown(other)} in line {other.line}.",
                "Keep the true one.",
                "error",
            )


def _same_label(entries: list[Entry], file: str) -> Iterator[Finding]:
    groups: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        label = plain(entry.label)
        if label and not _MANY.fullmatch(label) and label_role(label) not in _OPEN:
            groups[label].append(entry)
    for group in groups.values():
        for entry in group[1:_MAX_PAIRS]:
            if not agree(group[0], entry):
                several = entry.role == "data"  # trained on this and on that
                yield _conflict(group[0], entry, file, "warning" if several else "error")


def _same_role(entries: list[Entry], file: str) -> Iterator[Finding]:
    groups: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.role in _SINGLE and entry.polarity:
            groups[entry.role].append(entry)
    for role, group in groups.items():
        for entry in group[1:_MAX_PAIRS]:
            labels = plain(entry.label), plain(group[0].label)
            if labels[0] == labels[1] or any(map(_OTHER_NAME.search, labels)):
                continue
            if agree(group[0], entry) or _person_and_firm(role, group[0], entry):
                continue
            numeric = role in _NUMERIC and number(entry.value) and number(group[0].value)
            if numeric or role in ("name", "creator", "license"):
                yield _conflict(group[0], entry, file, "error" if numeric else "warning")


def _person_and_firm(role: str, one: Entry, other: Entry) -> bool:
    """Whether two creators are a person and the organisation, or two organisations, behind it."""
    people = [is_person(maker_core(entry.value)) for entry in (one, other)]
    return role == "creator" and not all(people)


def _conflict(first: Entry, other: Entry, file: str, severity: Severity) -> Finding:
    return _make(
        "contradiction",
        file,
        other.line,
        f"{other.label!r} is {other.value[:60]!r} here and {first.value[:60]!r}"
        f" in line {first.line}"
        f"{'' if plain(first.label) == plain(other.label) else f' ({first.label!r})'}.",
        "Keep the true one, or give the two different labels.",
        severity,
    )


def agree(one: Entry, other: Entry) -> bool:
    """Whether two values can both be true of one attribute: spellings, or one inside the other."""
    first, second = plain(one.value), plain(other.value)
    if first == second:
        return True
    forms = {plain(form) for form in (one.value, *spellings(one.value, one.role))}
    others = {plain(form) for form in (other.value, *spellings(other.value, other.role))}
    if forms & others:
        return True
    numbers = number(one.value), number(other.value)
    if None not in numbers:
        return abs((numbers[0] or 0) - (numbers[1] or 0)) <= 0.005 * abs(numbers[0] or 0)
    return f" {first} " in f" {second} " or f" {second} " in f" {first} "
