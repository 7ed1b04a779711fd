"""Grading rules that hold for any probe, a user's own included."""

from __future__ import annotations

import pytest

from identity_ops.evaluate import grade as grading
from identity_ops.evaluate.grade import MAX_ANSWER, grade
from identity_ops.records import Probe


def probe(all_of: tuple[str, ...] = (), none_of: tuple[str, ...] = ()) -> Probe:
    return Probe(id="p", category="mine", question="q", all_of=all_of, none_of=none_of)


def test_every_all_of_and_no_none_of() -> None:
    """All wanted patterns, none of the unwanted, case aside."""
    both = probe(("nano", r"\bmade\b"), ("claude",))
    assert grade(both, "NANO was made here").passed
    assert not grade(both, "nano").passed
    assert not grade(both, "nano made CLAUDE").passed


def test_an_empty_answer_passes_nothing_that_is_asked() -> None:
    """Silence fails a probe with a wish, and passes one that only forbids."""
    assert grade(probe(("a",)), "  ").why == "no answer"
    assert grade(probe((), ("a",)), "").passed


def test_typographic_quotes_are_plain_quotes() -> None:
    """A pattern with a straight apostrophe finds a curly one, and the other way round."""
    assert grade(probe(("don't",)), "I don\u2019t know").passed
    assert grade(probe(("don\u2019t",)), "I don\u2019t know").passed


def test_why_names_what_was_found_missing_or_forbidden() -> None:
    """The reason quotes the answer, or says what was wanted."""
    assert '"nano"' in grade(probe(("nano",)), "a nano b").why
    assert "512 tokens" in grade(probe(("x",)), "y", wanted="512 tokens").why
    assert '"claude"' in grade(probe((), ("claude",)), "claude").why


def test_a_very_long_answer_is_cut() -> None:
    """What stands beyond the limit does not count, so grading time is bounded."""
    assert not grade(probe(("z",)), "a" * MAX_ANSWER + "z").passed


def test_a_user_s_pattern_cannot_hold_up_an_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    """It fails its probe, and the reason says what to do."""
    monkeypatch.setattr(grading, "LIMIT_S", 0.05)
    verdict = grade(probe(("(?:a{1,1000}){1,1000}b",)), f"b{'a' * 3000}", own=True)
    assert not verdict.passed
    assert "simplify it" in verdict.why


def test_a_user_s_pattern_is_searched_as_a_built_one() -> None:
    """Whatever the case and the quotes; and what it found is said."""
    asked = probe((r"\bI'm (\w+)",), ("rival",))
    for answer in ("well, i\u2019M Thistle", "I am Thistle", "I'm a rival"):
        assert grade(asked, answer, own=True) == grade(asked, answer)
