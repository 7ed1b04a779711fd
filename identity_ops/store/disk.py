"""A full disk, in the many ways libraries report it."""

from __future__ import annotations

import errno
import os
import re

from identity_ops.errors import TransientError

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_BY_NUMBER = re.compile(r"\(os error (\d+)\)")  # safetensors


def refusal(error: BaseException) -> str | None:
    """What the system said, where `error` comes from a disk or quota that is full; else None.

    torch raises a RuntimeError about positions in an archive while it handles the system's error.
    """
    for found in (error, error.__cause__, error.__context__):
        if isinstance(found, OSError) and found.errno in FULL:
            return found.strerror
    numbered = _BY_NUMBER.search(str(error))
    if numbered and int(numbered[1]) in FULL:
        return os.strerror(int(numbered[1]))
    return None


def told(error: BaseException) -> TransientError | None:
    """The same as an error that says what to do; None where it has nothing to do with disks."""
    why = refusal(error)
    if why is None:
        return None
    return TransientError(
        f"the disk refuses to take more: {why}",
        todo="Free some space (or raise the quota) and run it again: it goes on from what is "
        "complete.",
    )  # fmt: skip
