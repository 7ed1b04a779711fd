"""The wordings themselves: filled by known slots, many, and apart from the probes'."""

from __future__ import annotations

from identity_ops.probes.frames import collisions, identity_frames
from identity_ops.teachers.template.frames import user_frames, wordings
from identity_ops.teachers.template.subject import slots_of

SLOTS = {
    "name", "creator", "kind", "rival", "vendor", "typo", "other", "np", "Np", "noun", "Noun",
    "a_noun", "be", "Be", "was", "be_it", "be_value", "value", "Value", "false", "first", "First",
    "second", "item", "Wrong", "done", "A", "B", "C", "c", "x", "q", "Q",
    "asked", "Asked", "indirect", "you", "You", "activity", "Activity", "action",
    "quality", "thing", "subject", "a", "b", "of", "unit",
}  # fmt: skip


def test_every_slot_is_known() -> None:
    """A misspelt slot, or a lone brace, would reach a conversation as an error; there is none."""
    assert {slot for frame in user_frames() for slot in slots_of(frame)} <= SLOTS


def test_attribute_has_more_than_forty_frames() -> None:
    """One noun can be asked for in well over forty wordings, and twelve noun phrases."""
    assert len(set(wordings("facts", "noun"))) + len(wordings("facts", "noun_bare")) > 40
    assert len(wordings("facts", "np")) >= 12


def test_probe_frames_are_held_out() -> None:
    """No probe wording equals a training wording or shares five words in a row with one."""
    assert collisions(identity_frames(), user_frames()) == {}


def test_no_answer_among_user_frames() -> None:
    """What the bot says is no user wording."""
    frames = set(user_frames())
    for group in ("name", "creator", "both", "greeting"):
        assert not frames & set(wordings("identity", group, "say"))


def test_frames_are_ascii() -> None:
    """Foreign wordings are romanised."""
    assert [frame for frame in user_frames() if not frame.isascii()] == []
