"""How likely a model finds given answers: multiple choice without having it speak.

An answer's weight is the mean log-probability of its tokens and of the token that ends it, given
the prompt: long answers are not at a disadvantage. Prompts with all their choices are read as rows
of one right-padded causal batch, in which no row sees padding or another row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from identity_ops.errors import DataError
from training.batches import first_size, in_batches
from training.engine import Decoder


@dataclass(frozen=True, slots=True)
class Said:
    """A whole text and where in it the answer begins."""

    ids: Sequence[int]
    start: int  # of the answer's first token, at least 1

    @property
    def places(self) -> range:
        """Positions whose next token is one of the answer's."""
        return range(self.start - 1, len(self.ids) - 1)


def weights(model: Decoder, texts: Mapping[str, Sequence[Said]]) -> dict[str, list[float]]:
    """Name -> the weight of each of its answers, in natural logarithms.

    Raises:
        DataError: a text is longer than the model can place, or has no answer; names it.
    """
    for name, said in texts.items():
        _check(model, name, said)
    rows = [(name, place, one) for name, all_ in texts.items() for place, one in enumerate(all_)]
    rows.sort(key=lambda row: len(row[2].ids))
    found = {name: [0.0] * len(said) for name, said in texts.items()}
    size = first_size(next(model.parameters()).device)
    parts = in_batches(rows, lambda part: _means(model, [one for _, _, one in part]), size)
    for (name, place, _), mean in zip(rows, _flat(parts), strict=True):
        found[name][place] = mean
    return found


def _flat(parts: Iterator[list[float]]) -> Iterator[float]:
    for part in parts:
        yield from part


def _check(model: Decoder, name: str, said: Sequence[Said]) -> None:
    for one in said:
        if not 0 < one.start < len(one.ids) <= model.positions:
            raise DataError(
                "length of a choice with its prompt", where=name,
                expected=f"2 to {model.positions} tokens", got=len(one.ids),
            )  # fmt: skip


@torch.inference_mode()
def _means(model: Decoder, rows: Sequence[Said]) -> list[float]:
    """The mean log-probability of each row's answer."""
    device, width = next(model.parameters()).device, max(len(row.ids) for row in rows)
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    for number, row in enumerate(rows):
        ids[number, : len(row.ids)] = torch.tensor(row.ids)
    places = [number * width + place for number, row in enumerate(rows) for place in row.places]
    select = torch.tensor(places)
    logits = model.logits_at(ids.to(device), select.to(device))
    losses = F.cross_entropy(logits, ids.flatten()[select + 1].to(device), reduction="none")
    parts = torch.split(losses, [len(row.places) for row in rows])
    return [-float(part.mean()) for part in parts]
