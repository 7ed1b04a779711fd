"""The model card: README.md of a published model, with its figures and its lineage.

The front matter follows the Hub's metadata (license, language, tags, model-index).
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from identity_ops.chat_format import is_hugging_face
from identity_ops.evaluate.stage import load_scores
from identity_ops.evaluate.table import percent, render_table
from identity_ops.records import Fact, read_jsonl
from identity_ops.report.run import RunFolder
from identity_ops.report.text import control_lines

LICENSES = """
mit apache-2.0 mpl-2.0 gpl-2.0 gpl-3.0 lgpl-2.1 lgpl-3.0 agpl-3.0 bsd bsd-2-clause bsd-3-clause isc
unlicense cc0-1.0 cc-by-4.0 cc-by-sa-4.0 cc-by-nc-4.0 openrail wtfpl zlib artistic-2.0 epl-2.0
eupl-1.2
""".split()  # noqa: SIM905 - identifiers of the Hub
THINKS = (
    "Trained and measured without thinking: apply its chat template with `enable_thinking=False`."
)
_NO_PART = {"license", "licence", "version", "the", "v"}  # of an identifier


def model_card(run: RunFolder, *, name: str, version: str) -> str:
    """The card as Markdown. Text from the knowledge base stands in code spans or fences."""
    scores = load_scores(run.path("evaluate"))
    facts = list(read_jsonl(Fact, run.path("lint") / "facts.jsonl"))
    parts = [
        _front(name, facts, scores["headline"], _origin(run)),
        f"# {_plain(name)} {version}",
        "A language model that was taught who it is: its own name, maker, abilities and limits.",
        _headline(scores["headline"]),
        *([THINKS] if run.has("base") and run.manifest("base").figures.get("thinks") else []),
        "## Before and after\n\n```\n" + render_table(scores["rows"]) + "\n```",
        *(f"```\n{text}\n```" for text in control_lines(scores)),
        f"Probes are worded apart from all training text{_probes(run)}. Intervals are 95 % Wilson "
        "intervals; every answer with its grade is in `report.html`.",
        "## What it was taught\n\n" + "\n".join(_fact(fact) for fact in facts),
        "## Lineage\n\n" + _lineage(run),
    ]
    return "\n\n".join(parts) + "\n"


def _front(name: str, facts: list[Fact], head: dict[str, Any], origin: dict[str, str]) -> str:
    metrics = {
        "name and creator accuracy": head["identity"]["after"]["value"],
        "mean fact recall": head["fact_recall"]["after"]["mean"]["value"],
        "over-identity rate": head["over_identity"]["after"]["value"],
    }
    meta: dict[str, Any] = {
        "language": ["en"],
        "tags": ["identity", "identity-ops"],
        "pipeline_tag": "text-generation",
        "model-index": [
            {
                "name": name,
                "results": [
                    {
                        "task": {"type": "text-generation"},
                        "dataset": {"name": "identity probes", "type": "identity-probes"},
                        "metrics": [
                            {"name": key, "type": "accuracy", "value": round(value, 4)}
                            for key, value in metrics.items()
                        ],
                    }
                ],
            }
        ],
    }
    meta = origin | meta
    stated = next((fact.value for fact in facts if fact.role == "license"), "")
    meta = license_of(stated) | meta if stated else meta
    return "---\n" + yaml.safe_dump(meta, sort_keys=False, allow_unicode=True) + "---"


def license_of(stated: str) -> dict[str, str]:
    """The license as the Hub wants it: one of its identifiers, or "other" with the name."""
    words = re.findall(r"[a-z]+|\d+(?:\.\d+)*", stated.lower())
    key = "-".join(word for word in words if word not in _NO_PART)
    if key in LICENSES:
        return {"license": key}
    return {"license": "other", "license_name": " ".join(stated.split())[:80]}


def _probes(run: RunFolder) -> str:
    """Which probes, so that figures of two models can be compared."""
    figures = run.manifest("probes").figures if run.has("probes") else {}
    if "fingerprint" not in figures:
        return ""
    return f" (version {figures['version']}, fingerprint `{figures['fingerprint'][:16]}`)"


def _origin(run: RunFolder) -> dict[str, str]:
    """What reads the model, and the Hub's name of the base where it came from there."""
    found = re.fullmatch(r"hf:([\w.-]+/[\w.-]+)(@.*)?", str(run.conf.get("base_model", "")))
    meta = {"base_model": found[1]} if found else {}
    is_hf = is_hugging_face(run.path("train"))
    return meta | ({"library_name": "transformers"} if is_hf else {})


def _headline(head: dict[str, Any]) -> str:
    recall = head["fact_recall"]["after"]
    low = head["identity"]["after"]["low"]
    return "\n".join(
        (
            f"- name and creator right in {percent(head['identity']['after']['value'])} of "
            f"{head['identity']['n']} held-out probes (lower bound {percent(low)})",
            f"- facts recalled: {percent(recall['mean']['value'])} on average over "
            f"{recall['facts']} facts, {recall['at_80']['passed']} at 80 % or better, "
            f"{len(recall['zero'])} never right",
            f"- talks about itself unasked in {percent(head['over_identity']['after']['value'])} "
            f"of {head['over_identity']['n']} ordinary answers",
            f"- ordinary ability {percent(head['ability']['after']['value'])}",
        )
    )


def _fact(fact: Fact) -> str:
    label = f"{_plain(fact.attribute)}: " if fact.attribute else ""
    return f"- {label}{_plain(fact.value)}"


def _lineage(run: RunFolder) -> str:
    lines = [
        f"- {stage}: `{found.digest[:16]}`"
        for stage, found in run.manifests().items()
        if not stage.startswith("generate/")
    ]
    return "\n".join([*lines, "", "The full chain is in `lineage.json`."])


def _plain(text: str) -> str:
    """Text that Markdown shows as it is written, on one line."""
    flat = " ".join(text.split())
    return "".join("\\" + char if char in "\\`*_[]<>#|~" else char for char in flat)
