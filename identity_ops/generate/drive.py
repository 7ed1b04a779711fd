"""Run a batch: ask the teacher from a pool of threads, write each answer down, then judge it.

An answer is in the log before anything else is made of it. Logging and judging happen in the
calling thread: what arrives together is written with one fsync.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from identity_ops.errors import CreditError, ProviderError, RejectedError, TransientError
from identity_ops.generate.batch import Batch, Draw
from identity_ops.generate.cache import ResponseCache
from identity_ops.generate.log import ResponseLog
from identity_ops.records import Cell, Conversation, Rejection, Response
from identity_ops.teachers.base import Teacher
from identity_ops.teachers.spend import Account, Budget, HaltedError, LimitError, OutageError

log = logging.getLogger(__name__)
GLANCE_S = 0.5  # how soon an interruption is seen
Accept = Callable[[Cell, str], Conversation]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a batch is. cost_usd: what this process has spent; in_flight: open requests."""

    accepted: int
    rejected: int
    wanted: int
    cost_usd: float
    in_flight: int = 0


OnProgress = Callable[[Progress], None]


def ignore_progress(_: Progress) -> None:
    """For callers without a progress display."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What stages that are at work in one process have in common; all optional."""

    client: Teacher | None = None  # connections and rate
    budget: Budget | None = None  # one cap; must count the stages' ledgers already
    slots: threading.Semaphore | None = None  # one for each request in flight
    interrupted: threading.Event = field(default_factory=threading.Event)  # set: end early
    refusals: list[CreditError] = field(default_factory=list)  # the provider's: ask no more


class InterruptedRunError(TransientError):
    """The stage was told to end early; its answers are kept, nothing is committed."""


class UselessAnswersError(CreditError):
    """No answer can be used, so asking on would only cost."""


class Drive:
    """One teacher at work on one batch.

    Args:
        accept: raises RejectedError for a text that cannot be used.
        workers: threads of this drive.
        shared: a slot is given back when the answer is written down, so a kill costs no more
            answers than there are slots.
    """

    def __init__(
        self, teacher: Teacher, account: Account, responses: ResponseLog, cache: ResponseCache,
        accept: Accept, *, workers: int, shared: Shared,
        on_progress: OnProgress = ignore_progress,
    ) -> None:  # fmt: skip
        self._teacher, self._account, self._accept = teacher, account, accept
        self._responses, self._cache = responses, cache
        self._workers, self._on_progress = (1 if teacher.free else workers), on_progress
        self._slots = shared.slots or threading.Semaphore(self._workers)
        self._interrupted, self._refusals = shared.interrupted, shared.refusals
        self._error: BaseException | None = None
        self._arrivals: queue.SimpleQueue[Future[Response]] = queue.SimpleQueue()
        self._cost_usd, self._in_flight = 0.0, 0
        self.reused = 0  # answers found in the log or the cache
        self.out_of_money: CreditError | None = None

    def run(self, batch: Batch) -> None:
        """Work until the batch has what it wants, or nothing is left to try, or money ends.

        Raises:
            AuthError, RequestError, OutageError, TerminalError: after everything in flight has
                come in and is logged.
        """
        with ThreadPoolExecutor(self._workers) as pool:
            running: dict[Future[Response], Draw] = {}
            while True:
                try:
                    self._start(batch, pool, running)
                    if not running:
                        break
                    done = self._arrived(running)
                    self._take(batch, [(running.pop(future), future) for future in done])
                    self._in_flight = len(running)
                    self._report(batch)  # at each glance: a slow provider is seen to be slow
                except BaseException as error:  # what is in flight is paid for: bring it in first
                    self._halt(batch, error)
        if self._error is not None:
            raise self._error

    def _start(
        self, batch: Batch, pool: ThreadPoolExecutor, running: dict[Future[Response], Draw]
    ) -> None:
        if self._interrupted.is_set() and self._error is None:
            self._halt(batch, InterruptedRunError("stopped early", todo="Run again to go on."))
        while len(running) < self._workers and self._slots.acquire(blocking=not running):
            draw = None
            try:
                draw = self._next_unknown(batch)
            finally:
                if draw is None:
                    self._slots.release()
            if draw is None:
                return
            if self._refusals:  # money ended beside this stage: only what is known is taken
                self.out_of_money = self.out_of_money or self._refusals[0]
                batch.drop()
                self._slots.release()
                continue
            ask = self._teacher.complete
            future = pool.submit(ask, draw.cell, draw.attempt, self._account)
            running[future] = draw
            future.add_done_callback(self._arrivals.put)

    def _arrived(self, running: dict[Future[Response], Draw]) -> list[Future[Response]]:
        """Requests that have ended: all that arrived while the last ones were written down.

        A queue costs the same however many are in flight; `concurrent.futures.wait` looks at
        each of them each time. After a silence the requests themselves are asked, so that one
        whose arrival an interrupt swallowed is not waited for.
        """
        try:
            done = {self._arrivals.get(timeout=GLANCE_S)}
            while not self._arrivals.empty():
                done.add(self._arrivals.get_nowait())
        except queue.Empty:
            done = {future for future in running if future.done()}
        return [future for future in done if future in running]

    def _next_unknown(self, batch: Batch) -> Draw | None:
        """The next draw that has to be asked; those with a known answer are settled here."""
        while (draw := batch.next()) is not None:
            if (known := self._known(draw)) is None:
                return draw
            self.reused += 1
            self._judge(batch, draw, known)
        return None

    def _known(self, draw: Draw) -> Response | None:
        """The answer to exactly this request, if it was ever paid for."""
        key = self._teacher.key(draw.cell, draw.attempt)
        if (response := self._responses.get(key)) is not None:
            return response
        if self._teacher.free or (response := self._cache.get(key)) is None:
            return None
        self._responses.append([response], durable=False)
        return response

    def _take(self, batch: Batch, done: list[tuple[Draw, Future[Response]]]) -> None:
        try:
            self._settle(batch, done)
        finally:
            for _ in done:
                self._slots.release()

    def _settle(self, batch: Batch, done: Iterable[tuple[Draw, Future[Response]]]) -> None:
        answers: list[tuple[Draw, Response]] = []
        for draw, future in done:
            error = future.exception()
            if error is None:
                answers.append((draw, future.result()))
            else:
                self._take_error(batch, draw, error)
        if answers:
            self._write_down([response for _, response in answers])
        for draw, response in answers:
            self._judge(batch, draw, response)

    def _write_down(self, responses: list[Response]) -> None:
        self._responses.append(responses, durable=not self._teacher.free)
        if not self._teacher.free:
            for response in responses:
                self._cost_usd += response.cost_usd
                self._cache.put(response)

    def _judge(self, batch: Batch, draw: Draw, response: Response) -> None:
        try:
            if response.finish_reason != "stop":
                raise RejectedError(f"finish_{response.finish_reason}", "the answer did not end")
            batch.accept(draw, self._accept(draw.cell, response.text))
        except RejectedError as error:
            batch.reject(draw, _rejection(draw, error.reason, error.what, response.text))
            if batch.is_hopeless:
                self._halt(batch, _useless(batch))
        self._report(batch)

    def _take_error(self, batch: Batch, draw: Draw, error: BaseException) -> None:
        if isinstance(error, RejectedError):
            batch.reject(draw, _rejection(draw, error.reason, error.what))
        elif isinstance(error, ProviderError) and not isinstance(error, HaltedError | OutageError):
            log.warning("conversation %s: %s", draw.cell.id, error)
            batch.fail(draw, _rejection(draw, "provider", error.what))
        else:
            batch.drop()
            self._halt(batch, error)

    def _halt(self, batch: Batch, error: BaseException) -> None:
        """Start nothing more; what is in flight still comes in and is kept."""
        batch.stop()
        self._account.halted.set()
        if isinstance(error, CreditError):
            self.out_of_money = self.out_of_money or error
            if not isinstance(error, LimitError | UselessAnswersError):
                self._refusals.append(error)
        elif not isinstance(error, HaltedError):
            if isinstance(error, KeyboardInterrupt) and self._error is not None:
                raise error
            self._error = self._error or error
            self._interrupted.set()  # what refuses this stage refuses those beside it, too

    def _report(self, batch: Batch) -> None:
        self._on_progress(
            Progress(
                batch.accepted, batch.rejected, batch.wanted, self._cost_usd, self._in_flight
            )
        )  # fmt: skip


def _useless(batch: Batch) -> UselessAnswersError:
    reasons = Counter(rejection.reason for rejection in batch.rejections())
    return UselessAnswersError(
        f"none of the first {batch.rejected} answers could be used",
        got=", ".join(f"{reason} {count}" for reason, count in reasons.most_common()),
        todo="The texts stand in rejections.jsonl. A model that ignores the form or the facts "
        "stays so: take another model, prompt or knowledge base, and another folder.",
    )


def _rejection(draw: Draw, reason: str, detail: str, text: str = "") -> Rejection:
    return Rejection(
        id=draw.cell.id, index=draw.cell.index, reason=reason, detail=detail, text=text
    )
