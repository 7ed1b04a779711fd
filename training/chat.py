"""Talk to a model in the terminal: python -m training.chat --model DIR

Answers appear as they are decoded and the model reads the turns before. Ctrl-C stops an answer;
/help lists the commands. With a pipe for input: one question a line, one answer each, nothing
else on stdout. With --once: one question, one answer.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from identity_ops.errors import DataError
from identity_ops.records import Message
from training import ranks
from training.answer import Speaker
from training.engine import Sampling, stream
from training.text import Pieces

HELP = """\
/reset         begin a new conversation
/system TEXT   set the system message, and begin anew; without TEXT: none
/help          this
/quit          end (Ctrl-D too); Ctrl-C stops an answer"""


class Chat:
    """A conversation with a model, cut to what fits its context.

    Args:
        how: limits of one answer.
        system: a message before all others, "" for none.
    """

    def __init__(self, speaker: Speaker, how: Sampling, system: str = "") -> None:
        self.speaker, self.how = speaker, how
        self.messages: list[Message] = []
        self.reset(system)

    def reset(self, system: str | None = None) -> None:
        """Forget what was said; None keeps the system message."""
        if system is not None:
            self.system = [Message(role="system", content=system)] if system else []
        self.messages.clear()

    def say(self, text: str) -> Iterator[str]:
        """The answer to the user's next turn, piece by piece.

        Left early, it remembers the part that was said.

        Raises:
            DataError: the turn is too long for the model; it is forgotten.
        """
        asked = Message(role="user", content=text)
        prompt = self._prompt([*self.system, *self.messages, asked])
        pieces: list[str] = []
        try:
            for piece in self._pieces(prompt):
                pieces.append(piece)
                yield piece
        finally:
            self.messages += [asked, Message(role="assistant", content="".join(pieces))]

    def _prompt(self, messages: list[Message]) -> list[int]:
        ids, left_out = self.speaker.fit(messages, self.how.max_tokens)
        room = self.speaker.context - self.how.max_tokens
        if len(ids) > room:
            raise DataError(
                "too long for this model", expected=f"{max(room, 0)} tokens", got=len(ids),
                todo="Say it in fewer words, or allow shorter answers with --max-tokens.",
            )  # fmt: skip
        del self.messages[:left_out]
        return ids

    def _pieces(self, prompt: list[int]) -> Iterator[str]:
        pieces = Pieces(self.speaker.chat.decode)
        for token in stream(self.speaker.model, prompt, self.speaker.stop, self.how):
            if piece := pieces.add(token):
                yield piece
        if rest := pieces.end():
            yield rest


def main(argv: list[str] | None = None) -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="training.chat", description="Talk to a model.")
    parser.add_argument("--model", required=True, type=Path)
    parser.add_argument("--once")
    parser.add_argument("--system", default="")
    parser.add_argument("--max-tokens", type=int, default=100)
    parser.add_argument("--temperature", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    how = Sampling(max_tokens=args.max_tokens, temperature=args.temperature, seed=args.seed)
    sys.stdin.reconfigure(errors="replace")  # type: ignore[union-attr]
    with ranks.reported_errors():
        chat = Chat(Speaker.load(args.model), how, args.system)
    try:
        failed = _once(chat, args.once) if args.once is not None else _talk(chat)
    except KeyboardInterrupt:  # with a pipe, where there is nothing to go on with
        raise SystemExit(130) from None
    except BrokenPipeError:  # the reader has had enough, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        failed = False
    raise SystemExit(1 if failed else 0)


def _once(chat: Chat, question: str) -> bool:
    return not _answer(chat, question)


def _talk(chat: Chat) -> bool:
    """The conversation; whether a question of a pipe went unanswered."""
    failed = False
    terminal = sys.stdin.isatty()
    if terminal:
        with contextlib.suppress(ImportError):
            import readline  # noqa: F401 (arrow keys and earlier lines at the prompt)
        print("Ask who it is. /help lists the commands.", file=sys.stderr)
    for line in _lines(terminal):
        if line.startswith("/"):
            _command(chat, line)
        elif not terminal:
            failed |= not _answer(chat, line)
        else:
            try:
                _answer(chat, line)
            except KeyboardInterrupt:
                print("\n(stopped)", file=sys.stderr)
    return failed


def _lines(terminal: bool) -> Iterator[str]:
    """What the user types, until /quit, the end of input, or Ctrl-C twice."""
    interrupted = False
    while True:
        try:
            line = input("\nyou: " if terminal else "").strip()
        except EOFError:
            return
        except KeyboardInterrupt:
            if interrupted or not terminal:
                return
            interrupted = True
            print("\n(Ctrl-C again, Ctrl-D or /quit ends)", file=sys.stderr)
            continue
        interrupted = False
        if line in {"/quit", "/exit", "/q", "/bye"}:
            return
        if line:
            yield line


def _command(chat: Chat, line: str) -> None:
    word, _, rest = line.partition(" ")
    if word in {"/reset", "/new", "/clear"}:
        chat.reset()
        note = "A new conversation."
    elif word == "/system":
        chat.reset(rest.strip())
        note = "A new conversation, " + (
            f"told: {rest.strip()}" if rest.strip() else "told nothing."
        )
    else:
        note = HELP if word == "/help" else f"No command {word}.\n{HELP}"
    print(note, file=sys.stderr)


def _answer(chat: Chat, line: str) -> bool:
    """Print the answer; False where there is none."""
    try:
        for piece in chat.say(line):
            print(piece, end="", flush=True)
        print(flush=True)
    except DataError as error:
        print(f"({error})", file=sys.stderr)
        return False
    return True


if __name__ == "__main__":
    main()
