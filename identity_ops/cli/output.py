"""What every command shares: JSON or text on stdout, errors on stderr, exit codes.

Exit codes: 0 done, 1 findings or a failed stage, 2 wrong usage.
"""

from __future__ import annotations

import json
import sys
from typing import Any, NoReturn

import typer

from identity_ops.errors import IdentityError, UsageError

JSON_OPTION = typer.Option(False, "--json", help="Print JSON for machines.")


def emit(data: Any, text: str, *, as_json: bool) -> None:
    """Print the result of a command on stdout: `data` as JSON, or `text`."""
    print(json.dumps(data, ensure_ascii=False, indent=2) if as_json else text)


def fail(error: IdentityError) -> NoReturn:
    """End the process with the error's message on stderr."""
    print(f"identity-ops: {error}", file=sys.stderr)
    raise SystemExit(2 if isinstance(error, UsageError) else 1)
