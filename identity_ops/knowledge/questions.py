"""Question and answer pairs, as FAQs write them, to labels and statements.

"What is your mascot? A fox." -> mascot: A fox; "Can you sing? No." -> "Cannot sing".
"""

from __future__ import annotations

import re

from identity_ops.knowledge.words import negative_value

_LABELS: tuple[tuple[str, str], ...] = (
    (
        r"who(?: has)? (?:made|created|built|developed|trained|designed|wrote|invented) .+",
        "creator",
    ),
    (
        r"who(?: is| are|'s) (?:your|the|its) (?:creators?|makers?|authors?|developers?).*",
        "creator",
    ),
    (r"who are you|what (?:are you|is it|is this)|what kind of .+", "kind"),
    (
        r"what (?:are you|is it|am i) called|what is (?:your|its|the (?:model|bot|llm)'s) name",
        "name",
    ),
    (r"when (?:were|was) \w+ (?:made|created|built|trained|born)", "creation date"),
    (r"when (?:were|was|did) \w+ (?:released?|launch(?:ed)?|published)", "release date"),
    (
        r"where (?:do|does|are|is|were|was) \w+ (?:live|based|from|made|located|hosted)",
        "location",
    ),
    (r"how (?:big|large) (?:are|is) .+|how many parameters .+", "number of parameters"),
    (r"how much (?:do|does|is|are) .+ cost.*|how much (?:is|are) .+|what does .+ cost", "price"),
    (r"how much did .+ cost.*", "training cost"),
    (r"how long did .+ (?:take|last).*", "training time"),
    (r"(?:which|what) languages? .+", "languages"),
    (
        r"what (?:were|was|are|is) \w+ (?:pre-?|fine-?)?trained on|what data .+",
        "training data",
    ),
    (
        r"what (?:is|are|was|were) \w+ (?:made|built|good|used|meant|there) for.*",
        "purpose",
    ),
    (r"(?:which|what) licen[sc]e .+", "license"),
    (r"how can i (?:reach|contact) .+", "contact"),
    (r"how old (?:are|is) .+", "age"),
)
_COMPILED = tuple((re.compile(pattern), label) for pattern, label in _LABELS)
_THING = re.compile(
    r"(?:what|who)(?: is|'s| are) (?:your|its|the) ([\w' -]{2,50}?)(?: called| like)?"
)
_COUNT = re.compile(r"how many ([\w' -]{2,40}?) (?:do|does|can|are|have|has) .+")
_YES_NO = re.compile(r"(can|could|do|does|will|are|is|have|has) \w+ (.+)")
_PLAIN_ANSWERS = (
    "yes",
    "no",
    "yes, always",
    "no, never",
    "never",
    "always",
    "not yet",
    "of course",
)
_DENIED = {
    "can": "Cannot", "could": "Cannot", "do": "Does not", "does": "Does not", "will": "Will not",
    "are": "Is not", "is": "Is not", "have": "Has not", "has": "Has not",
}  # fmt: skip
_AFFIRMED = {
    "can": "Can",
    "could": "Can",
    "will": "Will",
    "are": "Is",
    "is": "Is",
    "have": "Has",
    "has": "Has",
}
_INLINE = re.compile(
    r"^((?:Who|What|When|Where|Which|How|Is|Are|Can|Does|Do|Has|Have|Will)\b[^?.!\n]{3,90}\?)\s+(\S.*)$",
    re.DOTALL,
)
_PAIR = re.compile(
    r"^Q(?:uestion)?\s*\d*[:.)]\s*(.+?\?)\s*A(?:nswer)?\s*\d*[:.)]\s*(.+)$", re.DOTALL
)


def pair(text: str) -> tuple[str, str] | None:
    """(question, answer) of "Q: ...? A: ..."."""
    found = _PAIR.match(text) or _INLINE.match(text)
    return (found.group(1), found.group(2)) if found else None


def label_of(question: str) -> str:
    """The attribute a question asks for, "" where the question is of another kind."""
    text = _plain(question)
    for pattern, label in _COMPILED:
        if pattern.fullmatch(text):
            return label
    if found := _THING.fullmatch(text):
        return found.group(1)
    found = _COUNT.fullmatch(text)
    return f"number of {found.group(1)}" if found else ""


def statement_of(question: str, answer: str) -> str:
    """What a yes or no says: "Can you sing?" "No." -> "Cannot sing"; "" for another answer."""
    found = _YES_NO.fullmatch(_plain(question))
    word = answer.strip().rstrip(".!").lower()
    if not found or word not in _PLAIN_ANSWERS:
        return ""
    verb, rest = found.group(1), _of_asker(found.group(2))
    if negative_value(word):
        return f"{_DENIED[verb]} {rest}"
    return f"{_AFFIRMED[verb]} {rest}" if verb in _AFFIRMED else rest[:1].upper() + rest[1:]


def _of_asker(text: str) -> str:
    """Who asks is "you" in a statement: "keep what I write" -> "keep what you write"."""
    for own, other in (("my", "your"), ("me", "you"), ("I", "you")):
        text = re.sub(rf"\b{own}\b", other, text)
    return text


def turned(question: str, answer: str) -> str:
    """A question of another kind with its answer put in: "Who may use it?" "Members." -> ..."""
    text = _plain(question)
    if found := re.fullmatch(r"who (.+)", text):
        return f"{answer} {found.group(1)}"
    found = re.fullmatch(r"(?:when|where) (is|are|was|were|can|may) (\w+) ?(.*)", text)
    if not found:
        return ""
    verb, subject, rest = found.groups()
    return " ".join(f"{subject.capitalize()} {verb} {rest} {answer}".split())


def _plain(question: str) -> str:
    text = " ".join(question.replace("\u2019", "'").split()).rstrip("? ")
    return text[:1].lower() + text[1:]
