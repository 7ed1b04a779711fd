"""`init`: a form that lint holds open until it is filled in, or what a README really states."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from identity_ops.draft import blank, from_readme
from identity_ops.knowledge import lint, read_knowledge

README = """# Lumen-1B

Lumen-1B is a small language model trained by Northwind Labs. It was released in March 2026 under
the Apache 2.0 license.

## Installation

Run `pip install lumen`, then see the docs.

## Model details

| Parameter | Value |
|---|---|
| Layers | 24 |
| Context length | 8192 tokens |

## What it can do

- Answer questions about science
- Translate between English and German

## Limitations

- It cannot browse the web.

## License

Apache-2.0
"""


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "identity_ops", *words], cwd=folder, capture_output=True, text=True,
        env={"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": "/usr/bin:/bin"}, check=False,
    )  # fmt: skip


@pytest.fixture
def readme(tmp_path: Path) -> Path:
    path = tmp_path / "README.md"
    path.write_text(README)
    return path


def test_lint_names_every_place_of_the_form_and_nothing_else(tmp_path: Path) -> None:
    """Filling in is all that is asked for."""
    (tmp_path / "kb.md").write_text(blank())
    findings = lint(tmp_path / "kb.md")
    assert {finding.rule for finding in findings} == {"placeholder"}
    assert len(findings) == len(re.findall(r"\{\{[A-Z ]+\}\}", blank()))


def test_a_filled_in_form_has_no_finding(tmp_path: Path) -> None:
    """The form's labels and headings are ones that the ledger understands."""
    values = {
        "NAME": "Ovid", "CREATOR": "Fern Works", "WHAT IT IS": "library assistant",
        "WHAT IT IS FOR": "finding books", "VERSION": "2.1", "MONTH AND YEAR": "May 2026",
        "LICENSE": "MIT", "ADDRESS": "https://ovid.example", "LANGUAGES": "English",
        "DO ONE THING": "search the shelves", "DO ANOTHER THING": "renew a loan",
        "DO A THIRD THING": "suggest a poem", "KNOW OR REMEMBER": "remember earlier chats",
        "ARCHITECTURE": "transformer", "NUMBER OF PARAMETERS": "120 million",
        "TOKENS": "1024 tokens", "DATA": "library catalogues", "HARDWARE": "one GPU",
        "TONE": "quiet", "ANOTHER TRAIT": "Likes order",
    }  # fmt: skip
    text = re.sub(r"\{\{([A-Z ]+)\}\}", lambda match: values[match[1]], blank())
    text = text.replace("- Cannot search the shelves", "- Cannot lend out films")
    text = text.replace("- Cannot renew a loan", "- Cannot waive a fee")
    (tmp_path / "kb.md").write_text(text)
    assert lint(tmp_path / "kb.md") == ()
    profile = read_knowledge(tmp_path / "kb.md").profile
    assert (profile.name, profile.creators) == ("Ovid", ("Fern Works",))


def test_a_readme_s_facts_are_taken_and_its_usage_is_not(readme: Path) -> None:
    """What a model is asked of itself goes in once, even where the README says it twice."""
    text = from_readme(readme)
    for line in ("- **Name:** Lumen-1B", "- **Creator:** Northwind Labs", "- **Layers:** 24",
                 "- **License:** Apache 2.0", "- Answer questions about science",
                 "- It cannot browse the web"):  # fmt: skip
        assert line in text.splitlines()
    assert "pip install" not in text
    assert "Apache-2.0" not in text


def test_what_a_readme_leaves_open_is_left_to_fill_in(readme: Path) -> None:
    """Only what it does not say is a placeholder; nothing is made up."""
    out = readme.with_name("kb.md")
    out.write_text(from_readme(readme))
    assert [finding.rule for finding in lint(out)] == ["placeholder"]
    assert "{{TONE}}" in out.read_text()


def test_a_readme_about_no_model_leaves_all_open(tmp_path: Path) -> None:
    """An empty draft is better than a wrong one."""
    path = tmp_path / "README.md"
    path.write_text("# A cookbook\n\nSoups, stews and bread for every day.\n")
    assert {"{{CREATOR}}", "{{DO", "{{WHAT"} <= set(
        re.findall(r"\{\{\w+(?:\}\})?", from_readme(path))
    )


def test_the_command_writes_the_file_and_says_what_is_next(readme: Path) -> None:
    """A person reads the next step, a program the number of places."""
    folder = readme.parent
    done = run(folder, "init", "--out", "a.md")
    assert done.returncode == 0, done.stderr
    assert "next: edit it, then identity-ops lint a.md" in done.stdout
    assert (folder / "a.md").read_text() == blank()
    said = json.loads(run(folder, "init", "--from", "README.md", "--out", "b.md", "--json").stdout)
    assert said == {"file": "b.md", "from": "README.md", "placeholders": 1, "cost_usd": 0.0}


def test_a_file_that_is_there_is_kept(readme: Path) -> None:
    """Hours of writing are not lost to a repeated command; --force is needed."""
    folder = readme.parent
    (folder / "kb.md").write_text("mine")
    refused = run(folder, "init", "--out", "kb.md")
    assert (refused.returncode, (folder / "kb.md").read_text()) == (2, "mine")
    assert "--force" in refused.stderr
    assert run(folder, "init", "--out", "kb.md", "--force").returncode == 0
    assert (folder / "kb.md").read_text() == blank()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [(("--from", "none.md", "--out", "x.md"), 2, "no such file"), ((), 2, "--out"),
     (("--from", "binary.md", "--out", "x.md"), 1, "binary.md")],
)  # fmt: skip
def test_wrong_words_and_unreadable_files(
    tmp_path: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    """Nothing is written, and the message names the cause."""
    (tmp_path / "binary.md").write_bytes(b"\x00\x01" * 50)
    done = run(tmp_path, "init", *words)
    assert done.returncode == code
    assert said in done.stderr
    assert not (tmp_path / "x.md").exists()
