"""A running provider, and teachers that ask it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from identity_ops.teachers.openrouter import OpenRouterTeacher
from tests.loopback import KEY, Provider, serve
from tests.scene import knowledge, settings


@pytest.fixture
def provider() -> Iterator[Provider]:
    with serve() as running:
        yield running


@pytest.fixture
def teacher(provider: Provider, tmp_path: Path) -> Iterator[OpenRouterTeacher]:
    with made(provider, tmp_path) as built:
        yield built


@contextlib.contextmanager
def made(provider: Provider, folder: Path, **changes: Any) -> Iterator[OpenRouterTeacher]:
    built = OpenRouterTeacher(
        settings(provider, **changes), knowledge(folder), key=SecretStr(changes.pop("key", KEY))
    )
    try:
        yield built
    finally:
        built.close()
