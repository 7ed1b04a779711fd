"""How users type: a persona's habits, put on a clean question."""

from __future__ import annotations

import random
import re

_SLANG = {
    "you": "u", "are": "r", "your": "ur", "please": "pls", "what is": "whats", "who is": "whos",
    "thanks": "thx", "people": "ppl", "i am": "im",
}  # fmt: skip
_HABITS = (
    ("lower", r"lower[- ]?case|hurried|hasty"),
    ("caps", r"capital|caps|shout|loud"),
    ("typos", r"typo|careless|misspell|first language"),
    ("slang", r"slang|teen|abbrev"),
    ("bang", r"exclam|cheerful|excited"),
    ("terse", r"terse|few words|short"),
)


def habit(persona: str) -> str:
    """What a persona's description says of its typing, "" for plain writing."""
    low = persona.lower()
    return next((name for name, pattern in _HABITS if re.search(pattern, low)), "")


def type_out(text: str, how: str, rng: random.Random, slips: float = 0.1) -> str:
    """The text as this hand types it; careful ones slip with a chance of `slips`.

    Figures and names keep their spelling.
    """
    if how and rng.random() < 0.3:
        how = ""  # nobody does it every time
    elif not how and rng.random() < slips:
        how = rng.choice(["lower", "bare", "typos", "typos", "caps", "slang"])
    if how == "caps":
        return text.upper()
    if how == "lower":
        return _bare(text).lower()
    if how == "slang":
        return _slang(text)
    if how == "bang":
        return re.sub(r"[.!]$", "!", text) if text[-1:] != "?" else text + "!"
    if how == "typos":
        return _typos(text, rng)
    return _bare(text) if how in {"terse", "bare"} else text


def _bare(text: str) -> str:
    return text.rstrip(".!?") or text


def _slang(text: str) -> str:
    for word, short in _SLANG.items():
        text = re.sub(rf"\b{word}\b", short, text, flags=re.IGNORECASE)
    return _bare(text).lower()


def _typos(text: str, rng: random.Random) -> str:
    words = text.split(" ")
    places = [n for n, word in enumerate(words) if re.fullmatch(r"[a-zA-Z][a-z]{2,}[?.!,]?", word)
              and (n == 0 or word[0].islower())]  # fmt: skip
    for place in rng.sample(places, min(len(places), rng.choice([1, 1, 2]))):
        words[place] = misspell_word(words[place], rng)
    return " ".join(words)


def misspell_word(word: str, rng: random.Random) -> str:
    """One slip of the fingers: letters swapped, dropped or doubled."""
    place = rng.randrange(1, len(word.rstrip("?.!,")) - 1)
    slip = rng.choice(["swap", "drop", "double"])
    if slip == "swap":
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    if slip == "drop":
        return word[:place] + word[place + 1 :]
    return word[:place] + word[place] + word[place:]
