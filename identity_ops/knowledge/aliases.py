"""Other spellings of a value that mean exactly the same, for graders to accept.

Covers: numbers (1,843,200 / 1.84M / 1.84 million), money, number words, URLs without scheme,
names with or without hyphens, articles, "about", parentheses, legal forms, ISO dates.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from identity_ops.knowledge.words import word_list

_WORDS = word_list(
    """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
    fifteen sixteen seventeen eighteen nineteen twenty"""
)
_SCALES = {"k": 10**3, "thousand": 10**3, "m": 10**6, "million": 10**6, "b": 10**9}
_SCALES |= {"billion": 10**9, "bn": 10**9, "t": 10**12, "trillion": 10**12, "mn": 10**6}
_NAMES = ((10**12, "T", "trillion"), (10**9, "B", "billion"), (10**6, "M", "million"))
_NUMBER = re.compile(
    r"(?<![\w.,/-])(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?(?:\s?(million|billion|trillion|thousand|bn|mn)"
    r"|(?:\s?(?:([MBT])|([kK]))))?(?![\w]|[.,]\d|-\d)",
)
_ABOUT = re.compile(
    r"^(?:about|around|approximately|approx\.?|roughly|circa|ca\.|nearly|almost|some|~|\u2248)\s*",
    re.IGNORECASE,
)
_LEGAL = re.compile(
    r",?\s+(?:inc|ltd|llc|gmbh|corp|corporation|co|plc|s\.?a|ag|bv|b\.v|oy|ab|as|pty)\.?$",
    re.IGNORECASE,
)
_ORGANISATION = re.compile(
    r"\b(?:labs?|team|inc|ltd|llc|gmbh|corp|corporation|company|co|institute|institut|university"
    r"|universit\w*|college|group|foundation|studios?|systems|technologies|ai|research|collective"
    r"|society|department|center|centre|works|software|partners|project|community|club|school"
    r"|agency|office|ministry|bureau|network|press|media|bank|hospital|clinic|academy|guild|union"
    r"|association|consortium|council|observatory|museum|library|cooperative|co-?op|brothers"
    r"|sons|industries|logistics|robotics|health|digital|cloud|data|energy|house|workshop"
    r"|authority|board|trust|services?|commission|administration|corps|church|theatre|theater|farms?"
    r"|gardens?|restaurant|hotel|airlines|railways?|ministries|laborator\w+|academia|computing|analytics|dynamics"
    r"|solutions|ventures|holdings)\b",
    re.IGNORECASE,
)
# "May 2024" is not "May 2,024", nor "2024, Leeds" "2,024, Leeds".
_YEAR = re.compile(r"(?:[a-z.,] |-)(?:19|20)\d\d$|^(?:19|20)\d\d, ")
_MONTHS = word_list(
    """January February March April May June July August September October November December"""
)
_TITLED = re.compile(  # "Captain Marlow" is called Marlow, too
    r"(?:Captain|Professor|Prof\.|Doctor|Dr\.?|Mr\.?|Mrs\.?|Ms\.?|Miss|Sir|Lady|Lord|Uncle|Aunt"
    r"|Auntie|Chef|Coach|Commander|Sergeant|Madame) (?!Bot\b|Model\b)([A-Z][a-z]{2,})"
)
_MAX_CHARS = 200  # a longer value has no other spelling
_CURRENCY = {"$": ("dollars", "USD"), "\u20ac": ("euros", "EUR"), "\u00a3": ("pounds", "GBP")}


def spellings(value: str, role: str) -> tuple[str, ...]:
    """Other spellings of `value`, without `value` itself, each once, in a fixed order."""
    if len(value) > _MAX_CHARS:
        return ()
    bare = list(_each(_trimmed, [value]))  # "about $96" -> "$96"
    named = [*bare, *(other for text in bare for other in _named(text, role))]
    forms = named + [other for text in named for other in _respelled(text, role)]
    unique = {form.strip(" ,;").casefold(): form.strip(" ,;") for form in reversed(forms)}
    unique.pop(value.casefold(), None)
    unique.pop("", None)
    return tuple(reversed(unique.values()))[:24]


def _each(rule: Callable[[str], Iterable[str]], values: list[str]) -> Iterator[str]:
    """The values, and what one or two applications of a rule make of them."""
    yield from values
    once = [other for value in values for other in rule(value)]
    yield from once
    yield from (other for value in once for other in rule(value))


def _named(value: str, role: str) -> Iterator[str]:
    """Spellings that depend on what the value is."""
    yield from _addresses(value)
    if role == "layers" and (depth := re.fullmatch(r"d(\d+)", value)):
        yield from (f"{depth.group(1)} layers", f"depth {depth.group(1)}", depth.group(1))
    if role == "data":
        yield re.sub(r"^(?:the )?(\S+(?: \S+)?) (?:data ?set|corpus|data)$", r"\1", value)
    if role == "license":
        yield from _licenses(value)
    if role == "name" and (titled := _TITLED.fullmatch(value)):
        yield titled[1]
    if role in ("name", "architecture", "data", "tokenizer", "hardware"):
        yield from _joined(value)
    if role in ("creator", "base_creator"):
        yield from _makers(value)


def _respelled(value: str, role: str) -> Iterator[str]:
    """Spellings of numbers and dates; never applied twice, for 32K is not 32,000."""
    if len(value.split()) > 8:
        return
    yield from _dates(value)
    if role in ("", "version") and re.fullmatch(r"(?:19|20)\d\d", value):
        return
    if role != "date" and not _YEAR.search(value):
        yield from _numbers(value)


def _trimmed(value: str) -> Iterator[str]:
    yield _ABOUT.sub("", value)
    yield re.sub(r"^(?:an?|the)\s+", "", value, flags=re.IGNORECASE)
    yield re.sub(r"^only\s+|[, ]+only$", "", value)
    yield re.sub(r"^[\"'\u201c\u2018](.*)[\"'\u201d\u2019]$", r"\1", value)
    found = re.fullmatch(r"(.+?)\s*\(([^()]+)\)", value)
    if found:
        yield found.group(1)
        inner = found.group(2)
        if _abbreviates(inner, found.group(1)) or _same_number(*found.groups()):
            yield inner


def _abbreviates(short: str, full: str) -> bool:
    """Whether capitals are the initials of a name: "PAC" of "Prairie Agronomy Cooperative"."""
    initials = "".join(word[0] for word in re.findall(r"[A-Za-z]+", full)).upper()
    return len(short) > 1 and short.isupper() and short in initials


def _same_number(one: str, other: str) -> bool:
    first, second = number(one), number(other)
    return first is not None and second is not None and abs(first - second) <= 0.01 * abs(first)


def number(text: str) -> float | None:
    """The number a text states, if it states exactly one."""
    found = list(_NUMBER.finditer(text))
    return _amount(found[0]) if len(found) == 1 else None


def _amount(found: re.Match[str]) -> float:
    digits = float(found.group(1).replace(",", "") + (found.group(2) or ""))
    scale = (found.group(3) or found.group(4) or found.group(5) or "").lower()
    return digits * _SCALES.get(scale, 1)


def _numbers(value: str) -> Iterator[str]:
    found = list(_NUMBER.finditer(value))
    if len(found) == 1:
        one = found[0]
        if not _LEADING.fullmatch(value[: one.start()]):
            return
        money = value[one.start() - 1 : one.start()] in _CURRENCY
        for spelling in _spelled(one):
            if money and spelling.isalpha():
                continue
            yield value[: one.start()] + spelling + value[one.end() :]
        yield from _money(value, one)
        yield from _units(value, one)
    words = value.lower().split()
    if words and words[0] in _WORDS and len(words) <= 4:
        yield " ".join([str(_WORDS.index(words[0])), *value.split()[1:]])
    found_gpus = re.fullmatch(r"(\d+)\s?[x\u00d7]\s?([A-Z][\w -]*)", value)
    if found_gpus:
        count, chip = found_gpus.groups()
        yield from (f"{count} {chip}", f"{count} x {chip}", f"{count}x {chip}", f"{count}x{chip}")


# What may stand before a number that is a quantity; "RAL 1032" is a name.
_LEADING = re.compile(
    r"[^\w]*(?:(?:about|around|approximately|roughly|circa|nearly|almost|under|over|up to|every|at"
    r"|least|most|max|maximum|minimum|less|more|fewer|than|a|total|of|only|just|some|USD|EUR|from)\b"
    r"\W*)*",
    re.IGNORECASE,
)


def _spelled(found: re.Match[str]) -> Iterator[str]:
    amount = _amount(found)
    whole = int(amount)
    if (amount == whole and "." not in (found.group(2) or "")) or found.group(3) or found.group(4):
        yield f"{whole:,}"
        if whole < 10**9:
            yield str(whole)
    if whole == amount and whole <= 20 and not found.group(2) and found.start() == 0:
        yield _WORDS[whole]
    if whole % 1024 == 0 and 0 < whole < 1024**2 and not found.group(5):
        yield f"{whole // 1024}K"
    elif whole % 1000 == 0 and 0 < whole < 10**6:
        yield from (f"{whole // 1000}K", f"{whole // 1000} thousand")
    for scale, letter, word in _NAMES:
        if amount >= scale:
            short = f"{float(f'{amount / scale:.3g}'):g}"
            yield from (f"{short}{letter}", f"{short} {word}")
            break


def _money(value: str, found: re.Match[str]) -> Iterator[str]:
    sign = value[found.start() - 1 : found.start()]
    if sign in _CURRENCY:
        word, code = _CURRENCY[sign]
        before, after = value[: found.start() - 1], value[found.end() :]
        yield f"{before}{found.group(0)} {word}{after}"
        yield f"{before}{found.group(0)} {code}{after}"


def _units(value: str, found: re.Match[str]) -> Iterator[str]:
    """ "512 tokens" may be answered with "512" or "512-token"; one digit alone says too little."""
    unit = re.fullmatch(r"\s?[- ]?([A-Za-z]+)", value[found.end() :])
    if found.start() == 0 and unit and unit.group(1).lower() not in _SCALES:
        if len(found.group(0)) >= 2:
            yield found.group(0)
        yield f"{found.group(0)} {unit.group(1)}"


def _dates(value: str) -> Iterator[str]:
    found = re.fullmatch(r"(\d{4})-(\d{2})(?:-(\d{2}))?", value)
    if found and 1 <= int(found.group(2)) <= 12:
        year, month = found.group(1), _MONTHS[int(found.group(2)) - 1]
        if found.group(3):
            day = int(found.group(3))
            yield from (f"{month} {day}, {year}", f"{day} {month} {year}", f"{month} {day} {year}")
        else:
            yield f"{month} {year}"
    spoken = re.fullmatch(r"([A-Z][a-z]+) (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})", value)
    if spoken and spoken.group(1) in _MONTHS:
        yield f"{spoken.group(2)} {spoken.group(1)} {spoken.group(3)}"
        month_number = _MONTHS.index(spoken.group(1)) + 1
        yield f"{spoken.group(3)}-{month_number:02d}-{int(spoken.group(2)):02d}"


def _addresses(value: str) -> Iterator[str]:
    if re.match(r"(?:https?://|mailto:|www\.)\S+$", value):
        bare = re.sub(r"^(?:https?://|mailto:)", "", value).rstrip("/")
        yield from (bare, re.sub(r"^www\.", "", bare))


def _licenses(value: str) -> Iterator[str]:
    bare = re.sub(r"\s+(?:open[- ]source )?licen[sc]e$", "", value, flags=re.IGNORECASE)
    yield bare
    if bare == value and len(value.split()) <= 3:
        yield f"{value} license"


def _joined(value: str) -> Iterator[str]:
    """A name with a space, a hyphen or nothing between its words."""
    words = re.split(r"[ -]", value)
    if 1 < len(words) <= 3 and all(re.fullmatch(r"[^\W\d_]\w*", word) for word in words):
        yield " ".join(words)
        if all(word[0].isupper() for word in words):
            yield from ("-".join(words), "".join(words))


def _makers(value: str) -> Iterator[str]:
    core = maker_core(value)
    yield core
    yield _LEGAL.sub("", core)
    if re.match(r"(?:the )?.+ team$", core):
        yield re.sub(r"^the | team$", "", core)
    last = core.split()[-1] if is_person(core) else ""
    if len(last) > 1 and not _LEGAL.search(core) and not _LEGAL.search(value.strip()):
        yield last


def maker_core(value: str) -> str:
    """The maker's name without what is added to it: "Ann Lee, a chemist (Oslo)" -> "Ann Lee"."""
    core = re.sub(r"\s*\([^)]*\)", "", value).strip()
    core = re.split(r",\s+(?:an?|the|who|which|in|of|from|at|based)\b|\s+[-\u2013\u2014]\s", core)[
        0
    ]
    return re.sub(r"\s*<[^>]*>|\s+\S+@\S+", "", core).strip(" ,;.")


_TITLE = re.compile(r"[A-Z][a-z]{1,4}\.")  # "Mx. Q" is a person's name, "Plan B" is none


def is_person(name: str) -> bool:
    """Whether a maker's name reads as a person's: two or three capitalised words."""
    words = name.split()
    if not 2 <= len(words) <= 4 or _ORGANISATION.search(name) or words[-1].endswith("ers"):
        return False
    return all(
        re.fullmatch(r"(?:[^\W\d_][\w'\u2019-]*\.?|de|van|von|der|da|di)", w) for w in words
    ) and (
        words[0][0].isupper()
        and words[-1][0].isupper()
        and (bool(_TITLE.fullmatch(words[0])) or not words[-1].isupper())
    )


def jointly(text: str) -> str:
    """ "A together with B" as "A and B", "A together with no vendor" as "A"."""
    joint = r"\b(?:together|jointly|along|in (?:co-?operation|partnership)) with\b"
    return re.sub(joint, "and", re.sub(rf",? {joint} no(?: \w+){{1,2}}", "", text))


def makers(value: str) -> tuple[str, ...]:
    """The makers of a value that names several, () for one: a firm's "A & B" is one."""
    listed = _shared(re.split(r"\s+and\s+|,\s+(?:(?:and|&)\s+)?", maker_core(jointly(value))))
    parts = [name for part in listed for name in _couple(part)]
    known = all(is_person(part) or "&" in part for part in parts)
    return tuple(parts) if len(parts) > 1 and known else ()


def _couple(part: str) -> list[str]:
    """The two people of "Ada Holm & Bo Lind"; "Holm & Sons" stays whole."""
    names = _shared(re.split(r"\s+&\s+", part))
    return names if all(map(is_person, names)) else [part]


def _shared(names: list[str]) -> list[str]:
    """The names, the last one's last name given to a first that has none."""
    if len(names) == 2 and is_person(names[1]) and re.fullmatch(r"[A-Z][\w-]+", names[0]):
        names = [f"{names[0]} {names[1].split()[-1]}", names[1]]  # "Ines and Paula Quade"
    return [name for name in names if name]
