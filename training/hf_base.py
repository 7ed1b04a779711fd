"""Take in a Hugging Face base: look at everything that could go wrong later, then link its files.

Nothing of the folder is run but its chat template, in a sandbox.
"""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import Any

from identity_ops.errors import DataError
from identity_ops.hf_format import TEMPLATE, TemplateFormat
from identity_ops.store.publish import write_atomic
from training import hf_files, hf_model
from training.hf_attention import ATTENTION
from training.hf_model import HfModel

log = logging.getLogger(__name__)


def adopt(source: Path, out: Path, template: Path | None = None) -> dict[str, Any]:
    """Check the model in `source` and put it into `out`; returns figures.

    Args:
        template: a chat template that replaces the model's own.

    Raises:
        DataError: what the model is or lacks, and what to do.
    """
    text = template.read_text(encoding="utf-8") if template else None
    chat = TemplateFormat.load(source, text)
    model = hf_model.load(source, attention=ATTENTION)  # proved as it is trained
    if not HfModel(model, model.dtype).fits(chat.vocabulary):
        raise DataError(
            "the tokenizer has more tokens than the model", where=source, got=chat.vocabulary,
            todo="Take the tokenizer that belongs to the model.",
        )  # fmt: skip
    hf_model.prove(model, source)
    files = hf_files.link(source, out)
    write_atomic(out / TEMPLATE, chat.template.source)
    default = chat.template.default_system()
    if default:
        log.warning(
            "the chat template begins every conversation with: %s\n"
            "The model learns who it is under these words; --chat-template FILE gives others.",
            default,
        )
    thinks = chat.template.thinks()
    if thinks:
        log.warning(
            "the chat template can have the model think first: it is trained and asked without; "
            "serve it with enable_thinking=False"
        )
    return {
        "files": sorted({*files, TEMPLATE}),
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "architecture": type(model).__name__,
        "vocabulary": chat.vocabulary,
        "default_system": default,
        "thinks": thinks,
        "template": hashlib.sha256(chat.template.source.encode()).hexdigest()[:16],
    }
