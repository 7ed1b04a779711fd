"""Prints, as JSON, what the hook makes of each connection that it is given on stdin.

A process of its own, as describe.py. A connection is text, as AIRFLOW_CONN_... holds it, or null.
"""

from __future__ import annotations

import json
import os
import sys

VARIABLE = "AIRFLOW_CONN_OPENAI_DEFAULT"


def main() -> None:
    """[[address, key], ...] on the last line of stdout."""
    import airflow  # noqa: F401 - puts the plugins folder on the path
    from identity_hooks import access_of

    found = []
    for text in json.load(sys.stdin):
        os.environ.pop(VARIABLE, None)
        if text is not None:
            os.environ[VARIABLE] = text
        access = access_of("openai")
        found.append([access.base_url, access.key and access.key.get_secret_value()])
    print(json.dumps(found))


if __name__ == "__main__":
    main()
