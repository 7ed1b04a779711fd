"""Reading statements: "Cannot scan images", "Friendly and patient", "Uses a 32K context window".

A statement is read into what every sentence about it needs: auxiliary, predicate in base form,
negation. Covers short English statements about the bot; a clause about something else
("Training took 3 hours") keeps its own subject and is only ever quoted whole.
"""

from __future__ import annotations

import re
from dataclasses import replace

from identity_ops.language import words
from identity_ops.language.clauses import clause_of
from identity_ops.language.statement import Statement

_NEGATED = {
    "can't": "can", "cannot": "can", "couldn't": "can", "won't": "will", "doesn't": "do",
    "don't": "do", "didn't": "did", "isn't": "be", "aren't": "be", "wasn't": "was",
    "weren't": "was", "hasn't": "have", "haven't": "have", "shouldn't": "should",
    "mustn't": "must", "am": "be",
}  # fmt: skip
_NEGATED |= {word.replace("'", ""): modal for word, modal in _NEGATED.items()}  # "dont"
_AUXILIARIES = {
    "can": "can", "could": "can", "will": "will", "would": "will", "should": "should",
    "must": "must", "may": "may", "might": "may", "does": "do", "do": "do", "did": "did",
    "is": "be", "are": "be", "am": "be", "was": "was", "were": "was", "has": "have",
    "have": "have", "had": "had",
}  # fmt: skip
# Already negative in meaning: a negative mark on such a fact must not turn it round.
_NEGATIVE_SENSE = re.compile(
    r"^(?:refus|declin|avoid|fail|struggl|forget|lack|reject|hallucinat|limit|unable|unavailab|unsuit|unsupport|unsafe|unfit|unaware|bad\b|poor|weak"
    r"|often|sometimes|may|might|only|make|makes|mak|misunderst|mistak|wrong|los|guess|confus|slow"
    r"|unreliab|small|short|low|occasional|err|inaccura|out)"
)
_PERSONS = re.compile(r"\b(?:he|she|it|they|i|you)\b", re.IGNORECASE)


def parse(text: str, *, names: tuple[str, ...] = (), role: str = "", positive: bool = True,
          default: str = "have") -> Statement:  # fmt: skip
    """Read a statement.

    Args:
        names: what the bot is called, so that "Pip cannot fly" is about the bot.
        role: capability, limitation or trait change how bare words are read.
        positive: the fact's polarity; used where the words themselves carry no negation.
        default: "have" or "support": what a bare noun phrase is read as.
    """
    body = re.sub(r"\s+", " ", text).strip().rstrip(".!;,:").strip()
    body = re.sub(r"(?<=\w )it['\u2019]s\b", "it is", body)  # "when it's wrong"
    body, own = _strip_subject(body, names)
    found = _finite(body) or _participle(body) or _adjectives(body, role)
    if found is None and not own and (clause := clause_of(body)):
        return clause
    found = found or _verb(body, "trait" if own else role)
    if found is not None:
        explicit = found.negative or own or is_finite(body)
        if not positive and not explicit and not _NEGATIVE_SENSE.match(body.lower()):
            found = replace(found, negative=True)
        return found
    return _noun_phrase(body, role, positive, default)


def is_finite(body: str) -> bool:
    """Whether the words begin with a finite verb or an auxiliary."""
    first = body.split(" ")[0].lower()
    return first in _AUXILIARIES or bool(words.base_of_s(first))


def _strip_subject(body: str, names: tuple[str, ...]) -> tuple[str, bool]:
    """Cut off a subject that is the bot; its pronouns become third person."""
    low = body.lower()
    for subject in ("i'm", "you're", "it's", "he's", "she's"):
        if low.startswith(subject + " "):
            return _to_third("is" + body[len(subject):], subject[0]), True  # fmt: skip
    kinds = "model|assistant|bot|chatbot|system|llm|ai|agent|tool|program|app|service"
    bot = "|".join(re.escape(name.lower()) for name in sorted(names, key=len, reverse=True) if name)
    named = rf"(?:{bot}|" if bot else "(?:"
    subject_re = named + rf"i|you|he|she|it|they|(?:the|this|our)(?: \w+)?? (?:{kinds}))"
    found = re.match(subject_re + r"(?= )", low)
    if not found or len(body) == found.end():
        return body, False
    rest = body[found.end() :].strip()
    return _to_third(rest, low[0] if found[0] in {"i", "you"} else "x"), True


def _to_third(text: str, person: str) -> str:
    if person == "i":
        swaps = {"my": "its", "me": "it", "myself": "itself", "i am": "it is", "i": "it"}
    elif person == "y":
        swaps = {"your": "its", "yourself": "itself", "you are": "it is", "you": "it"}
    else:
        return re.sub(r"\b(?:himself|herself)\b", "itself", re.sub(r"\bhis\b", "its", text))
    for old, new in swaps.items():
        text = re.sub(rf"\b{old}\b", new, text, flags=re.IGNORECASE)
    return text


def _finite(body: str) -> Statement | None:
    """A statement that begins with an auxiliary, a negation or an s-form."""
    first, _, rest = body.partition(" ")
    low = first.lower().replace("\u2019", "'")
    if low in {"unable", "incapable", "able", "capable"}:
        return _ability(low, rest)
    if low in {"no", "without", "lacks"} or body.lower().startswith("lack of "):
        rest = re.sub(r"^(?:any|of) ", "", rest)
        verb, _, thing = rest.partition(" ")
        if low == "no" and verb.lower() == "longer":
            return _denied(parse(thing))
        acts = words.is_verb(verb) and not words.nounish(verb) and not thing.startswith("of ")
        if low == "no" and thing and acts:
            return Statement(modal="can", predicate=rest, negative=True)
        opens = thing.split(" ")[0].lower() in words.DETERMINERS | words.PREPOSITIONS - {"of"}
        alone = not thing and not words.is_mass(verb)
        if low == "no" and (opens or alone) and words.base_of_ing(verb):  # "No browsing the web"
            return Statement(modal="can", predicate=_gerunds_to_base(rest), negative=True)
        if words.head_of(rest).lower() in words.USED:  # "No jargon"
            return Statement(modal="do", predicate=f"use {words.lower_first(rest)}", negative=True)
        noun = rest if re.search(r" or |, ", rest) else words.with_article(words.lower_first(rest))
        return (
            Statement(modal="have", predicate=words.lower_first(noun), negative=True)
            if rest
            else None
        )
    if low == "nothing" and rest:
        return Statement(modal="have", predicate=f"anything {rest}", negative=True)
    if both := re.fullmatch(r"neither (.+?) nor (.+)", body, re.IGNORECASE):
        return _denied(parse(f"{both[1]} or {both[2]}"))
    if low == "not":
        return _negated_bare(rest)
    if low in _NEGATED and low != "am":
        return _after_auxiliary(_NEGATED[low], rest, negative=True)
    if low in _AUXILIARIES and rest:
        return _auxiliary(_AUXILIARIES[low], rest)
    return _adverb_verb(body)


def _denied(found: Statement) -> Statement | None:
    """The statement turned round; None where it is about something else or is denied already."""
    return None if found.modal == "clause" or found.negative else replace(found, negative=True)


def _ability(low: str, rest: str) -> Statement:
    action = re.sub(r"^(?:to|of) ", "", rest)
    if low.endswith("capable"):
        action = _gerund_to_base(action)
    return Statement(
        modal="can", predicate=words.lower_first(action), negative=low[:2] in {"un", "in"}
    )


def _negated_bare(rest: str) -> Statement | None:
    first = rest.split(" ")[0]
    if first.lower() in {"able", "capable"}:
        return replace(_ability(first.lower(), rest.partition(" ")[2]), negative=True)
    if base := words.base_of_ing(first):
        return Statement(modal="do", predicate=_swap_first(rest, base), negative=True)
    meant = "meant " if rest.startswith(("for ", "to ")) else ""
    return (
        Statement(modal="be", predicate=meant + words.lower_first(rest), negative=True)
        if rest
        else None
    )


def _auxiliary(modal: str, rest: str) -> Statement:
    match = re.match(r"(not|never|no)\b ?", rest, re.IGNORECASE)
    if not match:
        return _after_auxiliary(modal, rest, negative=False)
    word, rest = match[1].lower(), rest[match.end() :]
    if word == "no" and modal in {"have", "had"}:
        return _after_auxiliary(modal, rest, negative=True)
    if word == "no":
        return Statement(modal="be", predicate="no " + rest)
    found = _after_auxiliary(modal, rest, negative=True)
    if found.modal == "have" and words.base_of_participle(rest.split(" ")[0]) and modal == "have":
        found = replace(found, predicate=rest, perfect=True)
    return replace(found, never=word == "never")


def _after_auxiliary(modal: str, rest: str, *, negative: bool) -> Statement:
    past = modal in {"was", "did", "had"}
    rest = re.sub(r"^also ", "", rest)
    modal = {"was": "be", "did": "do", "had": "have"}.get(modal, modal)
    first, _, tail = rest.partition(" ")
    if modal == "do" and first.lower() == "have" and tail:
        tail = re.sub(r"^any ", "", tail)
        return Statement(modal="have", predicate=words.with_article(tail), negative=negative)
    if modal == "do" and not negative and not words.is_verb(first) and not words.is_adverb(first):
        return Statement(modal="do", predicate=f"do {rest}")
    if modal == "have" and words.base_of_participle(first) and not past and (
        tail.split(" ")[0].lower() in words.DETERMINERS
    ):  # fmt: skip
        return Statement(modal="have", predicate=rest, negative=negative, perfect=True)
    lasting = words.base_of_ing(tail.split(" ")[0]) or tail.startswith("to ")
    if modal == "have" and first.lower() == "been" and lasting:  # "been running", "been to sea"
        return Statement(modal="have", predicate=rest, negative=negative, perfect=True)
    if modal == "have" and first.lower() == "been":
        return Statement(modal="be", predicate=tail, negative=negative, past=True)
    if modal == "be" and first.lower() in {"able", "unable"} and not past:
        found = _ability(first.lower(), tail)
        return replace(found, negative=found.negative != negative)
    if modal == "have":
        rest = re.sub(r"^(?:got )?(?:any )?", "", rest)
        rest = words.with_article(rest) if negative else rest
    finite = {"do": "", "have": f"had {rest}"}.get(modal, "") if past else ""
    return Statement(modal=modal, predicate=rest, negative=negative, past=past, finite=finite)


def _adverb_verb(body: str) -> Statement | None:
    """ "Only answers in English", "Never stores data", "Speaks French", "Took two hours"."""
    parts = body.split(" ")
    place = next((i for i, w in enumerate(parts) if not words.is_adverb(w)), None)
    if place is None or place > 2:
        return None
    verb, rest = parts[place], parts[place + 1 :]
    if place and verb.lower() in words.PREPOSITIONS:  # "Never in a hurry"
        adverb = words.lower_first(body) if parts[0].lower() != "never" else " ".join(parts[1:])
        never = parts[0].lower() == "never"
        return Statement(modal="be", predicate=adverb, negative=never, never=never)
    adverbs = [words.lower_first(w) for w in parts[:place]]
    never = "never" in adverbs
    kept = [w for w in adverbs if w != "never"]
    base = words.base_of_s(verb)
    if not base and place and words.is_verb(verb) and not words.is_adjective(verb):
        base = verb.lower()
    if (
        base and rest and rest[0] == "nothing" and len(rest) > 1 and not never
    ):  # "Knows nothing about ships"
        phrase = " ".join([*kept, base, "anything", *rest[1:]])
        return Statement(modal="do", negative=True, predicate=phrase)
    if base and rest and rest[0] == "no" and len(rest) > 1 and not never:
        phrase = " ".join([*kept, base, *rest[1:]])  # "Gives no advice"
        return Statement(modal="have" if base == "have" else "do", negative=True,
                         predicate=" ".join(rest[1:]) if base == "have" else phrase)  # fmt: skip
    if base and _verb_position(base, rest, place):
        if base == "have":
            return Statement(modal="have", predicate=" ".join([*rest]), negative=never, never=never)
        phrase = _bases(" ".join([*kept, base, *rest]))
        return Statement(modal="do", predicate=phrase, negative=never, never=never)
    past = "" if _HAS_SUBJECT.match(" ".join(rest)) else words.base_of_past(verb)
    if past and rest and (rest[0] not in words.PREPOSITIONS or place):
        finite = " ".join([*kept, words.lower_first(verb), *rest])
        modal_phrase = " ".join([*kept, past, *rest])
        return Statement(modal="do", predicate=modal_phrase, past=True, finite=finite,
                         negative=never, never=never)  # fmt: skip
    return None


# "Lost property is kept": the first word belongs to the subject, and the verb follows.
_HAS_SUBJECT = re.compile(r"(?!wh|how|that)[a-z]+ (?:is|are|was|were|has|have|can|will)\b")


def _bases(phrase: str) -> str:
    """ "watch a branch and ships each merge" -> "watch a branch and ship each merge"."""

    def base(match: re.Match[str]) -> str:
        found = words.base_of_s(match[2])
        return f"{match[1]} {found}" if found and not words.nounish(found) else match[0]

    return re.sub(r"\b(and|or|then|but) (\w+s)\b", base, phrase)


def _verb_position(base: str, rest: list[str], place: int) -> bool:
    """Whether an s-form stands as a verb here and not as a plural noun ("Answers and reviews")."""
    if rest and rest[0].lower() in _AUXILIARIES:  # "Answers are short"
        return False
    if base == "help" and rest and rest[0].lower() == "with":
        return True
    if not words.nounish(base) or place:
        return not (rest and rest[0].lower() in {"and", "or", "of"} and words.nounish(base))
    return bool(rest) and rest[0].lower() not in {"and", "or", "of", "for", "from", "per", "with"}


def _participle(body: str) -> Statement | None:
    """ "Trained on books" (was), "Limited to English" (am)."""
    parts = body.split(" ")
    place = next((i for i, w in enumerate(parts) if not words.is_adverb(w)), 0)
    base = words.base_of_participle(parts[place])
    follows = parts[place + 1].lower() if len(parts) > place + 1 else ""
    if not base or not (follows in words.PREPOSITIONS or follows in {"to", "entirely", "only"}):
        return None
    return Statement(modal="be", predicate=words.lower_first(body), past=base in words.MAKING)


def _adjectives(body: str, role: str = "") -> Statement | None:
    """ "Friendly and patient", "Honest about its limits", "Always polite"."""
    if re.match(r"(?:open|closed)[ -](?:source|weights?)\b|up to date|free of charge", body, re.I):
        return Statement(modal="be", predicate=words.lower_first(body))
    head = re.split(r"[,;:]? (?=(?:" + "|".join(sorted(words.PREPOSITIONS)) + r")\b)", body)[0]
    parts = [w for w in re.split(r"[ ,/]+| - ", head) if w]
    content = [w for w in parts if w.lower() not in {"and", "or", "but", "yet"}]
    graded = [w for w in content if not words.is_adverb(w)]
    graded = [w for w in graded if w.lower() not in {"a", "bit", "little", "to"}]
    if not graded or not (all(map(words.is_adjective, graded)) or _qualities(body, graded, role)):
        return None
    if body.lower().startswith("never "):
        return Statement(modal="be", predicate=body[6:], negative=True, never=True)
    return Statement(modal="be", predicate=words.lower_first(body))


def _qualities(body: str, graded: list[str], role: str) -> bool:
    """Under a personality heading an unknown single word, or one beside an adjective, is one."""
    if role != "trait" or any(w[:1].isupper() for w in graded[1:]):
        return False
    if len(graded) == 1:
        word = graded[0].lower()
        return body.strip().lower() == word and not words.is_verb(word) and not word.endswith(
            ("ness", "ity", "our", "or", "ment", "ism", "ence", "ance", "s")
        )  # fmt: skip
    joined = re.search(r", | and | but |/", body)
    return bool(joined) and words.is_adjective(graded[0]) and len(graded) <= 6


def _verb(body: str, role: str) -> Statement | None:
    """Base forms and gerunds: "Write poems", "Answering questions" (can)."""
    first, _, rest = body.partition(" ")
    follows = rest.split(" ")[0].lower()
    base = words.base_of_ing(first)
    if base and (rest or role in {"capability", "limitation"}):
        return Statement(modal="can", predicate=_gerunds_to_base(body), negative=False)
    if not words.is_verb(first):
        object_follows = follows in words.DETERMINERS and follows != "no"
        if object_follows and role and not words.is_adjective(first) and first[:1].isalpha():
            if first.lower().endswith("s") and not first.lower().endswith("ss"):
                return Statement(modal="do", predicate=_swap_first(body, first.lower()[:-1]))
            if first.lower() not in words.DETERMINERS:
                return Statement(modal="can", predicate=words.lower_first(body))
        return None
    if words.nounish(first) and (not rest or follows in {"and", "or", "of", "for", "with", "in"}):
        return None
    if words.nounish(first) and " " not in rest and not words.is_plural(rest):
        return None
    if words.nounish(first) and role not in {"capability", "limitation", "trait"} and (
        follows not in words.DETERMINERS
    ):  # fmt: skip
        return None
    modal = "do" if role == "trait" else "can"
    return Statement(modal=modal, predicate=words.lower_first(body))


_AGENT = re.compile(
    r"(?:er|or|ist|ant|bot|tutor|friend|companion|guide|coach|model|tool|program|ian|expert|buddy"
    r"|pirate|robot|person|voice|mind|soul|spirit|novice|pal|helpmate)$"
)


def _noun_phrase(body: str, role: str, positive: bool, default: str) -> Statement:
    """What a bare noun phrase says depends on where it stands."""
    text = words.lower_first(body)
    head = words.head_of(text).lower()
    if text.endswith(" support") and role == "capability":
        thing = body.removesuffix(" support")
        return Statement(modal="do", predicate=f"support {thing}", negative=not positive)
    if text.startswith("support for "):
        return Statement(modal="do", predicate=text.replace(" for", "", 1), negative=not positive)
    starts = text.split(" ")[0].lower()
    owned = "sense voice memory habit tone style love passion eye ear way taste knack heart manner"
    if role == "trait" and starts in {"a", "an"} and head not in owned.split():
        return Statement(modal="be", predicate=text, negative=not positive)
    if starts in {"a", "an", "the"} and _AGENT.search(head) and head not in {"answer", "number"}:
        return Statement(modal="be", predicate=text, negative=not positive)
    if re.fullmatch(r"[\w-]+ only", text):
        return Statement(modal="be", predicate=f"limited to {text.split(' ')[0]} only")
    if role == "capability":
        return Statement(modal="can", predicate=f"help with {text}", negative=not positive)
    if head in words.GIVEN:
        return Statement(modal="do", predicate=f"give {text}", negative=not positive)
    if default == "support" and words.is_plural(text):
        return Statement(modal="do", predicate=f"support {text}", negative=not positive)
    negative = not positive and not _NEGATIVE_SENSE.match(text)
    return Statement(modal="have", predicate=words.with_article(text), negative=negative)


def _gerund_to_base(phrase: str) -> str:
    base = words.base_of_ing(phrase.split(" ")[0])
    return _swap_first(phrase, base) if base else phrase


def _gerunds_to_base(phrase: str) -> str:
    """ "Writing and editing text" -> "write and edit text"."""
    out = []
    for place, word in enumerate(phrase.split(" ")):
        before = phrase.split(" ")[place - 1].lower().rstrip(",") if place else ""
        joins = place == 0 or before in {"and", "or"} or phrase.split(" ")[place - 1].endswith(",")
        base = words.base_of_ing(word.rstrip(",")) if joins else ""
        out.append(base + ("," if word.endswith(",") else "") if base else word)
    return words.lower_first(" ".join(out))


def _swap_first(phrase: str, word: str) -> str:
    return " ".join([word, *phrase.split(" ")[1:]])
