"""From a fact's value to the regex that tells whether an answer states it.

Rules, for any knowledge base:
- a short value (up to three content words) is right when all its words are there, in any order;
- a longer one when its numbers, dates, addresses and proper names are there (all of up to three,
  else two thirds), or, where it has none, the majority of its content words;
- a list is right when half of its items are named, and never more than three are asked for,
  since a short answer cannot recite ten;
- an alias does as well as the value; words match by their stem, numbers in every usual spelling,
  names whatever the punctuation between their parts.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence

from identity_ops.probes.numbers import (
    ISO_DATE,
    MONTHS,
    NUMBER,
    date_pattern,
    number_pattern,
    spoken_month,
)
from identity_ops.records import Fact

_STOP = (
    "a about all also an and any are as at be been but by can could do does for from had has have "
    "i if in into is it its me more most my no not of on only or other our out over own per she he "
    "so some such than that the their them then there these they this those to too up us very was "
    "we were what when which who will with without would you your approximately around nearly "
    "roughly am im"
)
STOP_WORDS = frozenset(_STOP.split())
_COMPANY_WORDS = frozenset(
    {"the", "project", "team", "company", "inc", "ltd", "llc", "gmbh", "corp", "corporation"}
    | {"co", "foundation", "group", "organisation", "organization", "community", "contributors"}
)
_ADDRESS = re.compile(
    r"[\w.+-]+@[\w-]+\.[\w.-]*\w"
    r"|(?:https?://)?(?:www\.)?[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}(?:/[^\s,;)]*)?(?=[\s,;)]|$)",
    re.IGNORECASE,
)
_VERSION = re.compile(r"\bv?\d+(?:\.\d+){2,}\b")
_CLOCK = re.compile(r"(?<![\d:])(\d{1,2}):(\d{2})(?![\d:])")
_COUNTED = re.compile(r"\b(\d+)\s?[xX*]\s?(?=[A-Z])")  # 8xH100: a number and a name
_WORD = re.compile(r"[^\W_]+(?:[-'.&+/#][^\W_]+)*[+#]*")
_ENDINGS = re.compile(r"(?:ations?|ings?|ies|ied|ed|es|s|e|y|ly)$")
_SCRIPT_WITHOUT_SPACES = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")


def value_pattern(fact: Fact) -> str:
    """Regex: the answer states the fact's value, one of its aliases, or enough of its items."""
    read = {"name": name_pattern, "creator": maker_pattern, "base_creator": maker_pattern}
    pattern = read.get(fact.role, text_pattern)
    options = [pattern(text) for text in (fact.value, *fact.aliases) if text.strip()]
    if len(fact.items) > 1:
        options = [list_pattern(fact.items), *map(text_pattern, fact.aliases)]
    return one_of(options)


def one_of(patterns: Iterable[str]) -> str:
    """Regex: at least one of the patterns. Each must be an anchored set or a plain search."""
    options = list(dict.fromkeys(pattern for pattern in patterns if pattern))
    return options[0] if len(options) == 1 else "(?:" + "|".join(options) + ")"


def text_pattern(text: str) -> str:
    """Regex for one value written as `text`: its parts in any form, or else the text as it is."""
    found = one_of(_conjunction(variant) for variant in _variants(text))
    if re.search(found, text, re.IGNORECASE):
        return found
    return one_of([found, r"\s+".join(map(re.escape, text.split()))])


def name_pattern(name: str) -> str:
    """Regex for a proper name, whatever stands between its parts ("Smarter-Nano")."""
    if _SCRIPT_WITHOUT_SPACES.search(name):
        return re.escape(name.strip())
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+|[^\W\d_]+", name)
    if not parts:
        return re.escape(name.strip())
    start = r"(?<!\w)"
    if any(part.isdigit() for part in parts):
        start = r"(?:(?<!\w)|(?<=\dx))"  # the H100 of 8xH100
    return start + r"[\s\-_.,'&+/()]*".join(map(re.escape, parts)) + r"(?!\w)"


def maker_pattern(maker: str) -> str:
    """Regex for a person or an organisation; "the Acme project" is also said as "Acme"."""
    text = re.sub(r"\s*\([^()]*\)", "", maker)
    core = " ".join(w for w in text.split() if w.strip(".,").lower() not in _COMPANY_WORDS)
    return text_pattern(core or maker)


def list_pattern(items: Sequence[str]) -> str:
    """Regex: half of the items, at most three, each named once."""
    need = min(3, -(-len(items) // 2))
    keys = one_of(_item_keys(items))
    if need == 1:
        return keys
    steps = [f"(?P<i1>{keys})"]
    for number in range(2, need + 1):
        others = "".join(rf"(?!(?P=i{seen}))" for seen in range(1, number))
        steps.append(rf".*?{others}(?P<i{number}>{keys})")
    return "(?s:" + "".join(steps) + ")"


def words_pattern(text: str) -> str:
    """Regex: the majority of the content words of `text`, by stem (for paraphrased statements)."""
    return _at_least(_majority, _content_words(text)) or re.escape(text.strip())


def stem_pattern(word: str) -> str:
    """Regex for a word in any of its endings."""
    if _SCRIPT_WITHOUT_SPACES.search(word):
        return re.escape(word)
    stem = _ENDINGS.sub("", word) if len(word) > 4 else word
    if len(stem) < 3:
        stem = word
    tail = r"\w*" if len(word) > 3 else r"s?(?!\w)"
    return rf"(?<!\w){re.escape(stem).replace(re.escape('-'), '[- ]?')}{tail}"


def _variants(text: str) -> list[str]:
    """The text without its parentheses; also what they hold where that says the same shorter."""
    inner = re.findall(r"\(([^()]*)\)", text)
    outer = re.sub(r"\s*\([^()]*\)", "", text).strip(" .;")
    same = [
        part
        for part in inner
        if re.fullmatch(r"[A-Z][A-Z0-9.-]+", part.strip())
        or (re.search(r"\d", part) and re.search(r"\d", outer))
    ]
    return [variant for variant in (outer, *same) if variant] or [text]


def _conjunction(text: str) -> str:
    strong, rest = _strong(text)
    words = _content_words(rest)
    if not strong:
        if 0 < len(words) <= 3:
            return _at_least(len, words)
        return words_pattern(text)
    return _at_least(lambda found: len(found) if len(found) <= 3 else -(-len(found) * 2 // 3),
                     strong)  # fmt: skip


def _strong(text: str) -> tuple[list[str], str]:
    """Patterns of what cannot be paraphrased, and the text that remains."""
    found: list[str] = []
    text = _take(_ADDRESS, text, found, lambda m: _address(m.group(0)))
    text = _take(ISO_DATE, text, found, lambda m: date_pattern(*m.groups()))
    text = _take(_VERSION, text, found, lambda m: rf"(?<![\w.])v?{re.escape(m[0].lstrip('vV'))}")
    text = _take(_CLOCK, text, found, lambda m: _clock(int(m.group(1)), m.group(2)))
    text = _take(_COUNTED, text, found, lambda m: _counted(m.group(1)))
    text = _take(NUMBER, text, found, lambda m: number_pattern(m["digits"], m["scale"]))
    names, text = _names(text)
    found += names
    return list(dict.fromkeys(found)), text


def _take(regex: re.Pattern[str], text: str, found: list[str], make) -> str:  # type: ignore[no-untyped-def]
    found.extend(make(match) for match in regex.finditer(text))
    return regex.sub(" ", text)


def _clock(hour: int, minutes: str) -> str:
    """A time of day; the full hour may be said without its minutes."""
    optional = "?" if minutes == "00" else ""
    return rf"(?<![\d:.,])0?{hour}(?:[:.h]{minutes}){optional}(?![\d:]|[.,]\d)"


def _counted(count: str) -> str:
    return rf"(?:(?<![\w.,]){count}\s?x?\s?(?=[a-z])|{number_pattern(count)})"


def _address(text: str) -> str:
    core = re.sub(r"^(?:https?://)?(?:www\.)?", "", text, flags=re.IGNORECASE).rstrip("/.")
    return re.escape(core)


def _names(text: str) -> tuple[list[str], str]:
    """Proper names and codes (H100, d20): runs of words with capitals or digits among letters."""
    found: list[str] = []
    initials = [word[0].isupper() for word in _WORD.findall(text) if word.lower() not in STOP_WORDS]
    alone = len(initials) <= 4 and all(initials[:2])  # "Eddie Chen", not "Friendly and brief"

    def is_name(match: re.Match[str]) -> bool:
        word = match.group(0)
        if word.lower() in MONTHS:
            return True
        coded = bool(re.search(r"\d", word) and re.search(r"[^\W\d_]", word))
        coded = coded and not NUMBER.fullmatch(word) and not re.fullmatch(r"\d+(st|nd|rd|th)", word)
        inner = any(ch.isupper() for ch in word[1:])
        first = not re.search(r"\w", text[: match.start()]) or bool(
            re.search(r"[.!?:;]\s*$", text[: match.start()])
        )
        capital = word[0].isupper() and (alone or not first) and word.lower() not in STOP_WORDS
        return coded or inner or capital

    spans: list[list[re.Match[str]]] = []
    for match in _WORD.finditer(text):
        if not is_name(match):
            continue
        if spans and not text[spans[-1][-1].end() : match.start()].strip():
            spans[-1].append(match)
        else:
            spans.append([match])
    rest = text
    for span in reversed(spans):
        whole = text[span[0].start() : span[-1].end()]
        month = whole.lower() in MONTHS
        found.append(spoken_month(whole.lower()) if month else name_pattern(whole))
        rest = rest[: span[0].start()] + " " + rest[span[-1].end() :]
    return found[::-1], rest


def _content_words(text: str) -> list[str]:
    words = [word for word in _WORD.findall(text) if word.lower() not in STOP_WORDS]
    return [stem_pattern(word.lower()) for word in dict.fromkeys(words)]


def _majority(patterns: Sequence[str]) -> int:
    return min(len(patterns), max(2, -(-len(patterns) // 2)))


def _at_least(need, patterns: Sequence[str]) -> str:  # type: ignore[no-untyped-def]
    """Regex: at least need(patterns) of the patterns, in any order; the six longest count."""
    if not patterns:
        return ""
    kept = sorted(sorted(patterns, key=len, reverse=True)[:6], key=patterns.index)
    count = need(kept)
    if count == 1 == len(kept):
        return kept[0]
    groups = itertools.combinations(kept, count)
    options = ["".join(f"(?=.*{pattern})" for pattern in group) for group in groups]
    return "(?s:^(?:" + "|".join(options) + "))"


def _item_keys(items: Sequence[str]) -> list[str]:
    """One pattern for each item: a name, a number or its most telling word."""
    words = {item: [w.lower() for w in _WORD.findall(item)] for item in items}
    everything = list(itertools.chain.from_iterable(set(found) for found in words.values()))
    keys = []
    for item in items:
        strong, _ = _strong(item)
        own = [w for w in words[item] if everything.count(w) == 1 and w not in STOP_WORDS]
        if strong:
            keys.append(strong[0])
        elif own or words[item]:
            keys.append(stem_pattern(max(own or words[item], key=len)))
        else:
            keys.append(re.escape(item))
    return keys
