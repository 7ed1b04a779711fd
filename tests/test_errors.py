"""Errors carry what, where, expected, got and what to do, also across processes."""

from __future__ import annotations

import pickle

from identity_ops.errors import ConfigError, ProviderError, RejectedError


def test_an_error_survives_a_process_pool() -> None:
    """Keyword-only parts and the message are the same after pickling."""
    error = ProviderError("busy", where="id-1", expected=200, got=429, todo="Wait.", retry_after=3)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (type(again), str(again), again.retry_after) == (ProviderError, str(error), 3)
    assert str(error) == "id-1: busy (expected 200, got 429). Wait."


def test_what_to_do_follows_as_a_sentence_of_its_own() -> None:
    """After a clause, a sentence or a list: never two full stops, never one at a line's start."""
    said = [str(ConfigError(what, todo="Wait.")) for what in ("busy", "It is busy.", "all:\n  a\n")]
    assert said == ["busy. Wait.", "It is busy. Wait.", "all:\n  a\nWait."]


def test_a_rejection_keeps_its_reason() -> None:
    """The reason code is counted, the message explains."""
    again = pickle.loads(pickle.dumps(RejectedError("rival_claim", "says it is X")))  # noqa: S301
    assert (again.reason, str(again)) == ("rival_claim", "says it is X")
