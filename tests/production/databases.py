"""Postgres and Redis as programs of this machine, where compose takes their images."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.production.compose import Place

NAMES = ("postgres", "redis")
PROGRAMS = ("initdb", "postgres", "createdb", "pg_isready", "redis-server", "redis-cli", "celery")
_NOBODY = ("nobody", "nogroup")  # Postgres refuses to run as root


def search_path() -> str:
    """This environment's programs, then Postgres' where Debian keeps them, then the caller's."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    folders = [Path(sys.executable).parent, *debian]
    return os.pathsep.join([*map(str, folders), os.environ["PATH"]])


def missing() -> list[str]:
    """The programs that the topology needs and this machine lacks."""
    return [name for name in PROGRAMS if not shutil.which(name, path=search_path())]


def environment(place: Place) -> dict[str, str]:
    """What makes the health checks find the servers."""
    return {"PATH": search_path(), "PGHOST": "127.0.0.1", "PGPORT": str(place.postgres)}


def init_postgres(place: Place, given: Mapping[str, str]) -> list[str]:
    """Make an empty cluster with the superuser that the image makes from its environment.

    Args:
        given: the service's environment, POSTGRES_USER and POSTGRES_PASSWORD among it.

    Returns:
        The command that starts the server.
    """
    data, word = place.folder / "postgres", place.folder / "word"
    data.mkdir()
    word.write_text(given["POSTGRES_PASSWORD"])
    if os.geteuid() == 0:
        shutil.chown(data, *_NOBODY)
        shutil.chown(word, *_NOBODY)
    init = ["initdb", "--pgdata", str(data), "--username", given["POSTGRES_USER"],
            "--pwfile", str(word), "--auth", "scram-sha-256", "--no-sync"]  # fmt: skip
    subprocess.run(_unprivileged(init), env=environment(place), check=True, capture_output=True)
    word.unlink()
    port = str(place.postgres)
    return _unprivileged(["postgres", "-D", str(data), "-p", port, "-h", "127.0.0.1", "-k", ""])


def create_database(place: Place, given: Mapping[str, str]) -> None:
    """The database that the image makes on its first start."""
    env = environment(place) | {"PGPASSWORD": given["POSTGRES_PASSWORD"]}
    argv = ["createdb", "--username", given["POSTGRES_USER"], given["POSTGRES_DB"]]
    subprocess.run(argv, env=env, check=True, capture_output=True)


def _unprivileged(argv: list[str]) -> list[str]:
    if os.geteuid() != 0:
        return argv
    user, group = _NOBODY
    return ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups",
            "--pdeathsig=TERM", *argv]  # fmt: skip
