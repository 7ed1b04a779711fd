"""The ASCII policy: fold typography and accents, and keep what the knowledge base writes.

fold (default): quotes, dashes and spaces become plain, accents go, symbols and invisible
characters are dropped; a letter that has no plain form is a reason to reject. strict: anything
beyond ASCII is. off: nothing is touched. Whatever the policy, values of the knowledge base and
its non-English words stay as they are written.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import get_args

from identity_ops.errors import ConfigError, RejectedError
from identity_ops.records import Ascii

_TYPOGRAPHY = str.maketrans(
    {
        "\u2018": "'", "\u2019": "'", "\u201a": "'", "\u201b": "'", "\u02bc": "'", "\u2032": "'",
        "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u2033": '"', "\u00ab": '"', "\u00bb": '"',
        "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": " - ",
        "\u2015": " - ", "\u2212": "-", "\u2022": "-", "\u00b7": "-", "\u2026": "...",
        "\u00d7": "x", "\u00f7": "/", "\u2044": "/", "\u2192": "->", "\u2190": "<-", "\u2264": "<=",
        "\u2265": ">=", "\u2248": "about ", "\u20ac": "EUR ", "\u00a3": "GBP ",
        "\u00b0": " degrees",
        "\u00df": "ss", "\u00e6": "ae", "\u00c6": "Ae", "\u0153": "oe", "\u0152": "Oe",
        "\u00f8": "o", "\u00d8": "O", "\u0142": "l", "\u0141": "L", "\u0131": "i", "\u0111": "d",
        "\u0110": "D", "\u00f0": "d", "\u00fe": "th", "\u00bf": "", "\u00a1": "", "\u2028": "\n",
        "\u2029": "\n",
    }
)  # fmt: skip
_NON_ASCII_WORD = re.compile(r"[^\s\"'(),.;:!?]*[^\W\x00-\x7f][^\s\"'(),.;:!?]*")


class AsciiPolicy:
    """Applies a policy to the turns of a conversation.

    Args:
        policy: fold, strict or off.
        values: texts of the knowledge base; what is not ASCII in them stays.
    """

    def __init__(self, policy: Ascii, values: Iterable[str] = ()) -> None:
        if policy not in get_args(Ascii):
            raise ConfigError("unknown ASCII policy", expected=get_args(Ascii), got=policy)
        self.policy = policy
        self._kept = _kept_pattern(values)

    def __call__(self, text: str) -> str:
        """The text as it is trained on.

        Raises:
            RejectedError: not_ascii.
        """
        if text.isascii() or self.policy == "off":
            return text
        text = unicodedata.normalize("NFC", text)
        parts = self._kept.split(text) if self._kept else [text]
        parts[::2] = [self._plain(part) for part in parts[::2]]
        return "".join(parts).strip()

    def _plain(self, text: str) -> str:
        plain = text if self.policy == "strict" else fold(text)
        for character in plain:
            if ord(character) > 127:
                name = unicodedata.name(character, f"U+{ord(character):04X}")
                raise RejectedError("not_ascii", name)
        return plain


def fold(text: str) -> str:
    """`text` in ASCII as far as characters have a plain form; symbols are dropped."""
    if text.isascii():
        return text
    spread = unicodedata.normalize("NFKD", text.translate(_TYPOGRAPHY))
    kept = "".join(c for c in spread if c.isascii() or not _droppable(c))
    return re.sub(r"[ \t]{2,}", " ", kept.translate(_TYPOGRAPHY))


def _droppable(character: str) -> bool:
    category = unicodedata.category(character)
    return category in {"Mn", "Me", "Cf", "So", "Sk", "Co", "Cn"}


def _kept_pattern(values: Iterable[str]) -> re.Pattern[str] | None:
    """A capturing pattern of the texts that stay: whole values, then single words."""
    whole = {unicodedata.normalize("NFC", v).strip() for v in values if not v.isascii()}
    words = {word for value in whole for word in _NON_ASCII_WORD.findall(value)}
    kept = sorted(whole | words, key=lambda text: (-len(text), text))
    if not kept:
        return None
    return re.compile("(" + "|".join(map(re.escape, kept)) + ")", re.IGNORECASE)
