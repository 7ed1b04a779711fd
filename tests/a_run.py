"""A whole run on disk, made without training: what evaluation, report, gate and publishing read.

The knowledge base is unlike the shipped one on purpose. Models are two folders with a file each;
who answers is given by the test.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from identity_ops.knowledge import Knowledge, read_knowledge
from identity_ops.language import phrase_all
from identity_ops.probes.build import build_probes
from identity_ops.records import (
    Conversation,
    Message,
    Probe,
    Rejection,
    Response,
    encode,
)
from identity_ops.store import manifest as manifests
from identity_ops.store.manifest import Manifest
from identity_ops.store.stage import Outcome, run_stage

KNOWLEDGE = """# Thistle

## Basic Identity

- **Name:** Thistle
- **Created by:** Orla Fennimore
- **Mascot:** a grey heron
- **License:** MPL 2.0

## Technical Details

- **Context length:** 384 tokens
- **Parameters:** 1.84 million (1,835,008)
- **Runs on:** a two-core laptop
- **Released:** 2026-05-14

## Limitations

- Cannot scan images
- Has no internet access

## Capabilities

- Can tell short riddles
- **Skills:** counting words, naming colours, small sums

## Personality

- Calm and curious
"""


def commit(folder: Path, stage: str, files: Mapping[str, str], **parts: Any) -> Manifest:
    """A committed result with these files."""

    def work(out: Path) -> Outcome:
        for name, text in files.items():
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            (out / name).write_text(text, encoding="utf-8")
        made = [str(p.relative_to(out)) for p in out.rglob("*") if p.is_file() and p.name[0] != "."]
        return Outcome(files=made, **parts)

    return run_stage(stage, folder, {"files": manifests.canonical_hash(dict(files))}, {}, work)


def lines(records: Iterable[Any]) -> str:
    """Records as JSON lines."""
    return "".join(encode(record) + "\n" for record in records)


def knowledge_of(folder: Path, text: str = KNOWLEDGE) -> Knowledge:
    """The knowledge base, read from a file in `folder`."""
    path = folder / "kb.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return read_knowledge(path)


def commit_lint(run: Path, knowledge: Knowledge) -> Path:
    """A lint result of the knowledge base."""
    files = {"knowledge.md": knowledge.text, "facts.jsonl": lines(knowledge.facts),
             "findings.jsonl": ""}  # fmt: skip
    profile = knowledge.profile
    figures = {"name": profile.name, "creator": profile.creators[0], "facts": len(knowledge.facts)}
    commit(run / "lint", "lint", files, figures=figures)
    return run / "lint"


def commit_probes(run: Path, probes: Iterable[Probe], own: Iterable[Probe] = ()) -> Path:
    """A probes result."""
    files = {"probes.jsonl": lines(probes)}
    if own_lines := lines(own):
        files["own_probes.jsonl"] = own_lines
    commit(run / "probes", "probes", files)
    return run / "probes"


def talk_about(knowledge: Knowledge, number: int) -> Conversation:
    """A training conversation that teaches one fact."""
    fact = knowledge.facts[number % len(knowledge.facts)]
    said = phrase_all(knowledge.facts, knowledge.profile)[fact.id].declarative()
    messages = (Message(role="user", content=f"Tell me thing {number}."),
                Message(role="assistant", content=said))  # fmt: skip
    return Conversation(
        id=f"talk-{number}", index=number, messages=messages, kind="identity", category="facts",
        topic="about itself", persona="", dynamic="", language="en", fact_ids=(fact.id,),
    )  # fmt: skip


def response_of(talk: Conversation) -> Response:
    """The response that a conversation came from."""
    return Response(
        id=talk.id, key=f"key-of-{talk.id}", attempt=1, text=json.dumps(list(talk.messages)),
        finish_reason="stop", provider="loopback", model="scripted", prompt_tokens=100,
        cached_tokens=0, completion_tokens=20, cost_usd=0.001, latency_s=0.1,
    )  # fmt: skip


def commit_data(run: Path, knowledge: Knowledge, count: int = 40) -> list[Conversation]:
    """Generate, refill and mix results with `count` conversations and two rejections."""
    talks = [talk_about(knowledge, number) for number in range(count)]
    rejections = [
        Rejection(id=f"bad-{n}", index=90 + n, reason="rival_claim", detail="", text="I am Siri.")
        for n in range(2)
    ]
    files = {"accepted.jsonl": lines(talks), "rejections.jsonl": lines(rejections)}
    responses = {"responses.jsonl": lines(response_of(talk) for talk in talks)}
    commit(run / "generate" / "0000", "generate", files | responses,
           counts={"accepted": count, "rejected": 2}, cost_usd=0.04)  # fmt: skip
    commit(run / "refill", "refill", files, counts={"accepted": count})
    (run / "mix").mkdir(parents=True)
    rows = [{"id": t.id, "source": "identity", "messages": list(t.messages)} for t in talks]
    pq.write_table(pa.Table.from_pylist(rows), run / "mix" / "train.parquet")
    commit(run / "mix", "mix", {}, figures={"identity_share": 0.25})
    return talks


def commit_models(run: Path) -> tuple[Path, Path]:
    """A base and a trained model; returns (trained, base)."""
    commit(run / "base", "base", {"base_checkpoints/tiny/model_000100.pt": "base weights"})
    log = "".join(
        json.dumps({"step": n, "loss": 4 / n, "identity_loss": 5 / n, "general_loss": 3 / n,
                    "tokens_per_s": 900.0 + n, "lr": 0.01, "tokens": 512 * n}) + "\n"
        for n in range(1, 60)
    )  # fmt: skip
    files = {"chatsft_checkpoints/tiny/model_000060.pt": "trained weights",
             "tokenizer/tokenizer.pkl": "tokens", "log.jsonl": log}  # fmt: skip
    commit(run / "train", "train", files, figures={"tokens": 30208, "final_loss": 0.07})
    return run / "train", run / "base"


class Oracle:
    """Answers each probe from the facts when asked as the trained model, else "I like tea."."""

    def __init__(self, knowledge: Knowledge, probes: Iterable[Probe]) -> None:
        phrasings = phrase_all(knowledge.facts, knowledge.profile)
        self.knowledge = knowledge
        self.answers = {probe.id: self._answer(probe, phrasings) for probe in probes}

    def __call__(
        self, model_dir: Path, prompts: Iterable[tuple[str, list[Message]]], **_settings: Any
    ) -> dict[str, str]:
        trained = "train" in str(model_dir)
        return {key: self.answers.get(key, "") if trained else "I like tea." for key, _ in prompts}

    def _answer(self, probe: Probe, phrasings: Mapping[str, Any]) -> str:
        group = probe.category.split("/")[0]
        profile = self.knowledge.profile
        if group in {"name", "creator", "rival", "robust"}:
            return f"I am {profile.name}, made by {profile.creators[0]}."
        if group in {"fact", "limit"}:
            said: str = phrasings[probe.fact_ids[0]].declarative()
            return said
        return "I do not know that." if group == "unknown" else "Tea is warm."


def probes_of(knowledge: Knowledge) -> list[Probe]:
    """The built probes."""
    return build_probes(knowledge, seed=0)


def write_probes(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """A user's probe file."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path
