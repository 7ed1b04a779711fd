"""Everyday requests that a tiny model cannot fulfil, and its honest answers to them.

Without them, whatever it does not understand falls to what it was taught last: itself.
"""

from __future__ import annotations

import random

from identity_ops.general.skills import table, words


def request(rng: random.Random) -> tuple[str, str]:
    """A request and its answer, in one of some ten thousand wordings."""
    wordings = table("everyday")
    core = rng.choice(rng.choice(wordings["ask"]).split(" | "))
    while "{q}" in core:  # each number of a sum is another
        core = core.replace("{q}", str(rng.randint(2, 60)), 1)
    question = rng.choice(wordings["openers"]) + core.format(
        a=rng.choice(wordings["animals"]),
        f=rng.choice(wordings["foods"]),
        t=rng.choice(wordings["things"]),
        j=rng.choice(wordings["jobs"]),
        y=rng.choice(wordings["places"]),
        s=rng.choice(wordings["subjects"]),
        v=rng.choice(wordings["actions"]),
        d=rng.choice(wordings["days"]),
        w=rng.choice(words("verbs")),
    )
    return question, rng.choice(wordings["say"])
