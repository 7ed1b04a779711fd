"""Whether a knowledge base is written in English, as everything made of it is.

By function words alone: names, numbers and terms are the same in many languages.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from identity_ops.knowledge.words import word_list

_ENGLISH = frozenset(word_list("the of and to not for it can cannot with by are was you from its"))
_OTHERS = {
    "German": "der das und ist nicht für von zu ein eine kein keine kann mit wird auf den dem",
    "French": "le la les des est pas pour avec une dans et ne du sur peut",
    "Spanish": "el la los las es para con una por que y del se puede",
    "Portuguese": "o os é não para com uma do da dos pode",
    "Italian": "il lo gli è non per con una di che sono può",
    "Dutch": "het een niet voor met van en geen kan wordt de",
    "Swedish, Danish or Norwegian": "och og inte ikke för av är er som med kan ingen ett et",
    "Polish": "i nie jest do dla na z przez oraz może",
}
_FUNCTION_WORDS = {name: frozenset(word_list(text)) for name, text in _OTHERS.items()}
_ENOUGH = 3  # lines with any of them: a motto or a name in another language is one
_LAST_LATIN = "\u024f"


def foreign_tongue(text: str) -> str:
    """The language that a text is in, "" where that is English or not to be told."""
    letters = [char for char in text if char.isalpha()]
    if sum(char > _LAST_LATIN for char in letters) > len(letters) / 2:
        return "a language of another script"
    lines = [frozenset(re.findall(r"[^\W\d_]+", line.lower())) for line in text.split("\n")]
    found = {name: _lines_with(words, lines) for name, words in _FUNCTION_WORDS.items()}
    likeliest = max(found, key=lambda name: found[name])
    enough = max(_ENOUGH, _lines_with(_ENGLISH, lines) + 1)
    return likeliest if found[likeliest] >= enough else ""


def _lines_with(words: frozenset[str], lines: Sequence[frozenset[str]]) -> int:
    return sum(not words.isdisjoint(line) for line in lines)
