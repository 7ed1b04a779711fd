"""Work spread over processes of this machine, its results in order."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any, TypeVar

from training.ranks import die_with_parent

Shared = TypeVar("Shared")
Item = TypeVar("Item")
Found = TypeVar("Found")

AHEAD = 3  # items a process that are read before their turn: the rest wait on disk
_shared: Any = None  # in a worker: what every call is given


def in_processes(
    work: Callable[[Shared, Item], Found], shared: Shared, items: Iterable[Item], processes: int
) -> Iterator[Found]:
    """`work(shared, item)` for each item, in the items' order.

    Args:
        work: a function of a module; what it raises is raised here.
        processes: with 1, the work is done in this one.
    """
    if processes == 1:
        yield from (work(shared, item) for item in items)
        return
    # Forked, a worker has what this process has imported and `shared` without any copying.
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(processes, context, _start, (shared,)) as pool:
        waiting: deque[Future[Found]] = deque()
        for item in items:
            waiting.append(pool.submit(_call, work, item))
            if len(waiting) > AHEAD * processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _start(shared: object) -> None:
    global _shared
    die_with_parent()
    _shared = shared


def _call(work: Callable[[Any, Item], Found], item: Item) -> Found:
    return work(_shared, item)
