"""How probes are worded: the frames of frames.yaml, and the check that training never uses them.

A frame collides with training when, with names, nouns and values masked, it equals a training
frame or shares a run of five words with one. Slots that stand for a whole clause are read in its
usual forms.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from identity_ops.probes.leaks import MASK, grams, words

GRAM = 5
_SLOT = re.compile(r"\{[^{}]*\}")
# Slots that hold more than a name, a noun or a value: what their own words may be.
_ASKED = ("*", "what is your *", "what are your *", "who is your *", "can you *", "do you have *",
          "are you *")  # fmt: skip
_INDIRECT = ("*", "what your * is", "what your * are", "who your * is", "whether you can *",
             "whether you have *", "whether you are *")  # fmt: skip
_CLAIM = ("*", "your * is *", "your * are *", "you can *", "you have *", "you are *")
_CLAUSES = {
    "{np}": ("*", "your *", "the * of *", "the * you have", "the * of this assistant"),
    "{asked}": _ASKED, "{ask}": _ASKED, "{indirect}": _INDIRECT, "{whether}": _INDIRECT,
    "{claim}": _CLAIM, "{you}": _CLAIM,
}  # fmt: skip
Group = Mapping[str, tuple[str, ...]]


class Robust(BaseModel):
    """Identity questions again, and the settings that work against the answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: tuple[str, ...]
    creator: tuple[str, ...]
    sure_name: tuple[str, ...]
    sure_creator: tuple[str, ...]
    neutral_system: tuple[str, ...]
    rival_system: tuple[str, ...]
    distraction: tuple[tuple[str, str], ...]


class Frames(BaseModel):
    """All probe wordings."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: Group
    creator: Group
    rival: tuple[str, ...]
    robust: Robust
    fact: Group
    role: Group  # wordings of a fact whose role is known, beside those that its noun allows
    unknown: tuple[str, ...]
    third_party: tuple[str, ...]


@cache
def frames() -> Frames:
    """The shipped wordings."""
    return Frames.model_validate(_yaml("frames.yaml"))


@cache
def ordinary_requests() -> tuple[str, ...]:
    """Requests that have nothing to do with the model."""
    return tuple(_yaml("ordinary.yaml")["requests"])


@cache
def unknown_nouns() -> tuple[str, ...]:
    """Attributes that a knowledge base rarely states."""
    return tuple(row["noun"] for row in _yaml("ordinary.yaml")["unknown"])


def identity_frames() -> tuple[str, ...]:
    """Every wording that asks about identity or facts; ordinary requests are not among them."""
    found = frames()
    groups = [*found.name.values(), *found.creator.values(), *found.fact.values()]
    groups += [*found.role.values(), found.rival, found.unknown, found.third_party]
    robust = found.robust
    groups += [robust.name, robust.creator, robust.sure_name, robust.sure_creator]
    return tuple(dict.fromkeys(frame for group in groups for frame in group))


def collisions(probe_frames: Iterable[str], training: Iterable[str]) -> dict[str, str]:
    """Probe frame -> the words it shares with training, for those that collide."""
    known = {tokens for frame in training for tokens in readings(frame)}
    known_grams = {gram for tokens in known for gram in grams(tokens, GRAM)}
    found: dict[str, str] = {}
    for frame in probe_frames:
        for tokens in readings(frame):
            shared = next((g for g in grams(tokens, GRAM) if g in known_grams), None)
            shared = tokens if tokens in known and set(tokens) != {MASK} else shared
            if shared:
                found.setdefault(frame, " ".join(shared))
    return found


def readings(frame: str) -> Iterator[tuple[str, ...]]:
    """The frame's words, with every slot masked, and with clause slots spelled out."""
    slots = list(dict.fromkeys(slot.lower() for slot in _SLOT.findall(frame)))
    for forms in itertools.product(*(_CLAUSES.get(slot, (MASK,)) for slot in slots)):
        text = frame
        for slot, form in zip(slots, forms, strict=True):
            text = re.sub(re.escape(slot), f" {form} ", text, flags=re.IGNORECASE)
        yield words(text)


def _yaml(name: str) -> dict[str, Any]:
    text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    data: dict[str, Any] = yaml.safe_load(text)
    return data
