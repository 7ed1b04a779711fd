"""A full disk, in the many ways libraries report it."""

from __future__ import annotations

import errno
import os
import re

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
