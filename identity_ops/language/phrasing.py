"""Fact -> Phrasing: the grammatical parts that a question or an answer is built from.

Styles:
    name, creator   the two facts everything stands on; ask and answer them in your own words
    attribute       has a noun: "what is your {noun}", "my {noun} is {value}"
    verb            a label led by a verb: no noun, but `asked`, `indirect` and `said`
    statement       yes or no: `ask()`, `whether()`, `declare_i()`, `yes`
    clause          a sentence about something else, quoted whole; `ask()` works too
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from identity_ops.knowledge.patterns import FORMS
from identity_ops.knowledge.words import is_saying
from identity_ops.language import clauses, labels, statements, told, words
from identity_ops.language.statement import Statement
from identity_ops.language.told import first_sentence
from identity_ops.language.yes_no import from_label
from identity_ops.records import Fact

if TYPE_CHECKING:
    from identity_ops.knowledge import Profile

_TRUE = re.compile(r"(?:yes|true|supported|enabled|available|included|on|always)", re.IGNORECASE)
_FALSE = re.compile(
    r"(?:no|false|none|never|not supported|unsupported|disabled|unavailable|not available|n/a|off"
    r"|not included|nope)",
    re.IGNORECASE,
)
_COMMON_FIRST = re.compile(
    r"^(?:A|An|The|About|Around|Roughly|Approximately|Nearly|Almost|Over|Under|Less|More|Up|At|In|On"
    r"|By|From|To|For|With|Between|Only|Every|Each|All|Any|Some|Most|Both|None|No|Not|One|Two|Three"
    r"|Four|Five|Six|Seven|Eight|Nine|Ten|Free|Small|Large|Open|Very|Its|It)\b(?! [A-Z][a-z])"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrasing:
    """Parts of sentences about one fact. Strings carry no final mark and no capital of their own.

    `you`-forms are what a user says to the bot, `I`-forms what the bot says.
    """

    fact_id: str
    style: str  # name, creator, attribute, verb, statement or clause
    role: str  # the fact's role, "" where another fact of the base has a better claim to it
    noun: str = ""  # without determiner: "context length"; "" for verb, statement and clause
    your: str = ""  # with determiner: "your context length", "the maker of your tokenizer"
    plural: bool = False  # of `noun`
    question: str = "what"  # who, what, when or where, before "is your {noun}"
    counted: str = ""  # "kittens": allows "how many kittens do you have"
    value: str = ""  # as it reads in a sentence: "512 tokens", "a small fox"
    items: tuple[str, ...] = ()  # parts of a list value
    asked: str = ""  # full direct question: "what is your context length", "what do you run on"
    indirect: str = ""  # "what your context length is", "what you run on"
    said: str = ""  # full first-person answer: "my context length is 512 tokens"
    detail: str = ""  # what follows a yes or a no in the value: "text only"
    statement: Statement | None = None

    @property
    def be(self) -> str:
        """Copula that agrees with `noun`."""
        return "are" if self.plural else "is"

    @property
    def modal(self) -> str:
        """can, will, should, must, may, be, have, do or clause; "" for attributes."""
        return self.statement.modal if self.statement else ""

    @property
    def predicate(self) -> str:
        """Base form, third person: "scan images", "friendly and patient"."""
        return self.statement.predicate if self.statement else ""

    @property
    def negative(self) -> bool:
        """Whether the truth is "no"."""
        return self.statement.negative if self.statement else False

    @property
    def yes(self) -> bool:
        """The true answer to `ask()`."""
        return not self.negative

    def ask(self) -> str:
        """Yes/no question of a statement: "can you scan images"; attributes: `asked`."""
        return self.statement.ask() if self.statement else self.asked

    def whether(self) -> str:
        """Indirect: "whether you can scan images"; attributes: `indirect`."""
        return self.statement.whether() if self.statement else self.indirect

    def declare_i(self) -> str:
        """The fact in the bot's words: "I cannot scan images", "my mascot is a small fox"."""
        return self.statement.declare_i() if self.statement else self.said

    def declare_you(self) -> str:
        """The fact said to the bot: "you cannot scan images", "your mascot is a small fox"."""
        if self.statement:
            return self.statement.declare_you()
        if self.counted:
            return f"you have {self.value} {self.counted}"
        if not self.said.startswith("I "):
            return re.sub(r"\bmy\b", "your", self.said, count=1)
        said = re.sub(r"^I was ", "you were ", re.sub(r"^I am ", "you are ", self.said))
        return re.sub(r"^I ", "you ", said)

    def declarative(self, *, first_person: bool = True) -> str:
        """A full sentence: "I cannot scan images." or "You cannot scan images."."""
        text = self.declare_i() if first_person else self.declare_you()
        return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def phrase(fact: Fact, profile: Profile) -> Phrasing:
    """The phrasing of one fact, on its own; `phrase_all` also looks at the facts beside it."""
    saying = is_saying(fact.attribute)
    value = first_sentence(fact.value) if saying else _short(fact.value)
    if fact.role in {"name", "creator"} and fact.attribute and _is_main(fact, profile):
        return _known(fact, value)
    names = (profile.name, *profile.name_aliases, *_first_name(profile.name))
    if not fact.attribute:
        text, detail = _cut_detail(first_sentence(fact.value))
        if (truth := _boolean(detail)[0]) is not None:
            return _statement(fact, from_label(text, truth, names))
        if (clause := _of_maker(text, profile)) is not None:
            return _statement(fact, clause)
        role = fact.role or _section_role(fact.section)
        found = statements.parse(text, names=names, role=role, positive=fact.polarity)
        return _statement(fact, found, detail=detail)
    truth, detail = _boolean(fact.value)
    if truth is not None:
        found = from_label(fact.attribute, truth, names)
        return _statement(fact, found, detail=detail)
    if fact.attribute == FORMS["maker"][1] and profile.creators:
        about = Statement(modal="clause", subject=profile.creators[0], predicate=f"is {value}")
        return _statement(fact, about)
    if (refused := told.never_done(fact, names)) is not None:
        return _statement(fact, refused)
    value = labels.bare_count(fact.attribute, value)
    label = labels.read_label(fact.attribute, value)
    if label.said == "{value}":
        return _attribute(fact, label, _told_of_bot(fact.value, names), style="attribute")
    if (said := told.in_value(fact, names)) is not None:
        return _statement(fact, said)
    if not label.asked and (deed := told.in_label(fact, names)) is not None:
        return _statement(fact, deed, detail=words.join_items(fact.items) or value)
    return _attribute(fact, label, _fitted(value, fact.role, label.noun), style="attribute")


def phrase_all(facts: Iterable[Fact], profile: Profile) -> dict[str, Phrasing]:
    """Phrasings by fact id, each asking for one fact only.

    Where facts share a noun ("Cost" under two headings), the section goes before it; a role's own
    wordings stay with the first fact of that role.
    """
    listed = list(facts)
    found = {fact.id: phrase(fact, profile) for fact in listed}
    shared = _repeated([p.noun.lower() for p in found.values() if p.noun])
    taken: set[str] = set()
    out: dict[str, Phrasing] = {}
    for fact in listed:
        phrasing = found[fact.id]
        if phrasing.noun.lower() in shared and phrasing.style == "attribute" and fact.section:
            noun = _told_apart(fact.section, phrasing.noun)
            label = labels.Label(noun=noun, plural=phrasing.plural, question=phrasing.question)
            phrasing = _attribute(fact, label, phrasing.value, style="attribute")
        if phrasing.style in {"attribute", "verb"} and phrasing.role:
            phrasing = phrasing if phrasing.role not in taken else _without_role(phrasing)
            taken.add(phrasing.role)
        out[fact.id] = phrasing
    return out


def _told_apart(section: str, noun: str) -> str:
    """The noun with its section before it, where that is short and does not say the same."""
    said = labels.lower_label(section)
    return noun if noun in said or len(said.split(" ")) > 3 else f"{said} {noun}"


def _repeated(nouns: list[str]) -> set[str]:
    return {noun for noun in nouns if nouns.count(noun) > 1}


def _without_role(phrasing: Phrasing) -> Phrasing:
    return replace(phrasing, role="")


def _short(value: str) -> str:
    """The value as it reads inside a sentence: one sentence, no full stop, a common word small."""
    text = first_sentence(re.sub(r"\s+", " ", value).strip())
    if len(text.split(" ")) > 22:
        cut = re.split(r"(?<=\w\w\w)[;:] |(?<=\w\w\w), (?=which|who|so|but|and)| - ", text)[0]
        text = cut if len(cut.split(" ")) >= 3 else text
    return words.lower_first(text) if _COMMON_FIRST.match(text) else text


def _first_name(name: str) -> tuple[str, ...]:
    """ "Brotli" for Brotli the Garden Helper."""
    first = name.split(" ")[0]
    return (first,) if " " in name and len(first) > 3 and first[0].isupper() else ()


def _is_main(fact: Fact, profile: Profile) -> bool:
    """Whether this is the name or the main maker, and not a nickname or a maintainer."""
    if fact.role == "name":
        return profile.name.casefold() == fact.value.casefold()
    return any(maker.casefold() in fact.value.casefold() for maker in profile.creators[:1])


_SECTIONS = (
    ("limitation", r"limit|cannot|can't|can ?not|weak|issue|bound|don't|never|won't"),
    ("capability", r"capab|abilit|skill|can do|can help|good at|strength|feature"),
    ("trait", r"personal|style|tone|manner|character|trait|voice|vibe|temper|behavio"),
)


def _section_role(section: str) -> str:
    """How bare words under a heading are to be read, where the fact itself does not say."""
    low = section.lower()
    return next((role for role, pattern in _SECTIONS if re.search(pattern, low)), "")


def _of_maker(text: str, profile: Profile) -> Statement | None:
    """A sentence about the maker, who may go by a first name: "Jo answers mail"."""
    forms = {form for name in profile.creators for form in (name, name.split(" ")[0])}
    for name in sorted(forms - {profile.name}, key=len, reverse=True):
        rest = text.removeprefix(f"{name} ")
        if name[:1].isupper() and rest != text and statements.is_finite(rest):
            return Statement(modal="clause", subject=name, predicate=rest)
    return None


_DETAIL = re.compile(r"(?P<head>\S+ \S.*?)(?:: | - | -- |; | \()(?P<tail>[^()]+?)\)?")


def _cut_detail(text: str) -> tuple[str, str]:
    """ "Not for emergencies: call 112" -> the statement and what is added to it."""
    found = _DETAIL.fullmatch(text)
    if not found:
        return text, ""
    named = re.match(r"\w+ [A-Z]", found["tail"])  # "(Priya Raman)"
    return found["head"], found["tail"] if named else words.lower_first(found["tail"])


def _boolean(value: str) -> tuple[bool | None, str]:
    """(True or False, the rest of the value) where the value opens with yes or no."""
    head, _, rest = re.sub(r"\s+", " ", value).strip(" .").partition(" ")
    for truth, pattern in ((True, _TRUE), (False, _FALSE)):
        if pattern.fullmatch(value.strip(" .!")):
            return truth, ""
    if re.fullmatch(r"(?:yes|no|none|never)[,;:.]?", head, re.IGNORECASE) and (
        head[-1] in ",;:." or re.match(r"[-(\u2013\u2014]", rest)
    ):
        detail = rest.strip(" -()\u2013\u2014")
        return head.lower().startswith("yes"), words.lower_first(detail)
    return None, ""


def _known(fact: Fact, value: str) -> Phrasing:
    """Name and creator: the noun is always one that can be asked for."""
    noun = labels.lower_label(fact.attribute.strip(" :"))
    if fact.role == "name":
        noun = noun if noun.endswith("name") else "name"
        return _attribute(fact, labels.Label(noun=noun), value, style="name")
    label = labels.read_label(fact.attribute, value)
    verb = fact.attribute.strip(" :").split(" ")[0].lower() if label.asked else "created"
    noun = label.noun or "creator"
    found = _attribute(fact, labels.Label(noun=noun, plural=label.plural, question="who"), value,
                       style="creator")  # fmt: skip
    return replace(found, said=f"I was {verb} by {value}")


def _fitted(value: str, role: str, noun: str) -> str:
    """A value turned so that it can follow "is": "to help children", "a small language model"."""
    first = value.split(" ")[0]
    goal = role == "purpose" or re.search(r"(?:purpose|goal|mission|aim|job|task|role)$", noun)
    if goal and words.is_verb(first) and " " in value:
        return f"to {words.lower_first(value)}"
    if goal and words.base_of_s(first) and " " in value:
        return f"to {words.base_of_s(first)} {value.split(' ', 1)[1]}"
    if goal and words.base_of_ing(first):
        return words.lower_first(value)
    if role == "date":
        return re.sub(r"^[Oo]n (?=\d)|^[Ii]n (?=[A-Z\d])", "", value)
    if role == "kind" and (first[0].isdigit() or not any(c.isupper() for c in first[1:])):
        return words.with_article(words.lower_first(value))
    return value


def _told_of_bot(value: str, names: tuple[str, ...]) -> str:
    """The answer to "how do you work": first person where the value is about the bot."""
    found = statements.parse(first_sentence(value), names=names)
    return first_sentence(value) if found.modal == "clause" else found.declare_i()


def _statement(fact: Fact, found: Statement, detail: str = "") -> Phrasing:
    style = "clause" if found.modal == "clause" else "statement"
    said = found.declare_i()
    return Phrasing(fact_id=fact.id, style=style, role=fact.role, value=_short(fact.value),
                    items=fact.items, asked=found.ask(), indirect=found.whether(), said=said,
                    detail=detail, statement=found)  # fmt: skip


def _attribute(fact: Fact, label: labels.Label, value: str, *, style: str) -> Phrasing:
    if label.unit and not value.endswith(label.unit):
        value = f"{value} {label.unit}"
    if len(fact.items) > 1 and style == "attribute":
        listed = words.join_items(fact.items)
        listed = words.lower_first(listed) if value[:1].islower() else listed
        value = listed if len(fact.items) <= 8 else value
    base = Phrasing(fact_id=fact.id, style=style, role=fact.role, value=value, items=fact.items)
    if label.asked:
        said = label.said.replace("{value}", value)
        return replace(base, style="verb", asked=label.asked, indirect=label.indirect, said=said)
    asked, indirect, said = _about_noun(label, value)
    if fact.role == "kind" and value != fact.value:
        said = f"I am {value}"
    return replace(
        base, noun=label.noun, your=_owned(label.noun, "your"), plural=label.plural,
        question=label.question, counted=label.counted, asked=asked, indirect=indirect, said=said,
    )  # fmt: skip


def _about_noun(label: labels.Label, value: str) -> tuple[str, str, str]:
    """The question, the same as a clause, and the answer, for a label that is a noun."""
    if label.counted:
        counted = f"how many {label.counted}"
        return f"{counted} do you have", f"{counted} you have", f"I have {value} {label.counted}"
    be = "are" if label.plural else "is"
    if label.question == "when" and labels.looks_like_date(value) and label.noun[-3:] != "day":
        be = "was"
    your = _owned(label.noun, "your")
    said = f"{_owned(label.noun, 'my')} {be} {_preposition(label.question, value)}{value}"
    if clauses.is_clause(value):  # "Privacy: Conversations are not stored"
        said = value
    return f"{label.question} {be} {your}", f"{label.question} {your} {be}", said


def _owned(noun: str, whose: str) -> str:
    """ "your mascot"; "the maker of your tokenizer", where the noun itself says "of the"."""
    found = re.fullmatch(r"([\w -]+?) of (?:the|its) ([a-z][\w -]*)", noun)
    return f"the {found[1]} of {whose} {found[2]}" if found else f"{whose} {noun}"


def _preposition(question: str, value: str) -> str:
    if question == "where" and value[:1].isupper():
        return "in "
    return (
        labels.date_preposition(value)
        if question == "when" and labels.looks_like_date(value)
        else ""
    )
