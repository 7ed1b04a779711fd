"""What may enter the mixture: one conversation at a time, with the reason where it may not.

roles           turns do not alternate, or the last is not the assistant's
empty_turn      a turn without text
special_token   a control token written out
rival_claim     the assistant says that it is someone else, or made by someone else
probe_leak      a user turn gives a held-out probe away
template        the base's chat template refuses or changes it
too_long        more tokens than the base's context
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from identity_ops.curate.rivals import Named, rival_claims
from identity_ops.errors import DataError
from identity_ops.probes.leaks import LeakFinder
from identity_ops.records import Message
from identity_ops.tokens import turns

SPECIAL = re.compile(r"<\|[^|<>\s]{1,40}\|>")
CountTokens = Callable[[Sequence[Message]], int]


@dataclass(frozen=True, slots=True)
class Nobody:
    """The profile where no knowledge base is given: every rival is one."""

    name: str = ""
    name_aliases: tuple[str, ...] = ()
    creators: tuple[str, ...] = ()
    creator_aliases: tuple[str, ...] = ()
    base_creators: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Screen:
    """Judges conversations for one mixture."""

    count: CountTokens
    profile: Named
    leaks: LeakFinder | None  # None: no probes are given
    context: int | None  # tokens, None: unknown

    def check(self, messages: Sequence[Message]) -> tuple[int, str]:
        """(tokens, "") where the conversation may be trained on, else (0, reason)."""
        if reason := self._shape(messages) or self.content(messages):
            return 0, reason
        try:
            tokens = self.count(messages)
        except DataError:
            return 0, "template"
        if self.context is not None and tokens > self.context:
            return 0, "too_long"
        return tokens, ""

    def content(self, messages: Sequence[Message]) -> str:
        """The reason for which its text may not be trained on, "" where it may."""
        for message in messages:
            text = message["content"]
            if "<|" in text and SPECIAL.search(text):
                return "special_token"
            if message["role"] == "assistant" and rival_claims(text, self.profile):
                return "rival_claim"
        return "probe_leak" if self.leaks is not None and self.leaks.find(messages) else ""

    def _shape(self, messages: Sequence[Message]) -> str:
        try:
            if turns(messages)[-1]["role"] != "assistant":
                return "roles"
        except DataError:
            return "roles"
        return "" if all(message["content"].strip() for message in messages) else "empty_turn"
