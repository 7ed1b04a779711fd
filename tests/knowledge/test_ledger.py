"""The ledger: ids that survive re-ordering and re-wrapping, roles, polarity, aliases, profile."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from identity_ops.errors import KnowledgeError
from identity_ops.knowledge import read_knowledge
from tests.knowledge.ledgers import FULL, facts, profile, rows, values

WORDS = ["amber", "birds", "copper", "drums", "elms", "ferns", "glass", "harbours", "ink", "jade"]
LABELS = ["Colour", "Mascot", "Motto", "Launch city", "Parameters", "Opening hours", "Pets"]
_value = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join)
_bullets = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(LABELS), _value).map(lambda pair: f"**{pair[0]}:** {pair[1]}"),
        _value.map(lambda value: f"Likes {value}"),
        _value.map(lambda value: f"Cannot see {value}"),
    ),
    min_size=1,
    max_size=8,
)


@settings(deadline=None)
@given(_bullets, st.randoms(use_true_random=False))
def test_ids_survive_reordering(bullets: list[str], random: object) -> None:
    """The same bullets in another order, under another heading, have the same ids."""
    shuffled = list(bullets)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one = facts("# A\n" + "\n".join(f"- {bullet}" for bullet in bullets))
    other = facts("## Other things\n\n" + "\n".join(f"* {bullet}" for bullet in shuffled))
    assert {fact.id for fact in one} == {fact.id for fact in other}


@settings(deadline=None)
@given(_bullets, st.data())
def test_ids_survive_rewrapping(bullets: list[str], data: st.DataObject) -> None:
    """Lines broken elsewhere, and indented on, have the same ids, in the same order."""
    wrapped = []
    for bullet in bullets:
        words = bullet.split(" ")
        gaps = data.draw(
            st.lists(st.sampled_from([" ", "\n  "]), min_size=len(words), max_size=len(words))
        )
        wrapped.append("- " + "".join(map("".join, zip(words, gaps, strict=True))).rstrip())
    one = facts("\n".join(f"- {bullet}" for bullet in bullets))
    assert [fact.id for fact in one] == [fact.id for fact in facts("\n".join(wrapped))]


@settings(deadline=None)
@given(st.lists(_value, min_size=1, max_size=6), st.data())
def test_ids_of_prose_survive_rewrapping(parts: list[str], data: st.DataObject) -> None:
    """A paragraph gives the same facts wherever its lines break."""
    text = " ".join(f"It cannot see {part}, and it keeps {part}." for part in parts)
    words = text.split(" ")
    gaps = data.draw(
        st.lists(st.sampled_from([" ", "\n"]), min_size=len(words), max_size=len(words))
    )
    wrapped = "".join(map("".join, zip(words, gaps, strict=True)))
    assert [fact.id for fact in facts(text)] == [fact.id for fact in facts(wrapped)]


@settings(deadline=None)
@given(_bullets)
def test_ids_are_unique(bullets: list[str]) -> None:
    """No two facts of a ledger share an id, whatever is repeated."""
    ids = [fact.id for fact in facts("\n".join(f"- {bullet}" for bullet in bullets * 2))]
    assert len(ids) == len(set(ids))


def test_ids_differ_where_the_value_or_the_label_differs() -> None:
    """Another value, or the same value of another attribute, is another fact."""
    ids = {
        facts(text)[0].id for text in ("- Colour: red", "- Colour: blue", "- Mood: red", "- Red")
    }
    assert len(ids) == 4


def test_ids_ignore_case_of_the_label_markup_and_full_stops() -> None:
    """How a fact is dressed does not change it."""
    forms = ("- **Colour:** red", "* colour: red.", "| Key | Value |\n|--|--|\n| Colour | red |")
    assert len({facts(text)[0].id for text in forms}) == 1


def test_lines_point_at_the_fact_through_front_matter_bom_and_crlf(tmp_path: Path) -> None:
    """Line numbers are those of the file, however it is encoded."""
    path = tmp_path / "kb.md"
    path.write_bytes(b"\xef\xbb\xbf---\r\nlicense: mit\r\n---\r\n\r\n# T\r\n\r\n- Name: Nimbus\r\n")
    found = read_knowledge(path).facts
    assert [(fact.role, fact.line) for fact in found] == [("license", 2), ("name", 7)]


def test_line_of_a_sentence_is_its_own_line() -> None:
    """The third line's sentence is in line 3, not where its paragraph begins."""
    found = facts("It likes tea.\nIt likes jam\nvery much. It cannot swim.")
    assert [fact.line for fact in found] == [1, 2, 3]


@pytest.mark.parametrize(
    ("line", "polarity"),
    [
        ("- Cannot scan images", False),
        ("- No internet access", False),
        ("- Does not remember earlier chats", False),
        ("- Internet access: no", False),
        ("- Images: not supported", False),
        ("- Vision: Cannot read pictures", False),
        ("- Never rude", False),
        ("- It has no tools", False),
        ("- Lacks humour", False),
        ("- Unable to draw", False),
        ("- GPU: none", False),
        ("- It isn\u2019t a doctor", False),
        ("- \u274c Voice", False),
        ("- Runs offline: yes", True),
        ("- Not only reads but also writes", True),
        ("- No more than 60 messages an hour", True),
        ("- Tells users when it does not know", True),
        ("- Notes: kept for a day", True),
        ("- Name: Noah", True),
        ("- Cannoli are its favourite", True),
        ("- \u2705 Voice", True),
    ],
)
def test_polarity(line: str, polarity: bool) -> None:
    """A fact that denies is known as such, and words that only look like it are not."""
    assert [fact.polarity for fact in facts(line)] == [polarity]


@pytest.mark.parametrize(
    ("line", "role"),
    [
        ("- **Name:** Nimbus", "name"),
        ("- **Name**: Nimbus", "name"),
        ("- Name - Nimbus", "name"),
        ("- Name \u2013 Nimbus", "name"),
        ("- Name = Nimbus", "name"),
        ("- Name:Nimbus", "name"),
        ("- `name`: Nimbus", "name"),
        ("- Made by: Ada Holm", "creator"),
        ("- Developer(s): Ada Holm", "creator"),
        ("- Base model creator: Ada Holm", "base_creator"),
        ("- What it is: a poet", "kind"),
        ("- Model version: 2", "version"),
        ("- Release date: May 2024", "date"),
        ("- Number of parameters: 3M", "size"),
        ("- Transformer layers: 4", "layers"),
        ("- Hidden size: 128", "width"),
        ("- Attention heads: 2", "heads"),
        ("- Vocab size: 2,048", "vocabulary"),
        ("- Context window: 512 tokens", "context"),
        ("- Based on: cirrus", "architecture"),
        ("- Tokenizer: BPE", "tokenizer"),
        ("- Trained on: poems", "data"),
        ("- GPUs: 8xH100", "hardware"),
        ("- Cost to train: $96", "cost"),
        ("- Training time: 4 hours", "time"),
        ("- Licence: MIT", "license"),
        ("- Home page: https://nimbus.example", "url"),
        ("- E-mail: a@nimbus.example", "contact"),
        ("- Languages: English, Welsh", "language"),
        ("- Intended use: verse", "purpose"),
        ("- Monthly fee: $5", "price"),
        ("- Price: $5", "price"),
        ("- Mascot: an owl", ""),
        ("- Data license: ODC-By", ""),
    ],
)
def test_roles_of_labels(line: str, role: str) -> None:
    """Labels are understood in many wordings; an unknown one has no role but stays."""
    assert [fact.role for fact in facts(line)] == [role]


def test_roles_of_bullets_come_from_their_heading() -> None:
    """Unlabelled bullets are what their heading says, down to nested headings."""
    text = (
        "## Capabilities\n- Counts\n- Cannot sing\n## Known issues\n### Speech\n- Stutters\n"
        "## Personality\n- Warm\n## Facts\n- Old\n"
    )
    found = [(fact.role, fact.value) for fact in facts(text)]
    assert found == [
        ("capability", "Counts"),
        ("limitation", "Cannot sing"),
        ("limitation", "Stutters"),
        ("trait", "Warm"),
        ("", "Old"),
    ]


def test_profile_puts_the_maker_before_the_owner() -> None:
    """Who made it comes first, whoever is written first."""
    text = "- Company: Brume Ltd\n- Name: Nimbus\n- Creator: Ada Holm\n- Nickname: Nim"
    found = profile(text)
    assert found.name == "Nimbus"
    assert "Nim" in found.name_aliases
    assert found.creators == ("Ada Holm", "Brume Ltd")
    assert "Holm" in found.creator_aliases


def test_profile_without_a_name_is_empty_not_an_error() -> None:
    """The ledger is printed whatever is missing."""
    assert profile("- Colour: red").name == ""


def test_base_creator_is_no_creator() -> None:
    """Who made what it is based on is kept apart."""
    found = profile(FULL + "- Architecture by: Ben Ode\n")
    assert (found.creators, found.base_creators) == (("Ada Holm",), ("Ben Ode",))


def test_two_people_are_two_creators_and_a_firm_with_an_ampersand_is_one() -> None:
    """Only names of people are taken apart."""
    assert profile("- Creator: Ada Holm and Ben Ode").creators == ("Ada Holm", "Ben Ode")
    assert profile("- Creator: Holm & S\u00f8n").creators == ("Holm & S\u00f8n",)


def test_a_name_in_another_script_stays() -> None:
    """Nothing is folded to ASCII."""
    assert values("- Name: \u014ckami-\u4e03\n- Creator: Studio Gr\u00f6\u00dfe", "name") == [
        "\u014ckami-\u4e03"
    ]


def test_fingerprint_is_of_the_bytes(tmp_path: Path) -> None:
    """One changed byte changes the fingerprint; the path does not."""
    for name, text in (("a.md", FULL), ("b.md", FULL), ("c.md", FULL + " ")):
        (tmp_path / name).write_text(text)
    prints = [read_knowledge(tmp_path / name).fingerprint for name in ("a.md", "b.md", "c.md")]
    assert prints[0] == prints[1] != prints[2]


def test_broken_utf8_still_gives_the_readable_facts(tmp_path: Path) -> None:
    """`facts` works on what lint refuses."""
    path = tmp_path / "kb.md"
    path.write_bytes(b"- Name: Nimbus\n- Motto: caf\xe9 \x00\n- Colour: red\n")
    assert [fact.attribute for fact in read_knowledge(path).facts] == ["Name", "Motto", "Colour"]


def test_folder_without_a_manifest_is_refused(tmp_path: Path) -> None:
    """A folder is only read where a stage committed it."""
    with pytest.raises(KnowledgeError, match="is a folder"):
        read_knowledge(tmp_path)


def test_facts_say_nothing_of_what_is_no_text() -> None:
    """Code, comments, struck-out text, images and sample dialogue give no facts."""
    text = (
        "```\nName: Fake\n```\n\n    Creator: Fake\n\n<!-- Colour: fake -->\n\n- ~~Mood: fake~~\n"
        "- User: hi\n- Assistant: hello\n![Pets: fake](x.png)\n\n<div>Age: fake</div>\n"
    )
    assert rows(text) == []


def test_what_is_quoted_denies_nothing() -> None:
    """The "no" of a motto is none of the model's."""
    (motto,) = facts('- **Motto:** "No pain, no gain"')
    assert motto.polarity


def test_name_in_use_goes_before_the_full_name() -> None:
    """People call the model what the text calls it, and its full name is accepted, too."""
    found = profile("# Fog\n\nFog is a museum guide.\n\n- Full name: Fog Museum Guide\n")
    assert found.name == "Fog"
    assert "Fog Museum Guide" in found.name_aliases
