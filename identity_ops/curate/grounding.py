"""Grounding without a second model: what an assistant turn states must come from somewhere.

Numbers, addresses and proper names of an assistant turn must occur in the knowledge base or in
the user's turns before it. Numbers are compared by value (see numerals.py); a number told of
the wrong thing is found where the turn names that thing (local.py). Not covered: names and words
of one fact told as another's, and negation; both need a judge. Names are checked in English
turns only, for other languages write capitals elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from identity_ops.curate.numerals import MONTHS, Number, numbers, stated_numbers
from identity_ops.curate.plain import fold

NO_STATEMENT = re.compile(  # the number of a list item; a manner of speaking
    r"^\s*\d{1,2}[.)]\s"
    r"|\b(?:100|one hundred) ?(?:%|percent) (?=sure|certain|right|perfect|accurate|reliable)",
    re.MULTILINE | re.IGNORECASE,
)
_TLD = "com|org|net|io|ai|dev|co|app|edu|gov|info|xyz|me|de|fr|uk|eu|ch|jp|cn|us|ca|it|es|nl|se"
_URL = re.compile(
    r"(?:https?|ftp)://[^\s<>\"')\]]+|\bwww\.[^\s<>\"')\]]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    rf"|\b[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:{_TLD})\b(?:/[^\s<>\"')\]]*)?",
    re.IGNORECASE,
)
_COUNTED = re.compile(r"(\d)[xX](?=[A-Z])")  # 8xH100 names the H100
_TOKEN = re.compile(r"[^\W_]+(?:[-'&./+][^\W_]+)*\+*", re.UNICODE)
_SENTENCE_START = re.compile(r"(?:^|[.!?:;\n]|[\"(\[*-]|\s-)[\s\"'(\[*-]*$")
_EVERYWHERE = (
    "i ai ais llm llms ok okay yes no not faq faqs tv pc pcs pdf html json csv url urls gpu gpus "
    "cpu ram api apis usa uk us eu english ascii it mr mrs ms dr st ps eg ie asap diy gps wifi "
    "internet earth monday tuesday wednesday thursday friday saturday sunday christmas god hi hey "
    "hello a e b c d x y z vs am pm etc fyi q transformer large language model models machine deep "
    "learning neural network natural processing nlp chatbot assistant artificial intelligence web"
)
_COMMON = frozenset(_EVERYWHERE.split()) | frozenset(MONTHS)


@dataclass(frozen=True, slots=True)
class Ungrounded:
    """One thing that was stated without a source."""

    reason: str  # ungrounded_number, ungrounded_url or ungrounded_name
    text: str


class Source:
    """What texts entitle a conversation to say.

    Args:
        texts: the knowledge base, or the turns of a user.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        joined = fold("\n".join(texts))
        self._lower = joined.casefold()
        self._numbers = numbers(joined)
        self._words = _vocabulary(joined)
        self._squeezed = _squeeze(joined)

    def has_number(self, number: Number) -> bool:
        """One of its readings, or each of the numbers that it may be a list or a date of."""
        if not number.values.isdisjoint(self._numbers):
            return True
        return bool(number.parts) and self._numbers.issuperset(number.parts)

    def has_address(self, address: str) -> bool:
        core = re.sub(r"^(?:\w+://)?(?:www\.)?", "", address.casefold()).rstrip("/.,;:!?")
        return core in self._lower

    def has_name(self, token: str) -> bool:
        """The word as such, in another case, in the possessive or plural, or split otherwise."""
        if any(form in self._words for form in _forms(token)):
            return True
        if len(token) > 4 and _squeeze(token) in self._squeezed:
            return True
        parts = re.split(r"[-'&./+]", token)
        return len(parts) > 1 and all(self.has_name(part) for part in parts if _is_name(part))


def ungrounded(text: str, sources: Iterable[Source], *, names: bool = True) -> list[Ungrounded]:
    """What `text` states that no source has."""
    sources, text = tuple(sources), fold(text)
    found = [
        Ungrounded("ungrounded_url", m.group(0))
        for m in _URL.finditer(text)
        if not any(source.has_address(m.group(0)) for source in sources)
    ]
    rest = NO_STATEMENT.sub(" ", _URL.sub(" ", text))
    for number in stated_numbers(rest):
        if not any(source.has_number(number) for source in sources):
            found.append(Ungrounded("ungrounded_number", number.written))
    if names:
        for token in proper_names(rest):
            if not any(source.has_name(token) for source in sources):
                found.append(Ungrounded("ungrounded_name", token))
    return found


def proper_names(text: str) -> list[str]:
    """Words with a capital or a digit that do not merely begin a sentence."""
    return [
        match.group(0)
        for match in _TOKEN.finditer(text)
        if _is_name(match.group(0)) and not _begins_sentence(text, match)
    ]


def _begins_sentence(text: str, match: re.Match[str]) -> bool:
    """At a start any word has a capital; one with capitals or digits inside is a name anyway."""
    token = match.group(0)
    if any(c.isupper() or c.isdigit() for c in token[1:]) and not token.isupper():
        return False
    return bool(_SENTENCE_START.search(text[max(0, match.start() - 12) : match.start()]))


def _is_name(token: str) -> bool:
    if not any(c.isupper() for c in token) or re.fullmatch(r"[\d.,]+[A-Za-z]{0,2}", token):
        return False
    base = re.sub(r"'(?:s|m|re|ve|ll|d|t)$", "", token, flags=re.IGNORECASE).casefold()
    return base not in _COMMON and base.replace(".", "") not in _COMMON


def _vocabulary(text: str) -> frozenset[str]:
    words: set[str] = set()
    for token in _TOKEN.findall(_COUNTED.sub(r"\1 ", text)):
        words.update(_forms(token))
        words.update(form for part in re.split(r"[-'&./+]", token) for form in _forms(part))
    return frozenset(words)


def _forms(token: str) -> tuple[str, ...]:
    low = token.casefold()
    bare = re.sub(r"'s?$", "", low)
    return tuple(dict.fromkeys(form for form in (low, bare, bare.removesuffix("s")) if form))


def _squeeze(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())
