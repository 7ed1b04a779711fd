"""The provider of the client benchmark: chat completions after a drawn wait, in its own process.

Run by `benchmarks/client.py`; prints its port. The waits are drawn anew, and alike, for each
client: GET /begin starts one, and returns what the one before it did.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from typing import Any

from aiohttp import web

LEAST_S, MOST_S = 0.5, 2.0
TEXT = json.dumps(
    {
        "messages": [
            {"role": "user", "content": "hello there"},
            {"role": "assistant", "content": "Hello! What can I do for you?"},
        ]
    }
)


class Desk:
    """One client's turn: requests seen, and how many of them at one time."""

    def __init__(self) -> None:
        self.waits = random.Random(7)
        self.seen = self.in_flight = self.most = 0

    async def complete(self, request: web.Request) -> web.Response:
        """Read the whole request, wait, answer."""
        self.in_flight += 1
        self.seen += 1
        self.most = max(self.most, self.in_flight)
        try:
            body = json.loads(await request.read())
            await asyncio.sleep(self.waits.uniform(LEAST_S, MOST_S))
            return web.json_response(_completion(body["model"]))
        finally:
            self.in_flight -= 1


def _completion(model: str) -> dict[str, Any]:
    return {
        "id": "gen-1", "object": "chat.completion", "created": 1, "model": model,
        "choices": [{
            "index": 0, "finish_reason": "stop",
            "message": {"role": "assistant", "content": TEXT},
        }],
        "usage": {"prompt_tokens": 3000, "completion_tokens": 300, "total_tokens": 3300},
    }  # fmt: skip


async def main() -> None:
    """Serve until stdin is closed, so that no server outlives its benchmark."""
    desks = [Desk()]

    async def complete(request: web.Request) -> web.Response:
        return await desks[-1].complete(request)

    async def begin(_: web.Request) -> web.Response:
        last = desks[-1]
        desks.append(Desk())
        return web.json_response({"seen": last.seen, "most": last.most})

    app = web.Application()
    app.add_routes([web.post("/v1/chat/completions", complete), web.get("/begin", begin)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
