"""A lock for workers that share a bucket and no disk: one makes a result, the others wait.

An object that its holder writes anew every few seconds. A lock whose object stays the same for
`TTL_S` belongs to a worker that died, and is taken over by a conditional write, which one wins.
No two clocks are compared.
"""

from __future__ import annotations

import itertools
import json
import logging
import os
import socket
import time
import uuid
from typing import Final

from identity_ops.errors import BusyError
from identity_ops.store.bucket import Bucket

log = logging.getLogger(__name__)
TTL_S: Final = 30.0
LOOK_S: Final = 1.0


class Lease:
    """The right to write one result.

    Args:
        name: of the lock's object.
        ttl_s: a holder that is silent for so long is dead.
    """

    def __init__(self, bucket: Bucket, name: str, *, ttl_s: float = TTL_S) -> None:
        self._bucket, self._name, self._ttl_s = bucket, name, ttl_s
        self._owner = f"{socket.gethostname()}, process {os.getpid()}, {uuid.uuid4().hex[:8]}"
        self._beats = itertools.count()
        self._tag: str | None = None

    def acquire(self, wait_s: float) -> None:
        """Wait until it is ours.

        Raises:
            BusyError: a living worker still holds it; says which.
        """
        deadline = time.monotonic() + wait_s
        seen, since = "", time.monotonic()
        while not self._take(None):
            found = self._bucket.get(self._name)
            if found is None:
                continue
            body, tag = found
            if tag != seen:
                seen, since = tag, time.monotonic()
            elif time.monotonic() - since > self._ttl_s and self._take(tag):
                log.info("%s: taken over from a worker that is gone", self._name)
                return
            if time.monotonic() >= deadline:
                raise BusyError(
                    f"made by another worker: {json.loads(body)['owner']}", where=self._name,
                    todo="Wait for it to end, or stop it, then try again.",
                )  # fmt: skip
            time.sleep(min(LOOK_S, self._ttl_s / 4))

    def beat(self) -> bool:
        """Show that we live; False where another worker has taken over."""
        return self._tag is not None and self._take(self._tag)

    def release(self) -> None:
        """Let the next one in; a lock that is not ours any more is left alone."""
        if self.beat():
            self._bucket.delete(self._name)
        self._tag = None

    def _take(self, tag: str | None) -> bool:
        body = json.dumps({"owner": self._owner, "beat": next(self._beats)}).encode()
        self._tag = self._bucket.put_if(self._name, body, tag)
        return self._tag is not None
