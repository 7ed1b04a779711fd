"""How probes are worded: the frames of frames.yaml, and the check that training never uses them.

A frame collides with training when, with every {slot} masked, it equals a training frame or
shares a run of five words with one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from identity_ops.probes.leaks import MASK, grams, words

GRAM = 5
_SLOT = re.compile(r"\{[^{}]*\}")
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
    known = {masked(frame) for frame in training}
    known_grams = {gram for frame in known for gram in grams(frame, GRAM)}
    found: dict[str, str] = {}
    for frame in probe_frames:
        tokens = masked(frame)
        shared = next((g for g in grams(tokens, GRAM) if g in known_grams), None)
        shared = tokens if tokens in known else shared
        if shared:
            found[frame] = " ".join(shared)
    return found


def masked(frame: str) -> tuple[str, ...]:
    """The frame's words with every slot masked."""
    return words(_SLOT.sub(f" {MASK} ", frame))


def _yaml(name: str) -> dict[str, Any]:
    text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    data: dict[str, Any] = yaml.safe_load(text)
    return data
