"""What a judge model said of each answer: written by `judge.py`, read by the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FILE: Final = "judged.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What the judge says of one answer, beside what the rules or a person say."""

    probe_id: str
    category: str
    question: str
    answer: str
    expected: bool  # by the rules, or by hand
    judged: bool | None  # None: the judge could not be understood
    words: str
    by_hand: bool = False
