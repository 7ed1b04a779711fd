"""docker-compose.yml as one machine without containers can run it: other addresses, same values.

What a container brings with its name, its ports and its file system is replaced; everything else
of a service, its command, environment and health check, is what the file says.
"""

from __future__ import annotations

import base64
import re
import secrets
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
_VARIABLE = re.compile(r"\$\$|\$\{(\w+)(?::([-?])([^}]*))?\}")


@dataclass(frozen=True, slots=True)
class Service:
    """What compose would start; `command` and health `check` are empty where it names none."""

    name: str
    command: list[str]
    environment: dict[str, str]
    check: list[str]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the parts are on this machine: ports of loopback, and the folder for all state."""

    folder: Path
    postgres: int
    redis: int
    web: int
    scheduler: int

    def moves(self) -> dict[str, str]:
        """What stands in the file for a container's own address or folder -> what holds here."""
        conf = self.folder / "redis" / "redis.conf"
        return {
            "@postgres/": f"@127.0.0.1:{self.postgres}/",
            "@redis:6379/": f"@127.0.0.1:{self.redis}/",
            "http://api-server:8080/": f"http://127.0.0.1:{self.web}/",
            "http://127.0.0.1:8080/": f"http://127.0.0.1:{self.web}/",
            "http://127.0.0.1:8974/": f"http://127.0.0.1:{self.scheduler}/",
            "redis-server /tmp/redis.conf": f"redis-server {conf} --port {self.redis}"
            f" --bind 127.0.0.1 --dir {conf.parent}",
            "/tmp/redis.conf": str(conf),
            "redis-cli ping": f"redis-cli -p {self.redis} ping",
            "/var/lib/identity-ops": str(self.folder / "home"),
            "/opt/airflow": str(self.folder / "airflow"),
            "/opt/identity-ops": str(ROOT),
        }


def secret_values() -> dict[str, str]:
    """A value for each variable that .env.example leaves empty and compose insists on."""
    names = ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "AIRFLOW_ADMIN_PASSWORD",
             "AIRFLOW_API_SECRET_KEY", "AIRFLOW_JWT_SECRET")  # fmt: skip
    return {name: secrets.token_urlsafe(48) for name in names} | {
        "AIRFLOW_FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    }


def services(place: Place, variables: Mapping[str, str]) -> dict[str, Service]:
    """Every service of docker-compose.yml with these variables, placed here.

    Raises:
        KeyError: a variable that the file insists on has no value.
    """
    text = _moved((ROOT / "docker-compose.yml").read_text(encoding="utf-8"), place)
    parsed: dict[str, Any] = yaml.safe_load(text)["services"]
    image = _image_environment(place)
    return {name: _service(name, spec, image, variables) for name, spec in parsed.items()}


def _service(
    name: str, spec: Mapping[str, Any], image: Mapping[str, str], variables: Mapping[str, str]
) -> Service:
    def filled(words: list[str]) -> list[str]:
        return [_filled(str(word), variables) for word in words]

    passed_on = {key: variables[key] for key in spec["environment"] if key in variables}
    given = {key: value for key, value in spec["environment"].items() if value is not None}
    own = passed_on | {key: _filled(str(value), variables) for key, value in given.items()}
    how, *check = filled(spec.get("healthcheck", {}).get("test", ["CMD"]))
    return Service(
        name=name,
        command=filled(spec.get("command", [])),
        environment={**(image if "build" in spec else {}), **own},
        check=["sh", "-c", *check] if how == "CMD-SHELL" else check,
    )


def _image_environment(place: Place) -> dict[str, str]:
    """The ENV of the image that all of Airflow's services are built from."""
    text = _moved((ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", ""), place)
    lines = re.findall(r"^ENV (.*)$", text, re.MULTILINE)
    return dict(pair.split("=", 1) for line in lines for pair in shlex.split(line))


def _moved(text: str, place: Place) -> str:
    for there, here in place.moves().items():
        text = text.replace(there, here)
    return text


def _filled(text: str, variables: Mapping[str, str]) -> str:
    """Compose's interpolation, as far as the file uses it: ${A}, ${A:-default}, ${A:?why}, $$."""

    def value(match: re.Match[str]) -> str:
        name, how, default = match.groups()
        if name is None:
            return "$"
        return variables.get(name) or (default if how == "-" else variables[name])

    return _VARIABLE.sub(value, text)
