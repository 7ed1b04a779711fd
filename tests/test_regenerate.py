"""What the calendar or a changed knowledge base asks for: which run, with which conf and name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from identity_ops.config import RunConfig
from identity_ops.errors import ConfigError, PathError
from identity_ops.regenerate import (
    Cause,
    Made,
    Settings,
    Wanted,
    changed,
    knowledge_state,
    reason_to_skip,
    refuse_unknown,
    wanted,
)
from identity_ops.store.paths import Home

MOMENT = datetime(2026, 11, 21, 14, 30, tzinfo=UTC)


@pytest.fixture
def kb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IDENTITY_ALLOWED_ROOTS", str(tmp_path))
    path = tmp_path / "kb.md"
    path.write_text("# Wren\n")
    return path


def _ask(kb: Path, moment: datetime = MOMENT, **conf: object) -> Wanted:
    settings = Settings(conf={"knowledge": str(kb), **conf}, skip_unchanged=False)
    return wanted(settings, moment, Home(Path("/nowhere")))


def test_a_trigger_cannot_say_what_the_variable_says() -> None:
    """Airflow hands on any key of a conf; dropped in silence, it would be money for other data."""
    refuse_unknown({"skip_unchanged": True})
    with pytest.raises(ConfigError, match=r"unknown: knowledge, seed .*identity_regenerate_conf"):
        refuse_unknown({"seed": 4, "knowledge": "mine.md", "skip_unchanged": True})


def test_the_week_is_the_seed(kb: Path) -> None:
    """Each ISO week has another one, also over a change of year."""
    assert _ask(kb).seed == 202647
    assert _ask(kb, datetime(2027, 1, 3, 12, tzinfo=UTC)).seed == 202653
    assert _ask(kb, datetime(2027, 1, 4, 12, tzinfo=UTC)).seed == 202701


def test_the_week_is_the_same_in_every_time_zone(kb: Path) -> None:
    """Workers in two places must not ask for two weeks."""
    elsewhere = datetime(2026, 11, 23, 1, tzinfo=timezone(timedelta(hours=9)))
    assert _ask(kb, elsewhere).seed == 202647


def test_the_conf_is_the_variable_s_with_the_seed(kb: Path) -> None:
    """Defaults are left to identity_sft, whose form then shows what was chosen."""
    asked = _ask(kb, num_conversations=20)
    assert asked.conf == {"knowledge": str(kb), "num_conversations": 20, "seed": 202647}
    assert RunConfig.parse(asked.conf).seed == 202647


def test_a_retry_names_the_same_run_and_another_moment_another_one(kb: Path) -> None:
    """The first is what keeps a retry from a second run; two events are two runs."""
    assert _ask(kb).run_id == _ask(kb).run_id
    assert _ask(kb).run_id != _ask(kb, MOMENT + timedelta(seconds=1)).run_id
    assert "2026-W47" in _ask(kb).run_id


def test_the_fingerprint_is_of_content_and_settings(kb: Path) -> None:
    """Saving without a change is none; the knowledge base, its companions and settings are."""
    before = _ask(kb).fingerprint
    kb.write_text("# Wren\n")
    assert _ask(kb).fingerprint == before
    assert _ask(kb, MOMENT + timedelta(days=30)).fingerprint == before
    assert _ask(kb, publish_as="other").fingerprint == before
    assert _ask(kb, temperature=0.5).fingerprint != before
    prompt = kb.with_name("prompt.txt")
    prompt.write_text("a")
    one = _ask(kb, prompt_file=str(prompt)).fingerprint
    prompt.write_text("b")
    assert len({before, one, _ask(kb, prompt_file=str(prompt)).fingerprint}) == 3
    kb.write_text("# Wren, again\n")
    assert _ask(kb).fingerprint != before


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        ('{"num_conversation": 5}', "did you mean num_conversations"),
        ('{"num_conversations": "many", "teacher": "bard"}', "teacher"),
        ('{"seed": 3}', "comes from the week"),
        ('{"skip_unchanged": "yes"}', "true or false"),
    ],
)
def test_a_wrong_variable_is_named(text: str, says: str) -> None:
    """Whoever reads the task's log learns which Variable to correct, and how."""
    with pytest.raises(ConfigError, match=says) as caught:
        Settings.parse(text)
    assert str(caught.value).startswith("Variable identity_regenerate_conf:")


def test_the_variable_may_say_to_skip_unchanged() -> None:
    """It is a setting of regeneration, no parameter of the run."""
    settings = Settings.parse('{"skip_unchanged": true, "epochs": 3}')
    assert settings == Settings({"epochs": 3}, skip_unchanged=True)


def test_a_missing_or_foreign_file_is_refused_before_a_run_exists(kb: Path) -> None:
    """identity_sft would refuse it too, a run later."""
    with pytest.raises(ConfigError, match="no such file"):
        _ask(kb.with_name("gone.md"))
    with pytest.raises(PathError):
        _ask(Path("/etc/passwd"))


def _skip(asked: Wanted, cause: Cause, past: list[Made], *, skip_unchanged: bool = False) -> str:
    return reason_to_skip(asked, cause, past, skip_unchanged=skip_unchanged) or ""


ASKED = Wanted("now", {}, "f2", 202647)
SAME = Made("same", "f2", 202647)
LAST_WEEK = Made("last-week", "f2", 202646, succeeded=True)
OTHER = Made("other", "f1", 202647)


def test_nothing_made_yet_is_no_reason_to_skip() -> None:
    for cause in ("schedule", "knowledge", "person"):
        assert not _skip(ASKED, cause, [], skip_unchanged=True)


def test_a_knowledge_base_changed_back_is_a_change() -> None:
    """What counts is the last run, not whether the content was ever seen."""
    assert "same" in _skip(ASKED, "knowledge", [OTHER, SAME])
    assert not _skip(ASKED, "knowledge", [SAME, OTHER])


def test_each_week_makes_fresh_data_once() -> None:
    """A new week is a new seed; a change that came on Tuesday has made this week's already."""
    assert not _skip(ASKED, "schedule", [LAST_WEEK])
    assert "same" in _skip(ASKED, "schedule", [LAST_WEEK, SAME])


def test_unchanged_is_skipped_only_on_demand_and_after_a_success() -> None:
    """A failed run is no reason to make nothing this week."""
    assert "last-week" in _skip(ASKED, "schedule", [LAST_WEEK], skip_unchanged=True)
    failed = Made("failed", "f2", 202646)
    assert not _skip(ASKED, "schedule", [failed], skip_unchanged=True)
    newer = Made("newer", "f1", 202646, succeeded=True)
    assert not _skip(ASKED, "schedule", [LAST_WEEK, newer], skip_unchanged=True)
    assert "last-week" in _skip(ASKED, "person", [LAST_WEEK], skip_unchanged=True)


def test_a_person_is_never_told_no_without_having_asked_for_it() -> None:
    assert not _skip(ASKED, "person", [SAME])


def test_a_retry_does_not_see_itself() -> None:
    """The first try had noted the run before it was lost."""
    assert not _skip(ASKED, "knowledge", [OTHER, Made("now", "f2", 202647)])


def test_an_edit_a_new_file_and_a_deleted_one_are_seen(kb: Path) -> None:
    """Files in the allowed folder and in knowledge/ are watched, others are not."""
    first = knowledge_state()
    assert any(path.endswith("knowledge/self_knowledge.md") for path in first)
    kb.write_text("# Wren, again\n")
    (kb.parent / "notes.txt").write_text("x")
    new = kb.with_name("new.md")
    new.write_text("x")
    second = knowledge_state()
    assert changed(first, second) == sorted([str(kb), str(new)])
    new.unlink()
    assert changed(second, knowledge_state()) == [str(new)]
