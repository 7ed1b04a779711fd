"""A headless Chromium, driven by the DevTools protocol over its own web socket.

Real keys and real clicks: what is pressed here goes through the browser's input, as a user's would.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from websockets.sync.client import ClientConnection, connect

PROGRAM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
REQUIRED = os.environ.get("IDENTITY_TESTS_NEED") == "browser"  # set by `make test-slow`
needs_browser = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not PROGRAM and not REQUIRED, reason="needs Chromium (Debian: apt-get install chromium)"
    ),
]
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--remote-debugging-port=0", "about:blank",
)  # fmt: skip
KEYS = {"Enter": ("\r", 13), "Escape": ("", 27), "Tab": ("", 9), "ArrowUp": ("", 38)}
WAIT_S = 30.0


class Tab:
    """One page of the browser. `problems`: errors that the page reported."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket, self.problems = socket, list[str]()
        self._numbers = itertools.count(1)
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """One command and its result."""
        number = next(self._numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self.socket.recv(timeout=WAIT_S))
            if message.get("id") == number:
                assert "error" not in message, message["error"]
                result: dict[str, Any] = message["result"]
                return result
            self._note(message)

    def _note(self, event: dict[str, Any]) -> None:
        if event["method"] == "Runtime.exceptionThrown":
            self.problems.append(json.dumps(event["params"]["exceptionDetails"]))
        elif event["method"] == "Log.entryAdded" and event["params"]["entry"]["level"] == "error":
            self.problems.append(event["params"]["entry"]["text"])
        elif event["method"] == "Page.javascriptDialogOpening":
            self.problems.append(f"dialog: {event['params']['message']}")
            # Its answer is not awaited: the call that opened it waits for it.
            self.socket.send(json.dumps({"id": 0, "method": "Page.handleJavaScriptDialog",
                                         "params": {"accept": True}}))  # fmt: skip

    def look(self, width: int, height: int, *, dark: bool = False, phone: bool = False) -> None:
        """The window's size, and the user's colours."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=2 if phone else 1, mobile=phone)  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def open(self, url: str) -> None:
        """Go there and wait until the page is complete."""
        self.call("Page.navigate", url=url)
        self.wait(f"document.readyState === 'complete' && location.href.startsWith({url!r})")

    def js(self, expression: str) -> Any:
        """The value of an expression in the page."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def wait(self, expression: str) -> None:
        """Until the expression holds."""
        deadline = time.monotonic() + WAIT_S
        while not self.js(expression):
            assert time.monotonic() < deadline, f"still not: {expression}"
            time.sleep(0.05)

    def text(self, selector: str) -> str:
        """All text of the first element that fits."""
        return str(self.js(f"document.querySelector({selector!r}).textContent"))

    def click(self, selector: str) -> None:
        """Click the middle of the first element that fits, which must be what lies there."""
        at = self.js(
            f"(() => {{ const e = document.querySelector({selector!r});"
            " e.scrollIntoView({block: 'nearest', inline: 'nearest'});"
            " const b = e.getBoundingClientRect();"
            " const x = b.x + b.width / 2, y = b.y + b.height / 2;"
            " const hit = document.elementFromPoint(x, y);"
            " return {x, y, hit: e === hit || e.contains(hit)}; })()"
        )
        assert at["hit"], f"{selector} is covered or out of sight"
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=at["x"], y=at["y"],
                      button="left", clickCount=1)  # fmt: skip

    def type(self, text: str) -> None:
        """Text into whatever has the focus."""
        self.call("Input.insertText", text=text)

    def press(self, key: str, *, shift: bool = False) -> None:
        """One key down and up."""
        text, code = KEYS[key]
        common = {"key": key, "code": key, "windowsVirtualKeyCode": code, "modifiers": 8 * shift}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def picture(self, path: Path) -> None:
        """What the window shows, as PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))


class Browser:
    """A running browser. `tab`: the one it began with."""

    def __init__(self, port: str, exits: contextlib.ExitStack) -> None:
        self._address, self._exits = f"http://127.0.0.1:{port}/json", exits
        found = requests.get(self._address, timeout=WAIT_S).json()
        self.tab = self._attach(next(one for one in found if one["type"] == "page"))

    def another(self) -> Tab:
        """A new tab beside the others."""
        return self._attach(requests.put(f"{self._address}/new", timeout=WAIT_S).json())

    def _attach(self, target: dict[str, Any]) -> Tab:
        address = target["webSocketDebuggerUrl"]
        return Tab(self._exits.enter_context(connect(address, max_size=None, proxy=None)))


@contextlib.contextmanager
def chromium(folder: Path) -> Iterator[Browser]:
    """A fresh browser whose profile lies in `folder`."""
    process = subprocess.Popen(
        [PROGRAM or "chromium", *FLAGS[:-1], f"--user-data-dir={folder}", FLAGS[-1]],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        with contextlib.ExitStack() as exits:
            yield Browser(_port(folder, process), exits)
    finally:
        process.terminate()
        process.wait()


def _port(folder: Path, process: subprocess.Popen[bytes]) -> str:
    """The port that the browser chose, which it writes into its profile."""
    deadline = time.monotonic() + WAIT_S
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if text := (folder / "DevToolsActivePort").read_text():
                return text.split()[0]
        time.sleep(0.05)
    raise AssertionError("Chromium did not start")
