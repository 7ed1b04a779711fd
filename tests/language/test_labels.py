"""Labels of every kind, also ones never seen before, become questions and answers."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from identity_ops.knowledge import read_knowledge
from identity_ops.language import phrase_all
from identity_ops.teachers.template.fact_talk import FactTalk
from identity_ops.teachers.template.subject import Subject
from tests.language.facts import PIP, fact, phrased, rows

BOOLEANS = [
    ("Supports dark mode", "yes", "do you support dark mode", "I support dark mode."),
    ("Internet access", "No", "do you have internet access", "I do not have internet access."),
    ("Open source", "true", "are you open source", "I am open source."),
    ("HEPA filter", "yes", "do you have a HEPA filter", "I have a HEPA filter."),
    ("HDMI port", "no", "do you have an HDMI port", "I do not have an HDMI port."),
    ("Can see images", "No", "can you see images", "I cannot see images."),
    ("Images", "no", "do you support images", "I do not support images."),
    ("GPU required", "No", "do you require a GPU", "I do not require a GPU."),
    ("Login needed", "no", "do you need a login", "I do not need a login."),
    ("Memory between chats", "none", "do you have memory between chats",
     "I do not have memory between chats."),
    ("Web search", "not supported", "do you have web search", "I do not have web search."),
    ("Encrypted", "yes", "are you encrypted", "I am encrypted."),
    ("Does it store data?", "No", "do you store data", "I do not store data."),
    ("Data collected", "no", "do you collect data", "I do not collect data."),
    ("Works on Sundays", "yes", "do you work on Sundays", "I work on Sundays."),
    ("GDPR compliant", "yes", "are you GDPR compliant", "I am GDPR compliant."),
    ("ISO 27001 certified", "yes", "are you ISO 27001 certified", "I am ISO 27001 certified."),
    ("Kid friendly", "yes", "are you kid friendly", "I am kid friendly."),
    ("HIPAA-ready", "no", "are you HIPAA-ready", "I am not HIPAA-ready."),
    ("Self-hosted", "no", "are you self-hosted", "I am not self-hosted."),
    ("Sentient", "no", "are you sentient", "I am not sentient."),
    ("Tool calling enabled", "no", "do you have tool calling", "I do not have tool calling."),
    ("API available", "yes", "do you have an API", "I have an API."),
    ("Works offline", "yes", "do you work offline", "I work offline."),
    ("Emoji", "Never used.", "do you use emoji", "I never use emoji."),
    ("Emoji", "never used", "do you use emoji", "I never use emoji."),
    ("Chats", "not stored on disk", "do you store chats on disk", "I do not store chats on disk."),
    ("Dogs", "not allowed, except guide dogs", "do you allow dogs, except guide dogs",
     "I do not allow dogs, except guide dogs."),
    ("Data", "is never sold", "do you sell data", "I never sell data."),
]  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            "- Explains formulas\n  - in Calc\n  - in Sheets",
            "I explain formulas in Calc and in Sheets",
        ),
        ("- Names weeds: from a description", "I name weeds from a description"),
        ("- Writes poems: haiku, limericks", "I write poems: haiku, limericks"),
        ("- Tests supported: unit, load", "my tests supported are unit, load"),
    ],
)
def test_a_deed_over_a_list_is_told_as_a_deed(lines: str, said: str, tmp_path: Path) -> None:
    """Not "my explains formulas are in Calc"."""
    head = "# Pip\n\n- Name: Pip\n- Creator: Otter Lab\n\n## Capabilities\n\n"
    (tmp_path / "kb.md").write_text(f"{head}{lines}\n")
    subject = Subject.of(read_knowledge(tmp_path / "kb.md"))
    *_, found = subject.facts.values()
    assert FactTalk(subject, found, random.Random(1)).said == said


@pytest.mark.parametrize("row", rows("labels.tsv"), ids=lambda row: row["label"])
def test_label_reads_right(row: dict[str, str]) -> None:
    """Each label gives the question and the answer that a person would write."""
    found = phrased(row["label"], row["value"], row["role"])
    assert (found.asked, found.declarative()) == (row["question"], row["answer"])


@pytest.mark.parametrize(("label", "value", "asked", "said"), BOOLEANS)
def test_boolean_reads_right(label: str, value: str, asked: str, said: str) -> None:
    """A yes or no under a label becomes a statement."""
    found = phrased(label, value)
    assert (found.ask(), found.declarative()) == (asked, said)


def test_comment_on_a_boolean_is_kept_apart() -> None:
    """ "No (text only)" is a no, with what was added to it."""
    found = phrased("Vision", "No (text only)")
    assert (found.negative, found.detail) == (True, "text only")


def test_people_in_brackets_keep_their_capitals() -> None:
    """A name that follows a statement is no common word."""
    assert phrased("", "Made by Otters (Ann Lee + Bo Kim)").detail == "Ann Lee + Bo Kim"


@pytest.mark.parametrize("label", ["", " ", "?", "(x)", "A", "of", "123", "Name (", "**"])
def test_odd_label_is_survived(label: str) -> None:
    """A broken label gives some sentence and no exception."""
    assert phrased(label, "some value").declarative()


def test_value_stays_as_written() -> None:
    """The value occurs verbatim in the answer, but for a small first letter."""
    for value in ("Morning on the Perfume River", "8xH100", "https://a.example/b", "$0.40", "x"):
        assert value in phrased("Odd thing", value).declarative()


def test_nickname_is_not_the_name() -> None:
    """Another name than the main one is asked for by its own label."""
    found = phrased("Nickname", "Sparky", "name")
    assert (found.style, found.declarative()) == ("attribute", "My nickname is Sparky.")
    found = phrased("Full name", "Pip the Otter", "name")
    assert (found.style, found.declarative()) == ("attribute", "My full name is Pip the Otter.")


def test_same_label_twice_is_told_apart_by_its_section() -> None:
    """Two facts called Cost under different headings have different questions."""
    facts = [
        fact("Cost", "$5", section="Subscription", id="a"),
        fact("Cost", "$900", section="Training", id="b"),
    ]
    found = phrase_all(facts, PIP)
    assert found["a"].asked == "what is your subscription cost"
    assert found["b"].asked == "what is your training cost"


def test_role_wordings_belong_to_one_fact() -> None:
    """Of two facts with the same role only the first may be asked in the role's words."""
    facts = [
        fact("Training GPU", "H100", "hardware", id="a"),
        fact("CPU", "Xeon", "hardware", id="b"),
    ]
    found = phrase_all(facts, PIP)
    assert (found["a"].role, found["b"].role) == ("hardware", "")


@pytest.mark.parametrize(
    ("label", "value", "you"),
    [
        ("Data kept for", "90 days", "your data is kept for 90 days"),
        ("Leaflets last updated", "May 2024", "your leaflets were last updated in May 2024"),
    ],
)
def test_the_user_says_your(label: str, value: str, you: str) -> None:
    """What is the bot's own is "my" for it and "your" for the user, without a noun too."""
    assert phrased(label, value).declare_you() == you


def test_list_inside_a_sentence_begins_small() -> None:
    """A verb in a list is no name."""
    items = ("Answering questions about tides", "currents")
    found = phrased(
        "Direct use", "Answering questions about tides, currents", "purpose", items=items
    )
    assert found.declarative() == "My direct use is answering questions about tides and currents."


def test_section_goes_before_a_noun_only_where_it_reads() -> None:
    """ "My training data training data" says nothing more."""
    facts = [
        fact("Training data", "poems", section="Training Data", id="a"),
        fact("Training data", "letters", section="Bias, Risks, and Limitations", id="b"),
    ]
    found = phrase_all(facts, PIP)
    assert {found[name].asked for name in "ab"} == {"what is your training data"}
