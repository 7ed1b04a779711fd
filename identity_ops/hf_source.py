"""Where a Hugging Face base comes from: a folder, or the hub by name.

    hf:/path/to/folder        a folder that save_pretrained wrote
    hf:OWNER/NAME[@REVISION]  a model of the hub; only its safetensors, tokenizer and settings

A model of the hub is taken from the local cache where it is complete there.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from identity_ops.errors import ConfigError, DataError
from identity_ops.store import manifest as manifests

CONFIG: Final = "config.json"  # a folder that holds one is in transformers' layout
WANTED: Final = (
    "*.safetensors", "*.safetensors.index.json", CONFIG, "generation_config.json",
    "tokenizer*", "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt",
    "chat_template.jinja", "LICENSE*", "NOTICE*",
)  # fmt: skip
_NAME: Final = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?")


def is_hub_name(rest: str) -> bool:
    """Whether what follows `hf:` is a model of the hub, not a folder here."""
    return bool(_NAME.fullmatch(rest)) and not rest.startswith(".") and not Path(rest).exists()


def folder_of(rest: str) -> Path:
    """The folder with the files of what follows `hf:`, downloaded where it must be.

    Raises:
        DataError: no such model, or it cannot be had from here.
    """
    if not is_hub_name(rest):
        if not (Path(rest) / CONFIG).is_file():
            raise DataError(
                "no Hugging Face model", where=rest or "hf:", expected=f"a folder with {CONFIG}",
                todo="Name a folder that save_pretrained wrote, or OWNER/NAME of the hub.",
            )  # fmt: skip
        return Path(rest)
    name, _, revision = rest.partition("@")
    return _download(name, revision or None)


def _download(name: str, revision: str | None) -> Path:
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise ConfigError(
            "the package huggingface_hub is missing", todo='pip install "identity-ops[training]".'
        ) from error
    patterns = list(WANTED)
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=patterns))
    except Exception as error:  # HTTP, names, offline mode, disk: many classes
        text = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise DataError(
            f"cannot be had from the hub: {text}", where=f"hf:{name}",
            todo="Where there is no network, download it elsewhere and name the folder: "
            "hf:/path/to/folder. A gated model needs HF_TOKEN.",
        ) from error  # fmt: skip


def hashes(folder: Path) -> dict[str, str]:
    """Hash of each file that a base may consist of."""
    names = sorted({path.name for pattern in WANTED for path in folder.glob(pattern)})
    return {name: manifests.file_hash(folder / name) for name in names}
