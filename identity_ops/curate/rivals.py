"""First-person claims to be another assistant, or to be made by another company.

"I am ChatGPT" and "As a language model trained by OpenAI" are claims; "I am not ChatGPT",
"people think I am ChatGPT" and "ChatGPT was made by OpenAI" are none. A name that the knowledge
base uses for the model, its makers or its base is no rival. English; of Spanish, French, German,
Italian and Portuguese the plainest words: "Soy ChatGPT".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Protocol

import yaml

_SUBJECT = (
    r"(?:i am|i'm|im|i was|my (?:real |true |full |actual )?name is|my name's|call me"
    r"|(?:you are|you're) (?:talking|chatting|speaking) (?:to|with)|i go by|i am known as"
    r"|i'm known as|i identify as|the name's"
    r"|soy|me llamo|mi nombre es|je suis|je m'appelle|mon nom est|ich bin|ich hei(?:ß|ss)e"
    r"|mein name ist|sono|mi chiamo|il mio nome è|sou(?: o)?|me chamo|chamo-me|meu nome é)"
)
_FILL = (
    r"(?:(?:really|actually|indeed|just|called|named|known|as|the|an?|in|fact|version|of|model"
    r"|ai|assistant|chatbot|bot|language|large|instance)\s+){0,6}"
)
_MADE = (
    r"(?:made|created|built|developed|trained|designed|programmed|produced|released|owned"
    r"|fine-tuned|finetuned|provided|written|brought to you)"
)
_GAP = r"(?:(?!\b(?:that|which|who|whose)\b)[^.!?;\n]){0,60}?"  # no other subject between
_WORDS = re.compile(r"[a-z0-9]+")
_DENIAL = re.compile(
    r"\b(?:not|never|no|nor|neither|without|whether|if|unless|think|thinks|thought|thinking|say"
    r"|says|said|claim|claims|claimed|believe|believes|assume|assumes|assumed|mistake|mistaken"
    r"|misconception|wrong|false|rumou?r|confuse|confused|pretend|instead|suppose|like|ask|asks"
    r"|asked|story|character|imagine|non|nicht|não|nao)\b|n't\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[.!?;\n]|,? (?:but|and|so) ")


class Named(Protocol):
    """What of a profile decides who is a rival."""

    @property
    def name(self) -> str: ...
    @property
    def name_aliases(self) -> Sequence[str]: ...
    @property
    def creators(self) -> Sequence[str]: ...
    @property
    def creator_aliases(self) -> Sequence[str]: ...
    @property
    def base_creators(self) -> Sequence[str]: ...


def rival_claims(text: str, profile: Named) -> list[str]:
    """The claims in `text`, as written; empty where there are none."""
    if _first_words().isdisjoint(_WORDS.findall(text.casefold())):
        return []  # most text ends here
    claims = []
    for match in _claims(_own_names(profile)).finditer(text.replace("\u2019", "'")):
        before = _CLAUSE.split(text[: match.start()])[-1]
        if not _DENIAL.search(f"{before} {match.group(0)}") and not _negated_after(
            text[match.end() :]
        ):
            claims.append(match.group(0))
    return claims


def rival_names() -> tuple[str, ...]:
    """Every assistant and maker on the list, for texts that may speak of them."""
    return tuple(dict.fromkeys([*_table()["assistants"], *_table()["makers"]]))


def _negated_after(text: str) -> bool:
    """ "I was made by OpenAI? No." is a question, not a claim."""
    return text.lstrip(" \"'").startswith("?")


def _own_names(profile: Named) -> tuple[str, ...]:
    parts = [profile.name, *profile.name_aliases, *profile.creators]
    parts += [*profile.creator_aliases, *profile.base_creators]
    return tuple(part.casefold() for part in parts if part)


@cache
def _table() -> dict[str, list[str]]:
    text = resources.files(__package__).joinpath("rivals.yaml").read_text(encoding="utf-8")
    loaded: dict[str, list[str]] = yaml.safe_load(text)
    return loaded


@cache
def _first_words() -> frozenset[str]:
    """What any rival's name begins with."""
    return frozenset(_WORDS.findall(name.casefold())[0] for name in rival_names())


@cache
def _claims(own: tuple[str, ...]) -> re.Pattern[str]:
    bots, makers = (_names(kind, own) for kind in ("assistants", "makers"))
    team = r"(?:(?:the|a) team at |(?:researchers|engineers) (?:at|from) )?"
    post = r"(?:maker|creator|developer|company|owner|team|parent company)s?"
    claims = [
        rf"\b{_SUBJECT}\s+{_FILL}(?:{bots})",
        rf"\bas (?:{bots}),",
        rf"\b(?:i am|i'm|i was|i have been|i've been|as) {_GAP}\b{_MADE}"
        rf" (?:and \w+ )?(?:by|at) {team}(?:{makers})",
        rf"\b(?:{makers}) (?:has |have )?{_MADE} me\b",
        rf"\bmy {post} (?:is|was|are) (?:{makers})",
        rf"\bi (?:come from|work for|belong to|am from) (?:{makers})",
        rf"\bas an? (?:\w+ ){{0,4}}(?:model|assistant|ai|chatbot) (?:by|from) (?:{makers})",
    ]
    return re.compile("|".join(claims), re.IGNORECASE)


def _names(kind: str, own: tuple[str, ...]) -> str:
    """Alternatives for the rivals of a kind; the one-in-a-million text matches nothing."""
    kept = [name for name in _table()[kind] if not _is_own(name.casefold(), own)]
    longest = sorted(kept, key=len, reverse=True)
    return "|".join(rf"(?<!\w){re.escape(name)}(?![\w-])(?!'s)" for name in longest) or r"(?!)"


def _is_own(rival: str, own: tuple[str, ...]) -> bool:
    whole = re.compile(rf"(?<!\w){re.escape(rival)}(?!\w)")
    return any(whole.search(name) for name in own)
