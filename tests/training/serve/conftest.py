"""A running server, started as a user starts it, and ways to talk to it."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

WAIT_S = 60.0


class Server:
    """The process and its address. `log`: what it wrote to standard error."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process, self.log = process, list[str]()
        self._clients: list[openai.OpenAI] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.url = self.wait_for(r"(http://\S+) \(API")

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            for line in lines:
                self.log.append(line)

    def wait_for(self, pattern: str) -> str:
        """The first group, or the whole, of what fits the log, now or soon."""
        deadline = time.monotonic() + WAIT_S
        while not (found := re.search(pattern, "".join(self.log))):
            ended = self.process.poll() is not None and not self._reader.is_alive()
            assert not ended, f"the server ended: {''.join(self.log)}"
            assert time.monotonic() < deadline, f"no {pattern} in: {''.join(self.log)}"
            time.sleep(0.02)
        return found[found.re.groups]

    def client(self, retries: int = 0) -> openai.OpenAI:
        """The official client."""
        url = f"{self.url}/v1"
        made = openai.OpenAI(base_url=url, api_key="none", max_retries=retries, timeout=WAIT_S)
        self._clients.append(made)
        return made

    def end(self) -> int:
        """SIGTERM; the exit code."""
        for client in self._clients:
            client.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(WAIT_S)
        self._reader.join()
        return code


@contextlib.contextmanager
def serving(model: Path, *flags: str) -> Iterator[Server]:
    """`identity-ops serve` on a free port."""
    argv = [sys.executable, "-m", "identity_ops", "serve", "--model", str(model), "--port", "0"]
    env = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    process = subprocess.Popen(
        [*argv, *flags], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=env
    )
    try:
        server = Server(process)
    except BaseException:
        process.kill()
        process.wait()
        raise
    try:
        yield server
    finally:
        server.end()


@pytest.fixture(scope="session")
def server(scripted: Path, endless: Path) -> Iterator[Server]:
    """Both of them: `pip`, and `pip-base` which never ends."""
    with serving(scripted, "--base", str(endless)) as running:
        yield running
