"""Questions by what an amount is: nobody asks "what is your refund period" who wants to know."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from identity_ops.knowledge import read_knowledge
from identity_ops.teachers.template.fact_talk import FactTalk
from identity_ops.teachers.template.identity_talk import IdentityTalk
from identity_ops.teachers.template.subject import Subject

SAID = {
    "Premium plan: NZ$4.99 per month": "How much does the premium plan cost?",
    "Monthly cost: EUR 40": "How much is your monthly cost?",
    "Refund period: 14 days": "How long is the refund period?",
    "Free tier: 50 reviews/month": "How many reviews do I get with the free tier?",
    "Model file: 3.1 GB": "How big is your model file?",
    "Uptime: 99.9 %": "How high is your uptime?",
    "Memory needed: 2 GB": "How much memory do you need?",
    "Founded: 2024, Leeds": "In which year were you founded?",
    "Hosted in: Frankfurt": "Where are your servers?",
    "Admission costs 14 euros for adults.": "How much does admission cost?",
    "Fine-tuning cost approximately 310 \N{EURO SIGN}.": "How much did fine-tuning cost?",
    "Fine-tuning took 36 hours.": "How many hours did fine-tuning take?",
    "The museum is open from 10:00 to 17:30.": "When is the museum open?",
    "Conversations are deleted after 30 days.": "After how many days are conversations deleted?",
    "Support answers within two working days": "How quickly does support reply?",
    "Its source code is on Codeberg": "Where can I find your source code?",
    "Bug reports go to the issue tracker": "Where do I send bug reports?",
    "It knows nothing that happened after August 2025": "When does your knowledge end?",
    "Its knowledge stops in March 2025": "When does your knowledge end?",
    "First released: 3 March 2026": "When did you come out?",
    "The museum opens at 10:00 and closes at 17:00": "When does the museum close?",
    "The shop is on the second floor": "Where can I find the shop?",
    "Licence: Apache 2.0": "Are you open source?",
    "Training hardware: one RTX 4090": "What GPU were you trained on?",
    "It says so when it does not know": "What do you do when you do not know something?",
}


def subject_of(folder: Path, *lines: str) -> Subject:
    rows = ["# Wren", "- Name: Wren", "- Creator: Ada Holm", "## Details", *lines]
    (folder / "kb.md").write_text("\n\n".join(rows))
    return Subject.of(read_knowledge(folder / "kb.md"))


@pytest.mark.parametrize("line", SAID)
def test_an_amount_is_asked_for_as_people_ask(line: str, tmp_path: Path) -> None:
    """And answered with the fact, not with a yes."""
    subject = subject_of(tmp_path, line)
    (fact,) = (f for f, asked in subject.questions.items() if SAID[line] in asked)
    talk = FactTalk(subject, subject.facts[fact], random.Random(1))
    said = next(e for e in iter(talk.ask_own, None) if e.user == SAID[line])
    assert said.bot == f"{talk.said[0].upper()}{talk.said[1:]}."


@pytest.mark.parametrize("line", ["Age: 3 years", "Motto: 14 days a fortnight", "Layers: 24"])
def test_no_question_that_does_not_fit(line: str, tmp_path: Path) -> None:
    """ "How long is your age?" """
    asked = " ".join(t for texts in subject_of(tmp_path, line).questions.values() for t in texts)
    assert "How long is your" not in asked


def test_what_two_facts_would_answer_is_asked_of_neither(tmp_path: Path) -> None:
    subject = subject_of(tmp_path, "Founded: 2020, Leeds", "Launched: 2020, Leeds",
                         "Hosted in: Bonn", "Running on: Azure in Bonn")  # fmt: skip
    texts = [text for texts in subject.questions.values() for text in texts]
    assert len(texts) == len(set(texts))


def test_a_greeting_before_the_question_does_not_swallow_it(tmp_path: Path) -> None:
    """ "Good evening, who made you?" asks for the maker."""
    talk = IdentityTalk(subject_of(tmp_path), random.Random(3))
    exchanges = [talk.creator() for _ in range(400)]
    led = [e for e in exchanges if e.user.startswith(("Hello", "Hi", "Hey", "Good"))]
    assert len(led) > 20
    assert all("Ada Holm" in e.bot for e in led)


ABLE = {
    "Summarises meeting notes of up to 3,000 words": "Can you summarise my meeting notes?",
    "Drafts short e-mails in English and Estonian": "Could you draft short e-mails?",
    "Explains spreadsheet formulas": "Can you explain spreadsheet formulas?",
    "Can translate leaflets for nurses": "Can you translate my leaflets?",
}
UNABLE = {
    "Cannot open attachments": "Could you open my attachments?",
    "No access to calendars": "Could you check my calendars?",
    "Must not give legal advice": "Can you act as my lawyer?",
}


@pytest.mark.parametrize(("section", "line", "asked", "verdict"), [
    *(("Capabilities", line, asked, "Yes, ") for line, asked in ABLE.items()),
    *(("Limitations", line, asked, "No, ") for line, asked in UNABLE.items()),
])  # fmt: skip
def test_a_deed_is_asked_for_as_people_ask(
    section: str, line: str, asked: str, verdict: str, tmp_path: Path
) -> None:
    """With "can you", of their own things, and without what was added to it."""
    subject = subject_of(tmp_path, f"## {section}", f"- {line}")
    (fact,) = (f for f, texts in subject.questions.items() if asked in texts)
    talk = FactTalk(subject, subject.facts[fact], random.Random(1))
    told = {e.bot for e in (talk.ask_own() for _ in range(300)) if e.user == asked}
    assert f"{verdict}{talk.said}." in told


@pytest.mark.parametrize(("section", "line", "never"), [
    ("Limitations", "Cannot read files of over 5 MB", "Can you read files?"),
    ("Capabilities", "Can say which of two numbers is larger", "Can you say which?"),
    ("Capabilities", "Works without the internet", "Can you work?"),
    ("Capabilities", "Can tell short jokes", "Can you tell my short jokes?"),
])  # fmt: skip
def test_no_deed_is_cut_to_what_it_does_not_mean(
    section: str, line: str, never: str, tmp_path: Path
) -> None:
    """Who cannot read large files can read others."""
    subject = subject_of(tmp_path, f"## {section}", f"- {line}")
    assert not any(never in texts for texts in subject.questions.values())


def test_a_label_has_the_better_claim_to_a_question(tmp_path: Path) -> None:
    """ "Knowledge cutoff" over a sentence that says the same."""
    subject = subject_of(tmp_path, "- Knowledge cutoff: May 2025", "- Knows nothing after May 2025")
    (fact,) = (f for f, texts in subject.questions.items()
               if "When does your knowledge end?" in texts)  # fmt: skip
    assert subject.facts[fact].attribute == "Knowledge cutoff"


@pytest.mark.parametrize(
    ("told", "asked"),
    [("a software studio in Tartu, Estonia", "based?"), ("a retired teacher", "Who is ")],
)
def test_what_the_maker_is_can_be_asked_where_it_is_told(
    told: str, asked: str, tmp_path: Path
) -> None:
    """ "Creator: Ada Holm, a software studio in Tartu" says more than a name."""
    (tmp_path / "kb.md").write_text(f"# Wren\n\n- Name: Wren\n- Creator: Ada Holm, {told}\n")
    talk = IdentityTalk(Subject.of(read_knowledge(tmp_path / "kb.md")), random.Random(3))
    found = [e for e in (talk.creator() for _ in range(600)) if e.bot == f"Ada Holm is {told}."]
    assert any(asked in e.user for e in found)
    placed = any("Where" in e.user for e in found)
    assert placed == ("Tartu" in told)


MEMORY = {
    "Forgets everything between conversations": "No, I forget everything between conversations.",
    "Starts fresh with every new chat": "No, I start fresh with every new chat.",
    "Has no long-term memory": "No, I do not have long-term memory.",
    "Does not remember earlier conversations": "No, I do not remember earlier conversations.",
    "Remembers past chats": "Yes, I remember past chats.",
}


@pytest.mark.parametrize("line", MEMORY)
def test_a_question_for_the_opposite_is_answered_the_other_way_round(
    line: str, tmp_path: Path
) -> None:
    """Do you remember me tomorrow? No, for all is forgotten."""
    subject = subject_of(tmp_path, f"- {line}")
    asked = "remember me tomorrow?"
    (fact,) = (f for f, texts in subject.questions.items() if any(asked in t for t in texts))
    talk = FactTalk(subject, subject.facts[fact], random.Random(1))
    told = {e.bot for e in (talk.ask_own() for _ in range(300)) if asked in e.user}
    assert MEMORY[line] in told
    other = "Yes" if MEMORY[line].startswith("No") else "No"
    assert not any(bot.startswith(other) for bot in told)


def test_two_statements_that_say_the_same_share_their_questions(tmp_path: Path) -> None:
    """The first answers what both would; where they disagree neither does."""
    same = subject_of(tmp_path, "- Cannot browse the web", "- Has no internet access")
    owners = [f for f, texts in same.questions.items() if "Can you go online?" in texts]
    assert [same.facts[f].value for f in owners] == ["Cannot browse the web"]
    differ = subject_of(tmp_path, "- Can browse the web", "- Has no internet access")
    assert not any("online" in text for texts in differ.questions.values() for text in texts)
