"""Grounding without a second model: what an assistant turn states must come from somewhere.

Numbers, addresses and proper names of an assistant turn must occur in the knowledge base or in
the user's turns before it. Numbers are compared by value (32768, 32,768, 32K, thirty-two
thousand only as digits; eight and 8; 1.84M and 1.84 million). Not covered: a value of one fact
told as another's, and negation; both need a judge. Names are checked in English turns only,
for other languages write capitals elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from identity_ops.curate.plain import fold

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen twenty"
)
_YEAR = "january february march april may june july august september october november december"
NUMBER_WORDS, _MONTHS = _SMALL.split(), _YEAR.split()
_SCALES = {
    "k": (1e3, 1024.0), "thousand": (1e3,), "m": (1e6, 1024.0**2), "million": (1e6,),
    "b": (1e9, 1024.0**3), "billion": (1e9,), "bn": (1e9,), "trillion": (1e12,), "t": (1e12,),
    "kb": (1e3, 1024.0), "mb": (1e6, 1024.0**2), "gb": (1e9, 1024.0**3),
}  # fmt: skip
_NUMBER = re.compile(
    r"(\d{1,3}(?:[,_']\d{3})+(?:\.\d+)?|\d+(?:\.\d+)*)"
    r"(?:[ -]?(thousand|million|billion|trillion|[kmbt]b?n?(?![a-z])))?",
    re.IGNORECASE,
)
_SPELT = "|".join(NUMBER_WORDS)
_WORD_NUMBER = re.compile(
    rf"\b({_SPELT})(?:[ -](thousand|million|billion|trillion))?\b", re.IGNORECASE
)
_NO_STATEMENT = re.compile(  # the number of a list item; a manner of speaking
    r"^\s*\d{1,2}[.)]\s|\b100 ?(?:%|percent) (?=sure|certain|right|perfect|accurate|reliable)",
    re.MULTILINE,
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
_COMMON = frozenset(_EVERYWHERE.split()) | frozenset(_MONTHS)


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

    def has_number(self, values: frozenset[float]) -> bool:
        return not values.isdisjoint(self._numbers)

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
    rest = _NO_STATEMENT.sub(" ", _URL.sub(" ", text))
    for written, values in _numbers(rest):
        if not any(source.has_number(values) for source in sources):
            found.append(Ungrounded("ungrounded_number", written))
    if names:
        for token in proper_names(rest):
            if not any(source.has_name(token) for source in sources):
                found.append(Ungrounded("ungrounded_name", token))
    return found


def numbers(text: str) -> frozenset[float]:
    """Every value that a number in `text` may mean, spelled-out small ones and months included."""
    found = {value for _, values in _numbers(text) for value in values}
    found |= {float(m[1]) for m in _NUMBER.finditer(text) if re.fullmatch(r"\d+(\.\d+)?", m[1])}
    for match in _WORD_NUMBER.finditer(text):
        value = float(NUMBER_WORDS.index(match.group(1).lower()))
        found.update([value, *(value * s for s in _SCALES.get((match[2] or "").lower(), ()))])
    words = {word.casefold() for word in re.findall(r"[A-Za-z]+", text)}
    found |= {float(n) for n, month in enumerate(_MONTHS, start=1) if month in words}
    return frozenset(found)


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


def _numbers(text: str) -> Iterable[tuple[str, frozenset[float]]]:
    for match in _NUMBER.finditer(text):
        digits, scale = match.group(1), (match.group(2) or "").lower()
        values = _values(digits, scale)
        if len(scale) == 1 and re.search(r"\s", match.group(0)):  # "10 m" may be metres
            values |= _values(digits, "")
        yield match.group(0), values


def _values(digits: str, scale: str) -> frozenset[float]:
    plain = re.sub(r"[,_']", "", digits)
    if plain.count(".") > 1:  # a version: its own kind of number
        return frozenset({float("0." + "".join(part.zfill(4) for part in plain.split(".")))})
    value = float(plain)
    factors = _SCALES.get(scale, ())
    return frozenset({round(value * factor, 6) for factor in factors} or {value})


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
