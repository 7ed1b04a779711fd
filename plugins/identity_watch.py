"""A trigger that fires when a knowledge base has changed. It runs in the triggerer.

It looks at content, not at times, and fires once the files are the same at two looks: a paid run
should not start from a file that an editor is still writing. What it saw last lies in the asset's
own store, so a change made while no triggerer ran is noticed too.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

POKE_S = float(os.environ.get("IDENTITY_WATCH_SECONDS") or 10)
SEEN = "seen"  # key in the asset's store: path -> hash


class KnowledgeTrigger(BaseEventTrigger):
    """Watches the markdown files that a run may name as its knowledge base.

    Args:
        poke_s: seconds between two looks; default: IDENTITY_WATCH_SECONDS, else 10.
    """

    def __init__(self, poke_s: float = POKE_S) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.poke_s = poke_s

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return "identity_watch.KnowledgeTrigger", {"poke_s": self.poke_s}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """An event for each settled change; its payload names the files."""
        from identity_ops.regenerate import changed, knowledge_state

        store: Any = self.asset_state_store  # the triggerer gives each asset's trigger one
        seen: dict[str, str] | None = await store.aget(SEEN)
        before = seen
        while True:
            now = await asyncio.to_thread(knowledge_state)
            if now != seen and now == before:
                if seen is not None:
                    news = {"changed": changed(seen, now)}
                    yield TriggerEvent(news)  # type: ignore[no-untyped-call]
                await store.aset(SEEN, now)
                seen = now
            before = now
            await asyncio.sleep(self.poke_s)
