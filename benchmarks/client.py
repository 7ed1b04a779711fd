"""How fast the client of paid teachers is, side by side: `python -m benchmarks client`.

A server in a process of its own answers after 0.5 to 2 s. In alternation, each in a fresh
process and with the same requests, 256 at one time: a null client (aiohttp, reads the answer and
nothing else: what this machine and server allow), ours (the teacher with its books on disk),
ours as the whole stage (log, checks, ledger, fsync), nanochat's way (threads with a bare
requests.post) and the official openai package. Reported: medians over the rounds of the
throughput against the null client of the same round, CPU time of the client's process for each
request, and the most requests that the server saw at one time.

It covers the client alone: no TLS, no real network, answers of 100 bytes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from identity_ops.generate.ledger import Ledger
from identity_ops.generate.stage import generate_stage
from identity_ops.knowledge import read_knowledge
from identity_ops.knowledge.stage import lint_stage
from identity_ops.plan import plan_stage
from identity_ops.records import Cell, read_jsonl
from identity_ops.teachers.base import TeacherConfig
from identity_ops.teachers.openai import OpenAITeacher
from identity_ops.teachers.spend import Account, Budget

WORKERS, REQUESTS, ROUNDS = 256, 1024, 3
ROOT = Path(__file__).resolve().parent.parent


class Task:
    """The same requests for every client: the cells of a plan of the shipped knowledge base."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self.config = TeacherConfig.of(
            name="openai", model="bench", base_url=url, workers=WORKERS, timeout_s=60
        )
        self.teacher = OpenAITeacher(self.config, read_knowledge(folder / "lint"))
        cells = read_jsonl(Cell, folder / "plan" / "cells.jsonl")
        self.cells = [cell for cell in cells if not cell.spare]

    def bodies(self) -> list[dict[str, Any]]:
        """What is sent, as JSON."""
        return [self.teacher.request(cell) for cell in self.cells]


def run_null(task: Task) -> None:
    """aiohttp; the body is made before the clock starts, the answer only read."""
    import aiohttp

    bodies = [json.dumps(body).encode() for body in task.bodies()]

    async def work() -> None:
        gate = asyncio.Semaphore(WORKERS)
        connector = aiohttp.TCPConnector(limit=WORKERS)
        headers = {"Content-Type": "application/json"}

        async def one(session: aiohttp.ClientSession, body: bytes) -> None:
            async with gate, session.post(f"{task.url}/chat/completions", data=body) as reply:
                await reply.read()

        async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
            await asyncio.gather(*(one(session, body) for body in bodies))

    measured(lambda: asyncio.run(work()))


def run_ours(task: Task) -> None:
    """The teacher from a pool of threads, with a ledger on disk."""
    ledger = Ledger(task.folder / f"ledger-{os.getpid()}.jsonl")
    account = Account(Budget(None), ledger, retries=0)

    def work() -> None:
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(lambda cell: task.teacher.complete(cell, 0, account), task.cells))

    measured(work)
    ledger.shut()


def run_stage(task: Task) -> None:
    """One batch of all cells, as `identity-ops generate` runs it."""
    out = task.folder / f"out-{os.getpid()}"
    measured(
        lambda: generate_stage(
            task.folder / "lint", task.folder / "plan", out, batch=0, teacher=task.config
        )
    )


def run_nanochat(task: Task) -> None:
    """A pool of threads, a new connection for each request, no deadline over the body."""
    import requests

    bodies = task.bodies()

    def one(body: dict[str, Any]) -> object:
        return requests.post(f"{task.url}/chat/completions", json=body, timeout=60).json()

    def work() -> None:
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(one, bodies))

    measured(work)


def run_openai(task: Task) -> None:
    """The official package, its asynchronous client."""
    import openai

    bodies = task.bodies()

    async def work() -> None:
        gate = asyncio.Semaphore(WORKERS)

        async def one(client: openai.AsyncOpenAI, body: dict[str, Any]) -> None:
            async with gate:
                await client.chat.completions.create(**body)

        async with openai.AsyncOpenAI(
            base_url=task.url, api_key="none", max_retries=0, timeout=60
        ) as client:
            await asyncio.gather(*(one(client, body) for body in bodies))

    measured(lambda: asyncio.run(work()))


CLIENTS: dict[str, Callable[[Task], None]] = {
    "null": run_null, "ours": run_ours, "ours, whole stage": run_stage,
    "nanochat's way": run_nanochat, "openai package": run_openai,
}  # fmt: skip


def measured(work: Callable[[], object]) -> None:
    """Run `work` and print its wall and CPU seconds."""
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    work()
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"seconds": seconds, "cpu": cpu}))


@contextmanager
def served() -> Iterator[str]:
    """The address of a running server."""
    command = [sys.executable, "-m", "benchmarks.client_server"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        if server.stdout is None or server.stdin is None:
            raise AssertionError("both are pipes")
        yield f"http://127.0.0.1:{server.stdout.readline().strip()}/v1"
        server.stdin.close()


def begin(url: str) -> dict[str, int]:
    """Start a turn at the server; returns what it saw in the one before."""
    with urllib.request.urlopen(url.replace("/v1", "/begin")) as reply:  # noqa: S310 - loopback
        found: dict[str, int] = json.load(reply)
        return found


def one_turn(name: str, url: str, folder: Path) -> dict[str, float]:
    """One client in a process of its own."""
    begin(url)
    code = "import sys; from benchmarks import client; client.turn(*sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", code, name, url, str(folder)],
        cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    saw = begin(url)
    return {
        "per_s": saw["seen"] / found["seconds"],
        "cpu_ms": 1000 * found["cpu"] / saw["seen"],
        "most": saw["most"],
        "seen": saw["seen"],
    }


def turn(name: str, url: str, folder: str) -> None:
    """What the process of one turn does."""
    CLIENTS[name](Task(url, Path(folder)))


def measure(rounds: int, requests: int) -> dict[str, list[dict[str, float]]]:
    """All clients, round after round; each figure beside the null client's of its round."""
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in CLIENTS}
    with tempfile.TemporaryDirectory() as name, served() as url:
        folder = Path(name)
        lint_stage(ROOT / "knowledge" / "self_knowledge.md", folder / "lint")
        plan_stage(
            folder / "lint", folder / "plan", num=requests, seed=0, batch_size=requests,
            catalogue=ROOT / "knowledge" / "catalogue.yaml",
        )  # fmt: skip
        for _ in range(rounds):
            found = {client: one_turn(client, url, folder) for client in CLIENTS}
            for client, row in found.items():
                rows[client].append(row | {"ratio": row["per_s"] / found["null"]["per_s"]})
    return rows


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--requests", type=int, default=REQUESTS)
    options = parser.parse_known_args()[0]
    rows = measure(options.rounds, options.requests)
    print(f"{options.requests} requests, {WORKERS} at one time, medians of {options.rounds} rounds")
    print(f"{'':<20}{'requests/s':>12}{'of null':>9}{'CPU ms each':>13}{'in flight':>11}")
    for name, found in rows.items():
        median = {key: statistics.median(row[key] for row in found) for key in found[0]}
        print(
            f"{name:<20}{median['per_s']:>12.1f}{median['ratio']:>9.1%}"
            f"{median['cpu_ms']:>13.2f}{median['most']:>11.0f}"
        )


if __name__ == "__main__":
    main()
