"""Accept or reject one response: the checks of a single conversation, in order.

JSON and shape (parse.py), control tokens and placeholders, the ASCII policy (plain.py), rival
claims (rivals.py), grounding (grounding.py), self-mention where it does not belong, and denial
of what the knowledge base states. Pure: no files, no clock, no state between calls.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from identity_ops.curate.found import FactFinder
from identity_ops.curate.grounding import Source, ungrounded
from identity_ops.curate.local import Places
from identity_ops.curate.parse import Limits, check_roles, parse_messages
from identity_ops.curate.plain import AsciiPolicy
from identity_ops.curate.rivals import rival_claims, rival_names
from identity_ops.errors import RejectedError
from identity_ops.records import Ascii, Cell, Conversation, Message

if TYPE_CHECKING:
    from identity_ops.knowledge import Knowledge

_SPECIAL = re.compile(
    r"<\|[^|<>\s]{1,40}\|>|\[/?INST\]|<</?SYS>>|</?s>|<(?:start|end)_of_turn>|<\uff5c[^<>]{1,40}\uff5c>"
)
_PLACEHOLDER = re.compile(
    r"\{\{[^{}]*\}\}|\[[A-Za-z][\w '/-]{0,40}\](?!\()|<[A-Z][A-Z_ ]{2,}>|\bTODO\b"
    r"|<(?:your |my |the |bot |model |user )?(?:name|company|creator|city|date)>",
)
_ADMITS = re.compile(
    r"\b(?:i|we) (?:do not|don't) know\b|\bi(?:'m| am) not sure\b"
    r"|\bi have no (?:idea|information)\b|\bno one (?:has )?told me\b|\bi (?:can't|cannot) say\b",
    re.IGNORECASE,
)
_AFFIRMS = re.compile(
    r"^\W*(?:yes|yeah|yep|right|correct|exactly|indeed|true|that(?: is|'s) (?:right|correct))\b",
    re.IGNORECASE,
)


class Checker:
    """Checks responses against one knowledge base.

    Args:
        ascii_policy: fold, strict or off.
        limits: sizes; a language model may be given more turns than the templates use.
        steer: whether ordinary requests may lead back to who the model is.
    """

    def __init__(
        self,
        knowledge: Knowledge,
        ascii_policy: Ascii = "fold",
        *,
        limits: Limits | None = None,
        steer: bool = False,
    ) -> None:
        self._profile = knowledge.profile
        self._limits = limits or Limits()
        self._steer = steer
        self._plain = AsciiPolicy(ascii_policy, _texts(knowledge))
        self._facts = FactFinder(knowledge.facts, knowledge.profile)
        self._known = Source([knowledge.text, *_texts(knowledge)])
        self._places = Places(knowledge.facts, knowledge.text)
        self._rivals = Source(rival_names())  # may be spoken of; claims are judged above
        self._own = _own_pattern(knowledge)

    def accept(self, cell: Cell, text: str) -> Conversation:
        """The conversation in a teacher's response.

        Raises:
            RejectedError: with the reason code of the first check that fails.
        """
        return self.check(cell, parse_messages(text, self._limits))

    def again(self, conversation: Conversation) -> Conversation:
        """Check an accepted conversation against this knowledge base, which may have changed."""
        cell = Cell(
            id=conversation.id, index=conversation.index, kind=conversation.kind,
            category=conversation.category, topic=conversation.topic, persona=conversation.persona,
            dynamic=conversation.dynamic, openers=(), language=conversation.language,
            turns=len(conversation.messages), fact_ids=(), seed=0,
        )  # fmt: skip
        return replace(self.check(cell, conversation.messages), split=conversation.split)

    def check(self, cell: Cell, messages: Sequence[Message]) -> Conversation:
        """The same for a conversation that is already parsed."""
        check_roles(tuple(messages))
        for message in messages:
            _no_leftovers(message["content"])
        messages = self._fold(messages)
        self._no_rival_claims(messages)
        self._no_self_mention(cell, messages)
        self._grounded(cell, messages)
        found = () if cell.kind == "ordinary" else self._facts.find(messages)
        _no_wrong_denial(cell, messages, found)
        return _conversation(cell, messages, found)

    def _fold(self, messages: Sequence[Message]) -> tuple[Message, ...]:
        folded = tuple(
            Message(role=message["role"], content=self._plain(message["content"]))
            for message in messages
        )
        if not all(message["content"] for message in folded):
            raise RejectedError("empty_turn", "nothing is left of a turn in ASCII")
        return folded

    def _no_rival_claims(self, messages: Sequence[Message]) -> None:
        for text in _answers(messages):
            if claims := rival_claims(text, self._profile):
                raise RejectedError("rival_claim", claims[0])

    def _no_self_mention(self, cell: Cell, messages: Sequence[Message]) -> None:
        """An ordinary request whose user does not name the model is answered without a name."""
        if cell.kind != "ordinary" or self._steer or self._own is None:
            return
        if any(self._own.search(m["content"]) for m in messages if m["role"] == "user"):
            return
        for text in _answers(messages):
            if named := self._own.search(text):
                raise RejectedError("self_mention", named.group(0))

    def _grounded(self, cell: Cell, messages: Sequence[Message]) -> None:
        """Ordinary talk is about the world; third parties may be named, but not with numbers."""
        if cell.kind == "ordinary":
            return
        names = cell.language == "en" and cell.kind != "third_party"
        for index, message in enumerate(messages):
            if message["role"] == "assistant":
                sources, said = [self._known], _said_by_user(messages[:index:2])
                affirms = _AFFIRMS.match(message["content"])
                if not affirms:
                    sources += [said, self._rivals]
                if gaps := ungrounded(message["content"], sources, names=names):
                    raise RejectedError(gaps[0].reason, gaps[0].text)
                question = messages[index - 1]["content"]
                others = None if affirms else said
                if wrong := self._places.misplaced(message["content"], question, others):
                    raise RejectedError("misplaced_number", wrong[0])


def _said_by_user(turns: Sequence[Message]) -> Source:
    """What the user brought up, and how many things the user listed, for that may be asked."""
    listed = [str(turn["content"].count(",") + 1) for turn in turns if "," in turn["content"]]
    return Source([*(turn["content"] for turn in turns), *listed])


def _answers(messages: Sequence[Message]) -> Iterator[str]:
    return (message["content"] for message in messages if message["role"] == "assistant")


def _texts(knowledge: Knowledge) -> list[str]:
    texts = [knowledge.profile.name, *knowledge.profile.name_aliases]
    for fact in knowledge.facts:
        texts += [fact.attribute, fact.value, *fact.items, *fact.aliases]
    return texts


def _own_pattern(knowledge: Knowledge) -> re.Pattern[str] | None:
    profile = knowledge.profile
    names = [profile.name, *profile.name_aliases, *profile.creators, *profile.creator_aliases]
    kept = sorted({name for name in names if len(name) > 1}, key=lambda n: (-len(n), n))
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, kept))})(?!\w)") if kept else None


def _no_leftovers(text: str) -> None:
    if found := _SPECIAL.search(text):
        raise RejectedError("special_token", found.group(0))
    if found := _PLACEHOLDER.search(text):
        raise RejectedError("placeholder", found.group(0))


def _no_wrong_denial(cell: Cell, messages: Sequence[Message], found: Sequence[str]) -> None:
    """ "I don't know" where the cell's facts should be told teaches the wrong thing."""
    planned = set(cell.fact_ids)
    if cell.kind not in ("identity", "limitation") or not planned or planned & set(found):
        return
    for text in _answers(messages):
        if denial := _ADMITS.search(text):
            raise RejectedError("wrong_denial", denial.group(0))


def _conversation(cell: Cell, messages: Sequence[Message], found: tuple[str, ...]) -> Conversation:
    return Conversation(
        id=cell.id,
        index=cell.index,
        messages=tuple(messages),
        kind=cell.kind,
        category=cell.category,
        topic=cell.topic,
        persona=cell.persona,
        dynamic=cell.dynamic,
        language=cell.language,
        fact_ids=found,
    )
