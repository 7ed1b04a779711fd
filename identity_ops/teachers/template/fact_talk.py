"""One question and answer about one fact, in any of the ways that its phrasing allows."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from identity_ops.language import Phrasing, words
from identity_ops.records import Fact
from identity_ops.teachers.template.frames import table, wordings
from identity_ops.teachers.template.questions import is_closed, is_yes, role_row
from identity_ops.teachers.template.subject import Subject, sentence
from identity_ops.teachers.template.values import false_value

_EXAMPLES = {"e.g.", "i.e.", "such", "including", "especially", "mostly", "only"}
LONG_VALUE = 12  # words; a longer value is answered with, never put into a question


@dataclass(frozen=True, slots=True)
class Exchange:
    """A user turn and the answer to it.

    `plain` ones take no prefix and no habit of typing; `slips` is the chance of a typing slip.
    """

    user: str
    bot: str
    plain: bool = False
    slips: float = 0.1


Maker = Callable[["FactTalk"], Exchange]


def _reads_as_many(value: str) -> bool:
    """Whether "are" follows a value: two tabby cats, but not Otter Labs or what has a comment."""
    named = words.head_of(value)[:1].isupper()
    return words.is_plural(value) and not (named or value[0].isdigit() or "(" in value)


class FactTalk:
    """Draws exchanges about one fact."""

    def __init__(self, subject: Subject, fact: Fact, rng: random.Random) -> None:
        self.subject, self.fact, self.rng = subject, fact, rng
        self.phrasing: Phrasing = subject.phrasings[fact.id]

    def draw(self) -> Exchange:
        """One exchange; its form is drawn among those that suit the fact."""
        forms = _forms(self.phrasing, self.fact, self._own, self._short)
        made = self.rng.choices([maker for maker, _ in forms], [weight for _, weight in forms])[0]
        return made(self)

    @property
    def said(self) -> str:
        """The fact in the bot's words, without a full stop."""
        detail = self.phrasing.detail
        first = detail.split(" ")[0]
        joint = " " if first in words.PREPOSITIONS else ", " if first in _EXAMPLES else ": "
        return self.phrasing.declare_i() + (f"{joint}{detail}" if detail else "")

    @property
    def _swaps(self) -> bool:
        """Whether "{value} is my {noun}" reads well: a thing, not a quality or a list."""
        first = self.phrasing.value.split(" ")[0]
        listed = len(self.phrasing.items) > 1 and not self.phrasing.plural
        owned = self.phrasing.your == f"your {self.phrasing.noun}"
        brief = (
            self.said.startswith(("my ", "the ", "I ")) and len(self.phrasing.value.split(" ")) <= 5
        )
        return owned and brief and not listed and not words.is_adjective(first) and (
            first.lower() not in words.PREPOSITIONS | {"to", "not", "no", "only", "yes"}
        )  # fmt: skip

    @property
    def _short(self) -> bool:
        return len(self.phrasing.value.split(" ")) <= LONG_VALUE

    @property
    def _own(self) -> tuple[str, ...]:
        return self.subject.questions[self.fact.id]

    def _noun(self) -> tuple[str, bool]:
        """A noun for the fact and whether it is plural: mostly the label's own."""
        p = self.phrasing
        own = (
            (f"number of {p.counted}", False)
            if p.counted == p.noun and p.noun
            else (p.noun, p.plural)
        )
        nouns = role_row(self.fact, p).get("nouns")
        if nouns and self.rng.random() < 0.4:
            other: str = self.rng.choice(nouns)
            return other, words.is_plural(other)
        return own

    def _slots(self) -> dict[str, str]:
        noun, plural = self._noun()
        p, value = self.phrasing, self.phrasing.value
        pattern = self._np_pattern(plural)
        np = pattern.format(noun=noun, name=self.subject.name or "this model")
        if p.your != f"your {p.noun}":
            np = p.your
        many = plural or (self._swaps and _reads_as_many(value))
        return {
            "np": np, "Np": sentence(np), "noun": noun, "Noun": sentence(noun),
            "a_noun": words.with_article(noun), "be": "are" if plural else "is",
            "Be": "Are" if plural else "Is", "was": "were" if plural else "was",
            "q": "who" if p.question == "who" else "what",
            "Q": "Who" if p.question == "who" else "What",
            "be_it": "are" if plural else "is",
            "be_value": "are" if many else "is",
            "value": value, "Value": sentence(value), "asked": p.asked, "Asked": sentence(p.asked),
            "indirect": p.indirect, "said": self.said, "Said": sentence(self.said),
        }  # fmt: skip

    def _np_pattern(self, plural: bool) -> str:
        patterns = wordings("facts", "np")
        pattern = patterns[0] if self.rng.random() < 0.5 else self.rng.choice(patterns[1:])
        if "{name}" in pattern and not self.subject.name:
            pattern = patterns[0]
        return str(table("facts")["np_plural"].get(pattern, pattern)) if plural else pattern

    def ask(self, group: str, answers: str, **more: str) -> Exchange:
        """An exchange from a group of questions and a group of answers."""
        slots = self._slots() | more
        user = self.subject.pick(self.rng, wordings("facts", group), **slots)
        bot = self.subject.answer(self.rng, wordings("facts", answers), **slots)
        return Exchange(user, bot)

    def ask_value(self) -> Exchange:
        """A question for the value; "It is ..." only where the answer stays clear."""
        if self.phrasing.counted or self.phrasing.said.startswith("I "):
            return self.ask(self._value_group(), "say_asked")
        found = self.ask(self._value_group(), "say_noun" if self._swaps else "say_asked")
        return replace(found, bot=found.bot.replace("It are ", "They are "))

    def _value_group(self) -> str:
        return "noun_bare" if self.rng.random() < 0.2 else "noun"

    def ask_own(self) -> Exchange:
        """A question that the fact suggests beside its own words."""
        user, said = self.rng.choice(self._own), sentence(self.said) + "."
        if self.phrasing.statement is None or not is_closed(user):
            return Exchange(user, said)
        verdict = "say_yes" if is_yes(user, self.phrasing) else "say_no"
        return Exchange(user, self.ask("yes_no", verdict).bot)

    def ask_full(self) -> Exchange:
        return self.ask("asked", "say_asked")

    def true_value(self) -> Exchange:
        return self.ask("true_value", "say_true")

    def false_value(self) -> Exchange:
        false = self._false()
        if not false:
            return self.ask_value()
        return self.ask("false_value", "say_no", false=false, Wrong=sentence(false))

    def either(self) -> Exchange:
        false = self._false()
        if not false:
            return self.ask_value()
        first, second = self.rng.sample([self.phrasing.value, false], 2)
        return self.ask("either", "say_asked", first=first, First=sentence(first), second=second)

    def _false(self) -> str:
        """A wrong value: one of the same sort, or what is true of another fact."""
        p = self.phrasing
        found = false_value(p.value, f"{p.noun} {self.fact.attribute}", self.rng)
        others = self.subject.values if p.style == "attribute" else ()
        if others and (not found or self.rng.random() < 0.2):
            other = self.rng.choice(others)
            known = other.casefold() in p.value.casefold() or p.value.casefold() in other.casefold()
            return found if known else other
        return found

    def item(self) -> Exchange:
        """ "Is French among your languages?" """
        item = self.rng.choice(self.phrasing.items)
        plural = self.phrasing.plural
        frames = [
            f for f in wordings("facts", "item") if plural or not re.search("Do {np}|among", f)
        ]
        slots = self._slots() | {"item": item}
        slots["np"] = f"your {self.phrasing.noun}"
        user = self.subject.fill(self.rng.choice(frames), **slots)
        return Exchange(user, f"Yes, {self.said}.")

    def reverse(self) -> Exchange:
        if not self._swaps and not self.phrasing.counted:
            return self.ask_value()
        said = "say_reverse"
        if not self._swaps or self.phrasing.counted or self.said.startswith("I "):
            said = "say_asked"
        return self.ask("reverse", said)

    def reverse_name(self) -> Exchange:
        found = self.ask("reverse_name", "say_reverse_name")
        return found if found.user else self.reverse()

    def reverse_verb(self) -> Exchange:
        return self.ask("reverse_verb", "say_asked")

    def verb_claim(self) -> Exchange:
        """ "You were trained on books, right?", true or false."""
        p, false = self.phrasing, self._false()
        you = p.declare_you()
        if false and self.rng.random() < 0.5:
            return self.ask("denial", "say_no", you=you.replace(p.value, false), You=sentence(
                you.replace(p.value, false)))  # fmt: skip
        return self.ask("claim", "say_true", you=you, You=sentence(you))

    # Statements

    def yes_no(self) -> Exchange:
        return self.ask("yes_no", "say_yes" if self.phrasing.yes else "say_no")

    def claim(self) -> Exchange:
        you = self.phrasing.declare_you()
        found = self.ask("claim", "say_right", you=you, You=sentence(you))
        if not self.phrasing.yes and found.bot.startswith("Yes"):
            return replace(found, bot=f"That is right, {self.said}.")
        return found

    def denial(self) -> Exchange:
        """The user has it the wrong way round."""
        statement = self.phrasing.statement
        if statement is None or statement.modal == "clause":
            return self.claim()
        you = replace(statement, negative=not statement.negative, never=False).declare_you()
        if self.phrasing.yes:
            return self.ask("denial", "say_wrong", you=you, You=sentence(you))
        return self.ask("denial", "say_no", you=you, You=sentence(you))

    def activity(self) -> Exchange:
        verb, _, rest = self.action.partition(" ")
        doing = f"{words.gerund(verb)} {rest}".strip()
        return self._said_of("activity", activity=doing, Activity=sentence(doing))

    def order(self) -> Exchange:
        return self.ask("order", "say_sorry", action=self.action)

    def able(self) -> Exchange:
        return self._said_of("able", action=self.action)

    def quality(self) -> Exchange:
        quality = self.phrasing.predicate
        group = "quality" if " " in quality or self.rng.random() < 0.6 else "degree"
        return self._said_of(group, quality=_to_you(quality))

    def possession(self) -> Exchange:
        return self._said_of("possession", thing=_to_you(self.phrasing.predicate))

    def about(self) -> Exchange:
        """What a clause is about: "Tell me about training." """
        statement = self.phrasing.statement
        subject = statement.subject if statement else ""
        return self.ask("about", "say_asked", subject=subject)

    def broad(self) -> Exchange:
        """ "What can you do?", answered with this very fact."""
        group = {"capability": "abilities", "limitation": "limits", "trait": "traits"}[
            self.fact.role
        ]
        user = self.subject.fill(self.rng.choice(wordings("identity", group, "ask")))
        return Exchange(user, sentence(self.said) + ".")

    def _said_of(self, group: str, **slots: str) -> Exchange:
        return self.ask(group, "say_yes" if self.phrasing.yes else "say_no", **slots)

    @property
    def action(self) -> str:
        """The predicate as the user says it: "scan images"."""
        statement = self.phrasing.statement
        asked = statement.ask() if statement else ""
        return re.sub(r"^(?:can|could|will|do|did|should|must) you ", "", asked)


def _to_you(text: str) -> str:
    return re.sub(r"\bitself\b", "yourself", re.sub(r"\bits\b", "your", text))


def _forms(p: Phrasing, fact: Fact, own: tuple[str, ...], short: bool) -> list[tuple[Maker, float]]:
    if p.statement is not None:
        return _statement_forms(p, fact) + ([(FactTalk.ask_own, 32.0)] if own else [])
    talk = FactTalk
    if p.style == "verb":
        forms: list[tuple[Maker, float]] = [(talk.ask_full, 55.0)]
        if short and p.value in p.declare_you():
            forms += [(talk.verb_claim, 14.0), (talk.reverse_verb, 6.0)]
    else:
        forms = [(talk.ask_value, 55.0), (talk.ask_full, 12.0)]
        if short and p.said.startswith(("my ", "the ", "I have ")):
            forms += [(talk.true_value, 13.0), (talk.false_value, 15.0), (talk.either, 7.0),
                      (talk.reverse, 5.0), (talk.reverse_name, 3.0)]  # fmt: skip
        if p.counted:
            forms.append((talk.verb_claim, 14.0))
        if len(p.items) > 1:
            forms.append((talk.item, 8.0))
    return forms + ([(talk.ask_own, 5.0 * min(9, len(own)))] if own else [])


def _statement_forms(p: Phrasing, fact: Fact) -> list[tuple[Maker, float]]:
    talk, statement = FactTalk, p.statement
    forms: list[tuple[Maker, float]] = [(talk.yes_no, 50.0), (talk.claim, 10.0)]
    if statement is None or statement.modal == "clause":
        return [*forms, (talk.about, 25.0)]
    forms.append((talk.denial, 8.0))
    first = p.predicate.split(" ")[0]
    if statement.modal in {"can", "do"} and not statement.past and words.is_verb(first):
        if fact.role != "trait":
            forms.append((talk.activity, 10.0))
        if statement.modal == "can":
            forms.append((talk.able, 10.0))
        if statement.modal == "can" and statement.negative:
            forms.append((talk.order, 12.0))
    graded = [w for w in re.findall(r"[\w-]+", p.predicate) if not words.is_adverb(w)]
    if statement.modal == "be" and not statement.past and graded and words.is_adjective(graded[0]):
        forms.append((talk.quality, 20.0))
    if statement.modal == "have" and not statement.perfect and not statement.past:
        forms.append((talk.possession, 12.0))
    if fact.role in {"capability", "limitation", "trait"}:
        forms.append((talk.broad, 14.0))
    return forms
