"""Start a training process, follow its output, and leave nothing of it behind.

The child runs in its own session; it and all that it starts carry a marker in their environment,
by which they are found again: after a kill, from another process, or from a retry. The children
watch their starter too (training/ranks.py), so even SIGKILL of this process ends them.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any, NoReturn

import psutil

import identity_ops
from identity_ops import errors
from identity_ops.errors import CrashError, IdentityError, TerminalError, TransientError
from identity_ops.store.publish import write_atomic

MARKER = "IDENTITY_OPS_TRAINER"
STARTER = "IDENTITY_OPS_STARTER"
ERROR_FILE = "IDENTITY_OPS_ERROR_FILE"
EXPORTED = (
    MARKER, ERROR_FILE, "PYTHONWARNINGS", "TOKENIZERS_PARALLELISM", "GOMP_SPINCOUNT",
    "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_",
)  # fmt: skip
GRACE_S = 4.0
FAULTS = (signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSEGV)
TAIL = 200  # lines of output: torchrun's report of eight processes, and what came before it
SECRETS = (
    "OPENROUTER_API_KEY", "GEMINI_API_KEY", "OPENAI_API_KEY", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN",
)  # fmt: skip
OnLine = Callable[[str], None]


def marker_of(folder: Path) -> str:
    """The marker of whatever trains into `folder`: a retry knows it without being told."""
    return hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:20]


def marked(marker: str) -> list[psutil.Process]:
    """The living processes that carry the marker."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(MARKER) == marker and process.pid != os.getpid():
                found.append(process)
    return found


def stop(marker: str, grace_s: float = GRACE_S) -> int:
    """TERM, then after `grace_s` seconds KILL, everything marked; returns how many there were."""
    first = marked(marker)
    _signal(first, "terminate")
    _wait(first, grace_s)
    while rest := marked(marker):  # what it started meanwhile too
        _signal(rest, "kill")
        _wait(rest, 1.0)
    return len(first)


def reap(marker: str) -> int:
    """KILL what an earlier attempt left behind; returns how many there were."""
    return stop(marker, grace_s=0.0)


def _wait(processes: Sequence[psutil.Process], seconds: float) -> None:
    """Until all have ended. Does not collect exit codes: those are for `run`, which may be waiting
    for one of them in this very process (Airflow calls `on_kill` in a signal handler)."""
    deadline = time.monotonic() + seconds
    while any(map(_alive, processes)) and time.monotonic() < deadline:
        time.sleep(0.02)


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _signal(processes: Sequence[psutil.Process], how: str) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            getattr(process, how)()


def environment(marker: str, error_file: Path, processes: int = 1) -> dict[str, str]:
    """What a training process gets: no keys, its share of the cores, quiet libraries.

    One core is left to whatever else runs here (a scheduler, generation): threads that wait for
    each other at every step are many times slower where something takes one of their cores.
    """
    cores = len(os.sched_getaffinity(0)) - 1
    kept = {name: value for name, value in os.environ.items() if not _is_secret(name)}
    roots = [str(Path(identity_ops.__file__).resolve().parent.parent), kept.get("PYTHONPATH", "")]
    kept.setdefault("OMP_NUM_THREADS", str(max(1, cores // processes)))
    # A thread that waits by spinning takes the core from the one it waits for where other work runs
    # here; one that sleeps at once is slow to wake (10,500 tokens/s of the tiny model against
    # 16,000). A third of the default spin gives 14,000 to 15,000 either way.
    kept.setdefault("GOMP_SPINCOUNT", "100000")
    return kept | {
        MARKER: marker,
        STARTER: str(os.getpid()),
        ERROR_FILE: str(error_file),
        "PYTHONPATH": os.pathsep.join(filter(None, roots)),
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": "ignore",
        "TOKENIZERS_PARALLELISM": "false",
        # glibc returns big buffers to the kernel and faults them in again at every step:
        # keeping them makes a step of the tiny model a tenth faster.
        "MALLOC_MMAP_THRESHOLD_": str(1 << 32),
        "MALLOC_TRIM_THRESHOLD_": str(1 << 33),
    }


def become(argv: Sequence[str]) -> NoReturn:
    """Go on as a training process: terminal, signals and exit code are its own from here."""
    sys.stdout.flush()
    sys.stderr.flush()
    env = environment("", Path(os.devnull))
    os.execve(sys.executable, [sys.executable, *argv], env)  # noqa: S606 (no shell is the point)


def _is_secret(name: str) -> bool:
    """Keys, those of the bucket, and all that is Airflow's: connections, the database's address."""
    return name in SECRETS or name.startswith(("AIRFLOW_", "AWS_"))


def run(
    argv: Sequence[str],
    *,
    marker: str,
    log: Path,
    on_line: OnLine | None = None,
    processes: int = 1,
    elsewhere: bool = False,
) -> None:
    """Run `argv` (after the interpreter) to its end; its output goes to `log` and `on_line`.

    A crash is given one more start: it lies in a library (gloo and NCCL abort where a connection
    goes wrong) or in the machine, is rarely met twice, and a training goes on where it was.

    Args:
        processes: among which the machine's cores are shared.
        elsewhere: DeepSpeed's launcher starts the processes, on machines that see the log's folder.

    Raises:
        IdentityError: the very error that the process reported.
        TransientError: it was stopped or killed, or crashed twice; started again, it goes on.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    error_file = log.with_suffix(".error.json")
    env = environment(marker, error_file, processes)
    if elsewhere:
        env |= _exported(env, log.with_suffix(".env"))
    else:  # gloo's own choice hangs on what the machine's name happens to resolve to
        env.setdefault("GLOO_SOCKET_IFNAME", "lo")
    try:
        _run(argv, env, marker, log, error_file, on_line)
    except CrashError as crash:
        if on_line:
            on_line(f"{crash.what}; starting once more")
        _run(argv, env, marker, log, error_file, on_line)


def _run(
    argv: Sequence[str],
    env: Mapping[str, str],
    marker: str,
    log: Path,
    error_file: Path,
    on_line: OnLine | None,
) -> None:
    reap(marker)
    error_file.unlink(missing_ok=True)
    child = subprocess.Popen(
        [sys.executable, *argv],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=env,
        start_new_session=True,
        text=True,
        errors="replace",
    )
    try:
        tail = _follow(child, log, on_line)
        code = child.wait()
    finally:
        stop(marker)
        child.wait()
        if child.stdout is not None:
            child.stdout.close()
    if code:
        raise _failure(code, error_file, tail, log)


def _exported(env: dict[str, str], path: Path) -> dict[str, str]:
    """Have DeepSpeed's launcher tell other machines what is true there too: not the starter's
    process id, and not this machine's number of cores."""
    write_atomic(path, "".join(f"{name}={shlex.quote(env[name])}\n" for name in EXPORTED))
    return {"DS_ENV_FILE": str(path.resolve())}


def _follow(child: subprocess.Popen[str], log: Path, on_line: OnLine | None) -> list[str]:
    tail: deque[str] = deque(maxlen=TAIL)
    assert child.stdout is not None  # noqa: S101 (it is a pipe)
    with log.open("a", encoding="utf-8") as out:
        out.write(f"# {time.strftime('%Y-%m-%d %H:%M:%S')} {' '.join(map(str, child.args))}\n")  # type: ignore[arg-type]
        for line in child.stdout:
            out.write(line)
            out.flush()
            tail.append(line.rstrip())
            if on_line:
                on_line(line.rstrip("\n"))
    return list(tail)


def write_error(path: Path, error: IdentityError) -> None:
    """Leave an error for the process that started this one; the first one wins."""
    if not path.exists():
        parts = {
            name: None if value is None else str(value)
            for name, value in vars(error).items()
            if name in {"what", "where", "expected", "got", "todo"}
        }
        write_atomic(path, json.dumps({"kind": type(error).__name__, **parts}))


def _codes(code: int, tail: list[str]) -> list[int]:
    """Of the process itself, or of the ranks that torchrun reports; the first to fail is last."""
    if code < 0 or code == 128 + signal.SIGTERM:
        return [-(abs(code) % 128)]
    return [int(found) for found in re.findall(r"exitcode *: *(-?\d+)", "\n".join(tail))]


def _last_words(tail: list[str], lines: int) -> str:
    """What came last before torchrun's own report, which says nothing of the cause."""
    report = re.compile(r"torch/distributed/elastic/\S+\.py:\d+\]")
    said = [line.strip() for line in takewhile(lambda line: not report.search(line), tail)]
    return " / ".join([line for line in said if line][-lines:]) or "no output"


def _reported(path: Path) -> IdentityError | None:
    if not path.exists():
        return None
    parts = json.loads(path.read_bytes())
    return getattr(errors, parts.pop("kind"))(parts.pop("what"), **parts)  # type: ignore[no-any-return]


def _failure(code: int, error_file: Path, tail: list[str], log: Path) -> IdentityError:
    reported, codes = _reported(error_file), _codes(code, tail)
    faults = [number for number in codes if -number in FAULTS]
    if faults and not isinstance(reported, TerminalError):  # the others lost their connection by it
        return CrashError(**_ended_by(-faults[-1], tail, log))
    if reported:
        return reported
    if codes and codes[-1] < 0:
        return TransientError(**_ended_by(-codes[-1], tail, log))
    what = f"the process ended with code {code}: {_last_words(tail, 1)}"
    return errors.TrainingError(what, where=log)


def _ended_by(number: int, tail: list[str], log: Path) -> dict[str, Any]:
    what = f"a process was ended by signal {number} ({signal.strsignal(number)}), after: "
    todo = (
        "Run it again: it goes on from its last checkpoint. Where the system killed it for want of "
        "memory (see dmesg), lower micro_rows first."
    )
    return {"what": what + _last_words(tail, 3), "where": log, "todo": todo}
