"""The answers that one model is writing, all of them stepped together.

A new prompt joins between two steps, so nobody waits for another's answer to end. Rows do not see
each other: each answer is what it would be alone. Not thread-safe but for `submit` and `cancel`.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from training.answer import Speaker
from training.engine import Draw, Rows, Sampling, choose
from training.text import Pieces

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Piece:
    """Some more text of an answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Done:
    """The answer's end. tokens: how many it has, without the one that ended it."""

    reason: Literal["stop", "length"]
    tokens: int


@dataclass(frozen=True, slots=True)
class Failed:
    """The model broke while it wrote this."""

    what: str


Event = Piece | Done | Failed


class Answer:
    """One answer, from its prompt to its end.

    Args:
        prompt: token ids; with `how.max_tokens` they fit the model's context.
        stop: strings that end it.
        tell: gets each event, in the thread that steps.
    """

    def __init__(
        self,
        prompt: Sequence[int],
        how: Sampling,
        stop: Sequence[str],
        tell: Callable[[Event], None],
    ) -> None:
        self.prompt, self.how, self.stop, self.tell = prompt, how, stop, tell
        self.draw = Draw(how)
        self.tokens = 0
        self.over = False

    def cancel(self) -> None:
        """Nobody wants it any more: its row goes before the next step. From any thread."""
        self.over = True

    def begin(self, speaker: Speaker) -> None:
        """Its prompt is being read."""
        self._ends = speaker.stop
        self._pieces = Pieces(speaker.chat.decode, self.stop)

    def take(self, token: int) -> None:
        """Its next token; sets `over` where that ends it."""
        if token in self._ends:
            return self._finish("stop")
        self.tokens += 1
        self._say(self._pieces.add(token))
        if self._pieces.stopped:
            return self._finish("stop")
        if self.tokens >= self.how.max_tokens:
            return self._finish("length")
        return None

    def _finish(self, reason: Literal["stop", "length"]) -> None:
        self._say(self._pieces.end())
        self.over = True
        self.tell(Done(reason, self.tokens))

    def _say(self, text: str) -> None:
        if text:
            self.tell(Piece(text))


class Lane:
    """One model at work.

    Args:
        rows: answers written at once; more wait for a place.
    """

    def __init__(self, speaker: Speaker, rows: int) -> None:
        self.speaker, self.rows = speaker, rows
        self.waiting: deque[Answer] = deque()
        self.writing: list[Answer] = []
        self._cache: Rows | None = None  # rows as in `writing`
        self._tokens = torch.empty(0)  # (B,) each row's newest token, which it has not read yet

    def submit(self, answer: Answer) -> None:
        """Let it be written as soon as a row is free. From any thread."""
        self.waiting.append(answer)

    @torch.inference_mode()
    def step(self) -> bool:
        """Write one token of every answer; False where there is nothing to do."""
        try:
            logits = [*self._read_newest(), *self._admit()]
            if logits:
                self._write(torch.cat(logits))
        except Exception as error:
            log.exception("the answers of a step failed")
            self._fail(error)
        return bool(self.writing or self.waiting)

    def _read_newest(self) -> Iterator[Tensor]:
        """Drop the rows that are over; logits (B, vocab) of the others."""
        going = [row for row, answer in enumerate(self.writing) if not answer.over]
        if self._cache is not None and 0 < len(going) < len(self.writing):
            rows = torch.tensor(going, device=self._tokens.device)
            self._cache.keep(rows)
            self._tokens = self._tokens[rows]
        self.writing = [self.writing[row] for row in going]
        if not going:
            self._cache = None
        if self._cache is not None:
            yield self._cache.extend(self._tokens)

    def _admit(self) -> Iterator[Tensor]:
        """Give free rows to those who wait; logits (B, vocab) after their prompts."""
        new: list[Answer] = []
        while self.waiting and len(self.writing) + len(new) < self.rows:
            answer = self.waiting.popleft()
            if not answer.over:
                answer.begin(self.speaker)
                new.append(answer)
        if not new:
            return
        self.writing += new  # before reading: were that to fail, they would be told
        room = max(answer.how.max_tokens for answer in new)
        cache, logits = self.speaker.read([answer.prompt for answer in new], room)
        if self._cache is None:
            self._cache = cache
        else:
            self._cache.join(cache)
        yield logits

    def _write(self, logits: Tensor) -> None:
        self._tokens = choose(logits, [answer.draw for answer in self.writing])
        for answer, token in zip(self.writing, self._tokens.tolist(), strict=True):
            if not answer.over:
                answer.take(token)

    def _fail(self, error: Exception) -> None:
        """Tell all who were being answered; the log has the rest."""
        failed, self.writing, self._cache = self.writing, [], None
        for answer in failed:
            if not answer.over:
                answer.over = True
                answer.tell(Failed(f"the model failed: {type(error).__name__}"))
