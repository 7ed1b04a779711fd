"""What is missing on this machine, and how to get it. Looks, changes nothing, spends nothing.

Covers Python, disk, memory, the packages of each extra (found, not imported: importing torch
takes seconds), the accelerator as torch sees it (in a process of its own), the embedded Airflow
with its pools and port, and whether keys are set, never their values. It does not ask providers
whether a key is good: the first task does.
"""

from __future__ import annotations

import importlib.util
import json
import platform
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import psutil

from identity_ops.errors import AuthError
from identity_ops.local_airflow.settings import POOLS, WEB_PORT, State
from identity_ops.store.paths import Home
from identity_ops.teachers.keys import PLACES, find_key

Level = Literal["ok", "note", "missing"]
GIB: Final = 1 << 30
DISK_GIB: Final = 4  # environment 1.5, base and runs; more for larger models
MEMORY_GIB: Final = 4  # Airflow takes 1.2, training the tiny model about 1
PACKAGES: Final = {
    "the library": ("pydantic", "pandas", "pyarrow", "tiktoken", "typer", "rich", "requests"),
    "Airflow": ("airflow",),
    "training": ("torch", "deepspeed", "rustbpe"),
    "Hugging Face bases": ("transformers", "safetensors", "peft"),
}
EXTRAS: Final = {
    "the library": "",
    "Airflow": "[airflow]",
    "training": "[training]",
    "Hugging Face bases": "[training]",
}
_TORCH: Final = """
import json, torch
gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
print(json.dumps({"version": torch.__version__, "cuda": torch.version.cuda, "gpus": gpus}))
"""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. `todo` says how to get what is missing."""

    name: str
    level: Level
    found: str
    todo: str = ""


def examine(home: Home, *, start_torch: bool = True) -> list[Check]:
    """Every check, in the order in which a new machine would need them.

    Args:
        start_torch: also ask torch for its devices, which takes seconds.
    """
    return [
        _python(),
        _compiler(),
        _disk(home.root),
        _memory(),
        *_packages(),
        *([_torch()] if start_torch else []),
        _airflow_state(State.of(home)),
        _port(State.of(home)),
        *_keys(),
    ]


def _python() -> Check:
    version = platform.python_version()
    if version.startswith("3.11."):
        return Check("Python", "ok", version)
    return Check("Python", "note", version, "The locked versions are for Python 3.11.")


def _compiler() -> Check:
    found = next((name for name in ("cc", "gcc", "clang") if shutil.which(name)), "")
    if found:
        return Check("C compiler", "ok", found)
    return Check("C compiler", "missing", "none", "Debian: apt-get install build-essential.")


def _disk(folder: Path) -> Check:
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / GIB
    if free >= DISK_GIB:
        return Check("disk", "ok", f"{free:.0f} GiB free at {folder}")
    todo = f"Free {DISK_GIB} GiB, or set IDENTITY_HOME to a folder on another disk."
    return Check("disk", "missing", f"{free:.1f} GiB free at {folder}", todo)


def _memory() -> Check:
    free = psutil.virtual_memory().available / GIB
    cores = f"{free:.1f} GiB free, {psutil.cpu_count()} cores"
    if free >= MEMORY_GIB:
        return Check("memory", "ok", cores)
    return Check("memory", "note", cores, f"`make run` is comfortable with {MEMORY_GIB} GiB.")


def _packages() -> Iterator[Check]:
    for use, names in PACKAGES.items():
        absent = [name for name in names if importlib.util.find_spec(name) is None]
        if absent:
            todo = f'make setup, or pip install "identity-ops{EXTRAS[use]}".'
            yield Check(f"packages for {use}", "missing", f"no {', '.join(absent)}", todo)
        else:
            yield Check(f"packages for {use}", "ok", ", ".join(names))


def _torch() -> Check:
    """Asked in a process: importing torch here would slow every command and hold a device."""
    if importlib.util.find_spec("torch") is None:
        return Check("accelerator", "note", "no torch here, so no training on this machine")
    done = subprocess.run(
        [sys.executable, "-c", _TORCH], capture_output=True, text=True, timeout=120, check=False
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no output"]
        return Check("accelerator", "missing", f"torch does not import: {last[0]}", "make setup.")
    found = json.loads(done.stdout.splitlines()[-1])
    if found["gpus"]:
        return Check("accelerator", "ok", f"torch {found['version']}: {', '.join(found['gpus'])}")
    if found["cuda"]:
        todo = "Check the driver with nvidia-smi."
        return Check("accelerator", "note", f"torch {found['version']}, but no GPU answers", todo)
    return Check("accelerator", "ok", f"torch {found['version']}, CPU (enough for the tiny base)")


def _airflow_state(state: State) -> Check:
    database = state.root / "airflow.db"
    if not database.exists():
        return Check("Airflow", "note", "not started yet", "make run or make up creates it.")
    absent = sorted(set(POOLS) - _pools(database))
    if absent:
        todo = "A task in a missing pool waits for ever; make up creates them."
        return Check("Airflow", "missing", f"no pool {', '.join(absent)}", todo)
    return Check("Airflow", "ok", f"database with pools {', '.join(POOLS)}")


def _pools(database: Path) -> set[str]:
    try:
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5) as connection:
            return {str(row[0]) for row in connection.execute("select pool from slot_pool")}
    except sqlite3.Error:
        return set()


def _port(state: State) -> Check:
    if state.record.exists():
        return Check("web UI", "ok", f"running at {json.loads(state.record.read_text())['url']}")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", WEB_PORT))
        except OSError:
            return Check("web UI", "note", f"port {WEB_PORT} is taken; another one will be used")
    return Check("web UI", "ok", f"port {WEB_PORT} is free")


def _keys() -> Iterator[Check]:
    """Looked for where the teachers look; never shown."""
    for teacher, place in PLACES.items():
        try:
            find_key(teacher)
        except AuthError as error:
            todo = f"Needed for the teacher {teacher} only. {error.todo}"
            yield Check(place.variable, "note", error.what, todo)
        else:
            yield Check(place.variable, "ok", "set")
