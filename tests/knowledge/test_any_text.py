"""Any text is read: no exception, ids that survive another order and width, lines that hold."""

from __future__ import annotations

import random
import textwrap

from hypothesis import given, settings
from hypothesis import strategies as st

from identity_ops.knowledge import lint_bytes, profile_of
from identity_ops.language import phrase_all
from tests.knowledge.ledgers import facts

MARKS = [
    "# ",
    "## ",
    "- ",
    "  - ",
    "1. ",
    "> ",
    "**",
    "| ",
    " |",
    "|---|",
    "```",
    ": ",
    "\n",
    "\n\n",
]
WORDS = [
    "It", "is", "a", "bot", "made", "by", "Ada & Sons,", "Mx. Q", "cannot", "doesn't", "no", "and",
    "neither", "nor", "14:00", "5 %", "Name:", "Creator:", "Limits", "nothing", "[x](y)", "<!--",
    "\u2705", "\u00e9", "opens", "Max.",
]  # fmt: skip
_word = st.sampled_from(["amber", "birds", "copper", "drums", "elms", "ferns", "glass", "ink"])
_words = st.lists(_word, min_size=2, max_size=5).map(" ".join)
_bullet = st.one_of(
    _words.map(lambda text: f"- **{text.title()}:** {text}"),
    _words.map(lambda text: f"- Cannot see {text}"),
)
_prose = st.lists(_words.map(lambda text: f"It cannot see {text}."), min_size=1, max_size=6).map(
    " ".join
)
_table = st.lists(_words, min_size=1, max_size=3).map(
    lambda rows: "| Attribute | Value |\n|---|---|\n" + "\n".join(f"| {r} | {r} |" for r in rows)
)
_block = st.one_of(st.lists(_bullet, min_size=1, max_size=4).map("\n".join), _prose, _table)
_section = st.tuples(_word, st.lists(_block, min_size=1, max_size=3).map("\n\n".join))
_document = st.lists(_section, min_size=1, max_size=4)


def written(sections: list[tuple[str, str]]) -> str:
    return "\n\n".join(f"## {heading}\n\n{body}" for heading, body in sections) + "\n"


def wrapped(body: str, width: int) -> str:
    """The text with its paragraphs broken at another width."""
    blocks = body.split("\n\n")
    return "\n\n".join(
        block if block.startswith(("-", "|")) else textwrap.fill(block, width) for block in blocks
    )


@settings(deadline=None, max_examples=60)
@given(st.one_of(st.text(max_size=3000), st.lists(st.sampled_from(MARKS + WORDS), max_size=300)))
def test_any_text_gives_facts_and_findings(text: str | list[str]) -> None:
    """Up to some kilobytes of anything: facts and findings, each on a line of the file."""
    whole = text if isinstance(text, str) else " ".join(text)
    read = whole.encode(errors="replace")
    last = read.decode().replace("\r\n", "\n").replace("\r", "\n").count("\n") + 1
    assert all(1 <= finding.line <= last for finding in lint_bytes(read, "kb.md"))
    found = facts(read.decode())
    assert all(fact.value and 1 <= fact.line <= last for fact in found)
    assert len({fact.id for fact in found}) == len(found)
    phrasings = phrase_all(found, profile_of(found))
    assert all(phrasing.ask() and phrasing.declarative() for phrasing in phrasings.values())


@settings(deadline=None, max_examples=60)
@given(_document, st.integers(12, 60), st.randoms(use_true_random=False))
def test_ids_survive_order_and_width(
    sections: list[tuple[str, str]], width: int, rng: random.Random
) -> None:
    """Sections in another order and paragraphs of another width say the same."""
    other = [(heading, wrapped(body, width)) for heading, body in sections]
    rng.shuffle(other)
    assert {f.id for f in facts(written(sections))} == {f.id for f in facts(written(other))}


@settings(deadline=None, max_examples=60)
@given(_document, st.integers(12, 60))
def test_a_fact_stands_where_its_line_says(sections: list[tuple[str, str]], width: int) -> None:
    """The line of a fact is the one where its sentence, bullet or row begins."""
    text = written([(heading, wrapped(body, width)) for heading, body in sections])
    lines = text.splitlines()
    for fact in facts(text):
        first = fact.value.split()[0]
        assert first in lines[fact.line - 1]
        rest = " ".join(lines[fact.line - 1 :])
        assert fact.value in rest
