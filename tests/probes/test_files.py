"""Users' probe files: every mistake is named with its line, nothing dangerous is taken in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from identity_ops.errors import DataError
from identity_ops.probes.files import MAX_PATTERN, fingerprint, read_user_probes
from tests.a_run import write_probes

GOOD = {"id": "a", "category": "mine", "question": "Who?", "all_of": ["thistle"]}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{not json", "not JSON"),
        ("[1]", "not a JSON object"),
        ('{"id": "x"}', "category"),
        ('{"id": "x", "category": "c", "question": "q", "all_of": ["("]}', "does not compile"),
        ('{"id": "x", "category": "c", "question": "q", "all_of": [""]}', "empty regex"),
        ('{"id": "x", "category": "c", "question": "q", "all_of": ["(a+)+$"]}', "repeat"),
        ('{"id": "x", "category": "c", "question": "q", "none_of": ["(?:(?:a*)b*)*"]}', "repeat"),
        ('{"id": "x", "category": "c", "question": "q"}', "any answer would pass"),
        ('{"id": "x", "category": "c", "question": "", "all_of": ["a"]}', "question"),
        ('{"id": "x", "category": "c", "question": "q", "all_of": ["a"], "extra": 1}', "extra"),
        ('{"id": "x", "category": "c", "question": "q", "all_of": "a"}', "should be a list"),
        ('{"id": "x", "category": "c", "question": "q", "all_of": ["a"], "history": '
         '[{"role": "user", "content": "hi"}]}', "alternate"),
        ('{"id": "x", "category": "c", "question": "q", "all_of": ["a"], "history": '
         '[{"role": "tool", "content": "hi"}]}', "role"),
        ('{"id": "a", "category": "c", "question": "q", "all_of": ["a"]}', "already on line 1"),
        ('{"id": "x", "id": "y", "category": "c", "question": "q", "all_of": ["a"]}', "twice"),
        ('{"id": "x", "category": "c", "question": "  ", "all_of": ["a"]}', "question"),
        ('{"id": "x", "category": "c", "question": "\\ud800", "all_of": ["a"]}', "unicode"),
        ("[" * 100_000, "nested too deeply"),
    ],
)  # fmt: skip
def test_a_wrong_line_is_named(tmp_path: Path, row: str, message: str) -> None:
    """A probe that cannot be used is refused with file:line and the reason."""
    path = write_probes(tmp_path / "p.jsonl", [GOOD])
    path.write_text(path.read_text() + row + "\n")
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        read_user_probes(path)
    assert f"{path}:2:" in str(caught.value)


def test_all_wrong_lines_are_told_at_once(tmp_path: Path) -> None:
    """Two mistakes give one error that names both lines."""
    path = tmp_path / "p.jsonl"
    path.write_text("{\n" + '{"id": 1}\n')
    with pytest.raises(DataError, match=r"(?s)p\.jsonl:1:.*p\.jsonl:2:"):
        read_user_probes(path)


def test_every_wrong_field_of_a_line_is_named(tmp_path: Path) -> None:
    """Three mistakes in one line are told together, each with its field."""
    row = {"id": "", "category": "c", "qestion": "q", "all_of": ["("]}
    path = write_probes(tmp_path / "p.jsonl", [row])
    with pytest.raises(DataError) as caught:
        read_user_probes(path)
    for field in ("id:", "question:", "all_of:", "qestion:"):
        assert field in str(caught.value)


def test_the_fingerprint_is_of_questions_and_rules(tmp_path: Path) -> None:
    """Another order is the same test; another question or rule is another one."""
    rows = [GOOD, GOOD | {"id": "b"}]
    read = [
        read_user_probes(write_probes(tmp_path / f"{n}.jsonl", found))
        for n, found in enumerate(
            [rows, rows[::-1], [GOOD, GOOD | {"id": "b", "all_of": ["heron"]}], [GOOD]]
        )
    ]
    first, reversed_, other, fewer = map(fingerprint, read)
    assert first == reversed_
    assert len({first, other, fewer}) == 3


def test_a_pattern_has_a_length_limit(tmp_path: Path) -> None:
    """A regex beyond the limit is refused, one at the limit is not."""
    long = write_probes(tmp_path / "long.jsonl", [GOOD | {"all_of": ["a" * (MAX_PATTERN + 1)]}])
    with pytest.raises(DataError, match="at most"):
        read_user_probes(long)
    edge = write_probes(tmp_path / "edge.jsonl", [GOOD | {"all_of": ["a" * MAX_PATTERN]}])
    assert read_user_probes(edge)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xff\xfe{}"])
def test_a_file_without_probes_is_an_error(tmp_path: Path, content: bytes) -> None:
    """Empty, blank and undecodable files do not pass as a probe set."""
    path = tmp_path / "p.jsonl"
    path.write_bytes(content)
    with pytest.raises(DataError):
        read_user_probes(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A path that does not exist is an error with that path."""
    with pytest.raises(DataError, match=r"gone\.jsonl"):
        read_user_probes(tmp_path / "gone.jsonl")


def test_all_fields_of_the_format_are_kept(tmp_path: Path) -> None:
    """History, system and both pattern lists arrive as written; a BOM and CRLF do no harm."""
    row = GOOD | {
        "none_of": ["claude"], "system": "Be brief.",
        "history": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yes?"}],
    }  # fmt: skip
    path = write_probes(tmp_path / "p.jsonl", [row])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    (probe,) = read_user_probes(path)
    assert (probe.none_of, probe.system) == (("claude",), "Be brief.")
    assert [turn["content"] for turn in probe.history] == ["hi", "yes?"]
