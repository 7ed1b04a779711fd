"""`identity-ops generate`: options, what it prints, exit codes, the forecast."""

from __future__ import annotations

import json
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from identity_ops.cli import generate as command
from identity_ops.errors import ConfigError, ShortfallError, UsageError
from tests.generate.desk import Desk
from tests.loopback import Fault

MODEL = "google/gemini-3-flash-preview"
LISTED = (
    200,
    {"data": [{"id": MODEL, "pricing": {"prompt": "0.000001", "completion": "0.000002"}}]},
)


def invoke(*args: object) -> Any:
    app = typer.Typer()
    app.callback()(lambda: None)
    command.register(app)
    return CliRunner().invoke(app, ["generate", *map(str, args)])


def test_command_prints_what_it_made_and_reruns_for_nothing(desk: Desk) -> None:
    """Counts, rejections, tokens and cost; `--json` for machines."""
    args = [desk.root / "kb.md", "--num", 6, "--teacher", "openrouter", "--out", desk.out]
    first = invoke(*args)
    assert first.exit_code == 0, first.output
    assert "6 of 6 conversations" in first.stdout
    assert "80% cached" in first.stdout
    data = json.loads(invoke(*args, "--json").stdout)
    assert (data["accepted"], data["shortfall"], data["out"]) == (6, 0, str(desk.out))
    assert len(desk.provider.posts) == 6


def test_shortfall_ends_the_command_with_its_reason(desk: Desk) -> None:
    """Fewer than wanted is a failure, said after the summary."""
    desk.provider.faults.extend([Fault()] * 2 + [Fault(status=402, body={"error": {}})] * 50)
    done = invoke(
        desk.root / "kb.md", "--num", 6, "--teacher", "openrouter", "--out", desk.out,
        "--workers", 1,
    )  # fmt: skip
    assert isinstance(done.exception, ShortfallError)
    assert "credit" in str(done.exception)
    assert str(done.exception).count("kept") == 1
    assert "2 of 6 conversations" in done.stdout


def test_shortfall_of_tries_does_not_promise_that_the_same_command_helps(desk: Desk) -> None:
    """The reasons are in the error, and what to do is another thing than to run it again."""
    desk.provider.faults.extend([Fault(finish_reason="length")] * 50)
    args = order(desk, "--num", 1, "--workers", 1)
    said = str(invoke(*args).exception)
    assert "1 of 1 conversations are missing" in said
    assert "finish_length" in said
    assert "--append" in said
    sent = len(desk.provider.posts)
    assert str(invoke(*args).exception) == said
    assert len(desk.provider.posts) == sent


def test_teacher_of_whom_nothing_can_be_used_is_not_paid_on_and_on(desk: Desk) -> None:
    """It is found out by the first answers, says why, and running again costs nothing."""
    desk.provider.answer = lambda _: "Sure! What should I write?"
    args = order(desk, "--num", 50, "--workers", 4)
    done = invoke(*args)
    assert "none of the first 5" in str(done.exception)
    assert "not_json 5" in str(done.exception)
    assert 50 <= len(desk.provider.posts) < 60
    assert "an accepted conversation" not in done.stdout
    sent = len(desk.provider.posts)
    assert isinstance(invoke(*args).exception, ShortfallError)
    assert len(desk.provider.posts) == sent


def test_price_makes_a_cap_possible(desk: Desk) -> None:
    """Where the provider lists no price, the user's own makes the cap hold."""
    args = [desk.root / "kb.md", "--num", 6, "--teacher", "openrouter", "--out", desk.out]
    args += ["--model", "some/new-model"]
    refused = invoke(*args, "--max-cost", 0.5)
    assert isinstance(refused.exception, ConfigError)
    assert not desk.provider.posts
    assert invoke(*args, "--max-cost", 0.5, "--price", "0.5:3").exit_code == 0


@pytest.mark.parametrize(
    "args",
    [["--num", "0"], ["--num", "many"], ["--workers", "0"], ["--timeout", "0"],
     ["--temperature", "3"], ["--max-cost", "-1"], ["--max-cost", "nan"], ["--seed", "-1"],
     ["--batch-size", "0"], ["--teacher", "nobody"], ["--price", "3"], ["--price", "a:b"],
     ["--price", "-1:2"], ["--price", "nan:1"], ["--catalogue", "none.yaml"]],
)  # fmt: skip
def test_wrong_option_is_refused_before_anything(desk: Desk, args: list[str]) -> None:
    """Out of range or unknown: nothing is made and nobody asked."""
    rest = [] if "--num" in args else ["--num", "2"]
    done = invoke(desk.root / "kb.md", "--out", desk.out, *rest, *args)
    assert done.exit_code != 0
    assert done.exit_code == 2 or isinstance(done.exception, UsageError)
    assert not desk.out.exists()
    assert not desk.provider.gets
    assert not desk.provider.posts


def order(desk: Desk, *more: object) -> list[object]:
    return [desk.root / "kb.md", "--num", 6, "--teacher", "openrouter", "--out", desk.out, *more]


def test_dry_run_asks_for_no_conversation_and_leaves_nothing(desk: Desk) -> None:
    """Tokens, likely and worst cost, whose price of which day; without a key, for nothing."""
    desk.provider.models_reply = LISTED
    done = invoke(*order(desk, "--dry-run", "--json"))
    assert done.exit_code == 0
    said = json.loads(done.stdout)
    tokens = said["prompt_tokens"] + 2 * said["completion_tokens"]
    assert said["conversations"] == 6
    assert said["cost_usd"] == pytest.approx(tokens / 1e6, rel=1e-3)
    assert said["worst_usd"] > 6 * 4096 * 2 / 1e6
    assert said["price_source"].startswith("OpenRouter's list of 20")
    assert (said["cap_usd"], said["within_cap"]) == (None, None)
    assert desk.provider.posts == []
    assert not desk.out.exists()


@pytest.mark.parametrize(
    ("cap", "code", "says"), [(5, 0, "is enough"), (0.001, 1, "is not enough")]
)
def test_dry_run_says_whether_the_cap_suffices(
    desk: Desk, cap: float, code: int, says: str
) -> None:
    """Exit code 1 where the forecast passes it."""
    desk.provider.models_reply = LISTED
    done = invoke(*order(desk, "--dry-run", "--max-cost", cap))
    assert done.exit_code == code
    assert says in done.stdout
    assert "at worst $" in done.stdout
    assert desk.provider.posts == []


def test_dry_run_without_a_price_cannot_vouch_for_a_cap(desk: Desk) -> None:
    """A cap that nobody can reckon with is no success; without a cap there is nothing to keep."""
    unknown = order(desk, "--dry-run", "--model", "new/one")
    assert invoke(*unknown, "--max-cost", 5).exit_code == 1
    done = invoke(*unknown)
    assert done.exit_code == 0
    assert "nobody lists a price" in done.stdout


def test_cost_is_estimated_before_the_first_request_and_compared_after_the_last(
    desk: Desk,
) -> None:
    """The forecast goes to stderr, so that --json stays JSON; the summary holds both."""
    desk.provider.models_reply = LISTED
    done = invoke(*order(desk, "--json"))
    assert "forecast: 6 conversations by openrouter" in done.stderr
    data = json.loads(done.stdout)
    assert data["responses_usd"] == pytest.approx(0.006)
    assert data["forecast_usd"] > 0
    text = invoke(*order(desk)).stdout
    assert f"ratio {data['responses_usd'] / data['forecast_usd']:.2f}" in text
    assert "$0.001000 an accepted conversation" in text
    assert "80% cached" in text


def test_reused_answers_keep_their_worth(desk: Desk) -> None:
    """From the cache nothing is paid, and the comparison with the forecast stays fair."""
    invoke(*order(desk))
    again = order(desk)
    again[-1] = desk.root / "elsewhere"
    data = json.loads(invoke(*again, "--json").stdout)
    assert data["cost_usd"] == 0
    assert data["responses_usd"] == pytest.approx(0.006)
    assert len(desk.provider.posts) == 6
