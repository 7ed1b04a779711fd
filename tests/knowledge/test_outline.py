"""Markdown forms: headings, lists, labels, links, tables, and what each gives."""

from __future__ import annotations

import pytest

from tests.knowledge.ledgers import facts, profile, rows, rule_names, rules


def test_setext_and_atx_headings_are_sections() -> None:
    """Both forms of heading name the section of what follows."""
    found = facts(
        "One\n===\n- Likes tea\n\nTwo\n---\n- Likes jam\n\n### 3. Three ###\n- Likes fog\n"
    )
    assert [fact.section for fact in found] == ["One", "Two", "3. Three"]


def test_list_under_a_label_is_one_fact_with_items() -> None:
    """A nested list is the value of its label."""
    (fact,) = facts("- **Pets:**\n  - cat\n  - owl\n  - two hens\n")
    assert (fact.attribute, fact.items) == ("Pets", ("cat", "owl", "two hens"))
    assert fact.value == "cat, owl, two hens"


def test_list_under_a_paragraph_label_is_one_fact_too() -> None:
    """ "Pets:" above a list is its label."""
    (fact,) = facts("Pets:\n\n1. cat\n2. owl\n")
    assert (fact.attribute, fact.items) == ("Pets", ("cat", "owl"))


def test_list_under_a_heading_of_its_own_is_one_fact() -> None:
    """Fragments that only their heading explains are its value."""
    (fact,) = facts("## Rate limits\n- 60 an hour\n- 900 a day\n")
    assert (fact.attribute, fact.items) == ("Rate limits", ("60 an hour", "900 a day"))


def test_fragment_under_a_heading_is_its_value() -> None:
    """ "## Mascot" over a few words is a labelled value, and a sentence is not."""
    assert rows("## Mascot\nA snow fox\n") == [("", "Mascot", "A snow fox")]
    assert rows("## Mascot\nFoxes are loved here.\n") == [("", "", "Foxes are loved here")]


def test_comma_list_is_one_fact_with_items() -> None:
    """A list written in one line has parts; one thing with a comma has none."""
    assert facts("- Pets: cat, owl and two hens")[0].items == ("cat", "owl", "two hens")
    for value in ("May 4, 2022", "Oslo, Norway", "1,843,200", "Ada Holm, a chemist"):
        assert facts(f"- Base: {value}")[0].items == ()


def test_limits_under_a_label_are_facts_of_their_own() -> None:
    """Each thing it cannot do is taught by itself."""
    assert rows("- **It cannot:**\n  - sing\n  - Draw maps\n") == [
        ("limitation", "", "Cannot sing"),
        ("limitation", "", "Cannot draw maps"),
    ]


def test_labels_under_a_part_are_completed_by_it() -> None:
    """A bare "Name" under another thing's heading is not the model's name."""
    text = "## Training data\n- Name: FineWeb\n- Size: 10B tokens\n- **Mascot**\n  - Name: Fern\n"
    assert [(role, attribute) for role, attribute, _ in rows(text)] == [
        ("data", "training data name"),
        ("", "training data size"),
        ("", "Mascot name"),
    ]


@pytest.mark.parametrize(
    ("bullet", "value"),
    [
        ("Browse the web", "Cannot browse the web"),
        ("Voice calls", "No voice calls"),
        ("Cannot sing", "Cannot sing"),
        ("GPU support", "No GPU support"),
    ],
)
def test_bullets_under_a_denying_heading_are_denied(bullet: str, value: str) -> None:
    """ "Browse the web" under "What it can't do" is something it cannot do."""
    (fact,) = facts(f"## What it can't do\n- {bullet}\n")
    assert (fact.value, fact.polarity, fact.role) == (value, False, "limitation")


def test_links_keep_their_text_and_give_their_address() -> None:
    """An address is the value of an address, another spelling elsewhere."""
    site, data = facts(
        "- Website: [our site](https://www.fog.example/)\n- Data: [Fog set](https://set.example)\n"
    )
    assert site.value == "https://www.fog.example/"
    assert "fog.example" in site.aliases
    assert data.value == "Fog set"
    assert "https://set.example" in data.aliases


def test_lines_of_labels_without_bullets_are_facts() -> None:
    """A block of "Label: value" lines is a list."""
    assert [value for _, _, value in rows("Name: Fog\nColour: red\nPets: owl\n")] == [
        "Fog",
        "red",
        "owl",
    ]


def test_dashes_separate_labels_only_where_they_are_the_style() -> None:
    """ "Fast - answers in a second" alone is a statement; a list of them has labels."""
    assert rows("- Fast - answers at once")[0][1] == ""
    listed = rows("- Hours - nine to five\n- Town - Oslo\n- Bell - two rings\n")
    assert [attribute for _, attribute, _ in listed] == ["Hours", "Town", "Bell"]


def test_two_column_table_is_attribute_and_value() -> None:
    """Each row is a fact, in the row's line; empty cells give none."""
    found = facts(
        "| Attribute | Value |\n|---|---|\n| Colour | red |\n| Mood | |\n| Sings? | No |\n"
    )
    assert [(f.attribute, f.value, f.polarity, f.line) for f in found] == [
        ("Colour", "red", True, 3),
        ("Sings", "no" if found[1].value == "no" else "No", False, 5),
    ]


def test_heads_in_another_language_are_no_part_of_a_label() -> None:
    """Most rows are named like attributes; things with a price are not."""
    text = "| Feld | Wert |\n|---|---|\n| License | MIT |\n| Context window | 4096 tokens |\n"
    assert [attribute for _, attribute, _ in rows(text)] == ["License", "Context window"]
    things = "| Tarif | Preis |\n|---|---|\n| Pro | $20 |\n| Basis | $5 |\n"
    assert all("preis" in attribute.lower() for _, attribute, _ in rows(things))


def test_table_whose_head_is_data_loses_nothing() -> None:
    """| Name | Fog | above the rule is a fact too."""
    assert rows("| Name | Fog |\n|---|---|\n| Colour | red |\n")[0] == ("name", "Name", "Fog")


@pytest.mark.parametrize("gap", ["\n", ""])
def test_each_table_under_a_heading_has_its_own_head(gap: str) -> None:
    """No head is a fact, and none is added to the labels of another table."""
    text = (
        "## Facts\n\n| Attribute | Value |\n|---|---|\n| Colour | red |\n| Metric | Amount |\n"
        f"| Weight | 3 kg |\n{gap}| Limits | Value |\n|:--|--:|\n| Range | 40 m |\n"
        f"{gap}| Plan | Price |\n|---|---|\n| Pro | $20 |\n"
    )
    assert [(attribute, value) for _, attribute, value in rows(text)] == [
        ("Colour", "red"),
        ("Weight", "3 kg"),
        ("Range", "40 m"),
        ("Pro plan price", "$20"),
    ]
    assert all(fact.value in text.splitlines()[fact.line - 1] for fact in facts(text))


def test_matrix_names_row_and_column() -> None:
    """In a table of things, an attribute is the thing with the column."""
    text = "| Plan | Price | Seats |\n|---|---|---|\n| Free | $0 | 1 |\n| Pro | $20 | 10 |\n"
    assert [(attribute, value) for _, attribute, value in rows(text)] == [
        ("Free plan price", "$0"),
        ("Free plan seats", "1"),
        ("Pro plan price", "$20"),
        ("Pro plan seats", "10"),
    ]


def test_one_row_table_of_attributes() -> None:
    """A table with its attributes in the head gives one fact a column."""
    text = "| Name | Creator | Parameters |\n|---|---|---|\n| Fog | Ada Holm | 3M |\n"
    assert [role for role, _, _ in rows(text)] == ["name", "creator", "size"]


def test_quotes_are_read_as_text() -> None:
    """What stands in a block quote is said all the same."""
    assert rows("> - Colour: red\n") == [("", "Colour", "red")]


def test_asides_lose_their_label() -> None:
    """ "Note:" is no attribute."""
    assert rows("- **Note:** It hums at night.") == [("", "", "It hums at night")]


def test_further_sentences_of_a_value_speak_for_themselves() -> None:
    """The value is the first sentence; the next are facts of their own."""
    found = facts("- **Vision:** Cannot read images. It reads plain text.")
    assert [(f.attribute, f.value, f.polarity) for f in found] == [
        ("Vision", "Cannot read images", False),
        ("", "It reads plain text", True),
    ]


def test_deep_nesting_does_not_overflow() -> None:
    """Hundreds of nested lists or quotes: what stands before is read, the rest is reported."""
    lists = "".join("  " * depth + "- a\n" for depth in range(400))
    for deep, line in ((lists, 24), (">" * 3000 + " a", 5)):
        text = f"# Fog\n\n- **Name:** Fog\n\n{deep}\n"
        assert rows(text)[0] == ("name", "Name", "Fog")
        assert ("too-deep", line) in rules(text)
    assert "too-deep" not in rule_names("".join("  " * depth + "- a\n" for depth in range(19)))


def test_heading_may_itself_be_a_labelled_value() -> None:
    """ "## Name: Fog" is a fact, and its section is not empty."""
    assert rows("# Name: Fog\n## Creator: Ada Holm\n") == [
        ("name", "Name", "Fog"),
        ("creator", "Creator", "Ada Holm"),
    ]
    assert "empty-section" not in rule_names("# Name: Fog\n## Creator: Ada Holm\n")


@pytest.mark.parametrize(
    ("line", "row"),
    [
        ("**Name** Fog", ("name", "Name", "Fog")),
        ("- Weight ........ 1.2 kg", ("", "Weight", "1.2 kg")),
        ("- Who may use it? Members", ("", "", "Members may use it")),
        ("- Does it sing? Not yet", ("limitation", "", "Does not sing")),
        ("- My motto: keep calm", ("", "motto", "keep calm")),
        ("- Voice: \u2713", ("", "Voice", "yes")),
        ("- Voice: \u274c", ("", "Voice", "no")),
        ("- battery\n  - life: 8 h", ("", "battery life", "8 h")),
        ("1. [x] Hums", ("", "", "Hums")),
    ],
)
def test_awkward_lines(line: str, row: tuple[str, str, str]) -> None:
    """Ways to write a line that are seen in the wild."""
    assert rows(line) == [row]


def test_product_label_names_the_model_only_where_nothing_else_does() -> None:
    """ "Product: Quill" is the name of a model without another one."""
    assert profile("- Product: Quill").name == "Quill"
    assert profile("- Product: Quill\n- Name: Fog").name == "Fog"


@pytest.mark.parametrize("label", ["Max. runtime", "Min. age", "Approx. weight", "No. of wheels"])
def test_labels_may_be_abbreviated(label: str) -> None:
    """The full stop of an abbreviation ends no label."""
    assert rows(f"- {label}: 180 min")[0][1:] == (label, "180 min")


def test_a_group_of_statements_is_no_list_of_values() -> None:
    """Bullets under "Cards" that say what it does and does not are facts of their own."""
    text = "## Abilities\n- Cards\n  - Block a lost card\n  - Doesn't order new cards\n"
    assert [(f.attribute, f.value, f.role, f.polarity) for f in facts(text)] == [
        ("", "Block a lost card", "capability", True),
        ("", "Doesn't order new cards", "limitation", False),
    ]
    assert facts("- Pets:\n  - cat\n  - owl\n")[0].items == ("cat", "owl")


@pytest.mark.parametrize(
    ("bullet", "value", "polarity"),
    [
        ("Take payments", "Cannot take payments", False),
        ("Browsing the web", "Cannot browse the web", False),
        ("Cannot take payments", "Cannot take payments", False),
        ("Make mistakes", "Make mistakes", True),
        ("Hallucinating facts", "Hallucinating facts", True),
        ("Run slowly on old phones", "Run slowly on old phones", True),
        ("Need an internet connection", "Need an internet connection", True),
        ("Struggles with sarcasm", "Struggles with sarcasm", True),
        ("Small vocabulary", "Small vocabulary", True),
    ],
)
def test_bare_actions_under_limitations_are_denied(bullet: str, value: str, polarity: bool) -> None:
    """ "Take payments" among the limitations says that it cannot; a fault stays a fault."""
    (fact,) = facts(f"## Limitations\n- {bullet}\n")
    assert (fact.value, fact.role, fact.polarity) == (value, "limitation", polarity)


@pytest.mark.parametrize("lead", ["It can", "**Exhibits.** It can", "It can:"])
def test_list_completes_the_sentence_above_it(lead: str) -> None:
    """ "It can" is no fact, and each line below it is one."""
    text = f"## Capabilities\n- {lead}\n  - sing a song,\n  - draw maps, and\n  - dance\n"
    assert [row[2] for row in rows(text)] == ["Sing a song", "draw maps", "dance"]


def test_paragraph_that_denies_the_list_below_it_is_no_fact() -> None:
    """ "Fog cannot" over a list denies each line of it."""
    text = "- **Name:** Fog\n\n## Facts\n\nFog cannot\n\n- sing\n- draw maps\n"
    assert rows(text)[1:] == [
        ("limitation", "", "Cannot sing"),
        ("limitation", "", "Cannot draw maps"),
    ]


def test_topic_in_bold_before_a_sentence_is_no_ability() -> None:
    """ "**Learning.** It can make a quiz" does not say that it can learn."""
    text = "## Capabilities\n- **Learning.** It can make a quiz\n- **Fast.**\n"
    assert [row[2] for row in rows(text)] == ["It can make a quiz", "Fast"]


def test_version_of_its_own_is_the_version() -> None:
    """A bullet may be a version and no more."""
    assert rows("- v0.9 beta\n") == [("version", "version", "v0.9 beta")]
    assert rows("- 3.5 stars\n") == [("", "", "3.5 stars")]


def test_whether_it_is_human_is_a_fact_and_a_dialogue_is_none() -> None:
    """ "Human: no" answers a question that people ask."""
    assert rows("- Human: no\n") == [("", "Human", "no")]
    assert rows("- Human: Hello there\n") == []


FAQ = """# FAQ about Quill

**Q: What is Quill?**
A: Quill is a writing coach.

**Q: Who made it?**
A: It was made by Inkwell & Sons.

**Q: Can it write my homework?**
A: No. It only gives hints.

**Q: Does it keep what I write?**
A: No, drafts are deleted after a day.
"""


def test_answers_of_a_faq_are_facts() -> None:
    """The name, a no and what follows it are all read, and who asks is "you"."""
    assert (profile(FAQ).name, profile(FAQ).creators) == ("Quill", ("Inkwell & Sons",))
    assert [fact.value for fact in facts(FAQ) if not fact.attribute] == [
        "Cannot write your homework",
        "It only gives hints",
        "Does not keep what you write",
        "Drafts are deleted after a day",
    ]


def test_front_matter_gives_way_to_the_text() -> None:
    """ "license: mit" above a card that says MIT is said once."""
    text = "---\nlicense: mit\nlanguage: en\n---\n- License: MIT\n"
    assert rows(text) == [("language", "language", "en"), ("license", "License", "MIT")]
