"""The thread that steps the lanes, and how the event loop hears of it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping, Sequence

from identity_ops.errors import BusyError
from training.engine import Sampling
from training.serve.lane import Answer, Done, Event, Failed, Lane


class Engine:
    """Models by name, all stepped by one thread: two threads would fight for the same cores.

    Args:
        lanes: name -> model at work.
        waiting: answers that may wait for a row, over all models.
    """

    def __init__(self, lanes: Mapping[str, Lane], waiting: int) -> None:
        self.lanes, self.most_waiting = lanes, waiting
        self._stop = False
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends after the step it is at; unfinished answers stay unfinished."""
        self._stop = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop:
            self._wake.clear()  # before looking: what comes from here on wakes it
            if not sum(lane.step() for lane in self.lanes.values()):  # every one, so not any()
                self._wake.wait()

    def submit(
        self, model: str, prompt: Sequence[int], how: Sampling, stop: Sequence[str]
    ) -> Ticket:
        """Ask for an answer, from the event loop that will wait for it.

        Raises:
            BusyError: as many wait as may wait.
        """
        if sum(len(lane.waiting) for lane in self.lanes.values()) >= self.most_waiting:
            raise BusyError("too many requests are waiting", expected=f"< {self.most_waiting}")
        ticket = Ticket(prompt, how, stop)
        self.lanes[model].submit(ticket.answer)
        self._wake.set()
        return ticket


class Ticket:
    """An answer that was asked for, as the event loop sees it."""

    def __init__(self, prompt: Sequence[int], how: Sampling, stop: Sequence[str]) -> None:
        loop, self._events = asyncio.get_running_loop(), asyncio.Queue[Event]()

        def tell(event: Event) -> None:
            loop.call_soon_threadsafe(self._events.put_nowait, event)

        self.answer = Answer(prompt, how, stop, tell)

    def cancel(self) -> None:
        """Nobody waits for it any more."""
        self.answer.cancel()

    async def events(self, seconds: float) -> AsyncIterator[Event]:
        """All of them, to the end.

        Raises:
            TimeoutError: it did not end within so many seconds.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        event: Event | None = None
        while not isinstance(event, Done | Failed):
            async with asyncio.timeout_at(deadline):
                event = await self._events.get()
            yield event
