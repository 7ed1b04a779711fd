"""Text of an answer as it becomes certain, while its tokens come one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

HALF = "\N{REPLACEMENT CHARACTER}"  # what the bytes of half a character decode to


class Pieces:
    """Turns tokens into text to show; characters of several tokens wait until they are whole.

    Only tokens since the last whole character are decoded again, so a long answer costs no more
    for each token than a short one.

    Args:
        decode: token ids -> text.
        stop: strings that end the answer and are no part of it.
    """

    def __init__(self, decode: Callable[[list[int]], str], stop: Sequence[str] = ()) -> None:
        self.stopped = False
        self._decode, self._stop = decode, stop
        self._ids: list[int] = []  # since the last piece but one, for what spaces depend on
        self._shown = 0  # of `_ids`, those whose text is out
        self._held = ""  # what may be the start of a stop string

    def add(self, token: int) -> str:
        """What can be shown now that this token is there."""
        self._ids.append(token)
        text = self._fresh()
        if not text or text.endswith(HALF):
            return ""
        self._ids = self._ids[self._shown :]
        self._shown = len(self._ids)
        return self._until_stop(text)

    def end(self) -> str:
        """What is left when no token follows."""
        if self.stopped:
            return ""
        rest = self._until_stop(self._fresh())
        return rest if self.stopped else rest + self._held

    def _fresh(self) -> str:
        return self._decode(self._ids)[len(self._decode(self._ids[: self._shown])) :]

    def _until_stop(self, text: str) -> str:
        """The text up to a stop string; what may become one is held back."""
        self._held += text
        places = [at for stop in self._stop if (at := self._held.find(stop)) >= 0]
        if places:
            self.stopped = True
            return self._held[: min(places)]
        keep = max((_overlap(self._held, stop) for stop in self._stop), default=0)
        shown, self._held = (
            self._held[: len(self._held) - keep],
            self._held[-keep or len(self._held) :],
        )
        return shown


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that `stop` begins with."""
    longest = min(len(text), len(stop) - 1)
    return next((size for size in range(longest, 0, -1) if text.endswith(stop[:size])), 0)
