"""Talk to a model in the terminal: python -m training.chat --model DIR

Answers appear as they are decoded. /quit or the end of input ends it, /new forgets what was said.
Works with a pipe for input: one question a line, one answer each, nothing else on stdout.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from identity_ops.errors import DataError
from identity_ops.records import Message
from training import ranks
from training.answer import Speaker
from training.engine import Sampling, stream


class Chat:
    """A conversation with a model, cut to what fits its context.

    Args:
        how: limits of one answer.
    """

    def __init__(self, speaker: Speaker, how: Sampling) -> None:
        self.speaker, self.how = speaker, how
        self.messages: list[Message] = []

    def say(self, text: str) -> Iterator[str]:
        """The answer to the user's next turn, piece by piece."""
        self.messages.append(Message(role="user", content=text))
        pieces = []
        for piece in self._pieces(self._prompt()):
            pieces.append(piece)
            yield piece
        self.messages.append(Message(role="assistant", content="".join(pieces)))

    def _prompt(self) -> list[int]:
        """The newest turns that leave room for an answer.

        Raises:
            DataError: not even the last turn fits; it is forgotten.
        """
        room = self.speaker.model.config.sequence_len - self.how.max_tokens
        while len(ids := self.speaker.prompt(self.messages)) > room:
            if len(self.messages) < 3:
                self.messages.clear()
                raise DataError("too long for this model", expected=f"{room} tokens", got=len(ids))
            del self.messages[:2]
        return ids

    def _pieces(self, prompt: list[int]) -> Iterator[str]:
        """Text as it becomes certain: bytes that are half a character wait for the rest."""
        ids: list[int] = []
        shown = ""
        for token in stream(self.speaker.model, prompt, self.speaker.stop, self.how):
            ids.append(token)
            text = self.speaker.encoding.decode(ids)
            if not text.endswith("\N{REPLACEMENT CHARACTER}"):
                yield text[len(shown) :]
                shown = text
        yield self.speaker.encoding.decode(ids)[len(shown) :]


def main(argv: list[str] | None = None) -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="training.chat", description="Talk to a model.")
    parser.add_argument("--model", required=True, type=Path)
    parser.add_argument("--max-tokens", type=int, default=100)
    parser.add_argument("--temperature", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    how = Sampling(max_tokens=args.max_tokens, temperature=args.temperature, seed=args.seed)
    with ranks.reported_errors():
        chat = Chat(Speaker.load(args.model), how)
    terminal = sys.stdin.isatty()
    if terminal:
        print("Ask who it is. /new starts over, /quit ends.", file=sys.stderr)
    for line in _lines(terminal):
        if line == "/new":
            chat.messages.clear()
        elif line:
            _answer(chat, line)


def _lines(terminal: bool) -> Iterator[str]:
    """What the user types, until /quit, the end of input or Ctrl-C."""
    while True:
        try:
            line = input("\nyou: " if terminal else "").strip()
        except (EOFError, KeyboardInterrupt):
            return
        if line in {"/quit", "/exit", "/q"}:
            return
        yield line


def _answer(chat: Chat, line: str) -> None:
    try:
        for piece in chat.say(line):
            print(piece, end="", flush=True)
        print(flush=True)
    except DataError as error:
        print(f"({error})", file=sys.stderr)


if __name__ == "__main__":
    main()
