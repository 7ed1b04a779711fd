"""What the documentation names exists: files, links, commands, options, settings, variables."""

from __future__ import annotations

import re
import shlex
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from identity_ops.cli import build

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
IDS = [page.name for page in PAGES]
FENCE = re.compile(r"^```\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OTHER = {"kubernetes_executor.pod_template_file"}  # of a provider that is not installed here
TREE = re.compile(
    r"`((?:benchmarks|dags|deploy|docs|plugins|requirements|tests|training)/[\w./-]*)`"
)


def _commands(page: Path) -> list[list[str]]:
    """The commands in its code blocks, a list of words each; comments and placeholders cut."""
    found = []
    for block in FENCE.findall(page.read_text(encoding="utf-8")):
        for line in block.replace("\\\n", " ").splitlines():
            for part in re.split(r" [|<>] ", line):
                if words := shlex.split(part, comments=True):
                    found.append(words)
    return found


def _ours(words: list[str]) -> list[str] | None:
    """What follows `identity-ops`, where that is the command."""
    return words[1:] if words[0].split("/")[-1] == "identity-ops" else None


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md"], ids=[*IDS, "README.md"])
def test_links_lead_somewhere(page: Path) -> None:
    """Of those within the checkout."""
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert "://" in target or (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_files_that_are_named_exist(page: Path) -> None:
    for path in TREE.findall(page.read_text(encoding="utf-8")):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_our_commands_and_their_options_exist(page: Path) -> None:
    """In code blocks; the same words in running text are checked by their names."""
    top: Any = typer.main.get_command(build())
    for words in filter(None, map(_ours, _commands(page))):
        command = top
        while hasattr(command, "commands") and words and not words[0].startswith("-"):
            assert words[0] in command.commands, words
            command = command.commands[words.pop(0)]
        known = {option for param in command.params for option in param.opts} | {"--help"}
        assert {word for word in words if word.startswith("--")} <= known, words
    text = page.read_text(encoding="utf-8")
    assert set(re.findall(r"`identity-ops ([a-z]+)", text)) <= set(top.commands)


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_compose_commands_name_services_and_make_commands_targets(page: Path) -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    text = page.read_text(encoding="utf-8")
    for name in re.findall(r"docker compose (?:exec|run)(?: --?[\w-]+)* ([\w-]+)", text):
        assert name in services, name
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"`make ([\w-]+)", text)) <= set(targets)


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_settings_and_variables_are_real(page: Path) -> None:
    """Airflow ignores a misspelt setting; so does everybody a misspelt variable."""
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"\bAIRFLOW__(\w+?)__(\w+)", text))
    assert {f"{section}.{key}".lower() for section, key in named} <= _settings() | OTHER
    example = set(re.findall(r"^(\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    for name in re.findall(r"`((?:IDENTITY|POSTGRES|REDIS|AIRFLOW|GPU)_[A-Z_]+)(?:=[^`]*)?`", text):
        assert name in example or name.startswith("AIRFLOW__") or _in_code(name), name


def _settings() -> set[str]:
    """Airflow's own options, and those of its providers that compose sets."""
    spec = find_spec("airflow")
    assert spec is not None
    assert spec.submodule_search_locations
    path = Path(spec.submodule_search_locations[0]) / "config_templates" / "config.yml"
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    sections = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506
    own = {f"{name}.{key}" for name, body in sections.items() for key in body["options"]}
    compose = (ROOT / "docker-compose.yml").read_text()
    return own | {
        f"{section}.{key}".lower()
        for section, key in re.findall(r"AIRFLOW__(\w+?)__(\w+)", compose)
    }


def _in_code(name: str) -> bool:
    places = ("identity_ops", "plugins", "deploy")
    return any(name in path.read_text(encoding="utf-8")
               for place in places for path in (ROOT / place).rglob("*.py"))  # fmt: skip
