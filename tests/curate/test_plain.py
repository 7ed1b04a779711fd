"""The ASCII policies."""

from __future__ import annotations

import pytest

from identity_ops.curate.plain import AsciiPolicy, fold
from identity_ops.errors import ConfigError, RejectedError


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("\u201cIt\u2019s fine\u201d \u2014 really\u2026", '"It\'s fine" - really...'),
        ("caf\u00e9 na\u00efve", "cafe naive"),
        ("8\u00d7 faster", "8x faster"),
        ("Stra\u00dfe", "Strasse"),
        ("hi \U0001f600\ufe0f!", "hi !"),
        ("zero\u200bwidth \u202eoverride", "zerowidth override"),
        ("a\u00a0b", "a b"),
        ("\uff21\uff22\uff23 \ufb01ne \u00bd", "ABC fine 1/2"),
    ],
)
def test_fold_gives_plain_text(text: str, plain: str) -> None:
    """Typography and accents have a plain form; symbols and invisible characters go."""
    assert fold(text) == plain
    assert AsciiPolicy("fold")(text) == plain


@pytest.mark.parametrize(
    "text", ["\u043f\u0440\u0438\u0432\u0435\u0442", "\u4f60\u597d", "caf\u0435"]
)
def test_fold_rejects_what_has_no_plain_form(text: str) -> None:
    """Another script, and a Cyrillic letter that poses as Latin, are rejected by name."""
    with pytest.raises(RejectedError) as caught:
        AsciiPolicy("fold")(text)
    assert caught.value.reason == "not_ascii"


def test_strict_rejects_what_fold_would_repair() -> None:
    """Strict repairs nothing."""
    with pytest.raises(RejectedError, match="QUOTATION MARK"):
        AsciiPolicy("strict")("It\u2019s")


@pytest.mark.parametrize("policy", ["fold", "strict"])
def test_values_of_the_knowledge_base_stay(policy: str) -> None:
    """A name or value is never re-spelt, whole or as one of its words."""
    plain = AsciiPolicy(policy, ["Zo\u00e9 M\u00fcller", "\u4e2d\u6587"])  # type: ignore[arg-type]
    for text in ("I am Zo\u00e9 M\u00fcller.", "Ask Zo\u00e9!", "I speak \u4e2d\u6587."):
        assert plain(text) == text


def test_a_decomposed_spelling_of_a_value_is_the_value() -> None:
    """An e and a combining accent are the letter that the knowledge base wrote."""
    assert AsciiPolicy("fold", ["Zo\u00e9"])("I am Zoe\u0301.") == "I am Zo\u00e9."


def test_off_touches_nothing() -> None:
    """Without a policy even invisible characters stay."""
    assert AsciiPolicy("off")("a\u200b\u4f60") == "a\u200b\u4f60"


def test_an_unknown_policy_is_refused() -> None:
    """A typo in a setting is no silent default."""
    with pytest.raises(ConfigError):
        AsciiPolicy("ascii")  # type: ignore[arg-type]
