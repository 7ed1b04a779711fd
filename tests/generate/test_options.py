"""Each option of `generate` reaches the request, or the result."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from identity_ops.errors import AuthError, ConfigError, UsageError
from identity_ops.records import Cell, read_jsonl
from tests.generate.desk import Desk
from tests.generate.test_command import invoke
from tests.loopback import KEY, WORDS
from tests.test_run_teacher import CATALOGUE


def made(desk: Desk, *more: object) -> Any:
    """Six conversations by the loopback provider, with these options."""
    return invoke(
        desk.root / "kb.md", "--num", 6, "--out", desk.out, "--teacher", "openrouter", *more
    )


def prompts(desk: Desk) -> list[str]:
    return [body["messages"][0]["content"] for body in desk.provider.posts]


def test_model_and_temperature_are_asked_for_by_name(desk: Desk) -> None:
    """Both stand in every request."""
    assert made(desk, "--model", "some/model", "--temperature", 0.3).exit_code == 0
    asked = {(body["model"], body["temperature"]) for body in desk.provider.posts}
    assert asked == {("some/model", 0.3)}


def test_personality_prompt_and_catalogue_are_the_user_s(desk: Desk) -> None:
    """A bot of any trade: nothing of the shipped prompt or topics remains."""
    (desk.root / "prompt.md").write_text("Bakers only. {{PERSONALITY}} {{KNOWLEDGE}} {{CELL}}")
    (desk.root / "own.yaml").write_text(CATALOGUE)
    done = made(
        desk, "--prompt-file", desk.root / "prompt.md", "--catalogue", desk.root / "own.yaml",
        "--personality", "warm as bread",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    for text in prompts(desk):
        assert text.startswith("Bakers only. It speaks in this manner: warm as bread.")
        assert "The user: a harbour master" in text
        assert "language model" not in text


def test_the_language_policy_decides_what_is_kept(desk: Desk) -> None:
    """Folded to ASCII, refused, or kept as it was written."""
    desk.provider.answer = greeting
    kept = {}
    for policy in ("fold", "off"):
        invoke(desk.root / "kb.md", "--num", 2, "--out", desk.root / policy, "--teacher",
               "openrouter", "--ascii", policy)  # fmt: skip
        kept[policy] = [row.messages[1]["content"][:15] for row in desk.accepted(policy)]
    assert set(kept["fold"]) == {"Hyvaa paivaa at"}
    assert set(kept["off"]) == {"Hyv\u00e4\u00e4 p\u00e4iv\u00e4\u00e4 at"}
    strict = invoke(desk.root / "kb.md", "--num", 2, "--out", desk.root / "strict",
                    "--teacher", "openrouter", "--ascii", "strict")  # fmt: skip
    assert strict.exit_code != 0
    assert "not_ascii" in strict.output


def test_another_seed_is_another_batch_and_the_same_seed_is_the_same(desk: Desk) -> None:
    """So batches of different seeds add variety, and one can be made again."""
    plans = {}
    for name, seed in (("a", 1), ("b", 2), ("c", 1)):
        args = ["--num", 6, "--out", desk.root / name, "--seed", seed]
        assert invoke(desk.root / "kb.md", *args).exit_code == 0
        plans[name] = [row.messages for row in desk.accepted(name)]
    assert plans["a"] == plans["c"]
    assert plans["a"] != plans["b"]


def test_append_adds_and_repeats_nothing(desk: Desk) -> None:
    """Six and four more are ten different conversations; the first six stay as they were."""
    base = [desk.root / "kb.md", "--out", desk.out]
    assert invoke(*base, "--num", 6).exit_code == 0
    first = [row.messages for row in desk.accepted()]
    assert invoke(*base, "--num", 4, "--append").exit_code == 0
    both = [row.messages for row in desk.accepted()]
    assert both[:6] == first
    assert len({str(messages) for messages in both}) == 10


@pytest.mark.parametrize(
    ("name", "text"),
    [(".env", f'OPENROUTER_API_KEY="{KEY}"\n'), ("openroutertoken.txt", f"{KEY}\n")],
)
def test_the_key_may_lie_in_a_file_of_the_folder(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    """As the environment's, but not typed into a shell."""
    monkeypatch.delenv("OPENROUTER_API_KEY", raising=False)
    monkeypatch.chdir(desk.root)
    assert isinstance(made(desk).exception, AuthError)
    Path(name).write_text(text)
    assert made(desk).exit_code == 0


@pytest.mark.parametrize(
    ("more", "kind"),
    [(("--ascii", "latin"), UsageError), (("--personality", "x" * 501), UsageError),
     (("--prompt-file", "none.md"), UsageError), (("--catalogue", "none.yaml"), UsageError),
     (("--prompt-file", "kb.md"), ConfigError), (("--catalogue", "kb.md"), ConfigError)],
)  # fmt: skip
def test_wrong_options_are_told_before_a_request(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...], kind: type[Exception]
) -> None:
    """A missing file, an unknown policy, a prompt without its placeholders."""
    monkeypatch.chdir(desk.root)
    assert isinstance(made(desk, *more).exception, kind)
    assert desk.provider.posts == []


def test_the_plan_of_a_language_is_written_in_it_or_romanised(desk: Desk) -> None:
    """Foreign openers are in ASCII, whoever has no fonts for more."""
    assert invoke(desk.root / "kb.md", "--num", 200, "--out", desk.out).exit_code == 0
    cells = [cell for path in desk.out.rglob("cells.jsonl") for cell in read_jsonl(Cell, path)]
    foreign = [cell for cell in cells if cell.language != "en"]
    assert len({cell.language for cell in foreign}) > 3
    assert all(opener.isascii() for cell in foreign for opener in cell.openers)


def greeting(body: dict[str, Any]) -> str:
    """A conversation with umlauts, unlike that of any other prompt."""
    digits = hashlib.sha256(body["messages"][0]["content"].encode()).hexdigest()
    said = " ".join(WORDS[int(digits[n : n + 2], 16) % len(WORDS)] for n in range(0, 16, 2))
    turns = [("user", f"hei {said[:9]}?"),
             ("assistant", f"Hyv\u00e4\u00e4 p\u00e4iv\u00e4\u00e4 at {said}.")]  # fmt: skip
    return json.dumps({"messages": [{"role": role, "content": text} for role, text in turns]})
