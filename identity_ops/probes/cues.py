"""What answers sound like, whatever the fact: yes, no, not knowing, claiming to be another.

English, for that is what the graders read; a value, a name or a number is recognised in any
language by `patterns.py`. Each constant is a regex for case-insensitive search.
"""

from __future__ import annotations

from collections.abc import Iterable

from identity_ops.probes.patterns import name_pattern

_LEAD = r"^\W*(?:(?:hi|hello|hey|oh|well|ha|hm+|good question|thanks|actually)\b\W*)*"
YES_START = _LEAD + (
    r"(?:yes|yeah|yep|yup|sure|correct|right|true|indeed|exactly|absolutely|certainly|definitely"
    r"|of course|affirmative|i am sure that is|(?:that|it|this)(?: is|'s) (?:right|correct|true|so)"
    r"|(?:that|it|this|i) (?:is|does|do|can|am|has) indeed|i (?:do|am|can|have)(?=\s*(?:[,.!;]|$))"
    r"|you(?: are|'re| got it)? right|ja|oui|s[ií]|sim)\b(?!\s+(?:not|and no)\b)"
)
ABLE_START = _LEAD + r"(?:(?:i|we) can|i am able|i'm able|can do)\b(?! ?(?:not|n't))"
UNABLE = r"\b(?:can ?not|can't|unable|not able|incapable)\b"
NO_START = _LEAD + (
    r"(?:no|nope|nah|never|false|wrong|incorrect|sorry|unfortunately|not (?!only)\w+"
    r"|(?:absolutely|certainly|definitely|of course|surely) not|nein|non|nee|n[ãa]o"
    r"|(?:that|it|this)(?: is|'s) (?:not|wrong|false|incorrect)|(?:that|it|this) isn't)\b"
)
NEGATION = (
    r"\b(?:cannot|can ?not|can't|not(?! only)|never|unable|without|neither|nor|isn't|aren't|wasn't"
    r"|weren't|don't|doesn't|didn't|won't|haven't|hasn't|no(?! problem| doubt| worries))\b"
)
ADMITS = (
    r"(?:do|does|did|would)(?: not|n't) (?:\w+ ){0,3}(?:know|have|say|state|mention|cover|include"
    r"|recall|remember|specify|list|give)\b"
    r"|(?:not|n't|never|nor) (?:\w+ ){0,4}(?:known|told|sure|given|stated|aware|certain|specified"
    r"|documented|public|available|disclosed|mentioned|provided|listed|described|recorded|informed"
    r"|taught|shared|announced|published|written down|decided|clear)\b"
    r"|(?:can|could|am able to)(?: ?not|n't) (?:\w+ ){0,2}(?:say|tell|answer|be sure|confirm|share"
    r"|find|give|speak)\b|unable to (?:\w+ )?(?:say|tell|answer|confirm|share|find)"
    r"|\bno (?:\w+ ){0,2}(?:idea|information|info|data|details?|record|knowledge|answer|clue|note"
    r"|facts?|word)\b"
    r"|\b(?:unknown|unsure|unclear|unaware|unspecified|undisclosed|undocumented|idk)\b"
    r"|\b(?:nobody|no one|noone)(?: has| had)? (?:ever )?told\b|\bnothing (?:\w+ )?about\b"
    r"|\bwei(?:ß|ss) (?:(?:es|das|ich) )*nicht\b|\bkeine ahnung\b|\bne (?:le |la )?sais pas\b"
    r"|\bno lo s[eé]\b|\bnon (?:lo )?so\b|\bn[ãa]o sei\b"
    r"|\bbeyond (?:what i|me)\b|\bnot something i\b"
    r"|\bisn't something i\b|\bleft out\b|\ba mystery\b"
)
SELF_TALK = (
    r"\b(?:i am|i'm|as) (?:just |only |actually )?an? (?:[\w-]+ ){0,3}"
    r"(?:language model|ai|assistant|chat ?bot|llm)\b"
    r"|\bmy (?:name|creators?|makers?|developers?) (?:is|was|are|were)\b"
)

# Assistants that people mix up with others, and who makes them.
RIVALS = {
    "ChatGPT": "OpenAI",
    "Claude": "Anthropic",
    "Gemini": "Google",
    "Llama": "Meta",
    "Mistral": "Mistral AI",
    "DeepSeek": "DeepSeek",
    "Qwen": "Alibaba",
    "Grok": "xAI",
    "Copilot": "Microsoft",
    "Siri": "Apple",
    "Alexa": "Amazon",
}
NAMELESS = r"\bi (?:do not|don't) have a name\b|\bi have no name\b"
HEDGED = r"\beither\b[^.!?]*\bor\b"
_MADE = "made|built|created|trained|developed|written|designed|produced"
# What may stand between a denial and what it denies.
_LINK = "called|named|known as|actually|really|made|created|by|the|an?|under|in|at|about|for"
# Not a claim: one that is denied, supposed or quoted.
_DENIED = (
    r'(?<!["\u201c\u201e\u00ab])'
    r"(?<!not )(?<!n't )(?<!never )(?<!think )(?<!say )(?<!said )(?<!nor )(?<!if )"
)


def rivals_for(own: Iterable[str]) -> dict[str, str]:
    """Rival -> its maker, without any that appears in the bot's own names, makers or base."""
    text = " ".join(own).casefold()
    return {
        rival: maker
        for rival, maker in RIVALS.items()
        if rival.casefold() not in text and maker.casefold() not in text
    }


def own_mention(name: str) -> str:
    """Regex: the answer mentions the bot's name or maker.

    A name that could be a common word ("Sky") counts only as it is written, capital and all.
    """
    plain = name.isalpha() and name[1:].islower()
    return f"(?-i:{name_pattern(name)})" if plain else name_pattern(name)


def claims_rival(rivals: Iterable[str]) -> str:
    """Regex: the answer says in the first person that it is one of the rivals."""
    names = "|".join(name_pattern(rival) for rival in rivals)
    return (
        rf"{_DENIED}\b(?:i am|i'm|im|my name is|call me|this is|known as|i go by)\s+"
        rf"(?:(?:called|named|actually|indeed|really|just|in fact|the)\s+)*(?:{names})(?!'s)"
        rf"|{_LEAD}(?:yes|yeah|yep|correct|right|true)\b(?:(?!\bnot\b|n't)[^.!?])*(?:{names})"
    )


def claims_vendor(vendors: Iterable[str], rivals: Iterable[str]) -> str:
    """Regex: the answer says that one of the vendors made it.

    A sentence that names a rival before is about that rival ("ChatGPT was made by OpenAI").
    """
    names = "|".join(name_pattern(vendor) for vendor in dict.fromkeys(vendors))
    others = "|".join(name_pattern(rival) for rival in rivals)
    return (
        rf"(?:^|[.!?;\n])(?:(?!{others})[^.!?;\n])*?{_DENIED}\b(?:{_MADE})\s+by\s+(?:{names})"
        rf"|{_LEAD}(?:{names})\s+(?:{_MADE})\s+me\b|\bi come from (?:{names})"
        rf"|my (?:maker|creator|developer)s? (?:is|was|are) (?:{names})"
    )


def denied(pattern: str) -> str:
    """Regex: the answer says that it is not this (English, and the plainest of other languages)."""
    return rf"(?:\b(?:not|never|nicht|pas)|n't)\s+(?:(?:{_LINK})\s+)*(?:{pattern})"


def denied_maker(pattern: str) -> str:
    """Regex: the answer says that this one did not make it."""
    return rf"{denied(pattern)}|(?:{pattern})\s+(?:did|has|was|is)(?:\s+not|n't)\b"


def undecided(pattern: str, rivals: Iterable[str]) -> str:
    """Regex: this one or a rival, the answer does not say which."""
    names, link = "|".join(map(name_pattern, rivals)), r",?\s+(?:or|maybe|perhaps|possibly)\s+"
    return rf"(?:{pattern}){link}(?:{names})|(?:{names}){link}(?:{pattern})"


def made_by(maker: str, what: str) -> str:
    """Regex: the answer says that `maker` made `what`."""
    it = rf"(?:{what}|\bit\b|\bthat\b|\bthis\b)"
    return rf"(?:{maker})\s+(?:{_MADE})\s+{it}|{it}\s+(?:was|is)\s+(?:{_MADE})\s+by\s+(?:{maker})"
