"""Cutting text: labels from values, paragraphs into sentences, sentences into clauses, lists.

Pure functions over strings and `Text`; nothing here knows what a fact is.
"""

from __future__ import annotations

import re

from identity_ops.knowledge.aliases import makers
from identity_ops.knowledge.blocks import Text
from identity_ops.knowledge.roles import label_role
from identity_ops.knowledge.words import (
    FINITE,
    has_finite_verb,
    is_question,
    opens_with_verb,
    plain,
    word_list,
)

_DASH = r"(?:\s*\.{4,}\s*|\s[-\u2013\u2014=]\s|\s?(?:\u2192|->|=>)\s?)"
_COLON = re.compile(r"^([^:\n]{1,80}?)\s*(?::|\uff1a)(?:\s+|$)")
_TIGHT = re.compile(r"^([A-Za-z][A-Za-z ]{1,30}):(?=[^\s/\d:])")
_DASHED = re.compile(rf"^(.{{1,60}}?){_DASH}(?=\S)")
_AFTER_BOLD = re.compile(r"\s*(?:[:=\u2013\u2014\u2192\uff1a]|-\s|->)\s*")
_MARKS = re.compile(
    r"^(?:\[([ xX])\]\s+|([\u2705\u2713\u2714\u2611\U0001f7e2])\ufe0f?\s*"
    r"|([\u274c\u2717\u2718\u2716"
    r"\U0001f6ab\u26d4])\ufe0f?\s*|[\u2022\u25cf\u25aa\u2013\u2014]\s+|[\U0001f300-\U0001faff"
    r"\u2600-\u27bf\u2b50]\ufe0f?\s+)"
)
_PICTURES = re.compile("[\U0001f1e6-\U0001faff\u2600-\u27bf\u2b50\ufe0f\u200d]+")
_CITATION = re.compile(r"\s*\[(?:\^[^\]]+|\d+(?:\s*[,\u2013-]\s*\d+)*)\]:?")
_SUBJECT_START = re.compile(
    r"^(?:it|i|you|we|they|he|she|this|that|these|those|there|if|when|because|although)\b",
    re.IGNORECASE,
)
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|approx|ca|cf|no|fig|u\.s|u\.k|a\.m|p\.m|mt|vol|est|min|max|inc|ltd"
    r"|corp|co|nr|resp|dr|mr|mrs|ms|mx|mme|mlle|prof|rev|st|jr|sr|sra|srta|sgt|capt|lt|col|gen|gov"
    r")|\b[^\W\d_])$",
    re.IGNORECASE,
)
_INITIAL = re.compile(r"\b[^\W\d_]$")
_CLOSED = re.compile(r"\b(?:inc|ltd|corp|co|etc|a\.m|p\.m|u\.s|u\.k)$", re.IGNORECASE)
_NEW_SENTENCE = re.compile(
    r"(?:It|Its|The|This|I|My|You|Your|We|Our|In|He|She|They|There|But|Also|All|No|As|For)\b"
)
_AFTER_INITIAL = re.compile(r"(?:It|Its|The|This|They|There|But|Also|You|Your|We|Our)\b")
_END = re.compile(r"[.!?\u3002][\"'\u201d\u2019)\]]*(?:\s+|$)")


def strip_marks(text: Text) -> tuple[Text, bool | None]:
    """The text without check boxes, emoji and bullets at its start, and the yes or no they say."""
    polarity: bool | None = None
    while found := _MARKS.match(text.text):
        if found.group(1) is not None:
            polarity = found.group(1) != " "
        elif found.group(2) or found.group(3):
            polarity = found.group(2) is not None
        text = text.part(found.end(), len(text.text))
    return text, polarity


def without_citations(text: str) -> str:
    """`text` without footnote marks and citations such as [1] or [12, 13]."""
    return " ".join(_CITATION.sub("", text).split())


def without_pictures(text: str) -> str:
    """`text` without emoji, unless it is nothing else."""
    bare = " ".join(_PICTURES.sub(" ", text).split())
    return re.sub(r" (?=[,.;!?])", "", bare) or text if bare != text else text


def split_label(text: Text, *, dashes: bool = False) -> tuple[str, Text] | None:
    """(label, value) of "Name: X", "**Name** - X"; None where the text has no label.

    Args:
        dashes: whether "Label - value" is how the neighbours are written too.
    """
    raw = text.text
    bold = next((end for start, end in text.bold if start == 0), 0)
    if bold:
        label = raw[:bold].rstrip()
        cut = _AFTER_BOLD.match(raw, bold)
        if label.endswith((":", "\uff1a")):
            return _parts(text, label, bold)
        if cut and len(label.split()) <= 8:
            return _parts(text, label, cut.end())
        if bold >= len(raw):
            return None
        if label_role(label) and re.match(r"\s+[^\sa-z]", raw[bold:]):
            return _parts(text, label, bold)  # "**Name** Fog"
    found = _COLON.match(raw)
    if found and _is_label(found.group(1)):
        return _parts(text, found.group(1), found.end())
    found = _TIGHT.match(raw)
    if found and label_role(found.group(1)):
        return _parts(text, found.group(1), found.end())
    found = _DASHED.match(raw)
    if found and _is_dashed_label(found.group(1), dashes or "...." in found.group(0)):
        return _parts(text, found.group(1), found.end())
    return None


def _parts(text: Text, label: str, start: int) -> tuple[str, Text]:
    clean = without_citations(label).strip(' :\uff1a-\u2013\u2014=*_`"')
    clean = re.sub(r"^(?:its|my|your|our)\s+(?=\w)", "", clean, flags=re.IGNORECASE)
    if not is_question(clean.removesuffix("?")):
        clean = clean.removesuffix("?")  # a table's "Supported?"
    return clean, text.part(start, len(text.text)).stripped()


def _is_label(label: str) -> bool:
    if label_role(label):
        return True
    words = label.split()
    if re.match(
        r"(?:no(?!\.)|not|never|cannot|can't|don't|doesn't|do not|does not)\b", label.lower()
    ):
        return False
    whole = re.sub(r"\b(?:max|min|approx|avg|est|no|nr|tel)\.(?= )", "", label, flags=re.IGNORECASE)
    if not words or len(words) > 6 or re.search(r"[.;!?]\s|[.;!]$|,", whole):
        return False
    return not _SUBJECT_START.match(label) and not any(
        word.lower() in FINITE and word.lower() not in _NOUNS_TOO for word in words[:-1]
    )


_NOUNS_TOO = frozenset(
    word_list("""runs costs uses supports works answers cost needs offers stops stores""")
)


def _is_dashed_label(label: str, dashes: bool) -> bool:
    if label_role(label):
        return True
    short = len(label.split()) <= 4 and not opens_with_verb(label) and not has_finite_verb(label)
    return dashes and short and not _SUBJECT_START.match(label)


def looks_dashed(text: Text) -> bool:
    """Whether a text has the form "short words - more"."""
    found = _DASHED.match(text.text)
    return bool(found) and _is_dashed_label(found.group(1), True) if found else False


def sentences(text: Text) -> list[Text]:
    """The sentences of a paragraph. Abbreviations, initials and decimals do not end one."""
    found, start, raw = [], 0, text.text
    for match in _END.finditer(raw):
        if match.end() < len(raw) and not _ends_sentence(raw, match):
            continue
        found.append(text.part(start, match.end()).stripped())
        start = match.end()
    found.append(text.part(start, len(raw)).stripped())
    return [part for part in found if part.text.strip(" .!?\"'")]


def _ends_sentence(raw: str, match: re.Match[str]) -> bool:
    before = raw[max(0, match.start() - 80) : match.start()]
    after = raw[match.end() : match.end() + 80]
    if raw[match.start()] != ".":
        return True
    if _INITIAL.search(before):
        return bool(_AFTER_INITIAL.match(after))  # no last names, unlike "He" or "My"
    if re.search(r"(?:^|: )[Nn]o$", before) and after[:1].isupper():
        return True  # an answer, and no number
    if _ABBREVIATION.search(before):
        return bool(_CLOSED.search(before)) and bool(_NEW_SENTENCE.match(after))
    if re.search(r"(?:^|\s)\d{1,2}$", before) and not has_finite_verb(before):
        return False  # "1. Name"
    return not after[:1].islower() or has_finite_verb(" ".join(after.split()[:4]))


_CUT = re.compile(
    r"\s*;\s+|\s[\u2013\u2014]\s(?=(?:it|its|i|my|we|you|the|this)\b)|,?\s+but\s+|,?\s+(?:while|whereas|yet|so)\s+(?=(?:it|i|you|the)\b)"
    r"|,?\s+and\s+(?=(?:also |then |often |currently |only )?(?P<next>[A-Za-z']+))"
    r"|,\s+(?=(?:it|its|i|my|we|you|your|he|she|his|her)\s+[a-z']+)"
    r"|,\s+(?=(?:cannot|(?:can|don|doesn|won)['\u2019]t|does not|will not|never|has no)\s)",
    re.IGNORECASE,
)
_SUBORDINATE = re.compile(  # "Because of its size, it is slow" is one clause
    r"(?:because|if|when|whenever|although|though|while|since|after|before|as|despite|due|unlike"
    r"|once|unless|until|in|on|at|with|for|to|by|from|like)\b",
    re.IGNORECASE,
)
_PRONOUN = frozenset(word_list("""it its i my we you your this the he she they his her"""))


def clauses(sentence: str) -> list[str]:
    """The coordinate clauses of a sentence, in order; one where it has no clear joint."""
    found, start = [], 0
    for match in _CUT.finditer(sentence):
        if sentence.count("(", start, match.start()) > sentence.count(")", start, match.start()):
            continue  # "luggage rules (bikes ride free; scooters do not)"
        word = (match.group("next") or "").lower().replace("\u2019", "'")
        joint = match.group(0).strip(" ,").lower()
        if joint == "and" and not _starts_clause(word, sentence[match.end() :]):
            continue
        if len(sentence[start : match.start()].split()) < 2 or _SUBORDINATE.match(sentence[start:]):
            continue
        if joint == "but" and re.search(r"\b(?:an?|the) \w+$", sentence[: match.start()]):
            continue  # "a grumpy but kind chatbot"
        owner = re.match(r"(?:his|her)((?: \w+){1,4})", sentence[match.end() :], re.IGNORECASE)
        if owner and not has_finite_verb(owner[1]):
            continue  # "by Ada, her brother and a friend"
        found.append(sentence[start : match.start()].strip(" ,;"))
        start = match.end()
    found.append(sentence[start:].strip(" ,;."))
    return [clause for clause in found if clause]


def _starts_clause(word: str, rest: str) -> bool:
    if word in FINITE:
        return True
    following = rest.split()[1:3]
    return word in _PRONOUN and any(part.lower().strip(",.") in FINITE for part in following)


_DATE_COMMA = re.compile(
    r"\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.? \d{1,2}, \d{4}", re.IGNORECASE
)
_APPOSITION = re.compile(r"^(?:an?|the|who|which|inc|ltd|llc|usa|uk|jr|sr|ph\.?d)\b", re.IGNORECASE)


def list_items(value: str, *, pairs: bool) -> tuple[str, ...]:
    """The parts of a value that lists things ("a, b and c"), () where it is one thing.

    Args:
        pairs: whether two parts are enough ("English and French").
    """
    if _DATE_COMMA.search(value) or re.search(r"[.:!?]\s|[()]", value):
        return ()
    parts = [part for part in re.split(r"\s*[;,]\s+", value.strip().rstrip(".")) if part]
    last = re.split(r"(?:^|\s)(?:and|&|or)\s+", parts[-1]) if parts else []
    parts = [part.strip().rstrip(".") for part in [*parts[:-1], *last] if part.strip(" .")]
    if len(parts) < (2 if pairs else 3) or any(len(part.split()) > 6 for part in parts):
        return ()
    if any(_APPOSITION.match(part) for part in parts[1:]) and len(parts) < 3:
        return ()
    if parts[0].lower() in ("yes", "no"):
        return ()
    return () if len({plain(part) for part in parts}) < len(parts) else tuple(parts)


def items_of(label: str, value: str, role: str) -> tuple[str, ...]:
    """The parts of a labelled value: its makers, or what it lists; () where it is one thing."""
    if role in ("creator", "base_creator"):
        return makers(value)
    plural = plain(label).endswith("s") and not plain(label).endswith("ss")
    listing = role in ("language", "data", "capability", "limitation", "trait")
    return list_items(value, pairs=plural or listing)


def tidy(text: str) -> str:
    """A value without citations, quotes around it and a full stop at its end."""
    clean = without_pictures(without_citations(text).strip())
    clean = re.sub(r"^([\"\u201c])([^\"\u201c\u201d]*)[\"\u201d]\.?$", r"\2", clean)
    if clean.endswith(".") and not re.search(
        r"(?:\b\w\.\w|\b(?:etc|Inc|Ltd|Co|Corp)|\.\.)\.$", clean
    ):
        clean = clean[:-1]
    clean = re.sub(r"[,;] (?:and|or)$", "", clean.rstrip("!") or clean)  # within a list
    return clean.strip(" ;,")
