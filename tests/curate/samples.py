"""Small conversations and cells for the tests of curation."""

from __future__ import annotations

import json

from identity_ops.records import Cell, Conversation, Kind, Message


def talk(*turns: str) -> tuple[Message, ...]:
    """Messages that alternate, the user first."""
    roles = ("user", "assistant")
    return tuple(Message(role=roles[i % 2], content=text) for i, text in enumerate(turns))


def as_json(*turns: str) -> str:
    return json.dumps({"messages": list(talk(*turns))})


def cell(kind: Kind = "identity", fact_ids: tuple[str, ...] = (), language: str = "en") -> Cell:
    return Cell(
        id="c1", index=0, kind=kind, category="who", topic="name", persona="", dynamic="",
        openers=(), language=language, turns=2, fact_ids=fact_ids, seed=1,
    )  # fmt: skip


def conversation(
    index: int, *turns: str, fact_ids: tuple[str, ...] = (), kind: Kind = "identity"
) -> Conversation:
    return Conversation(
        id=f"c{index:06d}", index=index, messages=talk(*turns), kind=kind, category="who",
        topic="name", persona="", dynamic="", language="en", fact_ids=fact_ids,
    )  # fmt: skip
