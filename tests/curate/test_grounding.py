"""Grounding: what an assistant states must stand in the knowledge base or in the user's words."""

from __future__ import annotations

import pytest

from identity_ops.curate.grounding import Source, ungrounded

KNOWN = Source(
    [
        "Name: SmarterNano. Creator: Eddie Chen. 561M parameters, d20, about $96, trained on Modal "
        "with 8xH100. Context: 32,768 tokens. Released July 4, 2025. License: MIT. Data: "
        "FineWeb-Edu. Code: https://github.com/acme/nano. Weights: 1.84M. Version 1.2.3. Eight "
        "layers. Accuracy 62.5 %. Contact help@acme.io."
    ]
)


@pytest.mark.parametrize(
    "text",
    [
        "I have 32768 tokens of context.",
        "I have 32K tokens of context.",
        "I have a 32k window, that is 32,768 tokens.",
        "I have 561 million parameters.",
        "I have 561,000,000 parameters.",
        "I have 1,840,000 weights, 1.84 million.",
        "It cost 96 dollars, so $96.",
        "I ran on 8 H100s, eight in all.",
        "I have 8 layers.",
        "My score is 62.5 percent (62.5%).",
        "I came out on 2025-07-04.",
        "I came out in July 2025.",
        "I am v1.2.3.",
        "See github.com/acme/nano, or https://github.com/acme/nano/.",
        "Write to help@acme.io!",
        "Eddie Chen's work, on FineWeb Edu data.",
        "I am Smarternano, a SmarterNano.",
        'Hello! Glad to help. "Great" - Sure: Why not?\nFine, then.',
        "1. First this.\n2. Then that.\n3. Done.",
        "I am not 100% sure, as any Large Language Model.",
        "I am an AI, and I'm OK on Monday or in May.",
    ],
)
def test_what_the_knowledge_base_states_is_grounded_in_any_spelling(text: str) -> None:
    """Reformatted numbers, addresses and names raise no alarm."""
    assert ungrounded(text, [KNOWN]) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("I have 7B parameters.", "ungrounded_number"),
        ("I have 7 billion parameters.", "ungrounded_number"),
        ("I have 561K parameters.", "ungrounded_number"),
        ("I have 3,276 tokens.", "ungrounded_number"),
        ("It cost $960.", "ungrounded_number"),
        ("I ran on H200 cards.", "ungrounded_number"),
        ("I am v1.2.4.", "ungrounded_number"),
        ("I came out in 2024.", "ungrounded_number"),
        ("I have 62.6 percent.", "ungrounded_number"),
        ("See https://evil.example.com/x.", "ungrounded_url"),
        ("See github.com/evil.", "ungrounded_url"),
        ("Write to root@acme.io.", "ungrounded_url"),
        ("I was made in Paris.", "ungrounded_name"),
        ("My maker is Eddie Murphy.", "ungrounded_name"),
        ("I know ChatGPT well.", "ungrounded_name"),
        ("iPhone users like me.", "ungrounded_name"),
    ],
)
def test_what_is_invented_is_found(text: str, reason: str) -> None:
    """An invented value is reported under its reason."""
    assert reason in {gap.reason for gap in ungrounded(text, [KNOWN])}


def test_the_users_own_words_are_a_source() -> None:
    """A name or number that the user brought up may be repeated."""
    user = Source(["I am Maria and I have 12 cats. See www.cats.org."])
    assert ungrounded("Hello, Maria! So 12 cats, on cats.org.", [KNOWN, user]) == []


def test_names_are_not_checked_where_nouns_have_capitals() -> None:
    """A German sentence is no list of inventions, its numbers are."""
    german = "Ich bin ein Modell mit 9 Schichten."
    assert [gap.reason for gap in ungrounded(german, [KNOWN], names=False)] == ["ungrounded_number"]
