"""The web page: one HTML file without any outside resource, from the files in web/.

Its policy admits just this script and this style, by their hashes, and no HTML made from strings
(Trusted Types): what a model or a user writes can only ever be text.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

WEB = Path(__file__).parent / "web"
SCRIPTS = ("store.js", "api.js", "view.js", "main.js")


@dataclass(frozen=True, slots=True)
class Page:
    """The page and its Content-Security-Policy."""

    html: str
    policy: str


def render(facts: Mapping[str, Any]) -> Page:
    """The page of a model.

    Args:
        facts: name, version, after and before (names of models; before may be None), questions
            ({"label", "text"}), context (tokens), max_tokens, temperature. Shown as text.
    """
    style = (WEB / "page.css").read_text(encoding="utf-8")
    script = "\n".join((WEB / name).read_text(encoding="utf-8") for name in SCRIPTS)
    environment = Environment(
        loader=FileSystemLoader(WEB), autoescape=True, undefined=StrictUndefined
    )
    html = environment.get_template("page.html").render(
        facts=dict(facts),
        style=Markup(style),  # noqa: S704 (our own files)
        script=Markup(script),  # noqa: S704 (our own files)
    )
    policy = (
        "default-src 'none'; connect-src 'self'; img-src data:; base-uri 'none';"
        " form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script';"
        f" style-src '{_hash(style)}'; script-src '{_hash(script)}'"
    )
    return Page(html, policy)


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
