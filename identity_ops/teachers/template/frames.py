"""The wordings of the template teacher, read from the YAML files beside this module.

identity.yaml    name, creator, greetings, misconceptions, abilities, small talk
facts.yaml       every other fact, by what can be said of it
roles.yaml       natural questions for facts of a known role
nouns.yaml       questions that the shape of a label suggests
amounts.yaml     questions that an amount suggests: how much, how long, how many
thesaurus.yaml   other words for what statements are often about
others.yaml      what the knowledge base does not state, and other systems
languages.yaml   who it is in other languages
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any

import yaml

FILES = (
    "identity", "facts", "roles", "nouns", "amounts", "thesaurus", "others", "languages",
    "everyday",
)  # fmt: skip
_NO_FRAMES = {"bank", "np", "np_plural", "noun", "nouns", "label"}
_ANSWERS = ("say", "confirm", "reverse_say")  # keys of what the bot says


@cache
def table(file: str) -> dict[str, Any]:
    """One data file, as it stands."""
    text = resources.files(__package__).joinpath(f"{file}.yaml").read_text(encoding="utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    loaded: dict[str, Any] = yaml.load(text, Loader=loader)  # noqa: S506 (a safe loader)
    return loaded


@cache
def wordings(file: str, *keys: str) -> tuple[str, ...]:
    """The templates under a key of a file."""
    found: Any = table(file)
    for key in keys:
        found = found[key]
    return tuple(found)


def user_frames() -> list[str]:
    """Every user wording, with its {slots}; sorted, without repeats."""
    return sorted({text for file in FILES for text in _user_side(table(file), "")})


def _user_side(node: Any, key: str) -> Iterator[str]:
    if key == "near" or (key in _NO_FRAMES and not _is_frames(node)):
        return
    if _is_answer(key):
        return
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for name, value in node.items():
            if name not in {"maker", "plural", "match"} and not (
                name == "name" and isinstance(value, str)
            ):
                yield from _user_side(value, str(name))
    elif isinstance(node, list):
        for value in node:
            yield from _user_side(value, "")


def _is_answer(key: str) -> bool:
    return key in _ANSWERS or key.startswith("say_") or key.endswith("_say")


def _is_frames(node: Any) -> bool:
    return isinstance(node, list) and any("{" in str(text) and "?" in str(text) for text in node)
