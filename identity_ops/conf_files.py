"""The files that a run's parameters name: where they lie, and that a trigger may name them.

A relative path counts from knowledge/; a path may also lie in the state folder or in one of the
folders of IDENTITY_ALLOWED_ROOTS (separated as in PATH).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from identity_ops.config import RunConfig
from identity_ops.errors import ConfigError
from identity_ops.hf_source import is_hub_name
from identity_ops.store.paths import Home, inside

OWN_FILES: Final = ("probes", "catalogue", "prompt_file", "rules", "chat_template", "hostfile")
KNOWLEDGE_FOLDER: Final = Path(__file__).resolve().parent.parent / "knowledge"


@dataclass(frozen=True, slots=True)
class ConfFiles:
    """The files of one run. Every method raises PathError or ConfigError for a wrong path.

    Args:
        trusted: further folders that paths may lie in: on a command line they are the user's own.
    """

    config: RunConfig
    home: Home
    trusted: tuple[Path, ...] = ()

    @property
    def knowledge(self) -> Path:
        return self._readable(self.config.knowledge, "knowledge")

    @property
    def catalogue(self) -> Path:
        return self.own("catalogue") or KNOWLEDGE_FOLDER / "catalogue.yaml"

    def own(self, what: str) -> Path | None:
        """The file that this parameter names, if it names one."""
        path: str | None = getattr(self.config, what)
        return self._readable(path, what) if path else None

    def base_spec(self) -> str:
        """`base_model` with its folder made absolute and checked."""
        kind, colon, rest = self.config.base_model.partition(":")
        if kind == "tiny" and not colon:
            return kind
        if kind not in {"nanochat", "hf"} or not rest:
            raise ConfigError(
                "base_model: unknown base", where="conf",
                expected="tiny, nanochat:DIR[@step] or hf:NAME_OR_DIR", got=self.config.base_model,
            )  # fmt: skip
        if kind == "hf":
            named = is_hub_name(rest) and not (KNOWLEDGE_FOLDER / rest).exists()
            return f"hf:{rest if named else self._readable(rest, 'base_model', folder=True)}"
        name, at, step = rest.partition("@")
        folder = self._readable(name, "base_model", folder=True)
        if kind == "nanochat" and not any(folder.rglob("model_*.pt")):
            raise ConfigError(
                "base_model: no model in this folder", where="conf",
                expected="a folder with model_NNNNNN.pt", got=folder,
            )  # fmt: skip
        return f"{kind}:{folder}{at}{step}"

    def general_specs(self) -> list[str]:
        """The general sources, each path made absolute and checked."""
        from identity_ops.mix.budget import parse_general

        named = parse_general(self.config.general)
        return [self._general_spec(spec, one.spec)
                for spec, one in zip(self.config.general, named, strict=True)]  # fmt: skip

    def check(self) -> None:
        """Find every file that the parameters name, before anything is spent."""
        for what in OWN_FILES:
            self.own(what)
        self.base_spec()
        self.general_specs()

    def _general_spec(self, spec: str, source: str) -> str:
        if source == "builtin" or (source.startswith("hf:") and source != "hf:"):
            return spec
        return f"{self._readable(source, 'general')}{spec[len(source) :]}"

    def _readable(self, path: str, what: str, *, folder: bool = False) -> Path:
        roots = [KNOWLEDGE_FOLDER, self.home.root, *allowed_roots(), *self.trusted]
        found = inside(path, roots, what)
        if not found.exists():
            raise ConfigError(
                f"{what}: no such file", where="conf", got=found,
                todo=f"Paths are relative to {KNOWLEDGE_FOLDER}.",
            )  # fmt: skip
        if found.is_dir() is not folder:
            kinds = ("a file", "a folder")
            raise ConfigError(
                f"{what}: not {kinds[folder]}", where="conf", expected=kinds[folder], got=found
            )
        return found


def allowed_roots() -> list[Path]:
    """The folders of IDENTITY_ALLOWED_ROOTS."""
    named = os.environ.get("IDENTITY_ALLOWED_ROOTS", "").split(os.pathsep)
    return [Path(root) for root in named if root]


def knowledge_files() -> list[Path]:
    """The markdown files in knowledge/ with its subfolders, and those right in an allowed root.

    Without those whose name is no text, as file systems allow: neither a form nor an asset's store
    could hold it.
    """
    found = [*KNOWLEDGE_FOLDER.rglob("*.md")]
    found += [path for root in allowed_roots() for path in root.glob("*.md")]
    shown = (path for path in found if path.name[0] != "." and str(path).isprintable())
    return sorted({path for path in shown if path.is_file()})
