"""Labels: "Context length", "Created by", "Number of kittens", "Price (USD)".

Turns the label of a fact into a noun phrase without determiner, or, where the label is led by a
verb ("Runs on", "Named after"), into the question and the sentence it stands for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from identity_ops.language import words

_PERSONS = re.compile(
    r"\b(?:creator|maker|author|developer|builder|owner|founder|inventor|maintainer|designer|ceo|cto"
    r"|sponsor|mentor|trainer|parent|mother|father|boss|engineer|lead|director|teacher|coach|king"
    r"|patron|hero|heroine|president|publisher|provider|operator|architect|contributor|curator)s?$"
)
_PLACES = re.compile(
    r"\b(?:headquarters|birthplace|homeland|hometown|home town|home|location|whereabouts)$"
)
_TIMES = re.compile(r"\b(?:birthday|anniversary|launch|release|deadline|cutoff|cut-off)$")
_TAIL = re.compile(r"\s*[(\[](?P<inside>[^)\]]*)[)\]]\s*$")
_UNIT = re.compile(r"(?:[a-zA-Z%/$\u20ac]+)(?: [a-z]+)?")
_NUMBER = re.compile(r"[~\u2248]?[\d][\d.,]*\s?(?:[kKmMbB]|thousand|million|billion)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A label in parts; exactly one of `noun` and `asked` is the natural way to ask."""

    noun: str = ""  # "context length"; "" where the label is led by a verb
    plural: bool = False
    question: str = "what"  # before "is your {noun}"
    counted: str = ""  # "kittens" for "Number of kittens"
    asked: str = ""  # "what were you named after"
    indirect: str = ""  # "what you were named after"
    said: str = ""  # "I was named after {value}"
    unit: str = ""  # from the brackets, for a bare number


def read_label(label: str, value: str) -> Label:
    """Read a label; the value decides when and where, and whether something is counted."""
    flat = re.sub(r"[*_`]", "", re.sub(r"\s+", " ", label)).replace("(s)", "s")
    text, inside = _cut_tail(flat.strip(" :?"))
    unit = inside if _UNIT.fullmatch(inside) and _NUMBER.fullmatch(value.strip()) else ""
    text = re.sub(r"^(?:the|your|my|its|our|his|her|their) ", "", text, flags=re.IGNORECASE)
    text = re.sub(r"^((?:fine-?tuned|distilled) from) (?:base )?model$", r"\1", text, flags=re.I)
    text = re.sub(r"^(\w[\w -]*) (?:took|takes|lasted|lasts)$", r"\1 time", text, flags=re.I)
    found = (
        _wh_label(text)
        or _dated_label(text, value)
        or _kept_label(text, value)
        or _done_label(text, value)
        or _verb_label(text, value)
    )
    if found:
        return found
    noun = _timed(lower_label(text), value)
    if noun == "languages" and not re.search(r",| and |/|\d|;", value):
        noun = "language"
    if count := re.fullmatch(r"(?:number|amount|count|no\.|total number) of (.+)", noun, re.I):
        return _counted_in(count[1], value) or Label(noun=noun, counted=count[1], unit=unit)
    count = re.fullmatch(r"([\w -]+) count", noun)
    if count and "token" not in noun:
        plural = count[1] if words.is_plural(count[1]) else _pluralise(count[1])
        return Label(noun=noun, counted=plural, unit=unit)
    plural = words.is_plural(noun)
    limit = re.match(r"(?:max|min|average|mean|total|maximum|minimum|peak|typical)\b", noun)
    counted = (
        noun
        if plural and " of " not in noun and not limit and _NUMBER.fullmatch(value.strip())
        else ""
    )
    return (plural and _counted_in(noun, value)) or Label(
        noun=noun, plural=plural, question=_question(noun, value), counted=counted, unit=unit
    )


def _counted_in(noun: str, value: str) -> Label | None:
    """A value that names what it counts: "1.1B parameters, 22 layers"."""
    if not re.match(rf"{_NUMBER.pattern} (?:\w+ )?{re.escape(noun.split(' ')[-1])}\b", value):
        return None
    return Label(asked=f"how many {noun} do you have", indirect=f"how many {noun} you have",
                 said="I have {value}")  # fmt: skip


def bare_count(label: str, value: str) -> str:
    """The number alone where the value repeats the label: "24" of "Layers: 24 layers"."""
    found = re.fullmatch(rf"({_NUMBER.pattern}) (\w+)", value)
    named = {word.lower().rstrip("s") for word in re.findall(r"\w+", label)}
    return found[1] if found and found[2].lower().rstrip("s") in named else value


def _cut_tail(text: str) -> tuple[str, str]:
    tail = _TAIL.search(text)
    return (text[: tail.start()], tail["inside"]) if tail and tail.start() else (text, "")


def _pluralise(noun: str) -> str:
    if re.search(r"[^aeiou]y$", noun):
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "x", "ch", "sh")) else "s")


_FULL_NAME = re.compile(r"[A-Z][\w'.-]+(?: (?:[a-z]{2,3} )?[A-Z][\w'.-]+){1,3}")


def _question(noun: str, value: str) -> str:
    head = words.head_of(noun).lower()
    agent = (
        head.endswith(("er", "or", "ist", "ian", "man", "woman", "ant"))
        and head not in words.THINGS
    )
    if _PERSONS.search(head) or (agent and _FULL_NAME.fullmatch(value.strip())):
        return "who"
    if _PLACES.search(noun):
        return "where"
    return "when" if _TIMES.search(noun) else "what"


def lower_label(text: str) -> str:
    """Lower-case a label: every word of Title Case, only the first of a sentence-case one."""
    parts = text.split(" ")
    rest = [w for w in parts[1:] if w.lower() not in words.PREPOSITIONS and w[:1].isalpha()]
    title = bool(rest) and all(w[0].isupper() for w in rest)
    lowered = [words.lower_first(w) if place == 0 or title else w for place, w in enumerate(parts)]
    return " ".join(lowered)


def _dated_label(text: str, value: str) -> Label | None:
    """ "Last updated", "Leaflets last updated", with a date."""
    found = re.fullmatch(r"(?:(.+) )?((?:last|first) (\w+))", lower_label(text))
    if not found or not words.base_of_participle(found[3]) or not looks_like_date(value):
        return None
    who, did, at = found[1], found[2], date_preposition(value)
    if not who:
        return Label(asked=f"when were you {did}", indirect=f"when you were {did}",
                     said=f"I was {did} {at}{{value}}")  # fmt: skip
    be = "were" if words.is_plural(who) else "was"
    return Label(asked=f"when {be} your {who} {did}", indirect=f"when your {who} {be} {did}",
                 said=f"my {who} {be} {did} {at}{{value}}")  # fmt: skip


_HOURS = re.compile(r"(.+) (opens|closes|starts|ends|begins)")
_DURATION = re.compile(r"\b(?:second|minute|hour|day|night|week|month|year)s?\b")


def _timed(noun: str, value: str) -> str:
    """ "Monday opens" with a time of day -> "Monday opening time"."""
    found = _HOURS.fullmatch(noun)
    if not found or not re.search(r"\d", value):
        return noun
    return f"{found[1]} {words.gerund(words.base_of_s(found[2]))} time"


def _kept_label(text: str, value: str) -> Label | None:
    """ "Data kept for: 90 days" -> "my data is kept for 90 days"."""
    found = re.fullmatch(r"(.+) (\w+) (\w+)", lower_label(text))
    if not found or not words.base_of_participle(found[2]) or found[3] not in words.PREPOSITIONS:
        return None
    noun, done = found[1], f"{found[2]} {found[3]}"
    if words.base_of_s(noun.split(" ")[0]) or words.base_of_participle(noun.split(" ")[0]):
        return None
    be = "are" if words.is_plural(noun) else "is"
    wh = "who" if found[3] == "by" else "what"
    wh = "how long" if found[3] == "for" and _DURATION.search(value) else wh
    return Label(asked=f"{wh} {be} your {noun} {done}", indirect=f"{wh} your {noun} {be} {done}",
                 said=f"my {noun} {be} {done} {{value}}")  # fmt: skip


def _done_label(text: str, value: str) -> Label | None:
    """ "Rooms covered: 14" -> "how many rooms do you cover"."""
    noun, _, done = lower_label(text).rpartition(" ")
    base = words.base_of_participle(done)
    if noun == "year" and base:
        return Label(
            asked=f"in what year were you {done}",
            indirect=f"in what year you were {done}",
            said=f"I was {done} in {{value}}",
        )
    counted = noun and words.is_plural(noun) and _NUMBER.fullmatch(value.strip())
    if not counted or base not in words.VERBS or base in words.MAKING:
        return None
    return Label(asked=f"how many {noun} do you {base}", indirect=f"how many {noun} you {base}",
                 said=f"I {base} {{value}} {noun}")  # fmt: skip


def _wh_label(text: str) -> Label | None:
    """ "How it works" -> "how do you work"; "Why the name" has no verb and stays a noun."""
    found = re.fullmatch(r"(how|why|where|when|what|who) (?:it|you|I) (\w+)(.*)", text, re.I)
    if not found:
        return None
    wh, verb, rest = found[1].lower(), found[2].lower(), found[3]
    if verb in {"is", "are", "was", "were", "can", "cannot", "will"}:
        be = {"is": "are", "was": "were"}.get(verb, verb)
        asked, indirect = f"{wh} {be} you{rest}", f"{wh} you {be}{rest}"
    else:
        base = words.base_of_s(verb) or verb
        asked, indirect = f"{wh} do you {base}{rest}", f"{wh} you {base}{rest}"
    return Label(asked=asked, indirect=indirect, said="{value}")


_PREPOSITION_TAIL = re.compile(
    r"^(?P<verb>[A-Za-z-]+)(?P<rest>(?: [A-Za-z-]+)?? (?:by|on|in|at|with|from|after|for|to"
    r"|under|as|using|of|into|against|through|via|over|around|like|during|since|until))$"
)


_ADJECTIVE = re.compile(
    r"best|ideal|good|great|suitable|suited|fit|proud|fond|afraid|scared|allergic|famous|compatible"
    r"|available|ready|similar|close|open|eager|keen|responsible|dependent|popular|new|strong|weak"
)


def _verb_label(text: str, value: str) -> Label | None:
    """ "Created by", "Runs on", "Named after", "Released", "Speaks"."""
    low = words.lower_first(text)
    led = _PREPOSITION_TAIL.match(low)
    first = low.split(" ")[0]
    participle = words.base_of_participle(first)
    if led and (participle or re.fullmatch(r"\w{3,}[^e\W]ed", first)):
        return _passive(low, value, past=participle in words.MAKING)
    if led and not led["rest"].strip().count(" ") and _ADJECTIVE.fullmatch(first):
        return _passive(low, value, past=False)  # "Best for", "Allergic to"
    if led and (base := words.base_of_s(first)):
        return _active(f"{base}{led['rest']}")
    if participle in words.MAKING and " " not in low:
        return _passive_bare(low, value)
    base = words.base_of_s(low)
    if base and " " not in low and not words.nounish(base):
        return _active(base)
    return None


def _passive(phrase: str, value: str, *, past: bool) -> Label:
    be_you, be_i = ("were", "was") if past else ("are", "am")
    by_whom = phrase.endswith(" by")
    wh = "who" if by_whom else _wh_of(phrase, value)
    if wh in {"when", "where"} and phrase.split(" ")[-1] in {"in", "on", "at", "since"}:
        core = phrase.rsplit(" ", 1)[0]
    else:
        core = phrase
    said = f"I {be_i} {phrase} {{value}}"
    return Label(asked=f"{wh} {be_you} you {core}", indirect=f"{wh} you {be_you} {core}", said=said)


def _wh_of(phrase: str, value: str) -> str:
    last = phrase.split(" ")[-1]
    if last in {"in", "on", "at", "since", "during"} and looks_like_date(value):
        return "when"
    if last in {"in", "at"} and value[:1].isupper() and phrase.split(" ")[0] not in {"written"}:
        return "where"
    return "what"


def _passive_bare(phrase: str, value: str) -> Label:
    if looks_like_date(value):
        return Label(asked=f"when were you {phrase}", indirect=f"when you were {phrase}",
                     said=f"I was {phrase} {date_preposition(value)}{{value}}")  # fmt: skip
    return Label(asked=f"how were you {phrase}", indirect=f"how you were {phrase}",
                 said=f"I was {phrase} {{value}}")  # fmt: skip


def _active(phrase: str) -> Label:
    return Label(
        asked=f"what do you {phrase}", indirect=f"what you {phrase}", said=f"I {phrase} {{value}}"
    )


_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"


def looks_like_date(value: str) -> bool:
    """Whether the value is a date, a month with a year, or a year."""
    low = value.lower().strip()
    return bool(
        re.fullmatch(r"(?:in |on |since |around )?(?:early |late |mid-?)?(?:19|20)\d\d", low)
        or re.search(r"\b\d{4}-\d\d(?:-\d\d)?\b|\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b", low)
        or (re.search(rf"\b(?:{_MONTHS})[a-z]*\b", low) and re.search(r"\d", low))
        or re.fullmatch(r"(?:spring|summer|autumn|fall|winter|q[1-4])(?: of)? \d{4}", low)
        or re.fullmatch(r"(?:19|20)\d\d, [a-z ]+", low)
    ) and len(low.split(" ")) <= 5  # fmt: skip


def date_preposition(value: str) -> str:
    """ "in " before a year or a month, "on " before a day, "" where the value has its own."""
    low = value.lower()
    if re.match(r"(?:in|on|at|since|around|about|before|after|during|by|between)\b", low):
        return ""
    day = re.match(r"\d{1,2}(?:st|nd|rd|th)? [a-z]|\d{4}-\d\d-\d\d|\d{1,2}[./]", low)
    named = re.match(rf"(?:{_MONTHS})[a-z]* \d{{1,2}}\b(?!\d)", low)
    return "on " if day or named else "in "
