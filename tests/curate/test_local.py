"""Numbers of one fact told as another's, and numbers in every spelling: what is found, what not."""

from __future__ import annotations

from pathlib import Path

import pytest

from identity_ops.curate import Checker
from identity_ops.curate.grounding import Source, ungrounded
from identity_ops.errors import RejectedError
from identity_ops.knowledge import Knowledge, read_knowledge
from tests.curate.samples import as_json, cell

SHIPPED = Path(__file__).parents[2] / "knowledge"
LATHE = """# Corvane

## Identity
- Name: Corvane
- Creator: Holt Instruments
- First release: June 3, 2023

## Technical details
- Layers: 24
- Width: 1,536
- Attention heads: 12
- Context length: 16,384 tokens
- Parameters: 1.3 billion
- Training data: 40 billion tokens
- Training cost: $2,750
- Training time: 9 days
- Accuracy: 62.5 %

## Limitations
- Cannot see images
"""
HARBOUR = """# Brisa

Brisa is the help desk of the ferry company Nordkai. It was made by Pelle Strand.

## Service
| Fact | Value |
|------|-------|
| Ferries | 17 |
| Harbours | 6 |
| Ticket price | 45 euros |
| Crossing time | 80 minutes |
| Luggage limit | 23 kg |
| Opened on | 2019-04-12 |

## Limitations
- Cannot sell tickets
"""


def base(name: str, folder: Path) -> Knowledge:
    """An invented knowledge base by its text, a shipped one by its name."""
    if "\n" not in name:
        return read_knowledge(SHIPPED / f"{name}.md")
    path = folder / "kb.md"
    path.write_text(name, encoding="utf-8")
    return read_knowledge(path)


def verdict(knowledge: Knowledge, answer: str, question: str, language: str) -> str:
    try:
        asked = cell(language=language)
        Checker(knowledge, "off").accept(asked, as_json(question, answer))
    except RejectedError as error:
        return error.reason
    return "accepted"


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        (LATHE, "I have 16,384 layers."),
        (LATHE, "I have 12 layers and 24 attention heads."),
        (LATHE, "My context length is 24 tokens."),
        (LATHE, "With a width of 24, I am a small model."),
        (LATHE, "My context is 1,536 tokens long."),
        (LATHE, "I was trained for 24 days."),
        (LATHE, "Training me cost $24."),
        (LATHE, "I have twelve layers."),
        (LATHE, "My accuracy is 24%."),
        (LATHE, "I have 24 billion parameters."),
        (LATHE, "I have twenty-four billion parameters."),
        (HARBOUR, "There are 23 ferries."),
        (HARBOUR, "The crossing takes 17 minutes."),
        (HARBOUR, "A ticket is 80 euros."),
        (HARBOUR, "You may bring 45 kg."),
        ("self_knowledge", "I have 256 layers."),
        ("self_knowledge", "I have 128 attention heads and a width of 2."),
        ("self_knowledge", "My context length is 2,048 tokens, my vocabulary 256 tokens."),
        ("examples/aurora_desk", "My rate limit is 800."),
        ("examples/aurora_desk", "A message may have 60 characters."),
        ("examples/leaflet_helper", "I have 9,000 parameters."),
        ("examples/smarternano", "I have a context length of 561 tokens."),
        ("examples/smarternano", "Training took 96 hours."),
    ],
)
def test_a_number_told_of_the_wrong_thing_is_rejected(
    name: str, answer: str, tmp_path: Path
) -> None:
    """Though the knowledge base has the number, and in the swap of two within one answer."""
    found = verdict(base(name, tmp_path), answer, "Tell me about it.", "en")
    assert found in ("misplaced_number", "ungrounded_number")


@pytest.mark.parametrize(
    ("name", "answer", "language"),
    [
        (LATHE, "I have 24 layers, 12 attention heads and a width of 1536.", "en"),
        (LATHE, "My context length is 16K tokens, that is sixteen thousand three hundred and "
         "eighty-four.", "en"),
        (LATHE, "I have twenty-four transformer layers and twelve heads.", "en"),
        (LATHE, "1,300M parameters, trained on 40B tokens for 9 days at 2750 dollars.", "en"),
        (LATHE, "I came out on 2023-06-03, on 3 June 2023, in June 2023.", "en"),
        (LATHE, "My accuracy is 62.5 percent (62.5%).", "en"),
        (LATHE, "I have two things to say, and give me five minutes.", "en"),
        (LATHE, "Ich habe 24 Schichten und einen Kontext von 16.384 Token.", "de"),
        (LATHE, "Meine Genauigkeit ist 62,5 %, seit dem 3.6.2023.", "de"),
        (LATHE, "J'ai un contexte de 16 384 jetons et 24 couches.", "fr"),
        (LATHE, "Tengo 24 capas y un ancho de 1.536; mi costo fue 2.750 d\u00f3lares.", "es"),
        (HARBOUR, "17 ferries and 6 harbours; a crossing takes 80 minutes.", "en"),
        (HARBOUR, "The limit for luggage is 23 kg, and a ticket costs 45 euros.", "en"),
        (HARBOUR, "Seit dem 12.4.2019 fahren 17 F\u00e4hren.", "de"),
        ("self_knowledge", "Four layers, a width of 128 and 2 attention heads.", "en"),
        ("self_knowledge", "I have 1,840,000 parameters and a vocabulary of 2048 tokens.", "en"),
        ("examples/aurora_desk", "Up to sixty messages an hour, of 800 characters each.", "en"),
        ("examples/leaflet_helper", "84M parameters, 9000 leaflets; for emergencies 112.", "en"),
        ("examples/smarternano", "I cost about 96 dollars: 4 hours on eight H100 cards.", "en"),
    ],
)  # fmt: skip
def test_right_numbers_are_accepted_in_every_spelling(
    name: str, answer: str, language: str, tmp_path: Path
) -> None:
    """Words, separators of three languages, units, percents and dates."""
    assert verdict(base(name, tmp_path), answer, "Tell me about it.", language) == "accepted"


@pytest.mark.parametrize(
    ("answer", "language"),
    [
        ("I have twenty-five thousand tokens of context.", "en"),
        ("Ich habe einen Kontext von 16.385 Token.", "de"),
        ("Meine Genauigkeit ist 63,5 %.", "de"),
        ("J'ai un contexte de 17 384 jetons.", "fr"),
        ("Ich bin vom 3.6.2022.", "de"),
    ],
)
def test_an_invented_number_is_found_in_every_spelling(
    answer: str, language: str, tmp_path: Path
) -> None:
    """Other readings of a number do not let an unknown one through."""
    found = verdict(base(LATHE, tmp_path), answer, "Tell me about it.", language)
    assert found == "ungrounded_number"


def test_what_the_user_counts_may_be_counted_back(tmp_path: Path) -> None:
    """A question may bring a wrong number up, and the answer may name it to set it right."""
    knowledge = base(LATHE, tmp_path)
    asked = "Do you have 12 layers?"
    assert verdict(knowledge, "No, not 12 layers: I have 24.", asked, "en") == "accepted"
    assert verdict(knowledge, "Yes, I have 12 layers.", asked, "en") == "misplaced_number"


def test_a_date_with_dots_is_no_version() -> None:
    """Its parts must be known; those of a version never make one."""
    known = Source(["Released July 4, 2025. Version 1.2.3."])
    assert not ungrounded("Am 4.7.2025, Version 1.2.3.", [known], names=False)
    assert ungrounded("Version 3.2.1.", [known], names=False)
