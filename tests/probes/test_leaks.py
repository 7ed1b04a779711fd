"""Leaks: training turns that give a probe away are found, and only those."""

from __future__ import annotations

from pathlib import Path

from identity_ops.probes.leaks import LeakFinder, leaks, masked_phrases
from identity_ops.records import Message, Probe
from tests.a_run import commit_data, knowledge_of, probes_of

PHRASES = ("Thistle", "384 tokens", "grey heron")


def ask(text: str) -> list[Message]:
    return [Message(role="user", content=text), Message(role="assistant", content="Fine.")]


def probe(question: str, category: str = "name/direct") -> Probe:
    return Probe(id=f"p-{question[:9]}", category=category, question=question, all_of=("x",))


def test_an_equal_turn_leaks_whatever_its_case_and_marks() -> None:
    """Case, punctuation, spacing and curly quotes do not hide a probe."""
    finder = LeakFinder([probe("What's your NAME, please?")], PHRASES)
    assert finder.find(ask("what\u2019s  your name please")) == "p-What's yo"
    assert finder.find(ask("What is your name, please?")) is None


def test_eight_shared_words_leak_with_values_masked() -> None:
    """A probe with its value exchanged for the bot's other value is still the probe."""
    finder = LeakFinder([probe("Would you mind saying if grey heron is it or not?")], PHRASES)
    assert finder.find(ask("Hm. Would you mind saying if 384 tokens is it or not"))
    assert finder.find(ask("Would you mind saying if that is it?")) is None


def test_only_user_turns_leak() -> None:
    """What the assistant says is no probe."""
    finder = LeakFinder([probe("Who wrote you?")], PHRASES)
    assert finder.find([Message(role="assistant", content="Who wrote you?")]) is None


def test_ability_probes_leak_by_equality_alone() -> None:
    """They share wordings with training by design; their items are held out."""
    finder = LeakFinder(
        [probe("What is the first word of this list? sun, tea", "ability/first")], PHRASES
    )
    assert finder.find(ask("What is the first word of this list? cup, key")) is None
    assert finder.find(ask("What is the first word of this list? sun, tea"))


def test_statements_are_masked_as_questions_hold_them(tmp_path: Path) -> None:
    """A long limitation in two different questions is no leak of one by the other."""
    text = "# B\n\n- **Name:** Bo\n- **Created by:** Al\n\n## Limitations\n\n" + (
        "- Cannot check whether two old medicines are safe together\n"
    )
    knowledge = knowledge_of(tmp_path, text)
    phrases = masked_phrases(["Bo"], knowledge.facts)
    asked = probe("I wonder whether you can check whether two old medicines are safe together.")
    training = ask("Tell me, can you check whether two old medicines are safe together?")
    assert LeakFinder([asked], phrases).find(training) is None
    assert LeakFinder([asked], ["Bo"]).find(training)


def test_leaks_name_conversation_and_probe(tmp_path: Path) -> None:
    """The result maps each leaking conversation to its probe and leaves the others out."""
    knowledge = knowledge_of(tmp_path)
    talks = commit_data(tmp_path, knowledge, 5)
    probes = [*probes_of(knowledge), probe("tell me THING 3")]
    assert leaks(talks, probes, PHRASES) == {"talk-3": "p-tell me T"}
