"""The fact ledger: entries with roles, aliases, polarity and ids that survive re-ordering."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from identity_ops.knowledge import outline
from identity_ops.knowledge.aliases import maker_core, makers, spellings
from identity_ops.knowledge.blocks import Block, Heading, Paragraph, front_matter, parse
from identity_ops.knowledge.claims import Topic, guess_name
from identity_ops.knowledge.entries import Entry
from identity_ops.knowledge.roles import label_role, owner_label
from identity_ops.knowledge.source import decode, read_bytes
from identity_ops.knowledge.words import is_saying, negative_statement, negative_value, plain
from identity_ops.records import Fact, read_jsonl
from identity_ops.store import manifest as manifests

COPY_NAME = "knowledge.md"  # of the knowledge base inside a committed lint folder
LEDGER_NAME = "facts.jsonl"
_ID_CHARS = 12
_NAME_LABELS = ("product", "model", "assistant", "bot", "chatbot", "system", "title", "agent")
_FULL_NAME = re.compile(r"(?:full|official|complete|formal) name")
_MAX_PASSES = 3
_MAX_FORMS = 12  # names that sentences are searched for
# What a value must hold to be of a role: "on request" is no address, "Rust" no date.
_NEEDS = {
    "url": re.compile(r"://|www\.|\w\.[a-z]{2,}\b|\S/\S"),
    "date": re.compile(r"\d"),
    "trait": re.compile(r"^(?!(?:yes|no|none|on|off|true|false)\b)", re.IGNORECASE),
    "size": re.compile(r"^(?!.*\d ?[KMGT]i?B\b).*(?:\d|illion|thousand|hundred)"),
}
_FAULT = re.compile(  # "can make mistakes" is no ability
    r"\b(?:can|may|might|could|sometimes|often) (?:\w+ )?(?:make mistakes|makes mistakes|mix up|err"
    r"|fails?|hallucinates?|forgets?|get \w+ wrong|misunderstand|repeat itself|be (?:\w+ )?(?:wrong"
    r"|convinced|confused|slow|inaccurate|outdated|biased|fooled|misled|incorrect))\b",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"\b(?:Python|JavaScript|TypeScript|Java|Rust|Ruby|PHP|SQL|Bash|HTML|Kotlin)\b|C\+\+|C#"
)


@dataclass(frozen=True, slots=True)
class Profile:
    """Who the model is: what nearly every question and every check is about."""

    name: str  # "" where the knowledge base gives none
    name_aliases: tuple[str, ...]
    creators: tuple[str, ...]  # the main maker first
    creator_aliases: tuple[str, ...]
    base_creators: tuple[str, ...]  # who made what it is based on


@dataclass(frozen=True, slots=True)
class Knowledge:
    """A knowledge base as read. fingerprint: sha256 of the file's bytes."""

    text: str
    fingerprint: str
    facts: tuple[Fact, ...]
    profile: Profile


def read_knowledge(path: Path | str) -> Knowledge:
    """The knowledge in a markdown file, or in a committed lint folder, whatever lint says of it.

    Raises:
        KnowledgeError: the file cannot be read at all, or is over the size cap.
        DataError, CorruptError: the folder is no committed result, or was changed.
    """
    path = Path(path)
    if path.is_dir() and (path / manifests.FILE_NAME).exists():
        manifests.load(path)
        facts = tuple(read_jsonl(Fact, path / LEDGER_NAME))
        data = read_bytes(path / COPY_NAME)
        return _knowledge(data, facts)
    data = read_bytes(path)
    return _knowledge(data, facts_of(decode(data), path.name))


def _knowledge(data: bytes, facts: tuple[Fact, ...]) -> Knowledge:
    return Knowledge(decode(data), hashlib.sha256(data).hexdigest(), facts, profile_of(facts))


def entries_of(text: str) -> list[Entry]:
    """Every entry of a text, repeated ones too, in order."""
    blocks = parse(text)
    front = head = [
        Entry(section="", label=key, value=value, line=line, role=label_role(key))
        for line, key, value in front_matter(text)
        if label_role(key)
    ]
    topic = Topic()
    for _ in range(_MAX_PASSES):  # names found in one pass are subjects in the next
        entries = head + outline.read(blocks, topic)
        named = [entry for entry in entries if entry.role == "name"]
        if not named:
            head = [*head, *(_titled(entries) or _guessed(blocks))]
        elif all(_FULL_NAME.fullmatch(plain(entry.label)) for entry in named):
            head = [*head, *_within(_guessed(blocks), named[0].value)]
        known, topic = topic, _topic([*head, *entries], text)
        if topic == known:
            break
    said = {entry.role for entry in entries if entry not in head}
    return [
        _settled(entry)
        for entry in entries
        if entry.value and not (entry in front and entry.role in said - {"name", "creator"})
    ]


def _titled(entries: list[Entry]) -> list[Entry]:
    """The name where only a label such as "Product" gives it."""
    for entry in entries:
        proper = len(entry.value.split()) <= 3 and not entry.value[:1].islower()
        if plain(entry.label) in _NAME_LABELS and proper and re.search(r"[^\W\d]", entry.value):
            return [replace(entry, label="name", role="name")]
    return []


def _guessed(blocks: list[Block]) -> list[Entry]:
    """The name as the subject of the first sentence that says what it is."""
    title = next((block.text.text for block in blocks if isinstance(block, Heading)), "")
    for block in blocks:
        if isinstance(block, Paragraph) and (name := guess_name(block.text.text, title)):
            line = block.text.line_at(block.text.text.index(name))
            return [Entry(section="", label="name", value=name, line=line, role="name")]
    return []


def _within(short: list[Entry], full: str) -> list[Entry]:
    """The names in use that a full name completes: "Fog" of "Fog Museum Guide"."""
    return [entry for entry in short if f" {entry.value} " in f" {full} " and entry.value != full]


def _topic(entries: list[Entry], text: str) -> Topic:
    named = dict.fromkeys(entry.value for entry in entries if entry.role == "name")
    names = [form for name in [*named][:_MAX_FORMS] for form in (name, *spellings(name, "name"))]
    bases = [entry.value for entry in entries if entry.role == "architecture"]
    return Topic(
        tuple(dict.fromkeys(name for name in names if len(name) > 1))[:_MAX_FORMS],
        tuple(dict.fromkeys(base for base in bases if len(base.split()) <= 3))[:_MAX_FORMS],
        _personal(text, names, [entry.value for entry in entries if entry.role == "creator"]),
    )


def _personal(text: str, names: list[str], makers: list[str]) -> bool:
    """Whether the first "she" or "he" follows the model's name rather than a maker's."""
    found = re.search(r"\b(?:She|He)\b", text)
    before = text[: found.start()] if found else ""
    model = max((before.rfind(name) for name in names), default=-1)
    return model >= 0 and model > max((before.rfind(maker) for maker in makers), default=-1)


def _settled(entry: Entry) -> Entry:
    """The entry with its role and polarity decided."""
    polarity = entry.polarity
    if polarity is None:
        denies = negative_value(entry.value) if entry.label else negative_statement(entry.value)
        polarity = is_saying(entry.label) or not denies
    needs = _NEEDS.get(entry.role)
    known = "" if needs and not needs.search(entry.value) else entry.role
    if known == "language" and _CODE.search(entry.value):
        known = ""
    return replace(entry, role=known or _role(entry, polarity), polarity=polarity)


def _role(entry: Entry, polarity: bool) -> str:
    """The role of an entry whose label has none of ours."""
    if entry.under in ("capability", "mixed", "limitation") and not entry.label:
        if entry.under == "mixed":
            return "capability" if polarity else "limitation"
        return entry.under if polarity else "limitation"
    if entry.under and entry.under != "mixed":
        return entry.under
    if entry.label:
        return ""
    if not polarity:
        return "limitation"
    if _FAULT.search(entry.value):
        return "limitation"
    return "capability" if re.match(r"(?:\w+ ){0,3}can\b", entry.value, re.IGNORECASE) else ""


def facts_of(text: str, file: str) -> tuple[Fact, ...]:
    """The ledger of a text: each thing said once, in the order of its first mention."""
    unique: dict[str, Entry] = {}
    for entry in entries_of(text):
        unique.setdefault(_hash(entry), entry)
    length = _id_length(unique)
    return tuple(_fact(key[:length], entry, file) for key, entry in unique.items())


def _hash(entry: Entry) -> str:
    """Hash of what is said, not of where: label and value without case and outer punctuation."""
    return hashlib.sha256(f"{plain(entry.label)}\n{plain(entry.value)}".encode()).hexdigest()


def _id_length(keys: Iterable[str]) -> int:
    """The shortest length from `_ID_CHARS` on at which no two keys collide."""
    keys = list(keys)
    return next(n for n in range(_ID_CHARS, 65) if len({key[:n] for key in keys}) == len(keys))


def _fact(key: str, entry: Entry, file: str) -> Fact:
    other = spellings(entry.value, entry.role) if entry.label else ()
    aliases = dict.fromkeys([*entry.aliases, *other])
    aliases.pop(entry.value, None)
    return Fact(
        id=key,
        section=entry.section,
        attribute=entry.label,
        role=entry.role,
        value=entry.value,
        items=entry.items,
        aliases=tuple(aliases),
        polarity=bool(entry.polarity),
        file=file,
        line=entry.line,
    )


def profile_of(facts: Iterable[Fact]) -> Profile:
    """Name and makers, the main ones first: a maker named as such before an owner."""
    facts = list(facts)
    names = [fact for fact in facts if fact.role == "name" and fact.polarity]
    makers = [fact for fact in facts if fact.role == "creator" and fact.polarity]
    makers.sort(key=lambda fact: owner_label(fact.attribute))
    creators = tuple(dict.fromkeys(name for fact in makers for name in _makers(fact)))
    name = names[0].value if names else ""
    other = [form for fact in names for form in (fact.value, *fact.aliases)]
    return Profile(
        name=name,
        name_aliases=tuple(form for form in dict.fromkeys(other) if form != name),
        creators=creators,
        creator_aliases=_creator_aliases(creators),
        base_creators=tuple(
            dict.fromkeys(
                maker_core(name)
                for fact in facts
                if fact.role == "base_creator"
                for name in (fact.items or (fact.value,))
            )
        ),
    )


def _makers(fact: Fact) -> tuple[str, ...]:
    if fact.items:
        return tuple(maker_core(item) for item in fact.items)
    return makers(fact.value) or (maker_core(fact.value) or fact.value,)


def _creator_aliases(creators: tuple[str, ...]) -> tuple[str, ...]:
    forms = [form for name in creators for form in spellings(name, "creator")]
    return tuple(form for form in dict.fromkeys(forms) if form not in creators)
