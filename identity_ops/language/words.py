"""Words: verb forms, adjectives, articles, number. Lists in words.yaml, and suffix rules.

Covers what knowledge bases are made of (short labels and statements); it is no parser. A word
that no list and no rule knows counts as a noun.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

import yaml


def _lists() -> dict[str, frozenset[str]]:
    text = resources.files(__package__).joinpath("words.yaml").read_text(encoding="utf-8")
    return {name: frozenset(words.split()) for name, words in yaml.safe_load(text).items()}


_WORDS = _lists()
VERBS, MAKING, ADJECTIVES = _WORDS["verbs"], _WORDS["making"], _WORDS["adjectives"]
DETERMINERS, PREPOSITIONS = _WORDS["determiners"], _WORDS["prepositions"]
PROPER, THINGS = _WORDS["proper"], _WORDS["things"]
USED, GIVEN = _WORDS["used"], _WORDS["given"]
_IRREGULAR_PAST = {
    "took": "take", "made": "make", "built": "build", "learned": "learn", "learnt": "learn",
    "won": "win", "cost": "cost", "came": "come", "began": "begin", "got": "get", "grew": "grow",
    "ran": "run", "saw": "see", "wrote": "write", "went": "go", "gave": "give", "spent": "spend",
    "knew": "know", "kept": "keep", "led": "lead", "met": "meet", "sold": "sell",
    "left": "leave", "lost": "lose", "held": "hold",
}  # fmt: skip
_IRREGULAR_PARTICIPLE = {
    "made": "make", "built": "build", "written": "write", "taught": "teach", "known": "know",
    "bought": "buy", "sold": "sell", "born": "bear", "given": "give", "driven": "drive",
    "run": "run", "set": "set", "kept": "keep", "held": "hold", "seen": "see", "shown": "show",
    "chosen": "choose", "meant": "mean", "spoken": "speak", "drawn": "draw", "fed": "feed",
    "understood": "understand", "found": "find", "sent": "send", "shut": "shut", "led": "lead",
    "hidden": "hide", "grown": "grow", "bound": "bind", "brought": "bring", "put": "put",
}  # fmt: skip
_ADJECTIVE_ENDINGS = ("ful", "ous", "able", "ible", "less", "ish", "minded", "hearted", "headed")
_COUNTABLE_SENSES = {"sense", "history", "voice", "context", "ability"}


def is_verb(word: str) -> bool:
    """Whether `word` is the base form of a verb we know."""
    return word.lower() in VERBS


def base_of_s(word: str) -> str:
    """ "answers" -> "answer", "tries" -> "try"; "" when it is no s-form of a known verb."""
    low = word.lower()
    if not low.endswith("s") or low.endswith("ss"):
        return {"does": "do", "has": "have", "goes": "go"}.get(low, "")
    guesses = [low[:-3] + "y"] if low.endswith("ies") else []
    guesses += [low[:-1], low[:-2]] if low.endswith("es") else [low[:-1]]
    return next((guess for guess in guesses if guess in VERBS), "")


def base_of_ing(word: str) -> str:
    """ "writing" -> "write"; "" when it is no gerund of a known verb."""
    low = word.lower()
    return _stem(low[:-3]) if low.endswith("ing") and len(low) > 5 else ""


def base_of_participle(word: str) -> str:
    """ "trained" -> "train", "made" -> "make"; "" when it is none of a known verb."""
    low = word.lower()
    if low in _IRREGULAR_PARTICIPLE:
        return _IRREGULAR_PARTICIPLE[low]
    if low.endswith("ied"):
        return low[:-3] + "y" if low[:-3] + "y" in VERBS else ""
    return _stem(low[:-2]) if low.endswith("ed") else ""


def base_of_past(word: str) -> str:
    """ "took" -> "take"; only forms that are no participle first of all."""
    return _IRREGULAR_PAST.get(word.lower(), "")


def _stem(stem: str) -> str:
    guesses = [stem, stem + "e"]
    if len(stem) > 2 and stem[-1] == stem[-2]:
        guesses.append(stem[:-1])
    return next((guess for guess in guesses if guess in VERBS | _WORDS["other_stems"]), "")


def nounish(word: str) -> bool:
    """Whether a verb's base form is at least as common as a noun ("answer", "test")."""
    return word.lower() in _WORDS["nounish"]


def is_adjective(word: str) -> bool:
    low = word.lower()
    if word[:1].isupper() and low.endswith("ish") and low not in {"foolish", "selfish", "sluggish"}:
        return False  # English, Spanish
    if low in ADJECTIVES or low.endswith(_ADJECTIVE_ENDINGS):
        return True
    return low.startswith(("un", "non-", "in")) and low[2:].lstrip("n-") in ADJECTIVES


def is_adverb(word: str) -> bool:
    low = word.lower()
    ly = low.endswith("ly") and len(low) > 4 and low not in ADJECTIVES
    return low in _WORDS["adverbs"] or (
        ly and low not in {"family", "reply", "apply", "supply", "early"}
    )


@cache
def is_plural(noun: str) -> bool:
    """Whether a noun phrase is plural, by its head (the last word before a preposition)."""
    if " and " in noun and " of " not in noun:
        return True
    if re.fullmatch(r"[A-Z]{2,}s", head_of(noun)):  # "GPUs"
        return True
    head = head_of(noun).lower()
    if head in {"people", "children", "men", "women", "mice", "feet", "criteria", "weights"}:
        return True
    return head.endswith("s") and not head.endswith(("ss", "us", "is")) and (
        head not in _WORDS["singular"]
    )  # fmt: skip


def head_of(noun: str) -> str:
    """The word that carries the phrase's number: "size of the heads" -> "size"."""
    words: list[str] = re.findall(r"[\w'+#.-]+", noun)
    for position, word in enumerate(words):
        before = words[position - 1]
        done = before.endswith("s") and base_of_participle(word)  # "visitors helped so far"
        if position and (word.lower() in PREPOSITIONS or done):
            return before
    if len(words) > 1 and base_of_participle(words[-1]):
        return words[-2]  # "rooms covered"
    return words[-1] if words else ""


def is_mass(noun: str) -> bool:
    """Whether a noun stands without an article."""
    return noun.lower() in _WORDS["mass"]


def with_article(noun: str) -> str:
    """The phrase with "a" or "an" where English wants one."""
    first = noun.split(" ", 1)[0].lower()
    head = head_of(noun)
    if first in DETERMINERS or is_plural(noun):
        return noun
    if head[:1].isupper() and head not in {"GPU", "CPU", "API", "URL", "ID", "LLM", "USB", "SDK"}:
        return noun
    if is_mass(head) and not (head.lower() in _COUNTABLE_SENSES and " of " in noun):
        return noun
    if head.lower().endswith(("ness", "ment", "ism", "ity", "ing", "ware")):
        return noun
    return f"{article(noun)} {noun}"


_SPOKEN = re.compile(r"[^AEIOU\W\d][AEIOU][A-Z]{2,}")  # "HEPA" is read as a word, "HTML" is not


def article(word: str) -> str:
    """ "a" or "an" by the sound the word begins with."""
    low = word.lower()
    if re.match(r"(?:8|11\b|18\b|hour|honest|heir|x-ray)", low):
        return "an"
    if re.match(r"(?:uni(?!n)|use|usu|euro|one\b|once|uk\b|us\b|url\b|u-)", low):
        return "a"
    first = re.match(r"[A-Za-z0-9]+", word)
    if (
        first and len(first[0]) > 1 and first[0].isupper() and not _SPOKEN.match(first[0])
    ):  # an initialism is read by letters
        return "an" if first[0][0] in "AEFHILMNORSX" else "a"
    return "an" if low[:1] in "aeiou" else "a"


def third_person(verb: str) -> str:
    """ "try" -> "tries", "have" -> "has"."""
    if verb in {"have", "do", "go"}:
        return "has" if verb == "have" else verb + "es"
    if re.search(r"[^aeiou]y$", verb):
        return verb[:-1] + "ies"
    return verb + ("es" if verb.endswith(("s", "x", "z", "ch", "sh")) else "s")


def join_items(items: tuple[str, ...] | list[str]) -> str:
    """ "a, b and c"."""
    if len(items) < 2:
        return "".join(items)
    return ", ".join(items[:-1]) + " and " + items[-1]


def gerund(verb: str) -> str:
    """ "scan" -> "scanning", "write" -> "writing"."""
    if verb in {"be", "see", "agree", "disagree", "oversee", "guarantee"}:
        return verb + "ing"
    if verb.endswith("ie"):
        return verb[:-2] + "ying"
    if verb.endswith("e"):
        return verb[:-1] + "ing"
    short = re.fullmatch(r"[^aeiou]*[aeiou][bdgklmnprtvz]", verb)
    doubled = verb in {"begin", "forget", "permit", "submit", "admit", "refer", "prefer", "infer"}
    double: str = verb[-1] if short or doubled else ""
    return f"{verb}{double}ing"


def lower_first(text: str) -> str:
    """Lower-case the first letter unless the first word is a name, an acronym or "I"."""
    first = re.match(r"[\w'-]+", text)
    if not first or not first[0][0].isupper():
        return text
    word = first[0]
    if any(c.isupper() or c.isdigit() for c in word[1:]) or word in PROPER or (
        len(word) == 1 and word != "A"
    ):  # fmt: skip
        return text
    return text[0].lower() + text[1:]
