"""The checker: what of a conversation is refused, and which facts are found in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from identity_ops.curate import Checker
from identity_ops.errors import RejectedError
from identity_ops.knowledge import Knowledge, read_knowledge
from identity_ops.records import Kind
from tests.curate.samples import as_json, cell, talk

KB = """# Vela

## Basic Identity
- **Name**: Vela
- **Creator**: Mira Lindqvist
- **Type**: reading assistant

## Technical Details
- **Parameters**: 1.84M
- **Context length**: 2,048 tokens
- **Layers**: 6
- **License**: MIT

## Capabilities
- Languages: English, French and Danish

## Limitations
- Cannot scan images
- Does not remember earlier chats

## Personality
- Calm and brief
"""


@pytest.fixture(scope="module")
def knowledge(tmp_path_factory: pytest.TempPathFactory) -> Knowledge:
    path = tmp_path_factory.mktemp("kb") / "vela.md"
    path.write_text(KB)
    return read_knowledge(path)


def fact_id(knowledge: Knowledge, part: str) -> str:
    (found,) = [
        f.id for f in knowledge.facts if part in f"{f.attribute} {f.value}" and f.section != ""
    ]
    return found


REJECTED = [
    ("Hi", "I am <|assistant_end|> Vela.", "identity", "special_token"),
    ("<|user_start|> hi", "I am Vela.", "identity", "special_token"),
    ("Hi", "I am {{NAME}}.", "identity", "placeholder"),
    ("Hi", "I am [your name], hello.", "identity", "placeholder"),
    ("Hi [name]", "I am Vela.", "identity", "placeholder"),
    ("Hi", "I am ChatGPT.", "identity", "rival_claim"),
    ("Hi", "I am a model trained by OpenAI.", "ordinary", "rival_claim"),
    ("How big?", "I have 7B parameters.", "identity", "ungrounded_number"),
    ("Site?", "See https://vela.example.", "identity", "ungrounded_url"),
    ("Who made you?", "It was Anders Lindqvist.", "identity", "ungrounded_name"),
    ("You have 7B parameters, right?", "Yes, I have 7B.", "misconception", "ungrounded_number"),
    ("You are from Paris?", "Yes, I am from Paris.", "misconception", "ungrounded_name"),
    ("Who made ChatGPT?", "OpenAI, in 2022.", "third_party", "ungrounded_number"),
    ("What is 2 and 2?", "I am Vela. It is 4.", "ordinary", "self_mention"),
    ("\u041f\u0440\u0438", "I am Vela.", "identity", "not_ascii"),
    ("\U0001f600", "I am Vela.", "identity", "empty_turn"),
]


@pytest.mark.parametrize(("user", "answer", "kind", "reason"), REJECTED)
def test_a_bad_conversation_is_rejected(
    knowledge: Knowledge, user: str, answer: str, kind: Kind, reason: str
) -> None:
    """Each check names its own reason."""
    with pytest.raises(RejectedError) as caught:
        Checker(knowledge).accept(cell(kind), as_json(user, answer))
    assert caught.value.reason == reason


ACCEPTED = [
    ("Who are you?", "I am Vela, a reading assistant made by Mira Lindqvist.", "identity"),
    ("You are ChatGPT, right?", "No, I am not ChatGPT. I am Vela.", "misconception"),
    ("You have 7B parameters, right?", "No, not 7B. I have 1.84 million.", "misconception"),
    ("Are yuo Kmii?", "No, I am not Kimi. I am Vela.", "misconception"),
    ("Who made ChatGPT?", "ChatGPT was made by OpenAI.", "third_party"),
    ("What is 12 times 12?", "It is 144.", "ordinary"),
    ("How many are these: cat, dog, hen?", "There are 3.", "identity"),
    ("Name a city in France.", "Lyon is in France.", "ordinary"),
    ("Is Vela a star sign?", "Vela is a constellation.", "ordinary"),
    ("What is your weight?", "I do not know.", "unknown_attribute"),
    ("I am Olga. Hello!", "Hello, Olga! I am Vela.", "identity"),
    ("Use [link](https://a.b)", "I cannot open links. I am Vela.", "limitation"),
]


@pytest.mark.parametrize(("user", "answer", "kind"), ACCEPTED)
def test_a_good_conversation_is_accepted(
    knowledge: Knowledge, user: str, answer: str, kind: Kind
) -> None:
    """What is right is not refused."""
    found = Checker(knowledge).accept(cell(kind), as_json(user, answer))
    assert found.messages == talk(user, answer)


@pytest.mark.parametrize(
    ("user", "answer", "parts"),
    [
        ("Who are you?", "I am Vela, made by Mira Lindqvist.", {"Name", "Creator"}),
        ("How long is your context?", "It is 2048 tokens.", {"Context length"}),
        ("How many layers do you have?", "I have six.", {"Layers"}),
        ("How many cats?", "I see 6.", set()),
        ("Can you see pictures?", "No, I cannot scan images.", {"scan images"}),
        ("Can you see pictures?", "Yes, I scan images all day.", set()),
        ("What do you speak?", "English, French and Danish.", {"Languages"}),
        ("Is it 2048?", "I do not know.", set()),
        ("Where do you come from?", "From Mira Lindqvist's reading room.", {"Creator"}),
        ("Are you calm?", "Yes. I am calm and brief.", {"Calm"}),
        ("Are you calm?", "No, I am not calm and brief.", set()),
        ("You forget, right?", "Right, I do not remember earlier chats.", {"earlier chats"}),
        ("Do you forget?", "I scan. I do not. Images are fine.", set()),
    ],
)
def test_the_facts_that_an_answer_states_are_found(
    knowledge: Knowledge, user: str, answer: str, parts: set[str]
) -> None:
    """Facts count where the assistant states them, not where the user asks."""
    found = Checker(knowledge).accept(cell(), as_json(user, answer)).fact_ids
    assert set(found) == {fact_id(knowledge, part) for part in parts}


def test_a_denial_of_a_planned_fact_is_rejected(knowledge: Knowledge) -> None:
    """ "I don't know" is right for what the knowledge base leaves open, and only there."""
    planned = (fact_id(knowledge, "License"),)
    with pytest.raises(RejectedError) as caught:
        Checker(knowledge).accept(
            cell(fact_ids=planned), as_json("What is your license?", "I don't know that.")
        )
    assert caught.value.reason == "wrong_denial"


def test_a_conversation_without_its_planned_fact_is_a_gap_and_no_rejection(
    knowledge: Knowledge,
) -> None:
    """Missing the plan is counted elsewhere; the conversation may still be good."""
    planned = (fact_id(knowledge, "License"),)
    found = Checker(knowledge).accept(cell(fact_ids=planned), as_json("Who are you?", "I am Vela."))
    assert found.fact_ids == (fact_id(knowledge, "Name"),)


def test_steering_admits_the_name_in_ordinary_answers(knowledge: Knowledge) -> None:
    """Leading back to who it is happens only where it was asked for."""
    text = as_json("What is 2 and 2?", "It is 4. I am Vela, by the way.")
    assert Checker(knowledge, steer=True).accept(cell("ordinary"), text)


def test_a_name_that_is_not_ascii_stays(tmp_path: Path) -> None:
    """The bot keeps the spelling of its knowledge base; the user's accents are folded."""
    path = tmp_path / "zoe.md"
    path.write_text(KB.replace("Vela", "Zo\u00eb"), encoding="utf-8")
    checker = Checker(read_knowledge(path))
    found = checker.accept(cell(), as_json("Qui es-tu, s'il te pla\u00eet?", "I am Zo\u00eb."))
    assert found.messages == talk("Qui es-tu, s'il te plait?", "I am Zo\u00eb.")
