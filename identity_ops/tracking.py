"""Which trackers a training can tell its figures to, and whether they are ready here."""

from __future__ import annotations

import importlib.util
import netrc
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args

from identity_ops.errors import ConfigError

Track = Literal["none", "tensorboard", "wandb"]
TRACKS: tuple[str, ...] = get_args(Track)
WANDB_HOST = "api.wandb.ai"


def require(track: str, env: Mapping[str, str] = os.environ) -> None:
    """Find now what would stop a tracker once the training has begun.

    Raises:
        ConfigError: no such tracker; its package is missing; wandb has no key and is not offline.
    """
    if track not in TRACKS:
        raise ConfigError("unknown tracker", expected=" or ".join(TRACKS), got=track)
    if track == "none":
        return
    if importlib.util.find_spec(track) is None:
        raise ConfigError(
            f"{track} is not installed", where="track", todo="pip install 'identity-ops[track]'"
        )
    if track == "wandb" and not (_is_offline(env) or _has_key(env)):
        raise ConfigError(
            "wandb has no key", where="track",
            todo="Set WANDB_API_KEY, run `wandb login`, or set WANDB_MODE=offline.",
        )  # fmt: skip


def trains_here() -> bool:
    """Whether this environment can train: a worker for other tasks needs no tracker."""
    return importlib.util.find_spec("torch") is not None


def _is_offline(env: Mapping[str, str]) -> bool:
    return env.get("WANDB_MODE") in {"offline", "dryrun", "disabled"}


def _has_key(env: Mapping[str, str]) -> bool:
    host = env.get("WANDB_BASE_URL", WANDB_HOST).rpartition("//")[2].partition("/")[0]
    path = Path(env.get("NETRC", "~/.netrc")).expanduser()
    try:
        return bool(env.get("WANDB_API_KEY") or netrc.netrc(path).authenticators(host))
    except (OSError, netrc.NetrcParseError):
        return False
