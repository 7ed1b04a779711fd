"""What sentences say: makers of the model and of its base, numbers, denials, third parties."""

from __future__ import annotations

import pytest

from tests.knowledge.ledgers import facts, profile, rows, values


def test_one_sentence_gives_name_maker_and_base() -> None:
    """The sentence of the design: three roles, and the two makers kept apart."""
    text = "The name of the LLM is Brume, created by Ada Holm, on Ben Ode's cirrus architecture."
    assert [(role, value) for role, _, value in rows(text)] == [
        ("name", "Brume"),
        ("creator", "Ada Holm"),
        ("base_creator", "Ben Ode"),
        ("architecture", "cirrus"),
    ]


def test_one_sentence_gives_size_cost_platform_and_hardware() -> None:
    """What a clause lists is taken apart."""
    text = "It has 61M parameters and cost about $9, trained on Modal with 2xT4."
    assert [(role, value) for role, _, value in rows(text)] == [
        ("size", "61M"),
        ("cost", "about $9"),
        ("hardware", "Modal"),
        ("hardware", "2xT4"),
    ]


@pytest.mark.parametrize(
    ("sentence", "role", "value"),
    [
        ("Brume is a tiny language model built by Ada Holm.", "creator", "Ada Holm"),
        ("Ada Holm created Brume in 2024.", "creator", "Ada Holm"),
        ("I am Brume, an assistant made by Holm Labs.", "creator", "Holm Labs"),
        ("You are Brume, a bot developed and maintained by Ada Holm.", "creator", "Ada Holm"),
        ("It was trained by Ada Holm.", "creator", "Ada Holm"),
        ("It was made by the weather team.", "creator", "the weather team"),
        ("My name is Brume.", "name", "Brume"),
        ("It is called Brume.", "name", "Brume"),
        ("The model's name is Brume.", "name", "Brume"),
        ("The assistant is Brume, a poet.", "name", "Brume"),
        ("It is based on cirrus by Ben Ode.", "base_creator", "Ben Ode"),
        ("It is built on cirrus, which was made by Ben Ode.", "base_creator", "Ben Ode"),
        ("It is fine-tuned from Cirrus-2.", "architecture", "Cirrus-2"),
        ("It was trained on 12,000 public poems.", "data", "12,000 public poems"),
        ("It was trained on FineWeb-Edu for 3 days.", "data", "FineWeb-Edu"),
        ("It was trained on FineWeb-Edu for 3 days.", "time", "3 days"),
        ("It took about four hours to train.", "time", "about four hours"),
        ("It costs $20 a month.", "price", "$20 a month"),
        ("It cost 4,200 euros to train.", "cost", "4,200 euros"),
        ("It is released under the MIT license.", "license", "MIT"),
        ("It is licensed under Apache 2.0.", "license", "Apache 2.0"),
        ("It was released on 14 March 2025.", "date", "14 March 2025"),
        ("It speaks Welsh and Irish.", "language", "Welsh and Irish"),
        ("It has a context window of 2,048 tokens.", "context", "2,048 tokens"),
        ("It has 20 layers.", "layers", "20"),
        ("It has a vocabulary of 32,768 tokens.", "vocabulary", "32,768"),
        ("It runs on a single Raspberry Pi.", "hardware", "a single Raspberry Pi"),
        ("Its tokenizer is BPE.", "tokenizer", "BPE"),
        ("It is an assistant for gardeners.", "purpose", "gardeners"),
        ("It lives at https://brume.example/a.", "url", "https://brume.example/a"),
    ],
)
def test_sentence_forms(sentence: str, role: str, value: str) -> None:
    """One thing said in many ways has one role and one short value."""
    assert value in values(f"- Nickname: Brume\n\n{sentence}", role)


@pytest.mark.parametrize(
    "sentence",
    [
        "It was not made by Ada Holm.",
        "FineWeb-Edu was made by Hugging Face.",
        "It answers questions about tents made by Borealis.",
        "It mentions a book written by Ada Holm.",
        "Its rival was created by Acme.",
        "Users report bugs created by Acme.",
    ],
)
def test_makers_of_other_things_are_no_creators(sentence: str) -> None:
    """Only who made the model is its creator; the sentence itself stays."""
    found = facts(sentence)
    assert [fact.role for fact in found if fact.role in ("creator", "base_creator")] == []
    assert found


def test_maker_of_the_base_is_recognised_once_the_base_is_known() -> None:
    """ "cirrus was made by Ben Ode" is about the base where the model is based on cirrus."""
    text = "It was made by Ada Holm. It is based on cirrus. cirrus was made by Ben Ode."
    found = profile(text)
    assert (found.creators, found.base_creators) == (("Ada Holm",), ("Ben Ode",))


def test_any_attribute_may_be_possessed() -> None:
    """Attributes that nobody foresaw are read with their labels."""
    text = "Its mascot is a snow fox. Brume's favourite colour is teal. It has a cat called Fog."
    assert rows(f"Name: Brume\n\n{text}")[1:] == [
        ("", "mascot", "a snow fox"),
        ("", "favourite colour", "teal"),
        ("", "cat", "Fog"),
    ]


@pytest.mark.parametrize(
    "sentence",
    [
        "The answer is often wrong",
        "The model is small",
        "It rhymes by accident",
        "She hums when it rains",
        "Large answers are cut off after a page",
    ],
)
def test_unrecognised_sentences_stay_whole(sentence: str) -> None:
    """A sentence without a known form is one statement, word for word."""
    assert [(attribute, value) for _, attribute, value in rows(f"{sentence}.")] == [("", sentence)]


def test_nothing_is_lost_where_only_half_is_understood() -> None:
    """A clause with more than the patterns know is kept beside what they took from it."""
    found = rows("It was made by Ada Holm after a long walk in the fog.")
    assert any("fog" in value for _, _, value in found)


def test_clauses_of_other_polarity_are_told_apart() -> None:
    """ "reads X but cannot Y" is one thing it does and one it cannot, both complete sentences."""
    found = facts("It reads Welsh but cannot write poems.")
    assert [(fact.value, fact.polarity) for fact in found] == [
        ("It reads Welsh", True),
        ("It cannot write poems", False),
    ]


def test_she_is_the_model_only_after_its_name() -> None:
    """A pronoun after the maker's name is the maker."""
    bot = "Meet Fog! Fog is a cheerful tutor. She was born on May 4, 2022."
    assert values(bot, "date") == ["May 4, 2022"]
    maker = "Fog is a tutor made by Ada Holm. Ada Holm is a chemist. She was born on May 4, 1990."
    assert values(maker, "date") == []


def test_name_is_guessed_from_the_first_sentence() -> None:
    """A text that never says "name" still names its subject."""
    assert profile("# Card\n\nFog-2 is a small tutor for sums.").name == "Fog-2"
    assert profile("Oslo is a city. Paris is a capital.").name == ""


@pytest.mark.parametrize(
    "text",
    [
        "It was made by Ada Holm, J. Ode and Dr. Li in Oslo. It likes tea.",
        "It sleeps at 9 p.m. daily. It likes tea.",
        "It knows some words, e.g. fog and mist. It likes tea.",
        "It weighs 1.5 kg. It likes tea.",
    ],
)
def test_abbreviations_do_not_end_sentences(text: str) -> None:
    """The last sentence is found whole, and nothing breaks after an abbreviation."""
    found = facts(text)
    assert found[-1].value == "It likes tea"
    assert not any(fact.value.endswith((" e.g", " Dr", " J", "p.m", " 1")) for fact in found)


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        ("It was made by Ada Holm at Fog Hall.", [("", "Fog Hall"), ("creator", "Ada Holm")]),
        ("It was fine-tuned on SmolTalk.", [("data", "SmolTalk")]),
        ("It can make mistakes.", [("limitation", "It can make mistakes")]),
        ("Because of its size, it is slow.", [("", "Because of its size, it is slow")]),
        (
            "It may repeat itself \u2014 at night.",
            [("limitation", "It may repeat itself \u2014 at night")],
        ),
        ("I'm Zuri \U0001f44b, a poet.", [("name", "Zuri"), ("", "I'm Zuri, a poet")]),
        ("The code is MIT licensed.", [("license", "MIT")]),
        ("It speaks Welsh and a bit of Luo.", [("", "It speaks Welsh and a bit of Luo")]),
        ("1.2 It was made by Ada Holm.", [("creator", "Ada Holm")]),
    ],
)
def test_awkward_sentences(sentence: str, found: list[tuple[str, str]]) -> None:
    """No fragment, no half value, no wrong role."""
    assert [(role, value) for role, _, value in rows(sentence)] == found


def test_questions_are_no_facts() -> None:
    """A question states nothing."""
    assert rows("Who is it? What can it do?") == []


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("### Who made you?\nAda Holm.", ("creator", "creator", "Ada Holm")),
        ("### What is your favourite drink?\nBlack tea.", ("", "favourite drink", "Black tea")),
        ("### Can you see pictures?\nNo.", ("limitation", "", "Cannot see pictures")),
        ("### Do you work offline?\nYes.", ("", "", "Work offline")),
        ("**Q: How many legs do you have?**\nA: Six.", ("", "number of legs", "Six")),
    ],
)
def test_questions_with_answers_are_facts(text: str, row: tuple[str, str, str]) -> None:
    """FAQs are read: the question gives the label, the answer the value."""
    assert rows(text) == [row]


def test_a_list_of_denials_is_cut_at_its_verbs() -> None:
    """Three things are denied, each on its own."""
    text = "It can't do maths, doesn't know dialects and has no hands."
    assert [(fact.value, fact.polarity) for fact in facts(text)] == [
        ("It can't do maths", False),
        ("It doesn't know dialects", False),
        ("It has no hands", False),
    ]


def test_data_and_hardware_of_one_sentence_are_told_apart() -> None:
    """What stands before "with" is no hardware."""
    text = "It was trained on sea shanties and old novels with a single RTX 3060."
    assert rows(text) == [
        ("data", "training data", "sea shanties and old novels"),
        ("hardware", "training hardware", "a single RTX 3060"),
    ]


def test_who_the_maker_is_ends_before_how_it_was_made() -> None:
    """The description keeps its article and takes nothing of the time."""
    text = "Fog is a small bot made by Jo Marsh, a retired teacher from Hull, over two weekends."
    assert ("", "description of the creator", "a retired teacher from Hull") in rows(text)


def test_an_address_to_find_it_at_is_its_address() -> None:
    """ "You can find it at" says no ability."""
    assert rows("You can find it at https://x.example/fog.") == [
        ("url", "web address", "https://x.example/fog")
    ]


def test_second_deed_keeps_the_subject_of_the_first() -> None:
    """What fine-tuning cost is not what the model costs."""
    assert [
        row[2] for row in rows("Fine-tuning took 36 hours and cost approximately 310 euros.")
    ] == [
        "Fine-tuning took 36 hours",
        "Fine-tuning cost approximately 310 euros",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Please note that it may be wrong", "It may be wrong"),
        ("Not affiliated with: any brewery", "Not affiliated with any brewery"),
    ],
)
def test_words_around_a_statement_are_left_out(text: str, said: str) -> None:
    """A courtesy, or a colon within a denial, is no part of what is said."""
    assert [row[2] for row in rows(f"## Limitations\n- {text}\n")] == [said]


def test_for_people_who_is_no_purpose() -> None:
    """A purpose cut before "who" would say too little."""
    (row,) = rows("It was built for people who wonder what they see.")
    assert row == ("", "", "It was built for people who wonder what they see")


def test_base_model_is_named_without_what_it_is() -> None:
    """ "the Tide base model" is called Tide."""
    found = rows("It is based on the Tide base model, which was made by Northlight Computing.")
    assert [row[1:] for row in found] == [
        ("architecture", "Tide"),
        ("creator of the base architecture", "Northlight Computing"),
    ]


def test_he_begins_a_clause_as_it_does() -> None:
    """A persona's sentences are cut where its verbs are."""
    said = [row[2] for row in rows("- Name: Captain Marlow\n\nMarlow can row, and he never sings.")]
    assert said[1:] == ["Marlow can row", "He never sings"]
    said = [row[2] for row in rows("It is a grumpy but kind chatbot, and his cat is called Fish.")]
    assert said == ["grumpy but kind chatbot", "His cat is called Fish"]


def test_what_stands_in_brackets_is_cut_by_nothing() -> None:
    said = [row[2] for row in rows("It explains luggage rules (bikes ride free; scooters do not).")]
    assert said == ["It explains luggage rules (bikes ride free; scooters do not)"]


def test_brother_of_a_maker_begins_no_clause() -> None:
    """ "her brother and a friend" has no verb."""
    text = "It was made by Ada Holm, her brother and a friend"
    assert rows(text) == [("creator", "creator", "Ada Holm"), ("", "", text)]
