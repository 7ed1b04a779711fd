"""Everyday requests that a tiny model cannot fulfil, and its honest answers to them.

Without them, whatever it does not understand falls to what it was taught last: itself.
"""

from __future__ import annotations

import random
import re

from identity_ops.general.skills import AN, table, words

SLOT = re.compile(r"\{(\w)\}")
LISTS = {
    "a": "animals", "f": "foods", "t": "things", "j": "jobs", "y": "places", "s": "subjects",
    "v": "actions", "d": "days",
}  # fmt: skip


def request(rng: random.Random) -> tuple[str, str]:
    """A request and its answer, in one of some twenty thousand wordings."""
    wordings = table("everyday")
    core = rng.choice(rng.choice(wordings["ask"]).split(" | "))
    core = AN.sub(r"\1n ", SLOT.sub(lambda slot: _filled(slot[1], rng), core))
    opener = rng.choice(wordings["openers"])
    return opener + core[0].upper() + core[1:], rng.choice(wordings["say"])


def _filled(slot: str, rng: random.Random) -> str:
    """A word or number for a slot; the same slot further on gets one of its own."""
    if slot == "q":
        return str(rng.randint(2, 60))
    return str(rng.choice(words("verbs") if slot == "w" else table("everyday")[LISTS[slot]]))
