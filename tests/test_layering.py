"""The library imports neither Airflow nor torch."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import identity_ops

FORBIDDEN = {"airflow", "torch", "deepspeed"}


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module.split(".")[0]


def test_no_module_of_the_library_imports_airflow_or_torch() -> None:
    """Not even inside a function."""
    files = list(Path(identity_ops.__file__).parent.rglob("*.py"))
    assert len(files) > 5
    found = {path.name: FORBIDDEN & set(_imports(path)) for path in files}
    assert not {name: names for name, names in found.items() if names}
