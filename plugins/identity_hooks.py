"""Airflow connections for teachers: host = address, password = key; they win over the environment.

`openrouter_default`, `gemini_default` and `openai_default`, of any connection type; those of the
types below have a working Test button. A part that a connection leaves out comes from the
environment. Every key that a task may meet is masked in its log.
"""

from __future__ import annotations

from typing import ClassVar

from airflow.sdk import BaseHook, Connection
from airflow.sdk.exceptions import AirflowNotFoundException
from airflow.sdk.log import mask_secret
from pydantic import SecretStr

from identity_ops.errors import AuthError, IdentityError
from identity_ops.teachers.access import Access


class TeacherHook(BaseHook):
    """A teacher's connection.

    Args:
        identity_conn_id: its id.
    """

    conn_name_attr = "identity_conn_id"
    conn_type: ClassVar[str]  # the teacher's name
    default_conn_name: ClassVar[str]

    def __init__(self, identity_conn_id: str | None = None) -> None:
        super().__init__()
        self._conn_id = identity_conn_id or self.default_conn_name

    def access(self) -> Access:
        """Address and key in the connection; nothing where there is no such connection."""
        mask_environment()
        try:
            connection = self.get_connection(self._conn_id)
        except AirflowNotFoundException:
            return Access()
        key = (connection.password or "").strip()
        if key:
            mask_secret(key)
        return Access(base_url=address(connection), key=SecretStr(key) if key else None)

    def test_connection(self) -> tuple[bool, str]:
        """Ask the provider whether it takes the key, as a run does before anything is spent."""
        from identity_ops.teachers.check import check_access

        try:
            return True, check_access(self.conn_type, self.access())
        except IdentityError as error:
            return False, str(error)


class OpenRouterHook(TeacherHook):
    conn_type = "openrouter"
    default_conn_name = "openrouter_default"
    hook_name = "OpenRouter"


class GeminiHook(TeacherHook):
    conn_type = "gemini"
    default_conn_name = "gemini_default"
    hook_name = "Gemini"


class OpenAIHook(TeacherHook):
    conn_type = "openai"
    default_conn_name = "openai_default"
    hook_name = "OpenAI-compatible server"


HOOKS = {hook.conn_type: hook for hook in (OpenRouterHook, GeminiHook, OpenAIHook)}


def access_of(teacher: str) -> Access:
    """What the teacher's default connection gives; the embedded teacher needs nothing."""
    return HOOKS[teacher]().access() if teacher in HOOKS else Access()


def address(connection: Connection) -> str | None:
    """The connection's base URL: a host that is one, or one made of protocol, host and port."""
    host = (connection.host or "").strip()
    if not host or ("://" in host and not connection.port):
        return host or None
    protocol, _, rest = host.rpartition("://")
    name, slash, path = rest.partition("/")
    port = f":{connection.port}" if connection.port else ""
    return f"{protocol or connection.schema or 'https'}://{name}{port}{slash}{path}"


def mask_environment() -> None:
    """Airflow masks what comes from a connection, but no key of the environment or a file."""
    from identity_ops.teachers.keys import PLACES, find_key

    for teacher in PLACES:
        try:
            mask_secret(find_key(teacher).get_secret_value())
        except AuthError:
            continue
