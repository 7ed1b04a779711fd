"""Orders for the whole of `generate`, against a provider on real sockets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from identity_ops.generate.drive import ignore_progress
from identity_ops.generate.layout import Layout
from identity_ops.generate.order import Order
from identity_ops.generate.run import Summary, generate
from identity_ops.records import Conversation, read_jsonl
from identity_ops.store.paths import Home
from tests.loopback import Provider
from tests.scene import TEXT, settings


class Desk:
    """Orders over one knowledge base, all for the folder `out`."""

    def __init__(self, provider: Provider, root: Path) -> None:
        self.provider, self.root, self.out = provider, root, root / "out"
        (root / "kb.md").write_text(TEXT)

    def run(self, out: str = "out", **changes: Any) -> Summary:
        mine: dict[str, Any] = {"num": 12}
        mine |= {name: changes.pop(name) for name in ("num", "seed", "append") if name in changes}
        order = Order(
            knowledge=self.root / "kb.md", batch_size=5,
            teacher=settings(self.provider, **changes), **mine,
        )  # fmt: skip
        return generate(order, self.root / out, home=Home(self.root / "home"), show=ignore_progress)

    def accepted(self, out: str = "out") -> list[Conversation]:
        folders = Layout(self.root / out).sources()
        return [
            row for folder in folders for row in read_jsonl(Conversation, folder / "accepted.jsonl")
        ]
