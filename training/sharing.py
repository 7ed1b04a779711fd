"""One corpus for all ranks: encoded by the first, read by the others from its file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch.distributed as dist

from training import ranks
from training.corpus import Corpus
from training.data import Encoder, load_mixture, rows_of


def shared_corpus(path: Path, encode: Encoder, max_left_out: float, folder: Path) -> Corpus:
    """A mixture's file as tokens, empty where there is no such file; all ranks call it.

    Args:
        folder: on a disk that all ranks see; no file of it is left.
    """
    if not path.exists():
        return Corpus(encode.wide)
    found: list[Any] = [None]
    file = folder / f".{path.stem}.tokens"
    if dist.get_rank() == 0:
        processes = ranks.encoding_processes(rows_of(path))
        found = [load_mixture(path, encode, max_left_out, processes, file)]
    dist.broadcast_object_list(found, src=0)
    dist.barrier()
    if dist.get_rank() == 0:
        file.unlink()  # every rank has it open
    corpus: Corpus = found[0]
    return corpus
