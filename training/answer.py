"""Answer prompts with a model: python -m training.answer --model DIR --prompts IN --out OUT

IN has a JSON object a line, {"id", "messages"}; OUT gets {"id", "answer"} in the same order. A
line with "choices" gets the one of these texts that the model finds likeliest, and the "weights"
of all (training.weigh): nothing is generated for it.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from identity_ops.chat_format import ChatFormat, open_format
from identity_ops.errors import DataError
from identity_ops.records import Message
from identity_ops.store.publish import atomic_file
from training import ranks
from training.engine import Decoder, Rows, Sampling, generate
from training.family import load_model
from training.weigh import Said, weights


@dataclass(frozen=True, slots=True)
class Prompt:
    """One line of IN."""

    name: str
    messages: Sequence[Message]
    choices: Sequence[str] = ()  # where not empty, the only answers there are


@dataclass(frozen=True, slots=True)
class Speaker:
    """A model with its tokenizer, ready to answer."""

    model: Decoder
    chat: ChatFormat

    @classmethod
    def load(cls, folder: Path) -> Speaker:
        """From a folder in nanochat's or transformers' layout.

        Raises:
            DataError: no usable model or tokenizer in it.
        """
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        model, chat = load_model(folder, device), open_format(folder)
        if not model.fits(chat.vocabulary):
            raise DataError("tokenizer and model differ", where=folder)
        return cls(model, chat)

    @property
    def stop(self) -> frozenset[int]:
        """Ids that end an answer."""
        return self.chat.stop

    def answers(
        self, prompts: Sequence[tuple[str, Sequence[Message]]], how: Sampling
    ) -> dict[str, str]:
        """Id -> answer, by the model's chat format."""
        rendered = [(name, self.prompt(messages, name)) for name, messages in prompts]
        found = generate(self.model, rendered, self.stop, how)
        return {name: self.chat.decode(ids) for name, ids in found.items()}

    def weights(self, prompts: Sequence[Prompt]) -> dict[str, list[float]]:
        """Id -> weight of each of its choices, by the model's chat format."""
        texts = {asked.name: [self._said(asked, text) for text in asked.choices]
                 for asked in prompts}  # fmt: skip
        return weights(self.model, texts)

    def _said(self, asked: Prompt, answer: str) -> Said:
        """The conversation with an answer, up to the token that ends it."""
        start = len(self.prompt(asked.messages, asked.name))
        turns = [*asked.messages, Message(role="assistant", content=answer)]
        ids, supervised = self.chat.render(turns, asked.name)
        return Said(ids[: len(ids) - supervised[::-1].index(True)], start)

    @property
    def parameters(self) -> int:
        """How many numbers the model has learned."""
        return sum(weight.numel() for weight in self.model.parameters())

    @property
    def context(self) -> int:
        """Tokens of prompt and answer together that the model was made for."""
        return self.model.context

    def read(self, prompts: Sequence[Sequence[int]], room: int) -> tuple[Rows, Tensor]:
        """The cache of a new batch with `room` tokens for each answer, and its first logits."""
        cache = self.model.open_rows(prompts, room)
        return cache, cache.prefill()

    def prompt(self, messages: Sequence[Message], where: str = "prompt") -> list[int]:
        """Token ids after which the assistant speaks."""
        return self.chat.prompt(messages, where)

    def fit(self, messages: Sequence[Message], room: int) -> tuple[list[int], int]:
        """The prompt of the newest turns that leave `room` tokens, and how many were left out.

        A system message and the last turn stay, even where they are too long.
        """
        kept = list(messages)
        first = 1 if kept[0]["role"] == "system" else 0
        while len(ids := self.prompt(kept)) > self.context - room and len(kept) > first + 2:
            del kept[first : first + 2]
        return ids, len(messages) - len(kept)


def main(argv: list[str] | None = None) -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="training.answer", description="Answer prompts.")
    parser.add_argument("--model", required=True, type=Path)
    parser.add_argument("--prompts", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--max-tokens", type=int, default=64)
    parser.add_argument("--temperature", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    with ranks.reported_errors():
        ranks.start()
        how = Sampling(max_tokens=args.max_tokens, temperature=args.temperature, seed=args.seed)
        speaker, prompts = Speaker.load(args.model), _read(args.prompts)
        spoken = [(one.name, one.messages) for one in prompts if not one.choices]
        answers = speaker.answers(spoken, how)
        weighed = speaker.weights([one for one in prompts if one.choices])
        with atomic_file(args.out) as out:
            for one in prompts:
                row = {"id": one.name} | _answer(one, answers, weighed)
                out.write(json.dumps(row).encode() + b"\n")


def _answer(
    asked: Prompt, answers: Mapping[str, str], weighed: Mapping[str, Sequence[float]]
) -> dict[str, Any]:
    if not asked.choices:
        return {"answer": answers[asked.name]}
    found = weighed[asked.name]
    return {"answer": asked.choices[found.index(max(found))], "weights": found}


def _read(path: Path) -> list[Prompt]:
    found: dict[str, Prompt] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            row = json.loads(line)
            turns = [Message(role=m["role"], content=m["content"]) for m in row["messages"]]
            asked = Prompt(row["id"], turns, row.get("choices", ()))
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"not a prompt: {error!r}", where=f"{path}:{number}") from error
        if asked.name in found:
            raise DataError("two prompts of one id", where=f"{path}:{number}", got=asked.name)
        found[asked.name] = asked
    return list(found.values())


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    main()
