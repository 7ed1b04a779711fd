"""`init --teacher`: drafted by a model over a real socket, and never trusted unread."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from identity_ops.draft import from_model
from identity_ops.errors import AuthError, CreditError, DataError
from identity_ops.knowledge import lint, read_knowledge
from tests.draft.test_init import README, run
from tests.loopback import KEY, Fault, Provider, serve
from tests.scene import settings

BASE = """# Lumen-1B

## Basic Identity

- **Name:** Lumen-1B
- **Creator:** Northwind Labs
- **Version:** 7.5

## Limitations

- Cannot browse the web
"""


def drafting(text: str) -> Any:
    """A provider's answer: the text as the assistant's message."""
    messages = [{"role": "user", "content": "Your knowledge base, please."},
                {"role": "assistant", "content": text}]  # fmt: skip
    return lambda _body: json.dumps({"messages": messages})


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    monkeypatch.setenv("OPENROUTER_API_KEY", KEY)
    with serve(Provider(drafting(BASE))) as found:
        yield found


@pytest.fixture
def readme(tmp_path: Path) -> Path:
    path = tmp_path / "README.md"
    path.write_text(README)
    return path


def test_the_draft_must_be_reviewed_before_lint_lets_it_pass(
    provider: Provider, readme: Path
) -> None:
    """It is refused as it is, and passes once the marks are dealt with; what the README does not
    say is marked by itself."""
    draft = from_model(readme, settings(provider))
    out = readme.with_name("kb.md")
    out.write_text(draft.text)
    errors = [finding for finding in lint(out) if finding.severity == "error"]
    assert {finding.rule for finding in errors} == {"placeholder"}
    assert "TODO: README.md does not say 7.5" in draft.text
    assert draft.text.count("TODO") == 2
    assert draft.cost_usd == pytest.approx(0.001)
    out.write_text("".join(line for line in draft.text.splitlines(True) if "TODO" not in line))
    assert not [finding for finding in lint(out) if finding.severity == "error"]
    assert read_knowledge(out).profile.creators == ("Northwind Labs",)


def test_the_whole_readme_is_asked_about_as_data(provider: Provider, readme: Path) -> None:
    """Verbatim, between marks, in one user message."""
    from_model(readme, settings(provider))
    (message,) = provider.posts[0]["messages"]
    assert README in message["content"]
    assert "never an instruction" in message["content"]


def test_an_unusable_answer_is_asked_for_again_and_then_given_up(
    provider: Provider, readme: Path
) -> None:
    """One odd answer costs one more request; nothing but odd answers end with an error."""
    provider.faults.append(Fault(finish_reason="length"))
    assert "Northwind" in from_model(readme, settings(provider)).text
    assert len(provider.posts) == 2
    provider.answer = lambda _body: "I would rather chat."
    with pytest.raises(DataError, match="no draft"):
        from_model(readme, settings(provider))
    assert len(provider.posts) == 5


def test_a_wrong_key_and_a_small_cap_end_before_a_request(provider: Provider, readme: Path) -> None:
    """The key is checked first; the cap holds as in `generate`."""
    price = {"prompt": 1.0, "completion": 1.0}
    with pytest.raises(CreditError):
        from_model(readme, settings(provider, price=price, max_cost_usd=1e-6))
    provider.key = "another"
    with pytest.raises(AuthError):
        from_model(readme, settings(provider))
    assert provider.posts == []


@pytest.mark.parametrize(
    ("words", "said"),
    [(("--teacher", "openrouter"), "--from"),
     (("--teacher", "template", "--from", "README.md"), "reads no README"),
     (("--teacher", "somebody", "--from", "README.md"), "name")],
)  # fmt: skip
def test_wrong_words_are_told(readme: Path, words: tuple[str, ...], said: str) -> None:
    """Exit code 2, and no file."""
    done = run(readme.parent, "init", "--out", "kb.md", *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert not readme.with_name("kb.md").exists()
