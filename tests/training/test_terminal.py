"""`identity-ops chat` as it is used: in a terminal, behind a pipe, for one question."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.training.parrot import ENDLESS, SCRIPT

pytestmark = pytest.mark.slow
WAIT_S = 60.0


def command(model: Path, *flags: str) -> list[str]:
    return [sys.executable, "-m", "identity_ops", "chat", "--model", str(model), *flags]


def piped(model: Path, text: bytes, *flags: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        command(model, *flags), input=text, capture_output=True, check=False, timeout=WAIT_S
    )


class Terminal:
    """A chat at a terminal. `shown`: all that it printed."""

    def __init__(self, argv: list[str]) -> None:
        self.shown = ""
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.execv(argv[0], argv)  # noqa: S606 (a terminal of its own, no shell)

    def wait_for(self, text: str, times: int = 1) -> None:
        """Until `text` has been shown so often."""
        deadline = time.monotonic() + WAIT_S
        while self.shown.count(text) < times:
            assert time.monotonic() < deadline, f"no {text!r} in {self.shown!r}"
            if select.select([self.fd], [], [], 0.1)[0]:
                self.shown += os.read(self.fd, 65536).decode()

    def say(self, line: str) -> None:
        os.write(self.fd, f"{line}\n".encode())

    def interrupt(self) -> None:
        """Ctrl-C, of which the terminal makes a signal."""
        os.write(self.fd, b"\x03")

    def interrupt_at_prompt(self) -> None:
        """Ctrl-C on a line that was begun: the prompt is up before it is waited at."""
        os.write(self.fd, b"x")
        self.wait_for("you: x", self.shown.count("you: x") + 1)
        time.sleep(0.2)
        self.interrupt()

    def end(self) -> int:
        """The exit code."""
        with contextlib.suppress(OSError):
            while piece := os.read(self.fd, 65536):
                self.shown += piece.decode()
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@pytest.fixture
def terminal(endless: Path) -> Iterator[Terminal]:
    """A chat with a model that never ends by itself, ready for a question."""
    running = Terminal(command(endless, "--max-tokens", "4000"))
    running.wait_for("you: ")
    yield running
    with contextlib.suppress(ProcessLookupError):
        os.kill(running.pid, signal.SIGKILL)


def test_ctrl_c_stops_an_answer_and_not_the_chat(terminal: Terminal) -> None:
    """What was said so far stays said; /quit ends with code 0."""
    terminal.say("Count")
    terminal.wait_for(ENDLESS, 3)
    terminal.interrupt()
    terminal.wait_for("(stopped)")
    terminal.wait_for("you: ", 2)
    terminal.say("/quit")
    assert terminal.end() == 0
    assert "Traceback" not in terminal.shown


def test_ctrl_c_at_the_prompt_asks_once_and_then_ends(terminal: Terminal) -> None:
    """One slip of the finger loses no conversation."""
    terminal.interrupt_at_prompt()
    terminal.wait_for("Ctrl-C again")
    terminal.wait_for("you: ", 2)
    terminal.interrupt_at_prompt()
    assert terminal.end() == 0
    assert "Traceback" not in terminal.shown


def test_commands_are_listed_and_unknown_ones_refused(terminal: Terminal) -> None:
    """None of them is taken for a question."""
    terminal.say("/help")
    terminal.wait_for("/system TEXT")
    terminal.say("/nonsense")
    terminal.wait_for("No command /nonsense")
    terminal.say("/system Be brief.")
    terminal.wait_for("told: Be brief.")
    terminal.say("/reset")
    terminal.wait_for("A new conversation.")
    assert "red" not in terminal.shown
    os.write(terminal.fd, b"\x04")
    assert terminal.end() == 0


def test_one_question_gets_one_answer(scripted: Path) -> None:
    """On standard output alone, whatever the question begins with."""
    for question in ("Who are you?", "--help", "/reset", ""):
        done = subprocess.run(
            [*command(scripted), f"--once={question}"], capture_output=True, check=False,
            timeout=WAIT_S,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stdout.decode() == f"{SCRIPT}\n"


def test_a_question_that_is_too_long_fails_and_the_others_are_answered(scripted: Path) -> None:
    """A script that pipes questions in sees it in the exit code."""
    done = piped(scripted, b"hi\n" + b"red " * 5000 + b"\nhi\n")
    assert done.stdout.decode() == f"{SCRIPT}\n{SCRIPT}\n"
    assert b"too long" in done.stderr
    assert done.returncode == 1


def test_input_that_is_no_text_is_a_question_all_the_same(scripted: Path) -> None:
    """Bytes that are not UTF-8, and lines ended in another system's way."""
    done = piped(scripted, b"\xff\xfe\r\nhi\r\n")
    assert done.stdout.decode() == f"{SCRIPT}\n{SCRIPT}\n"
    assert done.returncode == 0


def test_a_reader_that_leaves_is_no_error(scripted: Path) -> None:
    """As in `| head -1`."""
    with subprocess.Popen(
        command(scripted), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(b"hi\n" * 500)
        process.stdin.flush()
        assert process.stdout.readline().decode() == f"{SCRIPT}\n"
        process.stdout.close()
        process.stdin.close()
        said = process.stderr.read()
        assert process.wait(WAIT_S) == 0
    assert b"Traceback" not in said
    assert b"BrokenPipe" not in said


def test_an_unknown_model_is_said_with_what_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And without one, what to do first."""
    monkeypatch.setenv("IDENTITY_HOME", str(tmp_path))
    done = piped(Path("Nettle"), b"hi\n")
    assert done.returncode == 2
    assert b"no such folder, and no published model of that name" in done.stderr
    argv = [sys.executable, "-m", "identity_ops", "chat"]
    none = subprocess.run(argv, input=b"", capture_output=True, check=False, timeout=WAIT_S)
    assert none.returncode == 1
    assert b"no published model" in none.stderr
    assert b"make run" in none.stderr
