"""Keys and addresses: where they come from, and how they stay out of every message.

Order: what the caller hands over, the environment, `.env` in the working directory, the key file
in the working directory.
"""

from __future__ import annotations

import codecs
import io
import ipaddress
import os
import re
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import SecretStr

from identity_ops.errors import AuthError, ConfigError


@dataclass(frozen=True, slots=True)
class Place:
    """Where a provider's key may stand: a variable, or a file in the working directory."""

    provider: str
    variable: str
    file: str


PLACES: Final = {
    "openrouter": Place("OpenRouter", "OPENROUTER_API_KEY", "openroutertoken.txt"),
    "gemini": Place("Gemini", "GEMINI_API_KEY", "geminitoken.txt"),
    "openai": Place("the OpenAI-compatible server", "OPENAI_API_KEY", "openaitoken.txt"),
}
_KEY_LIKE = re.compile(r"\b(?:sk|gsk|or|AIza)[-_A-Za-z0-9*]{12,}|Bearer\s+\S+", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\ud800-\udfff]+")
_TEXT_LIMIT = 300


def setting(name: str) -> str | None:
    """A value from the environment or `.env`; None when unset or empty."""
    if value := os.environ.get(name, "").strip():
        return value
    dotenv = Path(".env")
    if not dotenv.is_file():
        return None
    found = dotenv_values(stream=io.StringIO(_text(dotenv)), interpolate=False)
    return (found.get(name) or "").strip() or None


def _text(path: Path) -> str:
    """A small file that a person wrote, in whatever encoding their editor uses.

    What is no UTF-8 (a comment in Latin-1) is replaced: it is none of the names, and a key that
    holds it is refused. A byte order mark says UTF-16 (PowerShell's) or is dropped.
    """
    data = path.read_bytes()
    is_utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return data.decode("utf-16" if is_utf16 else "utf-8-sig", errors="replace")


def find_key(teacher: str) -> SecretStr:
    """The API key for the teacher of that name.

    Raises:
        AuthError: there is none, or it has characters that no header can carry.
    """
    place = PLACES[teacher]
    source, value = place.variable, setting(place.variable)
    if value is None and Path(place.file).is_file():
        source, value = place.file, _text(Path(place.file)).strip() or None
    if value is None:
        raise AuthError(
            f"no key for {place.provider}",
            todo=f"Set {place.variable} in the environment or in .env, or put it into "
            f"{place.file}.",
        )
    return checked_key(SecretStr(value), source)


def checked_key(key: SecretStr, source: str) -> SecretStr:
    """`key` if it can be a header's value.

    Raises:
        AuthError: it cannot; the key is not shown.
    """
    value = key.get_secret_value()
    if not value or not all("!" <= character <= "~" for character in value):
        raise AuthError(
            "the key has characters that a key cannot have", where=source,
            expected="printable ASCII without spaces", got="something else (not shown)",
            todo="Copy the key again, in one line and without quotes.",
        )  # fmt: skip
    return key


def clean(text: object, key: SecretStr | None) -> str:
    """Foreign text made fit for a message: no key, no control characters, not endless."""
    line = str(text)
    if key is not None and key.get_secret_value():
        line = line.replace(key.get_secret_value(), "[key]")
    line = _CONTROL.sub(" ", _KEY_LIKE.sub("[key]", line)).strip()
    return line if len(line) <= _TEXT_LIMIT else line[: _TEXT_LIMIT - 3] + "..."


def checked_url(url: str, source: str) -> str:
    """`url` without a trailing slash, if requests with a key may go there.

    Raises:
        ConfigError: not https (unless loopback), user name or password in it, a query, or an
            address that clouds use for metadata.
    """
    try:
        parts = urlsplit(url.strip())
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise _bad_url("an address", "something else", source) from None
    if not host or parts.query or parts.fragment or "@" in parts.netloc:
        raise _bad_url("https://host/path, nothing before an @, no query", "not that", source)
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(host)):
        raise _bad_url("https (http on loopback alone)", f"{parts.scheme}://{host}", source)
    if _is_metadata(host):
        raise _bad_url("a provider's address", f"the metadata address {host}", source)
    return url.strip().rstrip("/")


def _bad_url(expected: str, got: str, source: str) -> ConfigError:
    return ConfigError(
        "the teacher's address cannot be used", where=source, expected=expected, got=got,
        todo=f"Correct {source}.",
    )  # fmt: skip


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_metadata(host: str) -> bool:
    """Link-local, or another address at which clouds tell secrets; in every way to write it."""
    bare = host.rstrip(".").lower()
    try:
        address = ipaddress.ip_address(_dotted(bare))
    except ValueError:
        return bare.endswith("metadata.google.internal")
    mapped = getattr(address, "ipv4_mapped", None) or address
    return mapped.is_link_local or str(mapped) in ("fd00:ec2::254", "100.100.100.200")


def _dotted(host: str) -> str:
    """2852039166, 0xA9FEA9FE and 169.254.43518 are IPv4 addresses to a resolver, too."""
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except (OSError, UnicodeEncodeError):
        return host
