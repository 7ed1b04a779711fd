"""Where keys come from, and that they show nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from identity_ops.errors import AuthError
from identity_ops.teachers.keys import checked_key, clean, find_key, setting

VARIABLE, KEY_FILE = "OPENROUTER_API_KEY", "openroutertoken.txt"


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(VARIABLE, raising=False)


def found() -> str:
    return find_key("openrouter").get_secret_value()


def test_environment_wins_over_dotenv_over_key_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each place is asked in turn, the most explicit first."""
    Path(KEY_FILE).write_text("sk-file\n")
    assert found() == "sk-file"
    Path(".env").write_text(f'export {VARIABLE}="sk-dotenv"\n')
    assert found() == "sk-dotenv"
    monkeypatch.setenv(VARIABLE, " sk-environment ")
    assert found() == "sk-environment"


def test_empty_value_is_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable set to nothing does not hide the key file."""
    monkeypatch.setenv(VARIABLE, "  ")
    Path(".env").write_text(f"{VARIABLE}=\n")
    Path(KEY_FILE).write_text("sk-file")
    assert found() == "sk-file"


def test_dollar_in_dotenv_is_a_character(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key is never expanded from other variables."""
    monkeypatch.setenv("HOME_MADE", "x")
    Path(".env").write_text(f"{VARIABLE}=sk-${{HOME_MADE}}\n")
    assert setting(VARIABLE) == "sk-${HOME_MADE}"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_files_of_other_editors_are_read(encoding: str) -> None:
    """A byte order mark, UTF-16 and a comment in Latin-1 do not hide the key, nor end the run."""
    Path(".env").write_bytes(f"# caf\u00e9\n{VARIABLE}=sk-dotenv\n".encode(encoding))
    assert found() == "sk-dotenv"
    Path(".env").unlink()
    Path(KEY_FILE).write_bytes("sk-file\r\n".encode(encoding))
    assert found() == "sk-file"


def test_bad_key_is_told_of_the_place_it_stands_in() -> None:
    """A key file's mistake is not blamed on the variable."""
    Path(KEY_FILE).write_text("sk-one\nsk-two\n")
    with pytest.raises(AuthError, match=rf"^{KEY_FILE}: "):
        found()


@pytest.mark.parametrize("text", ["", "\n", "  \n "])
def test_no_key_says_where_one_may_stand(text: str) -> None:
    """The message names the variable, `.env` and the file."""
    Path(KEY_FILE).write_text(text)
    with pytest.raises(AuthError, match=r"OPENROUTER_API_KEY.*\.env.*openroutertoken\.txt"):
        found()


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "uml\u00e4ut", "nul\0", "tab\t", ""])
def test_key_that_no_header_can_carry_is_refused_unseen(key: str) -> None:
    """It is an error about the key that does not show the key."""
    with pytest.raises(AuthError) as caught:
        checked_key(SecretStr(key), VARIABLE)
    assert not key or key not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["wrong key THE.KEY/of+mine=", "Incorrect API key: sk-or-v1-0123456789abcdef0123",
     "Authorization: Bearer abc.def", "AIzaSyA0123456789abcdefghi"],
)  # fmt: skip
def test_foreign_text_loses_every_key(text: str) -> None:
    """The key itself, and whatever looks like one, is blotted out."""
    cleaned = clean(text, SecretStr("THE.KEY/of+mine="))
    assert "[key]" in cleaned
    for secret in ("THE.KEY", "0123456789", "abc.def"):
        assert secret not in cleaned


def test_foreign_text_cannot_forge_lines_or_flood() -> None:
    """Control characters and length are tamed: a message stays one line of a log."""
    cleaned = clean("a\r\n\x1b[31mb\u202ec\ud800" + "x" * 10_000, None)
    assert len(cleaned) <= 300
    assert cleaned.isprintable()
