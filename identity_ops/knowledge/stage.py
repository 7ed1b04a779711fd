"""The lint stage: commits a knowledge base with its ledger, or fails before anything is spent."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from identity_ops.errors import KnowledgeError
from identity_ops.knowledge.findings import Finding
from identity_ops.knowledge.ledger import COPY_NAME, LEDGER_NAME, facts_of, profile_of
from identity_ops.knowledge.lint import lint_bytes
from identity_ops.knowledge.source import decode, read_bytes
from identity_ops.records import write_jsonl
from identity_ops.store.manifest import Manifest, canonical_hash
from identity_ops.store.publish import write_atomic
from identity_ops.store.stage import Outcome, run_stage

FINDINGS_NAME = "findings.jsonl"


def lint_stage(source: Path, out: Path, *, strict: bool = False, force: bool = False) -> Manifest:
    """Lint `source` and commit its bytes, facts and findings to `out`.

    Args:
        strict: warnings fail too.

    Raises:
        KnowledgeError: there are errors; the message lists every finding. Nothing is committed.
    """
    data = read_bytes(source)
    refuse(lint_bytes(data, str(source)), source, strict=strict)

    def work(folder: Path) -> Outcome:
        return _write(folder, data)

    inputs = {"knowledge": canonical_hash(data.hex())}
    return run_stage("lint", out, {"strict": strict}, inputs, work, force=force)


def refuse(findings: tuple[Finding, ...], source: Path, *, strict: bool) -> None:
    """Raise where findings forbid to go on.

    Raises:
        KnowledgeError: lists every finding, not only the errors.
    """
    errors = sum(finding.severity == "error" for finding in findings)
    if errors or (strict and findings):
        lines = "\n  ".join(str(finding) for finding in findings)
        raise KnowledgeError(
            f"{errors} errors and {len(findings) - errors} warnings:\n  {lines}\n",
            where=source,
            todo="Mend the file and lint it again: identity-ops lint " + str(source),
        )


def _write(folder: Path, data: bytes) -> Outcome:
    """The three files; line numbers point into the copy that stands beside them."""
    facts = facts_of(decode(data), COPY_NAME)
    findings = lint_bytes(data, COPY_NAME)
    write_atomic(folder / COPY_NAME, data)
    write_jsonl(folder / LEDGER_NAME, facts)
    write_jsonl(folder / FINDINGS_NAME, findings)
    profile = profile_of(facts)
    return Outcome(
        files=[COPY_NAME, LEDGER_NAME, FINDINGS_NAME],
        counts={"facts": len(facts), "warnings": len(findings)},
        figures={
            "name": profile.name,
            "creator": profile.creators[0] if profile.creators else "",
            "facts": len(facts),
            "sections": dict(Counter(fact.section for fact in facts)),
            "warnings": len(findings),
        },
    )
