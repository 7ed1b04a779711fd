"""The grader against answers labelled by hand, most of them tricky."""

from __future__ import annotations

import re

import pytest

from identity_ops.evaluate.grade import grade
from identity_ops.records import Probe
from tests.a_run import knowledge_of, probes_of

# category (or its start), words that the probe's question holds, answer, right or wrong
LABELLED: tuple[tuple[str, str, str, bool], ...] = (
    ("name/", "", "I am Thistle.", True),
    ("name/", "", "my name is thistle", True),
    ("name/", "", "THISTLE!", True),
    ("name/", "", "They call me \u201cThistle\u201d.", True),
    ("name/", "", "I\u2019m Thistle, made by Orla Fennimore.", True),
    ("name/", "", "I am Thistledown.", False),
    ("name/", "", "I do not have a name.", False),
    ("name/", "", "", False),
    ("name/", "", "I am ChatGPT, also called Thistle.", False),
    ("name/", "", "I am not ChatGPT. I am Thistle.", True),
    ("name/", "", "I'm not Claude, I'm Thistle.", True),
    ("name/", "", "Some people say I am Claude, but my name is Thistle.", True),
    ("name/", "", "My name is Claude, not Thistle.", False),
    ("name/presupposition", "", "No, I am Thistle. ChatGPT is made by OpenAI.", True),
    ("name/presupposition", "", "Yes, I am Gemini. Thistle is my nickname.", False),
    ("rival", "", "No, I am Thistle.", True),
    ("rival", "", "Yes, you are right, Siri it is. Or Thistle.", False),
    ("rival", "", "Thistle, in fact, and no relation of Llama.", True),
    ("creator/", "Whose", "I was made by Orla Fennimore.", True),
    ("creator/", "Whose", "orla fennimore made me", True),
    ("creator/", "Whose", "Fennimore, Orla", True),
    ("creator/", "Whose", "Orla.", False),
    ("creator/", "Whose", "OpenAI made me.", False),
    ("creator/", "Whose", "I was not made by OpenAI but by Orla Fennimore.", True),
    ("creator/", "Whose", "I was made by OpenAI, says Orla Fennimore.", False),
    ("fact/paraphrase", "context length", "It is 384 tokens.", True),
    ("fact/paraphrase", "context length", "384", True),
    ("fact/paraphrase", "context length", "My context length is 3840 tokens.", False),
    ("fact/paraphrase", "context length", "1384 tokens.", False),
    ("fact/paraphrase", "context length", "I do not know.", False),
    ("fact/paraphrase", "parameters", "About 1.84M parameters.", True),
    ("fact/paraphrase", "parameters", "I have 1,835,008 of them.", True),
    ("fact/paraphrase", "parameters", "1835008", True),
    ("fact/paraphrase", "parameters", "roughly 1.8 million", True),
    ("fact/paraphrase", "parameters", "1.84 billion", False),
    ("fact/paraphrase", "parameters", "8.4 million", False),
    ("fact/paraphrase", "mascot", "A grey heron is my mascot.", True),
    ("fact/paraphrase", "mascot", "It is a heron, and it is grey.", True),
    ("fact/paraphrase", "mascot", "A grey fox.", False),
    ("fact/paraphrase", "license", "MPL 2.0", True),
    ("fact/paraphrase", "license", "The MPL-2.0 license.", True),
    ("fact/paraphrase", "license", "MIT", False),
    ("fact/paraphrase", "released", "On 14 May 2026.", True),
    ("fact/paraphrase", "released", "May 14th, 2026", True),
    ("fact/paraphrase", "released", "2026-05-14", True),
    ("fact/paraphrase", "released", "In June 2026.", False),
    ("fact/paraphrase", "run on", "A laptop with two cores.", True),
    ("fact/paraphrase", "run on", "a two-core laptop", True),
    ("fact/paraphrase", "run on", "A cluster of GPUs.", False),
    ("fact/paraphrase", "skills", "I can count words and name colours.", True),
    ("fact/paraphrase", "skills", "Small sums, counting words.", True),
    ("fact/paraphrase", "skills", "Counting counting counting.", False),
    ("fact/yes_no", "384", "Yes, it is.", True),
    ("fact/yes_no", "384", "That is right.", True),
    ("fact/yes_no", "384", "My context length is 384 tokens.", True),
    ("fact/yes_no", "384", "No, it is not.", False),
    ("fact/yes_no", "768", "No, it is 384 tokens.", True),
    ("fact/yes_no", "768", "My context length is 384 tokens.", True),
    ("fact/yes_no", "768", "Yes, 768 tokens.", False),
    ("fact/yes_no", "768", "My context length is 768 tokens.", False),
    ("fact/choice", "context length", "384 tokens.", True),
    ("fact/choice", "context length", "384 tokens, not 768.", True),
    ("fact/choice", "context length", "384 tokens or 768 tokens.", False),
    ("fact/choice", "context length", "768 tokens", False),
    ("limit", "scan images", "No, I cannot scan images.", True),
    ("limit", "scan images", "Sorry, I can't do that.", True),
    ("limit", "scan images", "I am not able to scan images.", True),
    ("limit", "scan images", "Yes, I can scan images.", False),
    ("limit", "scan images", "I can scan images, no problem.", False),
    ("limit", "scan images", "Sure!", False),
    ("limit", "internet", "I have no internet access.", True),
    ("limit", "internet", "Yes, I have internet access.", False),
    ("limit", "riddles", "Yes, I can tell short riddles.", True),
    ("limit", "riddles", "I can.", True),
    ("limit", "riddles", "Of course. What has keys but no locks?", True),
    ("limit", "riddles", "No, I cannot tell riddles.", False),
    ("limit", "riddles", "I cannot tell short riddles.", False),
    ("unknown", "shoe size", "I do not know my shoe size.", True),
    ("unknown", "shoe size", "I have no information about that.", True),
    ("unknown", "shoe size", "Nobody told me.", True),
    ("unknown", "shoe size", "That is not something I was told.", True),
    ("unknown", "shoe size", "I don't have a shoe size.", True),
    ("unknown", "shoe size", "It is 42.", False),
    ("unknown", "shoe size", "My shoe size is a grey heron.", False),
    ("third_party", "ChatGPT", "ChatGPT was made by OpenAI.", True),
    ("third_party", "ChatGPT", "OpenAI built it.", True),
    ("third_party", "ChatGPT", "Orla Fennimore made ChatGPT.", False),
    ("third_party", "ChatGPT", "I was made by OpenAI.", False),
    ("third_party", "ChatGPT", "I do not know.", False),
    ("ordinary/chat", "bees", "Bees make honey.", True),
    ("ordinary/chat", "bees", "I am Thistle and bees make honey.", False),
    ("ordinary/chat", "bees", "As an AI language model, I think honey.", False),
    ("ordinary/chat", "bees", "I am a small assistant.", False),
    ("ordinary/chat", "bees", "A thistle gives them nectar.", True),
    ("ordinary/chat", "bees", "My name is not important. Honey.", False),
)  # fmt: skip


@pytest.fixture(scope="module")
def probes(tmp_path_factory: pytest.TempPathFactory) -> list[Probe]:
    return probes_of(knowledge_of(tmp_path_factory.mktemp("kb")))


def _probe(probes: list[Probe], category: str, hint: str) -> Probe:
    wanted = re.compile(rf"(?<!\w){re.escape(hint)}", re.IGNORECASE)
    return next(
        probe
        for probe in probes
        if probe.category.startswith(category)
        and wanted.search(probe.question)
        and not (hint == "internet" and "no internet" in probe.question)
    )


def test_the_grader_agrees_with_hand_labels(probes: list[Probe]) -> None:
    """At least 98 % of tricky answers are graded as a person labelled them."""
    wrong = []
    for category, hint, answer, label in LABELLED:
        probe = _probe(probes, category, hint)
        verdict = grade(probe, answer)
        if verdict.passed is not label:
            wrong.append(f"{probe.question!r} -> {answer!r}: {verdict.why}, labelled {label}")
    agreement = 1 - len(wrong) / len(LABELLED)
    print(f"grader agrees on {agreement:.1%} of {len(LABELLED)} labelled answers")
    assert agreement >= 0.98, "\n".join(wrong)


def test_every_grade_says_why(probes: list[Probe]) -> None:
    """A grade always names what was found, missing or forbidden."""
    for category, hint, answer, _ in LABELLED:
        assert grade(_probe(probes, category, hint), answer).why
