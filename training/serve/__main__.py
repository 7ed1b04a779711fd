"""Serve a model: python -m training.serve --model DIR [--base DIR]"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import logging
import signal
import socket
import sys
from pathlib import Path

import torch
import uvicorn

from identity_ops.errors import ConfigError
from identity_ops.serve import About, about, fingerprint
from training import ranks
from training.answer import Speaker
from training.serve.app import Limits, Service, build
from training.serve.engine import Engine
from training.serve.guard import LOOPBACK, Hosts
from training.serve.lane import Lane
from training.serve.page import Page, render

DRAIN_S = 30  # after SIGTERM, for the answers being written
MOST_CONNECTIONS = 512
# Parameters. A step of a smaller model is over before a second thread is awake, and where other
# work holds the cores, waiting for that thread makes a step of 1 ms one of 95.
SMALL = 20_000_000


def main(argv: list[str] | None = None) -> None:
    """Entry point."""
    args = _arguments(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    with ranks.reported_errors():
        listener = listen(args.host, args.port)
        known = about(args.model)
        base = None if args.no_base else args.base or known.base
        service = _service(known, base, args)
        app = build(service, _page(known, base, service), _hosts(args))
    config = uvicorn.Config(
        app, loop="asyncio", http="h11", ws="none", lifespan="on", log_level="warning",
        access_log=False, server_header=False, proxy_headers=False,
        limit_concurrency=MOST_CONNECTIONS, timeout_graceful_shutdown=DRAIN_S,
    )  # fmt: skip
    address = _address(args.host, listener.getsockname()[1])
    print(f"{known.name}: {address} (API: {address}/v1). Ctrl-C ends.", file=sys.stderr, flush=True)
    run(uvicorn.Server(config), listener)


def run(server: uvicorn.Server, listener: socket.socket) -> None:
    """Serve until SIGTERM or Ctrl-C, and then until the answers being written are whole."""
    # The server raises the signal again at its end, for whoever was listening before it. That it
    # was asked to end is no failure.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listener])
    print("ended", file=sys.stderr)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="training.serve", description="Serve a model.")
    parser.add_argument("--model", required=True, type=Path)
    parser.add_argument("--base", type=Path)
    parser.add_argument("--no-base", action="store_true")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8400)
    parser.add_argument("--allow-host", action="append", default=[])
    parser.add_argument("--rows", type=int, default=16)
    parser.add_argument("--waiting", type=int, default=64)
    parser.add_argument("--timeout", type=float, default=120.0)
    parser.add_argument("--max-tokens", type=int, default=100)
    parser.add_argument("--temperature", type=float, default=0.0)
    return parser.parse_args(argv)


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections from here on; they wait until the model is loaded.

    Raises:
        ConfigError: the port is taken, or the address is none of this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(MOST_CONNECTIONS)
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"cannot listen: {error.strerror or error}", where=f"{host}:{port}",
            todo="Stop what uses it, or name another --port (0 takes any free one).",
        ) from error  # fmt: skip
    return listener


def _names(known: About) -> tuple[str, str]:
    """How requests call the model after and before its training."""
    return known.name, f"{known.name}-base"


def _service(known: About, base: Path | None, args: argparse.Namespace) -> Service:
    pairs = zip(_names(known), (args.model, base), strict=True)
    folders = {name: folder for name, folder in pairs if folder}
    lanes = {name: Lane(Speaker.load(folder), args.rows) for name, folder in folders.items()}
    if all(lane.speaker.parameters < SMALL for lane in lanes.values()):
        torch.set_num_threads(1)
    else:
        ranks.use_threads(1)
    limits = Limits(seconds=args.timeout, max_tokens=args.max_tokens, temperature=args.temperature)
    marks = {name: fingerprint(folder) for name, folder in folders.items()}
    return Service(Engine(lanes, args.waiting), limits, marks)


def _page(known: About, base: Path | None, service: Service) -> Page:
    after, before = _names(known)
    return render({
        "name": known.name, "version": known.version,
        "after": after, "before": before if base else None,
        "questions": [dataclasses.asdict(question) for question in known.questions],
        "context": service.context(after),
        "max_tokens": service.limits.max_tokens, "temperature": service.limits.temperature,
    })  # fmt: skip


def _hosts(args: argparse.Namespace) -> Hosts:
    """Loopback names always; where other machines may ask, any address and this machine's name."""
    remote = args.host not in LOOPBACK
    names = {name.lower() for name in args.allow_host}
    if remote:
        names |= {args.host, socket.gethostname().lower(), socket.getfqdn().lower()}
    return Hosts(LOOPBACK | names, addresses=remote)


def _address(host: str, port: int) -> str:
    """As a browser takes it; an address for all networks is shown as this machine's own."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{name}:{port}"


if __name__ == "__main__":
    main()
