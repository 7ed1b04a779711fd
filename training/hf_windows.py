"""How far back the layers of a transformers model see, and masks by that.

A model says so in its configuration: layers of full attention, of a sliding window, or some of
each. What else there is (chunks, convolutions, states) is refused by name.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Final

from torch import Tensor

from identity_ops.errors import DataError

FULL, SLIDING = "full_attention", "sliding_attention"
_PROVED: Final = 4  # keys that a window sees while a model is proved on a dozen tokens


def reaches(config: Any) -> dict[str, int | None]:
    """Kind of layer -> how many places back it sees, None: to the beginning.

    Raises:
        DataError: a kind of layer that is not implemented.
    """
    window = getattr(config, "sliding_window", None)
    kinds = getattr(config, "layer_types", None) or [SLIDING if window else FULL]
    if unknown := sorted(set(kinds) - {FULL, SLIDING}):
        raise DataError(
            f"layers of {', '.join(unknown)} are not implemented", where=config.model_type,
            todo="Take a base with full or sliding attention, such as Qwen3 or Gemma 3.",
        )  # fmt: skip
    return {kind: window - 1 if kind == SLIDING and window else None for kind in sorted(set(kinds))}


def masks(config: Any, make: Callable[[int | None], Any]) -> Any:
    """The mask as the model takes it: one, or one for each kind of its layers."""
    made = {kind: make(reach) for kind, reach in reaches(config).items()}
    return made if len(made) > 1 else next(iter(made.values()))


def within(back: Tensor, reach: int | None) -> Tensor:
    """Whether a key that lies `back` places before the query is seen."""
    return back >= 0 if reach is None else (back >= 0) & (back <= reach)


@contextlib.contextmanager
def narrowed(config: Any) -> Iterator[None]:
    """A window of a few keys, so that a short text shows whether it is kept."""
    window = getattr(config, "sliding_window", None)
    if not window:
        yield
        return
    config.sliding_window = _PROVED
    try:
        yield
    finally:
        config.sliding_window = window
