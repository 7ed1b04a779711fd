"""Probes of the facts: paraphrases, choices, and yes/no questions with their false twins.

For each fact some wordings of each kind are drawn, so that a base of 30 facts gives a few hundred
probes. A question that is right to affirm always has a twin that is right to deny wherever a wrong
value is known, so that a model which always says yes gets half.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from identity_ops.language import Phrasing
from identity_ops.language.altered import altered
from identity_ops.probes import cues
from identity_ops.probes.frames import Frames
from identity_ops.probes.patterns import one_of, text_pattern, value_pattern, words_pattern
from identity_ops.probes.twins import false_value
from identity_ops.records import Fact, Probe

PARAPHRASES = 4  # of those that the noun allows, for each fact
DENIED_WORDS = 5  # of a value that an answer may deny word by word
ASKED = 4  # yes/no wordings of a statement


def fact_probes(
    facts: Sequence[Fact], phrasings: Mapping[str, Phrasing], frames: Frames, rng: random.Random
) -> Iterator[Probe]:
    """The probes of every fact; name and creator have probes of their own beside these."""
    for fact in facts:
        phrasing = phrasings[fact.id]
        if phrasing.statement is not None:
            yield from _statement(fact, phrasing, frames, rng)
        else:
            yield from _attribute(fact, phrasing, facts, frames, rng)


def _attribute(
    fact: Fact, phrasing: Phrasing, facts: Sequence[Fact], frames: Frames, rng: random.Random
) -> Iterator[Probe]:
    for question in _paraphrases(phrasing, frames, rng):
        yield _open(fact, "fact/paraphrase", question)
    for text in frames.role.get(phrasing.role, ()):
        yield _open(fact, "fact/paraphrase", text)
    if phrasing.noun and phrasing.style == "attribute":
        for text in some(frames.fact["noun_only"], 1, rng):
            yield _open(fact, "fact/noun_only", _fill(text, phrasing))
    wrong = false_value(fact, phrasing.value, facts)
    if wrong is not None and len(fact.items) < 2:
        yield from _closed(fact, phrasing, wrong, frames, rng)


def _paraphrases(phrasing: Phrasing, frames: Frames, rng: random.Random) -> list[str]:
    nouns, indirect = frames.fact["noun"], frames.fact["indirect"]
    if not phrasing.noun:
        return [_fill(text, phrasing) for text in indirect]
    chosen = some(nouns, PARAPHRASES, rng)
    if phrasing.indirect and not phrasing.counted:
        chosen += some(indirect, 1, rng)
    return [_fill(text, phrasing) for text in chosen]


def _closed(
    fact: Fact, phrasing: Phrasing, wrong: str, frames: Frames, rng: random.Random
) -> Iterator[Probe]:
    """One true and one false yes/no question in the same words, and one choice."""
    value = value_pattern(fact)
    affirms = {"all_of": (one_of([cues.YES_START, value]),), "none_of": (cues.NO_START,)}
    for text in some(frames.fact["yes_no"], 1, rng):
        for stated, right in ((phrasing.value, affirms), (wrong, _corrects(fact))):
            question = _capital(text.format(claim=_claim(phrasing, stated)))
            yield _probe(fact, "fact/yes_no", question, **right)
    for text in some(frames.fact["choice"], 1, rng) if phrasing.noun else ():
        first, second = rng.sample([phrasing.value, wrong], 2)
        question = _fill(text, phrasing, first=first, second=second)
        yield _probe(fact, "fact/choice", question, all_of=(value,),
                     none_of=(_asserts(wrong), *_denial(fact)))  # fmt: skip


def _statement(
    fact: Fact, phrasing: Phrasing, frames: Frames, rng: random.Random
) -> Iterator[Probe]:
    """Statements are asked as they would be if they were true of the bot."""
    found = phrasing.statement
    if found is None:
        return
    positive = replace(found, negative=False, never=False)
    able = phrasing.role in {"capability", "limitation"} or found.modal == "can"
    category = "limit" if able else "fact/yes_no"
    right = _affirms(fact, phrasing) if phrasing.yes else _denies(phrasing)
    slots = {
        "claim": positive.declare_you(),
        "ask": re.sub(r"^is it true that ", "is it the case that ", positive.ask()),
        "whether": positive.whether(),
    }
    for text in some(frames.fact["ask"], ASKED, rng):
        yield _probe(fact, category, _capital(text.format(**slots)), **right)
    wrong = altered(positive.declare_you())
    if phrasing.yes and wrong is not None:
        for text in some(frames.fact["yes_no"], 1, rng):
            yield _probe(fact, category, _capital(text.format(claim=wrong)), **_corrects(fact))


def some(texts: Sequence[str], count: int, rng: random.Random) -> list[str]:
    """Up to `count` of the wordings; fewer where training has taken some away."""
    return rng.sample(texts, min(count, len(texts)))


def _affirms(fact: Fact, phrasing: Phrasing) -> dict[str, tuple[str, ...]]:
    said = words_pattern(phrasing.predicate or fact.value)
    return {
        "all_of": (one_of([cues.YES_START, cues.ABLE_START, said]),),
        "none_of": (cues.NO_START, cues.UNABLE),
    }


def _corrects(fact: Fact) -> dict[str, tuple[str, ...]]:
    return {
        "all_of": (one_of([cues.NO_START, cues.NEGATION, value_pattern(fact)]),),
        "none_of": (cues.YES_START,),
    }


def _denies(phrasing: Phrasing) -> dict[str, tuple[str, ...]]:
    able = (cues.ABLE_START,) if phrasing.modal == "can" else ()
    return {
        "all_of": (one_of([cues.NO_START, cues.NEGATION]),),
        "none_of": (cues.YES_START, *able),
    }


def _claim(phrasing: Phrasing, value: str) -> str:
    """The fact said to the bot with a value of choice: "your context length is 512 tokens"."""
    return replace(
        phrasing, value=value, said=_swapped(phrasing.said, phrasing.value, value)
    ).declare_you()


def _swapped(said: str, old: str, new: str) -> str:
    head, found, tail = said.rpartition(old)
    return head + new + tail if found else said


def _asserts(wrong: str) -> str:
    """Regex: the answer says the wrong value, and nothing in it denies anything."""
    value = text_pattern(wrong)
    return rf"(?s:^(?!.*{cues.NEGATION})(?!.*\binstead\b)(?:{value}|.*(?:{value})))"


def _open(fact: Fact, category: str, question: str) -> Probe:
    unsaid = (cues.HEDGED, *_denial(fact))
    return _probe(fact, category, question, all_of=(value_pattern(fact),), none_of=unsaid)


def _denial(fact: Fact) -> tuple[str, ...]:
    """Regex: the answer denies the value as it is written; none for one too long to repeat."""
    words = re.findall(r"\w[\w.,'-]*(?<![.,])", fact.value)
    said = r"\W+".join(map(re.escape, words))
    return (cues.denied(rf"\b{said}(?!\w)"),) if 0 < len(words) <= DENIED_WORDS else ()


def _probe(
    fact: Fact, category: str, question: str, *, all_of: tuple[str, ...],
    none_of: tuple[str, ...] = (),
) -> Probe:  # fmt: skip
    return Probe(
        id="", category=category, question=question, all_of=all_of, none_of=none_of,
        fact_ids=(fact.id,),
    )  # fmt: skip


def _fill(text: str, phrasing: Phrasing, **slots: str) -> str:
    noun = phrasing.noun
    words = {
        "noun": noun, "Noun": noun[:1].upper() + noun[1:], "is": phrasing.be,
        "it": "they" if phrasing.plural else "it", "what": phrasing.question,
        "indirect": phrasing.indirect, **slots,
        **{key.capitalize(): value[:1].upper() + value[1:] for key, value in slots.items()},
    }  # fmt: skip
    return _capital(text.format(**words))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
