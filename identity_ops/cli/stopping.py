"""Ctrl-C in a command that pays: first politely, then at once."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from typing import Any

_STDERR = 2
_SAID = (
    b"\nstopping: what is in flight is paid for, so it is waited for. Ctrl-C again ends at once; "
    b"the same command goes on in either case.\n"
)


@contextlib.contextmanager
def two_steps() -> Iterator[None]:
    """In the block Ctrl-C raises KeyboardInterrupt once and says so; the second one ends the
    process, which the files survive as they survive any kill.

    Another handling of the signal (ignored, as under nohup) is left alone.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, _first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _first(_number: int, _frame: Any) -> None:
    signal.signal(signal.SIGINT, _second)
    os.write(_STDERR, _SAID)  # not by print: the interrupted code may be printing
    raise KeyboardInterrupt


def _second(_number: int, _frame: Any) -> None:
    os._exit(128 + signal.SIGINT)
