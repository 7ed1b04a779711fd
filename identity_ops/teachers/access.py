"""Where a teacher's requests go and with which key, where an Airflow connection says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class Access:
    """What a connection gives; a part that is None comes from the environment.

    base_url: as in TeacherConfig. key: the API key.
    """

    base_url: str | None = None
    key: SecretStr | None = None


FindAccess = Callable[[str], Access]  # by the teacher's name


def from_environment(_teacher: str) -> Access:
    """No connection: key and address are looked for in the environment, `.env` and key files."""
    return Access()
