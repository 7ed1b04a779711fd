"""What a person is told when a run has failed: how far it came, and which rules it broke."""

from __future__ import annotations

from identity_ops.errors import IdentityError
from identity_ops.report.run import RunFolder
from identity_ops.runs import describe
from identity_ops.store.paths import Home


def notice(home: Home, run_id: str, link: str = "") -> str:
    """A few lines of plain text; they never fail for a run that committed little or nothing."""
    lines = [f"identity-ops: run {run_id} failed", *_found(home, run_id)]
    return "\n".join([*lines, link] if link else lines)


def _found(home: Home, run_id: str) -> list[str]:
    folder = home.run(run_id)
    try:
        run, info = RunFolder(folder), describe(folder)
        verdict = run.manifest("gate").figures if run.has("gate") else {"rules": []}
    except (IdentityError, OSError, KeyError):  # a notice of a failure must not fail itself
        return [f"its results in {folder} cannot be read"]
    of = f" of {info.name}" if info.name else ""
    broken = [f"- {rule['reason']}" for rule in verdict["rules"] if not rule["passed"]]
    return [f"{info.status}{of}; {info.cost_usd:.2f} USD spent; everything is kept", *broken]
