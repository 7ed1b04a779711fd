"""Answers written together are what they are alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from identity_ops.errors import DataError
from identity_ops.records import Message
from tests.training.small import WORDS, talk
from training.answer import Speaker
from training.engine import Sampling
from training.serve.lane import Answer, Done, Event, Failed, Lane, Piece

STEPS = 500


@pytest.fixture(scope="module")
def speaker(base: Path) -> Speaker:
    return Speaker.load(base)


class Asked:
    """An answer and what was told of it."""

    def __init__(self, speaker: Speaker, text: str, how: Sampling, *stop: str) -> None:
        self.events: list[Event] = []
        self.answer = Answer(speaker.prompt(talk(text)), how, stop, self.events.append)

    @property
    def text(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, Piece))

    @property
    def end(self) -> Event:
        return self.events[-1]


def finish(lane: Lane) -> None:
    """Step until there is nothing to do."""
    for _ in range(STEPS):
        if not lane.step():
            return
    raise AssertionError("the lane does not come to an end")


def questions(speaker: Speaker, count: int, temperature: float) -> list[Asked]:
    return [
        Asked(
            speaker, " ".join(WORDS[: n % 7 + 1]) + str(n),
            Sampling(max_tokens=3 + 5 * n % 17, temperature=temperature, seed=n),
        )
        for n in range(count)
    ]  # fmt: skip


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_answers_that_come_and_go_are_what_they_are_alone(
    speaker: Speaker, temperature: float
) -> None:
    """Twelve of other lengths for four rows, joining at any step."""
    together, lane = questions(speaker, 12, temperature), Lane(speaker, rows=4)
    for asked in together:
        lane.submit(asked.answer)
        lane.step()
        assert len(lane.writing) <= 4
    finish(lane)
    for asked, alone in zip(together, questions(speaker, 12, temperature), strict=True):
        single = Lane(speaker, rows=1)
        single.submit(alone.answer)
        finish(single)
        assert asked.events[-1] == alone.end
        assert asked.text == alone.text


def test_an_answer_is_that_of_the_whole_decoder(speaker: Speaker) -> None:
    """As `answer` gives it to the evaluation: one model, one answer."""
    asked = questions(speaker, 1, 0.0)[0]
    lane = Lane(speaker, rows=2)
    lane.submit(asked.answer)
    finish(lane)
    how = asked.answer.how
    assert speaker.answers([("x", talk("red0"))], how)["x"] == asked.text


def test_a_cancelled_answer_frees_its_row(speaker: Speaker) -> None:
    """Whether it was being written or still waiting; the next one takes the place."""
    how = Sampling(max_tokens=60, temperature=2.0)
    first, second, third = (Asked(speaker, text, how) for text in ("red", "blue", "green"))
    lane = Lane(speaker, rows=1)
    for asked in (first, second, third):
        lane.submit(asked.answer)
    lane.step()
    first.answer.cancel()
    second.answer.cancel()
    told = len(first.events)
    lane.step()
    assert lane.writing == [third.answer]
    assert len(first.events) == told
    assert second.events == []


def test_the_limit_and_a_stop_string_are_told_apart(speaker: Speaker) -> None:
    """The reasons of the OpenAI API; tokens are counted without the one that ends it."""
    how = Sampling(max_tokens=12, temperature=1.0, seed=1)
    whole = Asked(speaker, "red", how)
    lane = Lane(speaker, rows=2)
    lane.submit(whole.answer)
    finish(lane)
    assert whole.end == Done("length", 12)
    stop = whole.text[4:7]
    cut = Asked(speaker, "red", how, stop)
    lane.submit(cut.answer)
    finish(lane)
    assert isinstance(cut.end, Done)
    assert cut.end.reason == "stop"
    assert cut.text == whole.text[: whole.text.index(stop)]


def test_a_failure_is_told_and_the_next_answer_is_written(
    speaker: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Out of memory, for instance: the server goes on."""
    lane = Lane(speaker, rows=2)
    broken, whole = (Asked(speaker, "red", Sampling(max_tokens=4)) for _ in range(2))
    with monkeypatch.context() as patch:
        patch.setattr(speaker.model, "head", lambda hidden: hidden.no_such_thing)
        lane.submit(broken.answer)
        lane.step()
    assert broken.end == Failed("the model failed: AttributeError")
    lane.submit(whole.answer)
    finish(lane)
    assert isinstance(whole.end, Done)


def test_old_turns_make_room_and_the_system_message_stays(speaker: Speaker) -> None:
    """The newest turns that leave the room asked for."""
    system = [Message(role="system", content="blue")]
    turns = talk(*(f"{word} house" for word in WORDS))
    messages = [*system, *turns]
    ids, left_out = speaker.fit(messages, 60)
    assert 0 < left_out < len(turns)
    assert left_out % 2 == 0
    assert len(ids) <= speaker.context - 60
    kept = [*system, *turns[left_out:]]
    assert ids == speaker.prompt(kept)
    fewer = [*system, *turns[left_out - 2 :]]
    assert len(speaker.prompt(fewer)) > speaker.context - 60
    with pytest.raises(DataError):
        speaker.fit(talk("a", "b"), 10)
