"""Any server that speaks OpenAI's chat completions: vLLM, Ollama, llama.cpp, OpenAI itself.

Key: OPENAI_API_KEY, `.env`, openaitoken.txt, or none at all on loopback. Address: OPENAI_BASE_URL.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import SecretStr

from identity_ops.errors import AuthError, ConfigError
from identity_ops.teachers.chat import ChatTeacher


class OpenAITeacher(ChatTeacher):
    """Conversations from an OpenAI-compatible server. Its cost is known by a price alone."""

    provider = "openai"
    default_url = "https://api.openai.com/v1"
    url_variable = "OPENAI_BASE_URL"
    key_page = "models"  # the one page that all such servers have and that needs the key

    @property
    def _limit_name(self) -> str:
        """OpenAI's reasoning models refuse the name that all servers like it know."""
        is_own = self.base_url == self.default_url
        return "max_completion_tokens" if is_own else super()._limit_name

    def _find_key(self) -> SecretStr | None:
        try:
            return super()._find_key()
        except AuthError:
            if urlsplit(self.base_url).scheme == "http":  # loopback: local servers ask for none
                return None
            raise

    def _model(self) -> str:
        if not self.config.model:
            raise ConfigError(
                "the openai teacher has no default model", where="model",
                todo="Name the model that your server serves (--model).",
            )  # fmt: skip
        return self.config.model
