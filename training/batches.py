"""Work through a list in batches as large as memory allows.

Covers the two ways torch says that memory ran out: its own error on GPUs, and the allocator's
RuntimeError on CPUs. Not covered: a kernel that kills the process instead of refusing memory.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import torch

from identity_ops.errors import DataError

Item = TypeVar("Item")
Found = TypeVar("Found")

log = logging.getLogger(__name__)
CPU_ROWS, GPU_ROWS = 128, 1024  # rows tried first; a CPU gains nothing from more
_REFUSED = ("not enough memory", "can't allocate memory", "out of memory")


def first_size(device: torch.device) -> int:
    """Rows to begin with on a device."""
    return CPU_ROWS if device.type == "cpu" else GPU_ROWS


def in_batches(
    items: Sequence[Item], work: Callable[[Sequence[Item]], Found], size: int
) -> Iterator[Found]:
    """`work` on `size` items at a time; on half as many from where memory runs out.

    Raises:
        DataError: a single item does not fit in memory.
    """
    done = 0
    while done < len(items):
        part = items[done : done + size]
        if (found := _tried(work, part)) is not None:
            yield found
            done += len(part)
            continue
        if len(part) == 1:
            raise DataError(
                "no memory for a single prompt",
                todo="Use shorter prompts, fewer tokens for an answer, or a larger device.",
            )  # fmt: skip
        size = len(part) // 2
        log.warning("memory ran out: going on with %d rows at a time", size)


def _tried(work: Callable[[Sequence[Item]], Found], part: Sequence[Item]) -> Found | None:
    """The work's result, None where memory ran out; its tensors are free when this returns."""
    try:
        return work(part)
    except RuntimeError as error:  # torch.OutOfMemoryError is one
        if not _is_memory(error):
            raise
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return None


def _is_memory(error: RuntimeError) -> bool:
    if isinstance(error, torch.OutOfMemoryError):
        return True
    return any(words in str(error) for words in _REFUSED)
