"""Lines that hold a key or password. Never returns the value itself.

detect-secrets with named detectors (its entropy guesses cry wolf on hashes and addresses), and
the shapes of the keys that this project's teachers use.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from detect_secrets.plugins.aws import AWSKeyDetector
from detect_secrets.plugins.azure_storage_key import AzureStorageKeyDetector
from detect_secrets.plugins.base import BasePlugin
from detect_secrets.plugins.basic_auth import BasicAuthDetector
from detect_secrets.plugins.discord import DiscordBotTokenDetector
from detect_secrets.plugins.github_token import GitHubTokenDetector
from detect_secrets.plugins.gitlab_token import GitLabTokenDetector
from detect_secrets.plugins.jwt import JwtTokenDetector
from detect_secrets.plugins.npm import NpmDetector
from detect_secrets.plugins.openai import OpenAIDetector
from detect_secrets.plugins.private_key import PrivateKeyDetector
from detect_secrets.plugins.pypi_token import PypiTokenDetector
from detect_secrets.plugins.sendgrid import SendGridDetector
from detect_secrets.plugins.slack import SlackDetector
from detect_secrets.plugins.stripe import StripeDetector
from detect_secrets.plugins.telegram_token import TelegramBotTokenDetector
from detect_secrets.plugins.twilio import TwilioKeyDetector

_DETECTORS: tuple[type[BasePlugin], ...] = (
    AWSKeyDetector,
    AzureStorageKeyDetector,
    BasicAuthDetector,
    DiscordBotTokenDetector,
    GitHubTokenDetector,
    GitLabTokenDetector,
    JwtTokenDetector,
    NpmDetector,
    OpenAIDetector,
    PrivateKeyDetector,
    PypiTokenDetector,
    SendGridDetector,
    SlackDetector,
    StripeDetector,
    TelegramBotTokenDetector,
    TwilioKeyDetector,
)
_SHAPES = (
    ("OpenRouter key", re.compile(r"\bsk-or-(?:v\d-)?[A-Za-z0-9_-]{16,}")),
    ("Anthropic key", re.compile(r"\bsk-ant-[A-Za-z0-9_-]{16,}")),
    ("OpenAI key", re.compile(r"\bsk-(?!or-|ant-)(?:proj-|svcacct-)?[A-Za-z0-9_-]{20,}")),
    ("Google key", re.compile(r"\bAIza[0-9A-Za-z_-]{30,}")),
    ("Hugging Face token", re.compile(r"\bhf_[A-Za-z0-9]{20,}")),
    ("GitHub token", re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,})")),
    ("AWS key", re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")),
    ("bearer token", re.compile(r"\bBearer\s+[A-Za-z0-9._~+/-]{20,}=*")),
    ("private key", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")),
    (
        "password",
        re.compile(
            r"\b(?:password|passwd|pwd|secret|api[_ -]?key|access[_ -]?token|auth[_ -]?token)\b"
            r"[\"'*`]*\s*[:=]\s*[\"'*`]*\s*(?=\S*\d)(?=\S*[A-Za-z])[^\s\"'`*]{8,}",
            re.IGNORECASE,
        ),
    ),
)


def secret_lines(text: str) -> Iterator[tuple[int, str]]:
    """(line, kind of secret) for each line that holds one."""
    detectors = [detector() for detector in _DETECTORS]
    for number, line in enumerate(text.split("\n"), start=1):
        kind = _kind(line, detectors) if len(line) > 7 else ""
        if kind:
            yield number, kind


def _kind(line: str, detectors: list[BasePlugin]) -> str:
    for kind, pattern in _SHAPES:
        if pattern.search(line):
            return kind
    for detector in detectors:
        if any(True for _ in detector.analyze_string(line)):
            return str(detector.secret_type)
    return ""
