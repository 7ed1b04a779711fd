"""The terminal chat and the answering process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from identity_ops import trainer
from identity_ops.errors import DataError
from tests.training.small import talk
from training.answer import Speaker
from training.chat import Chat
from training.engine import Sampling


def chat(base: Path, *lines: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "identity_ops", "chat", "--model", str(base), "--max-tokens", "8"],
        input="\n".join(lines), capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_pipe_gets_one_answer_a_line(base: Path) -> None:
    """Empty lines are skipped, /quit ends it, and nothing else is on standard output."""
    done = chat(base, "who are you", "", "red", "/quit", "never asked")
    assert done.returncode == 0, done.stderr
    speaker = Speaker.load(base)
    talker = Chat(speaker, Sampling(max_tokens=8))
    answers = ["".join(talker.say(text)) for text in ("who are you", "red")]
    assert done.stdout == "".join(f"{answer}\n" for answer in answers)


def test_a_folder_without_a_model_is_a_clear_error(tmp_path: Path) -> None:
    """Not a traceback."""
    done = chat(tmp_path, "hello")
    assert done.returncode == 1
    assert "no model" in done.stderr
    assert "Traceback" not in done.stderr


def test_earlier_turns_are_forgotten_when_the_context_is_full(base: Path) -> None:
    """The conversation goes on; a single turn that cannot fit is refused."""
    speaker = Speaker.load(base)
    talker = Chat(speaker, Sampling(max_tokens=16))
    for _ in range(12):
        "".join(talker.say("what is your name"))
    assert len(speaker.prompt(talker.messages[:-1])) <= speaker.context - 16
    with pytest.raises(DataError, match="too long"):
        "".join(talker.say("what " * 200))


def test_streamed_pieces_join_to_the_decoded_answer(base: Path) -> None:
    """Characters of several tokens are held back until they are whole."""
    speaker = Speaker.load(base)
    how = Sampling(max_tokens=30, temperature=2.0, seed=3)
    pieces = list(Chat(speaker, how).say("red"))
    assert all(not piece.endswith("\N{REPLACEMENT CHARACTER}") for piece in pieces[:-1])
    tokens = [("prompt", talk("red"))]
    assert "".join(pieces) == speaker.answers(tokens, how)["prompt"]


def test_answers_come_back_by_id_from_a_process_of_their_own(base: Path) -> None:
    """As they are when asked here, whatever the ids and texts hold."""
    prompts = [("a", talk("who")), ("b/ü", talk("red\nblue", "x", "green?"))]
    found = trainer.answer(base, prompts, max_tokens=6)
    assert found == Speaker.load(base).answers(prompts, Sampling(max_tokens=6))


def test_a_prompt_that_ends_with_the_assistant_is_named(base: Path) -> None:
    """It asks nothing."""
    with pytest.raises(DataError, match="my-probe"):
        trainer.answer(base, [("my-probe", talk("who", "me"))])


def test_torch_stays_out_of_the_process_that_asks(base: Path) -> None:
    """So that an Airflow task keeps no GPU and little memory."""
    script = (
        "import sys; from pathlib import Path; from identity_ops import trainer;"
        f"trainer.answer(Path({str(base)!r}), [('a', [{{'role': 'user', 'content': 'who'}}])]);"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
