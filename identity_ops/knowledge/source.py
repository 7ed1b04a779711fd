"""Bytes to text: what a knowledge base file may be, and what of it can still be read.

Covers: missing files, folders, size (checked before reading), encodings, line ends. What is
wrong with the bytes but leaves them readable is reported by `lint`, not here.
"""

from __future__ import annotations

import codecs
from pathlib import Path

from identity_ops.errors import KnowledgeError

MAX_BYTES = 1024 * 1024
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_bytes(path: Path) -> bytes:
    """The file's bytes.

    Raises:
        KnowledgeError: no such file, a folder, a device, not permitted, or over `MAX_BYTES`.
    """
    try:
        if not path.is_file():
            raise _not_a_file(path)
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise _too_large(path, f"{size:,} bytes")
        with path.open("rb") as handle:
            data = handle.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise KnowledgeError(f"cannot be read: {error}", where=path) from error
    if len(data) > MAX_BYTES:
        raise _too_large(path, "a file that grew while it was read")
    return data


def _not_a_file(path: Path) -> KnowledgeError:
    if path.is_dir():
        return KnowledgeError("is a folder", where=path, todo="Name the markdown file in it.")
    if path.exists():
        return KnowledgeError("is not a plain file", where=path, todo="Name a markdown file.")
    return KnowledgeError(
        "no such file",
        where=path,
        todo="Check the path, or make a knowledge base with `identity-ops init --out KB.md`.",
    )


def _too_large(path: Path, got: str) -> KnowledgeError:
    return KnowledgeError(
        "too large for a knowledge base",
        where=path,
        expected=f"at most {MAX_BYTES:,} bytes",
        got=got,
        todo="Keep the facts about the model itself; reference material does not belong here.",
    )


def decode(data: bytes) -> str:
    """The text of `data`: UTF-8, or UTF-16 behind its mark; unreadable bytes become U+FFFD.

    Line ends become newlines, NUL becomes U+FFFD, a byte-order mark goes.
    """
    if data.startswith(_UTF16):
        text = data.decode("utf-16", errors="replace")
    else:
        text = data.decode("utf-8-sig", errors="replace")
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")
    return text.encode("utf-8", errors="replace").decode("utf-8")  # lone surrogates of UTF-16
