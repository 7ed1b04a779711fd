"""Probes for any knowledge base, made from its facts.

Categories are "stratum/detail": name, creator, rival, robust, fact, limit, unknown, third_party,
ordinary, ability. Same knowledge base and seed, same probes to the byte.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from identity_ops.general import builtin
from identity_ops.language import phrase_all
from identity_ops.probes import cues
from identity_ops.probes.facts import fact_probes, some
from identity_ops.probes.frames import Frames, frames, ordinary_requests, unknown_nouns
from identity_ops.probes.leaks import words
from identity_ops.probes.patterns import maker_pattern, name_pattern, one_of
from identity_ops.records import Message, Probe

if TYPE_CHECKING:
    from identity_ops.knowledge import Knowledge

ABILITIES = 10 * len(builtin.SCORED)
ORDINARY_EXERCISES = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The bot as the probes need it: patterns for its names and makers, and who is a rival."""

    name: str
    creator: str
    is_named: str
    is_creator: str
    rivals: tuple[tuple[str, str], ...]  # rival, its maker
    no_rival: str  # regex of a first-person rival claim
    no_vendor: str  # regex of a claim to be made by a rival's maker
    not_named: tuple[str, ...]  # regexes of an answer that denies its name or leaves it open
    not_made: tuple[str, ...]  # the same for its makers
    name_facts: tuple[str, ...]
    creator_facts: tuple[str, ...]

    @classmethod
    def of(cls, knowledge: Knowledge) -> Subject:
        """Read from the profile and the facts."""
        profile = knowledge.profile
        own = (profile.name, *profile.name_aliases, *profile.creators, *profile.creator_aliases,
               *profile.base_creators)  # fmt: skip
        rivals = cues.rivals_for(own)
        makers = [*profile.creators, *profile.creator_aliases]
        is_named = one_of(map(name_pattern, (profile.name, *profile.name_aliases)))
        plain_makers = one_of(map(name_pattern, makers))
        return cls(
            name=profile.name,
            creator=profile.creators[0] if profile.creators else "",
            is_named=is_named,
            is_creator=one_of(map(maker_pattern, makers)) if makers else "",
            rivals=tuple(rivals.items()),
            no_rival=cues.claims_rival(rivals),
            no_vendor=cues.claims_vendor(rivals.values(), rivals),
            not_named=(cues.denied(is_named), cues.undecided(is_named, rivals), cues.NAMELESS),
            not_made=(cues.denied_maker(plain_makers),) if makers else (),
            name_facts=tuple(f.id for f in knowledge.facts if f.role == "name"),
            creator_facts=tuple(f.id for f in knowledge.facts if f.role == "creator"),
        )


def build_probes(
    knowledge: Knowledge, *, seed: int = 0, dropped: Iterable[str] = ()
) -> list[Probe]:
    """All built probes of a knowledge base.

    Args:
        dropped: frames not to use, for they collide with training wordings.
    """
    found = _without(frames(), frozenset(dropped))
    subject = Subject.of(knowledge)
    rng = random.Random(f"probes/{seed}")
    makers = (
        _name(subject, found, rng), _creator(subject, found, rng), _rival(subject, found, rng),
        _robust(subject, found, rng),
        fact_probes(knowledge.facts, phrase_all(knowledge.facts, knowledge.profile), found, rng),
        _unknown(knowledge, found, rng), _third_party(subject, found), _ordinary(subject, seed),
        builtin.ability_probes(ABILITIES, seed),
    )  # fmt: skip
    return _numbered(probe for maker in makers for probe in maker)


def probe_id(probe: Probe) -> str:
    """Stable id: what is asked, under which category."""
    key = repr((probe.question, probe.history, probe.system))
    digest = hashlib.sha256(key.encode()).hexdigest()[:10]
    return f"{probe.category.replace('/', '-')}-{digest}"


def _numbered(probes: Iterable[Probe]) -> list[Probe]:
    """The probes with their ids, each question of a category once."""
    found: dict[str, Probe] = {}
    for probe in probes:
        identity = probe.id or probe_id(probe)
        found.setdefault(identity, replace(probe, id=identity))
    return list(found.values())


def _name(subject: Subject, found: Frames, rng: random.Random) -> Iterator[Probe]:
    for stratum, texts in found.name.items():
        for text in texts:
            rival, _ = rng.choice(subject.rivals)
            yield _identity(subject, f"name/{stratum}", text.format(rival=rival))


def _creator(subject: Subject, found: Frames, rng: random.Random) -> Iterator[Probe]:
    if not subject.creator:
        return
    for stratum, texts in found.creator.items():
        for text in texts:
            _, vendor = rng.choice(subject.rivals)
            question = text.format(vendor=vendor, creator=subject.creator)
            asks = "name" if stratum == "reverse" else "creator"
            yield _identity(subject, f"creator/{stratum}", question, asks=asks)


def _rival(subject: Subject, found: Frames, rng: random.Random) -> Iterator[Probe]:
    for text in found.rival:
        for rival, _ in rng.sample(subject.rivals, 4):
            yield _identity(subject, "rival/presupposed", text.format(rival=rival), asks="name")


def _robust(subject: Subject, found: Frames, rng: random.Random) -> Iterator[Probe]:
    robust = found.robust
    asked = [("name", q) for q in robust.name]
    pressed = [("name", q) for q in robust.sure_name]
    if subject.creator:
        asked += [("creator", q) for q in robust.creator]
        pressed += [("creator", q) for q in robust.sure_creator]
    for asks, question in asked:
        talk = [turn for pair in rng.sample(robust.distraction, 2) for turn in _exchange(*pair)]
        yield _identity(subject, "robust/after_distraction", question, asks=asks, history=talk)
        for kind, systems in (("neutral", robust.neutral_system), ("rival", robust.rival_system)):
            rival, vendor = rng.choice(subject.rivals)
            system = rng.choice(systems).format(rival=rival, vendor=vendor)
            yield _identity(subject, f"robust/{kind}_system", question, asks=asks, system=system)
    for asks, question in pressed:
        rival, vendor = rng.choice(subject.rivals)
        claim = f"I am {rival}." if asks == "name" else f"I was made by {vendor}."
        first = "Who is it?" if asks == "name" else "Whose are you?"
        yield _identity(
            subject,
            "robust/after_wrong_claim",
            question,
            asks=asks,
            history=_exchange(first, claim),
        )


def _identity(
    subject: Subject, category: str, question: str, *, asks: str = "",
    history: Sequence[Message] = (), system: str = "",
) -> Probe:  # fmt: skip
    asks = asks or category.partition("/")[0]
    named = asks == "name"
    return Probe(
        id="", category=category, question=question, history=tuple(history), system=system,
        all_of=(subject.is_named if named else subject.is_creator,),
        none_of=(subject.no_rival, *subject.not_named) if named else (
            subject.no_rival, subject.no_vendor, *subject.not_made
        ),
        fact_ids=subject.name_facts if named else subject.creator_facts,
    )  # fmt: skip


def _unknown(knowledge: Knowledge, found: Frames, rng: random.Random) -> Iterator[Probe]:
    """Attributes that the base does not state; one that it names in any fact is left out."""
    stated = {word for fact in knowledge.facts for word in words(f"{fact.attribute} {fact.value}")}
    for noun in unknown_nouns():
        if words(noun)[-1] not in stated:
            for text in some(found.unknown, 2, rng):
                question = text.format(noun=noun, what="what", **{"is": "is", "it": "it"})
                yield Probe(id="", category="unknown", question=question, all_of=(cues.ADMITS,))


def _third_party(subject: Subject, found: Frames) -> Iterator[Probe]:
    for rival, vendor in subject.rivals:
        maker = name_pattern(vendor.removesuffix(" AI"))
        wrong = [cues.claims_vendor([vendor], [rival]), cues.denied_maker(maker)]
        if subject.creator:
            wrong.append(cues.made_by(name_pattern(subject.creator), name_pattern(rival)))
        for text in found.third_party:
            yield Probe(
                id="", category="third_party", question=text.format(rival=rival),
                all_of=(maker,), none_of=tuple(wrong),
            )  # fmt: skip


def _ordinary(subject: Subject, seed: int) -> Iterator[Probe]:
    """Requests whose answers should not mention the model; none of them holds its name."""
    own = re.compile(one_of(p for p in (subject.is_named, subject.is_creator) if p), re.I)
    forbidden = [cues.SELF_TALK, cues.own_mention(subject.name)]
    if subject.creator:
        forbidden.append(cues.own_mention(subject.creator))
    exercises = [p.question for p in builtin.ability_probes(ORDINARY_EXERCISES, seed + 1)]
    for kind, questions in (("chat", ordinary_requests()), ("exercise", exercises)):
        for question in questions:
            if not own.search(question):
                category = f"ordinary/{kind}"
                yield Probe(id="", category=category, question=question, none_of=tuple(forbidden))


def _exchange(user: str, assistant: str) -> list[Message]:
    return [Message(role="user", content=user), Message(role="assistant", content=assistant)]


def _without(found: Frames, dropped: frozenset[str]) -> Frames:
    def keep(texts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(text for text in texts if text not in dropped)

    def keep_all(group: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        return {name: keep(texts) for name, texts in group.items()}

    return found.model_copy(
        update={
            "name": keep_all(dict(found.name)), "creator": keep_all(dict(found.creator)),
            "fact": keep_all(dict(found.fact)), "role": keep_all(dict(found.role)),
            "rival": keep(found.rival), "unknown": keep(found.unknown),
            "third_party": keep(found.third_party),
            "robust": found.robust.model_copy(update={
                name: keep(getattr(found.robust, name))
                for name in ("name", "creator", "sure_name", "sure_creator")
            }),
        }
    )  # fmt: skip
