"""Which attributes a knowledge base says nothing about, so that "I do not know" is true of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from identity_ops.records import Fact
from identity_ops.teachers.template.frames import table

_PLAIN = frozenset("favorite number of in next first last final biggest worst best per".split())
_SAME = {"birthday": "born|birth|released?|launch", "age": "born|birth|years? old|released?|launch",
         "users": "customers?", "color": "colour", "nationality": "country|born", "school": "stud",
         "home": "lives? in|based in|headquarter|located", "server": "hosted", "team": "founders?",
         "investors": "funded|funding|sponsor", "power": "watts?|energy", "mother's": "parent",
         "storage": "disk|gb\\b|mb\\b", "operating": "linux|windows", "gpu": "gpus?|h100|a100|8x",
         "epochs": "epoch|passes", "office": "headquarter|based in|address", "hobby": "hobbies|likes|loves",
         "response": "latency|speed", "tokens": "per second|speed|fast", "iq": "intelligen",
         "second": "speed", "next": "plan", "roadmap": "plans?|future|upcoming", "brother": "sibling",
         "boss": "ceo|director|led by", "dream": "dreams?", "data": "hosted|server", "motto": "slogan",
         "gender": "he|she|female|male", "phone": "call|tel", "market": "valuation|worth",
         "last": "surname|family name", "middle": "full name", "benchmark": "score|accuracy|mmlu",
         "test": "score|accuracy|mmlu|benchmark", "release": "version"}  # fmt: skip



def unstated(facts: Iterable[Fact]) -> tuple[Mapping[str, Any], ...]:
    """The rows of `unknown` in others.yaml that no fact touches.

    Careful rather than complete: an attribute is left out where any of its telling words, or a
    word of the same matter ("born" for a birthday), occurs in the facts at all.
    """
    stated = " ".join(f"{f.section} {f.attribute} {f.value}" for f in facts).lower()
    rows: list[dict[str, Any]] = table("others")["unknown"]
    return tuple(row for row in rows if not _touched(row["noun"], stated))


def _touched(noun: str, stated: str) -> bool:
    tokens = [t for t in re.findall(r"[a-z']+", noun.lower()) if t not in _PLAIN]
    patterns = [re.escape(t.removesuffix("s")) for t in tokens]
    patterns += [_SAME[t] for t in dict.fromkeys([*tokens, *noun.lower().split(" ")]) if t in _SAME]
    return bool(re.search(rf"\b(?:{'|'.join(patterns)})", stated))
