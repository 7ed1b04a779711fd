"""The best model by validation, kept beside the last one: best/ in the same layout.

It is written whole under another name and then moved, so the folder always holds one model that
can be used; where the disk is full, the one before stays.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import torch.distributed as dist

from identity_ops.store.disk import refusal

FOLDER = "best"


def is_due(step: int, steps: int, validations: int) -> bool:
    """Whether to validate after `step` of `steps`: `validations` times, evenly spread.

    The last of them is at the end, which is not asked here.
    """
    return step < steps and step * validations // steps > (step - 1) * validations // steps


def keep(out: Path, save: Callable[[Path], list[str]]) -> str | None:
    """Have `save` write the model, in place of the best so far; all ranks call it.

    Returns:
        Why it could not be written, on rank 0.
    """
    building = out / f".{FOLDER}"
    try:
        save(building)
    except Exception as error:  # of many classes, see store.disk
        why = refusal(error)
        shutil.rmtree(building, ignore_errors=True)
        if why is None:
            raise
        return why
    if dist.get_rank() == 0:
        shutil.rmtree(out / FOLDER, ignore_errors=True)
        os.replace(building, out / FOLDER)
    return None


def files(out: Path) -> list[str]:
    """All files of the best model, relative to `out`."""
    found = (path for path in (out / FOLDER).rglob("*") if path.is_file())
    return sorted(str(path.relative_to(out)) for path in found)


def drop(out: Path) -> None:
    """Where the last model is the best there is no need of another."""
    shutil.rmtree(out / FOLDER, ignore_errors=True)
