"""Training on several machines: DeepSpeed's hostfile, checked before anything starts.

    node-1 slots=8
    node-2 slots=8

Every machine needs this project at the same path and the run's folders on a disk that all of them
see; the first of several is reached by ssh without a password, and all by pdsh. Asked to stop, the
launcher ends the processes on all machines; killed itself, it cannot: those on other machines end
when they miss the rest.
"""

from __future__ import annotations

import re
import shutil
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from identity_ops.errors import ConfigError

_LINE = re.compile(r"(?P<name>[A-Za-z0-9][\w.\-:]*)\s+slots=(?P<slots>[1-9]\d*)")


@dataclass(frozen=True, slots=True)
class Host:
    """A machine and how many processes it takes: one for each GPU."""

    name: str
    slots: int


def read(path: Path) -> tuple[Host, ...]:
    """The hosts in a file; empty lines and those that begin with # are left out.

    Raises:
        ConfigError: no such file, no host, one twice, or a line that is none (named).
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"no hostfile that can be read: {error}", where=path) from error
    hosts: dict[str, Host] = {}
    for number, line in enumerate(lines, 1):
        if not (text := line.partition("#")[0].strip()):
            continue
        host = _host(text, f"{path}:{number}")
        if host.name in hosts:
            raise ConfigError("a host twice", where=f"{path}:{number}", got=host.name)
        hosts[host.name] = host
    if not hosts:
        raise ConfigError("a hostfile without a host", where=path, expected="NAME slots=N")
    return tuple(hosts.values())


def _host(text: str, where: str) -> Host:
    found = _LINE.fullmatch(text)
    if found is None:
        raise ConfigError("not a host", where=where, expected="NAME slots=N", got=text)
    return Host(found["name"], int(found["slots"]))


def processes(path: Path) -> int:
    """How many processes a hostfile asks for."""
    return sum(host.slots for host in read(path))


def command(path: Path, module: Sequence[str]) -> list[str]:
    """The DeepSpeed launcher's command, after the interpreter, for a module and its arguments.

    One host alone is started here, without ssh.

    Raises:
        ConfigError: several hosts, and a program to reach them is missing.
    """
    hosts = read(path)
    start = ["-m", "deepspeed.launcher.runner", "--hostfile", str(path.resolve())]
    if len(hosts) == 1:
        start += ["--no_ssh", "--node_rank", "0", "--master_addr", "127.0.0.1"]
        start += ["--master_port", str(_free_port())]
    else:
        _require_programs(path, len(hosts))
        start += ["--launcher", "pdsh"]
    return [*start, "--no_local_rank", "--module", *module]


def _require_programs(path: Path, count: int) -> None:
    missing = [name for name in ("ssh", "pdsh") if shutil.which(name) is None]
    if missing:
        raise ConfigError(
            f"{count} hosts, and no {' and no '.join(missing)} to reach them", where=path,
            todo="Install it (apt-get install pdsh openssh-client), and let ssh in without a "
            "password on each host.",
        )  # fmt: skip


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
