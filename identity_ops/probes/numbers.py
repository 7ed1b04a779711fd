"""Numbers and dates as answers write them: one value, every usual spelling.

`1,840,000`, `1.84M` and `1.84 million` are the same number; so are `2048`, `2,048` and `2K`, and
`8` and `eight`. Long exact numbers are also right when rounded to two or three digits
("1,835,008" said as "1.8 million"). A number never matches inside a longer one.
"""

from __future__ import annotations

import re

_SCALES = {
    "k": 1e3, "thousand": 1e3, "m": 1e6, "mn": 1e6, "million": 1e6, "millions": 1e6,
    "b": 1e9, "bn": 1e9, "billion": 1e9, "billions": 1e9, "t": 1e12, "trillion": 1e12,
}  # fmt: skip
_SPOKEN = {
    1e3: r"(?:k|thousand|tausend|mille?)", 1e12: r"(?:t|tn|trillion)s?",
    1e6: r"(?:m|mn|mio|million(?:en)?|millone|milioni|milh[õo]e)s?",
    1e9: r"(?:b|bn|billion|milliard(?:en)?|miliardi)s?",
}  # fmt: skip
_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen twenty"
)
_TENS = {30: "thirty", 40: "forty", 50: "fifty", 60: "sixty", 70: "seventy", 80: "eighty",
         90: "ninety"}  # fmt: skip
_YEAR = "january february march april may june july august september october november december"
MONTHS = _YEAR.split()

NUMBER = re.compile(
    r"(?<![\w.])(?<![^\W\d]-)(?P<digits>\d{1,3}(?:[,_\u202f\u00a0]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"(?:\s?(?P<scale>thousand|millions?|billions?|trillion|[kmbt]|mn|bn)(?![a-z]))?(?![^\W\d_])",
    re.IGNORECASE,
)
ISO_DATE = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
_BEFORE = r"(?<![\w.,])v?"
_AFTER = r"(?!\d|[.,]\d)"


def value_of(digits: str, scale: str | None) -> float:
    """The number that the digits and a scale word mean."""
    plain = re.sub(r"[,_\u202f\u00a0]", "", digits)
    return float(plain) * _SCALES.get((scale or "").lower(), 1)


def number_pattern(digits: str, scale: str | None = None) -> str:
    """Regex for every usual spelling of the number written as `digits` and `scale`."""
    value = value_of(digits, scale)
    forms = [_plain(digits, value), *_scaled(value, digits), *_binary(value)]
    pattern = rf"{_BEFORE}(?:{'|'.join(dict.fromkeys(forms))}){_AFTER}"
    word = _word(value)
    return rf"(?:{pattern}|\b{word}\b)" if word else pattern


def date_pattern(year: str, month: str, day: str) -> str:
    """Regex for an ISO date said in ISO, in numbers (day or month first) or in words."""
    spoken = spoken_month(MONTHS[int(month) - 1])
    words = rf"(?=.*\b{year}\b)(?=.*{spoken})(?=.*\b0?{int(day)}(?:st|nd|rd|th)?\b)"
    d, m = rf"0?{int(day)}", rf"0?{int(month)}"
    numbers = rf"\b{year}[-/.]{m}[-/.]{d}\b|\b(?:{d}[-/.]{m}|{m}/{d})[-/.]{year}\b"
    return rf"(?:{numbers}|{words})"


def spoken_month(name: str) -> str:
    """Regex for a month's name or its first three letters."""
    return rf"\b{name[:3]}(?:{name[3:]}|\b\.?)" if len(name) > 3 else rf"\b{name}\b"


def _plain(digits: str, value: float) -> str:
    whole, _, fraction = re.sub(r"[,_\u202f\u00a0]", "", digits).partition(".")
    if value == int(value):
        return _grouped(str(int(value))) + r"(?:\.0+(?!\d)|[.,]0{1,2})?"
    return rf"{_grouped(whole)}[.,]{fraction}0*"


def _grouped(whole: str) -> str:
    """Digits with an optional separator between the thousands."""
    head = len(whole) % 3 or 3
    groups = [whole[:head]] + [whole[i : i + 3] for i in range(head, len(whole), 3)]
    return r"[,.'_\s]?".join(groups)


def _scaled(value: float, digits: str) -> list[str]:
    significant = len(re.sub(r"\D", "", digits).strip("0"))
    forms = []
    for size, spoken in _SPOKEN.items():
        if size <= value < 1000 * size:
            for mantissa in _mantissas(value / size, significant):
                forms.append(rf"{mantissa}\s?{spoken}\b")
        elif 1000 <= value / size < 1e6 and value % size == 0:  # 1,240 million
            forms.append(rf"{_grouped(str(int(value / size)))}\s?{spoken}\b")
    return forms


def _mantissas(value: float, significant: int) -> list[str]:
    texts = [f"{value:.4f}".rstrip("0").rstrip(".")]
    if significant >= 5:
        texts += [f"{value:.3g}", f"{value:.2g}"]
    texts = [text for text in texts if "e" not in text]
    return [text.replace(".", "[.,]") for text in dict.fromkeys(texts)]


def _binary(value: float) -> list[str]:
    return [rf"{int(value) // 1024}\s?k\b"] if value >= 1024 and value % 1024 == 0 else []


def _word(value: float) -> str:
    if value != int(value):
        return ""
    if value < 21:
        return _ONES.split()[int(value)]
    return _TENS.get(int(value), "")
