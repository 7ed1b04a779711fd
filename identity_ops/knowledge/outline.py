"""Blocks to entries: walks headings, lists, tables and paragraphs of a knowledge base."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import replace

from identity_ops.knowledge import prose, questions
from identity_ops.knowledge.blocks import Block, Bullets, Heading, Item, Paragraph, Table, Text
from identity_ops.knowledge.claims import Topic
from identity_ops.knowledge.denials import crossed, denied
from identity_ops.knowledge.entries import Entry, Section
from identity_ops.knowledge.roles import broad, heading_words, label_role, section_role
from identity_ops.knowledge.split import (
    items_of,
    looks_dashed,
    sentences,
    split_label,
    strip_marks,
    tidy,
)
from identity_ops.knowledge.tables import table_entries
from identity_ops.knowledge.words import (
    has_finite_verb,
    is_question,
    negative_statement,
    opens_with_verb,
    plain,
)

_DIALOGUE = re.compile(r"(?:q|question|user|human|prompt|assistant|bot|system|input|output)\d*$")
_ASIDE = re.compile(
    r"(?:a|answer|note|notes|warning|tip|important|remember|caution|info|nb|n\.b|attention"
    r"|please note|disclaimer|fact|fun fact|hint|reminder)$"
)
_EXAMPLE = re.compile(r"(?:for )?(?:example|examples|e\.g|sample|demo)(?: \w+)?$")
_HALF = re.compile(  # "It can", with what it can in the list below
    r"(?:\S+ ){1,3}?(?P<modal>can|cannot|can ?not|can['\u2019]t|will not|won['\u2019]t|does not"
    r"|doesn['\u2019]t)(?: also)?",
    re.IGNORECASE,
)
_VERSION = re.compile(  # a bullet of its own: "v0.9 beta"
    r"(?:version (?=\d)|(?=v))(v?\d+(?:\.\d+)+(?:[ -](?:alpha|beta|preview))?)", re.IGNORECASE
)
_STATEMENTS = ("capability", "limitation", "trait")


def read(blocks: list[Block], topic: Topic) -> list[Entry]:
    """The entries of a whole document, in order."""
    return [entry for section, part in _sections(blocks) for entry in _part(part, section, topic)]


def _sections(blocks: list[Block]) -> Iterator[tuple[Section, list[Block]]]:
    """Each heading's section with the blocks directly under it."""
    stack: list[tuple[int, Section]] = [(0, Section())]
    part: list[Block] = []
    for block in blocks:
        if not isinstance(block, Heading):
            part.append(block)
            continue
        yield stack[-1][1], part
        part = []
        while stack[-1][0] >= block.level:
            stack.pop()
        text, _ = strip_marks(block.text)
        if states(text):
            yield stack[-1][1], [Paragraph(text)]
        stack.append((block.level, stack[-1][1].under(tidy(text.text).rstrip(":"))))
    yield stack[-1][1], part


def states(heading: Text) -> bool:
    """Whether a heading itself is a labelled value: "## Name: Tessel"."""
    found = split_label(heading)
    return bool(found and found[1].text and label_role(found[0]))


def _part(part: list[Block], section: Section, topic: Topic) -> list[Entry]:
    """The entries directly under one heading."""
    whole = _heading_is_label(part, section, topic)
    if whole:
        return whole
    found: list[Entry] = []
    number = 0
    while number < len(part):
        block = part[number]
        after = part[number + 1] if number + 1 < len(part) else None
        if isinstance(block, Paragraph) and isinstance(after, Bullets) and _leads(block.text):
            found.extend(_item(Item(block.text, [after]), section, topic, dashes=False))
            number += 1
        else:
            found.extend(_block(block, section, topic))
        number += 1
    return found


def _leads(text: Text) -> bool:
    """Whether a paragraph only introduces the list below it."""
    bold = any(start == 0 and end == len(text.text) for start, end in text.bold)
    open_ended = text.text.rstrip("*_ ").endswith(":") or bool(_HALF.fullmatch(text.text))
    return open_ended or (bold and len(text.text.split()) <= 6)


def _heading_is_label(part: list[Block], section: Section, topic: Topic) -> list[Entry]:
    """ "## Mascot" over one short fragment, or over a list of fragments, is a labelled value."""
    heading = section.heading
    first = part[0] if part else None
    if isinstance(first, Paragraph) and is_question(heading) and heading.endswith("?"):
        rest = [entry for block in part[1:] for entry in _block(block, section, topic)]
        return _answer(heading, first.text, replace(section, role=""), topic) + rest
    if len(part) != 1 or not heading or len(heading.split()) > 5 or section.role:
        return []
    role = label_role(heading_words(heading))
    wide = not role and (broad(heading) or is_question(heading))
    block = part[0]
    if wide or section_role(heading):
        return []
    if isinstance(block, Paragraph) and _fragment(block.text, 10, topic):
        return [_labelled(heading, block.text, section)]
    return _listed(block, section, topic) if isinstance(block, Bullets) else []


def _listed(block: Bullets, section: Section, topic: Topic) -> list[Entry]:
    """Bullets that only their heading explains are its value; labelled ones are facts."""
    bare = [item for item in block.items if item.children or not split_label(item.text)]
    if not bare or any(item.children or not _fragment(item.text, 8, topic) for item in bare):
        return []
    items = tuple(tidy(item.text.text) for item in bare)
    value = items[0] if len(items) == 1 else ", ".join(items)
    entry = section.entry(section.heading, value, bare[0].text.line_at(0))
    rest = Bullets([item for item in block.items if item not in bare])
    return [replace(entry, items=items if len(items) > 1 else ()), *_bullets(rest, section, topic)]


def _fragment(text: Text, words: int, topic: Topic) -> bool:
    """Whether a text is a bare value: short, no sentence, no label of its own."""
    raw = text.text
    return (
        0 < len(raw.split()) <= words
        and not split_label(text)
        and not has_finite_verb(raw)
        and not opens_with_verb(raw)
        and not re.match(r"\w{3,}ed\b", raw)
        and not negative_statement(raw)
        and not topic.subject().match(raw + " ")
        and not raw.endswith(("?", ":"))
        and not (raw.endswith(".") and _says_more(text, topic))
    )


def _says_more(text: Text, topic: Topic) -> bool:
    """Whether a sentence is more than a fragment: it states attributes by itself."""
    return any(entry.label for entry in prose.read(text, Section(), topic))


def _block(block: Block, section: Section, topic: Topic) -> list[Entry]:
    if isinstance(block, Paragraph):
        return _paragraph(block.text, section, topic)
    if isinstance(block, Bullets):
        return _bullets(block, section, topic)
    if isinstance(block, Table):
        return table_entries(block, section)
    return _paragraph(block.text, section, topic)  # a heading inside a list item or quote


def _paragraph(text: Text, section: Section, topic: Topic) -> list[Entry]:
    lines = _lines(text)
    if len(lines) > 1 and all(split_label(line) for line in lines):
        return [entry for line in lines for entry in _text(line, section, topic, dashes=False)]
    return _text(text, section, topic, dashes=False)


def _lines(text: Text) -> list[Text]:
    starts = [0, *(at for at, _ in text.lines if at), len(text.text)]
    return [text.part(a, b).stripped() for a, b in itertools.pairwise(starts) if a < b]


def _bullets(block: Bullets, section: Section, topic: Topic) -> list[Entry]:
    dashed = sum(looks_dashed(item.text) for item in block.items)
    labelled = sum(bool(split_label(item.text)) for item in block.items)
    dashes = dashed > 0 and dashed + labelled >= max(3, len(block.items) / 2)
    return [entry for item in block.items for entry in _item(item, section, topic, dashes=dashes)]


def _item(item: Item, section: Section, topic: Topic, *, dashes: bool) -> list[Entry]:
    text, ticked = strip_marks(_without_topic(item.text, section))
    if not item.children:
        found = _text(text, section, topic, dashes=dashes)
        return [crossed(entry) for entry in found] if ticked is False else found
    labelled = split_label(text, dashes=dashes)
    if labelled is None and _group_name(text):
        half = _HALF.fullmatch(text.text)
        labelled = f"It {half['modal']}" if half else text.text.rstrip(": "), Text()
    if labelled is None:
        return _text(text, section, topic, dashes=dashes) + _children(item, section, topic)
    return _labelled_group(labelled[0], labelled[1], item, section, topic)


def _without_topic(text: Text, section: Section) -> Text:
    """ "**Planning.** It can give opening hours": in a list of abilities the sentence says all."""
    bold = next((end for start, end in text.bold if start == 0), 0)
    topic = text.text[:bold].rstrip().endswith(".") and bold < len(text.text)
    if not topic or section.role != "capability":
        return text
    return text.part(bold, len(text.text)).stripped()


def _group_name(text: Text) -> bool:
    raw = text.text.rstrip()
    if _HALF.fullmatch(raw):
        return True
    short = len(raw.split()) <= 4 and not has_finite_verb(raw) and not raw.endswith(".")
    return raw.endswith(":") or (
        short and (not opens_with_verb(raw) or bool(label_role(raw)) or len(raw.split()) == 1)
    )


def _labelled_group(
    label: str, value: Text, item: Item, section: Section, topic: Topic
) -> list[Entry]:
    """A label with a list under it: one fact with items, or a group of labelled facts."""
    own = [_labelled(label, value, section)] if value.text else []
    plain_items = _plain_items(item.children)
    role = label_role(label) or section_role(label)
    stated = role in _STATEMENTS or any(_stated(text.text) for text in plain_items or [])
    if plain_items is None or (stated and not value.text):
        inner = section.group(label)
        if role in _STATEMENTS:
            inner = replace(inner, role=role, part="")
        return own + _children(item, inner, topic)
    items = tuple(tidy(text.text) for text in plain_items)
    if not items:
        return own
    listed = items[0] if len(items) == 1 else ", ".join(items)
    whole = f"{tidy(value.text)} ({listed})" if value.text else listed
    entry = section.entry(label, whole, item.text.line_at(0))
    return [replace(entry, items=items if len(items) > 1 else ())]


def _stated(item: str) -> bool:
    """Whether a nested bullet says what is done or not, rather than naming a thing."""
    return negative_statement(item) or (opens_with_verb(item) and len(item.split()) > 2)


def _plain_items(children: list[Block]) -> list[Text] | None:
    """The texts of nested lists without labels or deeper lists; None where there is more."""
    found: list[Text] = []
    for block in children:
        if not isinstance(block, Bullets):
            return None
        for item in block.items:
            text, ticked = strip_marks(item.text)
            if item.children or ticked is False or split_label(text) or len(text.text.split()) > 12:
                return None
            found.append(text)
    return found


def _children(item: Item, section: Section, topic: Topic) -> list[Entry]:
    return [entry for block in item.children for entry in _block(block, section, topic)]


def _text(text: Text, section: Section, topic: Topic, *, dashes: bool) -> list[Entry]:
    """A bullet, line or paragraph: labelled value or sentences."""
    if re.match(r"\[\^[^\]]+\]:", text.text):
        return []  # a footnote
    asked = questions.pair(text.text)
    if asked:
        at = text.text.rindex(asked[1])
        return _answer(asked[0], text.part(at, len(text.text)), section, topic)
    if version := _VERSION.fullmatch(text.text):
        return [section.entry("version", version[1], text.line_at(0))]
    labelled = split_label(text, dashes=dashes)
    if labelled:
        label, value = labelled
        word = plain(label)
        human = word == "human" and plain(value.text) in ("yes", "no", "true", "false")
        if (_DIALOGUE.fullmatch(word) and not human) or _EXAMPLE.fullmatch(word):
            return []
        if any(plain(name) == word for name in topic.names):
            return prose.read(value, section, topic)
        if not _ASIDE.fullmatch(word):
            return _label_and_more(label, value, section, topic)
        text = value
    return denied(prose.read(text, section, topic), section)


def _answer(question: str, answer: Text, section: Section, topic: Topic) -> list[Entry]:
    """What an answer to a question states."""
    first, *more = sentences(answer) or [answer]
    if said := questions.statement_of(question, first.text):
        rest = [entry for part in more for entry in prose.read(part, section, topic)]
        return [prose.statement(said, section, answer.line_at(0)), *rest]
    opening = re.match(r"(yes|no), (?=\w)", first.text, re.IGNORECASE)
    if opening and (said := questions.statement_of(question, opening[1])):
        rest = prose.read(answer.part(opening.end(), len(answer.text)), section, topic)
        return [prose.statement(said, section, answer.line_at(0)), *rest]
    label = questions.label_of(question)
    if label and not has_finite_verb(first.text):
        return _label_and_more(label, answer, section, topic)
    found = prose.read(answer, section, topic)
    short = len(found) == 1 and not found[0].label and not has_finite_verb(first.text)
    if not short:
        return found
    said = questions.turned(question, found[0].value)
    label = "" if said else question.rstrip("? ")
    return [replace(found[0], label=label, value=said or found[0].value)]


def _label_and_more(label: str, value: Text, section: Section, topic: Topic) -> list[Entry]:
    """The label with the value's first sentence; further sentences speak for themselves."""
    parts = sentences(value)
    if not parts:
        return []
    first = _labelled(label, parts[0], section)
    rest = [entry for part in parts[1:] for entry in prose.read(part, section, topic)]
    return [first, *rest]


def _labelled(label: str, value: Text, section: Section) -> Entry:
    mark, ticked = strip_marks(value)
    if ticked is not None and not mark.text:
        return section.entry(label, "yes" if ticked else "no", value.line_at(0), polarity=ticked)
    entry = section.entry(label, tidy(value.text), value.line_at(0))
    if is_question(label) and label_role(label) == "":
        return replace(entry, label="", value=entry.value)
    items = items_of(label, entry.value, entry.role)
    return _with_links(replace(entry, items=items), value)


def _with_links(entry: Entry, value: Text) -> Entry:
    """A link's address is the value of an address, and another spelling of anything else."""
    whole = [
        to for start, end, to in value.links if start == 0 and end >= len(value.text.rstrip("."))
    ]
    address = whole[0] if whole else ""
    if not re.match(r"(?:https?://|mailto:)", address):
        return entry
    address = address.removeprefix("mailto:")
    if address == entry.value:
        return entry
    if entry.role in ("url", "contact"):
        return replace(entry, value=address, aliases=(*entry.aliases, entry.value))
    return replace(entry, aliases=(*entry.aliases, address))
