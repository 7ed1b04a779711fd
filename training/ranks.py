"""What every training process does at its start and end.

Covers dying with its launcher, stopping on request, threads, progress lines and reporting an
error to the process that started it. A rank is in a session of its own under torchrun, so
killing the launcher's group would miss it: each rank watches by itself.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import select
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import torch

from identity_ops.errors import IdentityError, TrainingError, TransientError
from identity_ops.launch import ERROR_FILE, STARTER, write_error
from identity_ops.store import disk
from identity_ops.store.lock import hold

PR_SET_PDEATHSIG = 1
GRACE_S = 8.0  # between asking a rank without a starter to save, and ending it
MANY_ROWS = 50_000
stopping = threading.Event()  # set by SIGTERM; the training loop looks at it between steps


def start() -> None:
    """Tie this process to its parent and to whoever started the whole training."""
    die_with_parent()
    starter = os.environ.get(STARTER, "")
    if starter.isdigit():
        threading.Thread(target=_follow, args=(int(starter),), daemon=True).start()


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends."""
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the call above
        os._exit(1)


def catch_stop() -> None:
    """From here on SIGTERM asks the training loop to save and end."""

    def note(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001 (the handler's signature)
        stopping.set()

    signal.signal(signal.SIGTERM, note)


def _follow(starter: int) -> None:
    """End this process when `starter` ends, saving first where there is time."""
    with contextlib.suppress(ProcessLookupError):
        handle = os.pidfd_open(starter)
        select.select([handle], [], [])
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_S)
    os.kill(os.getpid(), signal.SIGKILL)


def alone(out: Path) -> Any:
    """The lock against a second trainer in the same folder: one a rank."""
    return hold(out / f".trainer-{os.environ.get('RANK', '0')}.lock", wait_s=20.0)


def join() -> None:
    """Enter the process group: nccl where there are GPUs, gloo elsewhere."""
    os.environ.setdefault("DS_ACCELERATOR", "cuda" if torch.cuda.is_available() else "cpu")
    local = int(os.environ.get("LOCAL_RANK", "0"))
    if torch.cuda.is_available():
        torch.cuda.set_device(local)
    # torchrun says it in one way, DeepSpeed's launcher in another.
    here = os.environ.get("LOCAL_WORLD_SIZE") or os.environ.get("LOCAL_SIZE") or "1"
    use_threads(int(here))
    import deepspeed  # imported late: slow, and it reads the environment set above

    logging.getLogger("DeepSpeed").setLevel(logging.ERROR)
    # An inference collective that would be compiled at the start, for most of a minute.
    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    deepspeed.init_distributed(
        dist_backend="nccl" if torch.cuda.is_available() else "gloo", verbose=False
    )


def leave() -> NoReturn:
    """End a process whose work is done and written.

    Not by the interpreter's way out: gloo's threads still run there, beside the destructors of what
    they use, and an abort at that point would count as a failed training.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def use_threads(processes: int) -> None:
    """Share the machine's cores among the processes on it."""
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    cores = len(os.sched_getaffinity(0))
    torch.set_num_threads(int(wanted) if wanted.isdigit() else max(1, cores // processes))


def encoding_processes(rows: int) -> int:
    """How many processes tokenise so many rows: for few, starting them costs more than it saves."""
    cores = len(os.sched_getaffinity(0))
    return max(1, cores - 1) if rows >= MANY_ROWS else 1


@contextlib.contextmanager
def reported_errors() -> Iterator[None]:
    """End with one line on stderr, and the error in the file that the starter named."""
    try:
        yield
    except IdentityError as error:
        _report(error)
    except Exception as error:
        known = _told(error)
        if known is None:
            traceback.print_exc()
        _report(known or _unforeseen(error))


def _told(error: Exception) -> IdentityError | None:
    """The error that a person can act on; torch and others have no classes for most of them."""
    text = str(error)
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)) or "can't allocate memory" in text:
        return _out_of_memory(error)
    if isinstance(error, torch.distributed.DistError) or "gloo" in text:
        return TransientError(
            f"the connection to another process of this training was lost: {_first_line(error)}",
            todo="Run it again: it goes on from its last checkpoint. Where the system killed that "
            "process for want of memory (see dmesg), lower micro_rows first.",
        )
    return disk.told(error)


def _unforeseen(error: Exception) -> TrainingError:
    return TrainingError(
        f"{type(error).__name__}: {_first_line(error)}",
        todo="The log of the training has the whole traceback.",
    )


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), "no text")


def _out_of_memory(error: Exception) -> TrainingError:
    return TrainingError(
        f"out of memory: {_first_line(error)}",
        todo="Lower micro_rows or row_tokens in the recipe, raise the ZeRO stage, or set offload.",
    )


def _report(error: IdentityError) -> NoReturn:
    path = os.environ.get(ERROR_FILE)
    if path:
        with contextlib.suppress(OSError):  # the disk may be what it is about
            write_error(Path(path), error)
    print(f"error: {error}", file=sys.stderr, flush=True)
    # Not sys.exit: other ranks may wait in a collective that a clean exit would wait for.
    os._exit(1)


class Progress:
    """A line every second or two on stderr: how far, how fast, how long still.

    Args:
        what: the first word of each line.
        steps: how many there will be.
        done: how many were done before this process.
    """

    EVERY_S = 1.5

    def __init__(self, what: str, steps: int, done: int = 0) -> None:
        self.what, self.steps, self.first = what, steps, done
        self._start = self._shown = time.monotonic()
        self._tokens = 0

    def show(self, step: int, text: str, tokens: int) -> None:
        """Report `step` of `steps`, of which this one took `tokens`."""
        now = time.monotonic()
        self._tokens += tokens
        if now - self._shown < self.EVERY_S and step < self.steps:
            return
        self._shown = now
        left = round((now - self._start) / (step - self.first) * (self.steps - step))
        speed = self._tokens / (now - self._start)
        line = f"{self.what} {step}/{self.steps}  {text}  {speed:,.0f} tokens/s"
        print(f"{line}  {left // 60}:{left % 60:02d} left", file=sys.stderr, flush=True)
