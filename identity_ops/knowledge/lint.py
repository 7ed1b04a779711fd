"""Every finding about a knowledge base at once: bytes, lines, then facts.

Errors: what would teach the model something wrong or spend money on a broken file. Warnings:
what it will learn badly. Rules live in `rules_text.py` (bytes and lines) and `rules_facts.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from identity_ops.knowledge import rules_facts, rules_text
from identity_ops.knowledge.findings import Finding
from identity_ops.knowledge.source import decode, read_bytes


def lint(path: Path | str) -> tuple[Finding, ...]:
    """All findings about a knowledge base, by line.

    Raises:
        KnowledgeError: there is no file to look at: missing, a folder, or over the size cap.
    """
    path = Path(path)
    return lint_bytes(read_bytes(path), str(path))


def lint_bytes(data: bytes, file: str) -> tuple[Finding, ...]:
    """All findings about the bytes of a knowledge base. Never raises."""
    broken = rules_text.bytes_findings(data, file)
    if any(finding.rule in ("empty-file", "binary") for finding in broken):
        return _ordered(broken)
    text = decode(data)
    return _ordered([
        *broken, *rules_text.language_findings(text, file),
        *rules_text.line_findings(text, file), *rules_facts.fact_findings(text, file),
    ])  # fmt: skip


def _ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """By line, errors first, each once."""
    unique = dict.fromkeys(findings)
    return tuple(sorted(unique, key=lambda f: (f.line, f.severity, f.rule, f.message)))
