"""Bad responses: each is rejected with its own reason, and only a fence is repaired."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity_ops.curate.parse import Limits, parse_messages
from identity_ops.errors import RejectedError
from tests.curate.samples import as_json, talk

GOOD = as_json("Who are you?", "I am Pico.")
U = '{"role":"user","content":"hi"}'
A = '{"role":"assistant","content":"yo"}'


def wrap(*messages: str) -> str:
    return '{"messages":[' + ",".join(messages) + "]}"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("   \n", "empty"),
        ("```json\n```", "empty"),
        ("\0" + GOOD, "nul"),
        (wrap(U, '{"role":"assistant","content":"a\\u0000b"}'), "nul"),
        (wrap(U, '{"role":"assistant","content":"\\ud83d"}'), "lone_surrogate"),
        (wrap(U, '{"role":"assistant","content":"a\\u001b[31m"}'), "control_character"),
        ("Sure! Here it is: " + GOOD, "prose_around"),
        (GOOD + "\nHope this helps!", "prose_around"),
        (GOOD + GOOD, "prose_around"),
        ("I cannot do that.", "not_json"),
        ("{messages: []}", "not_json"),
        ("[" * 100_000, "not_json"),
        ('{"messages": 1' + "0" * 5000 + "}", "not_json"),
        (GOOD[:-3], "truncated_json"),
        (GOOD[:30], "truncated_json"),
        ('{"messages":[],"messages":[]}', "duplicate_key"),
        (wrap(U, '{"role":"user","role":"assistant","content":"x"}'), "duplicate_key"),
        ('{"messages": NaN}', "not_finite"),
        ('{"messages": [Infinity]}', "not_finite"),
        ('{"messages":[' + U + "," + A + '],"note":1}', "extra_keys"),
        (wrap(U, '{"role":"assistant","content":"x","name":"y"}'), "extra_keys"),
        ("[" + U + "," + A + "]", "structure"),
        ('{"messages": {}}', "structure"),
        ('{"messages": []}', "structure"),
        ('{"messages": ["hi"]}', "structure"),
        (wrap(U, '{"role":"assistant"}'), "structure"),
        (wrap(U, '{"role":"assistant","content":null}'), "structure"),
        (wrap(U, '{"role":"assistant","content":[{"type":"text"}]}'), "structure"),
        (wrap(U, '{"role":"bot","content":"x"}'), "bad_role"),
        (wrap('{"role":"system","content":"x"}', U, A), "system_turn"),
        (wrap(A, U), "role_order"),
        (wrap(U, U, A), "role_order"),
        (wrap(U), "role_order"),
        (wrap(U, A, U), "role_order"),
        (wrap(*[U, A] * 4), "turn_count"),
        (wrap(U, '{"role":"assistant","content":" \\n\\t "}'), "empty_turn"),
        (as_json("hi", "x" * 4001), "turn_length"),
        ('{"messages": "' + "x" * 100_001 + '"}', "oversized"),
    ],
)
def test_a_bad_response_is_rejected_with_its_reason(text: str, reason: str) -> None:
    """The reason code is the one that the report will count."""
    with pytest.raises(RejectedError) as caught:
        parse_messages(text)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "text", [GOOD, f"```json\n{GOOD}\n```", f"```\n{GOOD}\n```\n", f"  {GOOD}\n", "\ufeff" + GOOD]
)
def test_a_good_response_passes_with_or_without_a_fence(text: str) -> None:
    """A fence around the whole is the one thing that is safe to remove."""
    assert parse_messages(text) == talk("Who are you?", "I am Pico.")


def test_a_fence_inside_a_turn_stays() -> None:
    """Only the outermost fence is the teacher's."""
    text = as_json("Show code", "```python\nprint(1)\n```")
    assert parse_messages(text)[1]["content"] == "```python\nprint(1)\n```"


def test_a_higher_limit_admits_longer_conversations() -> None:
    """A language model may be allowed twelve messages; fourteen still fail."""
    limits = Limits(messages=12)
    assert len(parse_messages(wrap(*[U, A] * 6), limits)) == 12
    with pytest.raises(RejectedError, match="14 messages"):
        parse_messages(wrap(*[U, A] * 7), limits)


@given(st.text() | st.recursive(st.none() | st.text() | st.floats(), st.lists).map(json.dumps))
def test_no_text_escapes_as_another_error(text: str) -> None:
    """Whatever comes back from a provider, the answer is messages or a RejectedError."""
    with contextlib.suppress(RejectedError):
        assert len(parse_messages(text)) >= 2
