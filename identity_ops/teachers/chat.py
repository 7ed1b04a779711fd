"""A teacher behind an OpenAI-style /chat/completions; see `openrouter.py` and `openai.py` for what
providers add to the request and how they say what it cost.
"""

from __future__ import annotations

from typing import Any

from pydantic import SecretStr

from identity_ops.records import Cell
from identity_ops.teachers import completion
from identity_ops.teachers.http import Reply
from identity_ops.teachers.remote import RESPONSE_SCHEMA, RemoteTeacher
from identity_ops.teachers.reply import Answer, Usage


class ChatTeacher(RemoteTeacher):
    """What all chat-completion providers share."""

    def request(self, cell: Cell) -> dict[str, Any]:
        return {
            "model": self.model,
            "messages": [{"role": "user", "content": self._prompt.render(cell)}],
            "temperature": self.config.temperature,
            self._limit_name: self.config.max_tokens,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "conversation", "strict": True, "schema": RESPONSE_SCHEMA},
            },
            **self._extras(),
        }

    @property
    def _path(self) -> str:
        return "chat/completions"

    @property
    def _limit_name(self) -> str:
        return "max_tokens"

    def _extras(self) -> dict[str, Any]:
        """Fields that only this provider knows."""
        return {}

    def _auth(self, key: SecretStr) -> dict[str, str]:
        return {"Authorization": f"Bearer {key.get_secret_value()}"}

    def _answer(self, reply: Reply, payload: Any) -> Answer:
        return completion.read(reply, payload, self._refuse)

    def _usage(self, payload: Any) -> Usage:
        return completion.read_usage(payload)
