"""The state folder as the pages read it: brought up to date where workers share a bucket."""

from __future__ import annotations

import functools
import logging
import threading
import time
from pathlib import Path
from typing import Final

from identity_ops.errors import IdentityError
from identity_ops.store.depot import depot_of
from identity_ops.store.paths import Home

log = logging.getLogger(__name__)
EVERY_S: Final = 15.0


class Mirror:
    """This host's copy of what there is to look at."""

    def __init__(self, home: Home) -> None:
        self._depot = depot_of(home)
        self._lock, self._due = threading.Lock(), 0.0

    def refresh(self) -> None:
        """Bring down what is new, at most every `EVERY_S` seconds."""
        with self._lock:
            if time.monotonic() < self._due:
                return
            try:
                self._depot.refresh()
            except IdentityError as error:  # what is here is better than no page
                log.warning("%s", error)
            self._due = time.monotonic() + EVERY_S


def current_home() -> Home:
    """The state folder, with what other hosts have brought up."""
    home = Home.from_env()
    _mirror(home.root).refresh()
    return home


@functools.cache
def _mirror(root: Path) -> Mirror:
    return Mirror(Home(root))
