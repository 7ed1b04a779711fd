"""A running provider that the environment names, and orders for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.generate.desk import Desk
from tests.loopback import KEY, Provider, serve


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Provider]:
    monkeypatch.setenv("OPENROUTER_API_KEY", KEY)
    monkeypatch.setenv("IDENTITY_HOME", str(tmp_path / "home"))
    with serve() as running:
        monkeypatch.setenv("OPENROUTER_BASE_URL", running.url)
        yield running


@pytest.fixture
def desk(provider: Provider, tmp_path: Path) -> Desk:
    return Desk(provider, tmp_path)
