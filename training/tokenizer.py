"""Train a byte-level BPE with nanochat's control tokens and save it in nanochat's layout."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Iterable
from pathlib import Path

import rustbpe
import tiktoken
import torch

from identity_ops.errors import ConfigError
from identity_ops.store.publish import atomic_file
from identity_ops.tokens import PICKLE, SPECIAL_TOKENS

# Words with what stands before them, digits one by one, the rest by kind: single digits let a
# small model copy and compare numbers it has never seen.
PATTERN = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+|\s+"


def train(texts: Iterable[str], vocabulary: int) -> tiktoken.Encoding:
    """An encoding of exactly `vocabulary` tokens, control tokens included.

    Raises:
        ConfigError: too small for bytes and control tokens, or too little text for so many.
    """
    merges = vocabulary - len(SPECIAL_TOKENS)
    if merges < 256:
        raise ConfigError("vocabulary too small", expected=f">= {256 + len(SPECIAL_TOKENS)}")
    logging.getLogger("rustbpe").setLevel(logging.WARNING)  # it reports every percent
    trainer = rustbpe.Tokenizer()
    trainer.train_from_iterator(iter(texts), merges, pattern=PATTERN)
    ranks = {bytes(token): rank for token, rank in trainer.get_mergeable_ranks()}
    if len(ranks) != merges:
        raise ConfigError("too little text for the vocabulary", expected=merges, got=len(ranks))
    special = {name: len(ranks) + index for index, name in enumerate(SPECIAL_TOKENS)}
    return tiktoken.Encoding(
        "rustbpe", pat_str=PATTERN, mergeable_ranks=ranks, special_tokens=special
    )


def save(encoding: tiktoken.Encoding, root: Path) -> list[str]:
    """Write the pickle and the bytes of each token; returns their paths relative to `root`."""
    with atomic_file(root / PICKLE) as out:
        pickle.dump(encoding, out)
    special = {encoding.encode_single_token(name) for name in encoding.special_tokens_set}
    sizes = [
        0 if token in special else len(encoding.decode_single_token_bytes(token))
        for token in range(encoding.n_vocab)
    ]
    table = PICKLE.with_name("token_bytes.pt")
    with atomic_file(root / table) as out:
        torch.save(torch.tensor(sizes, dtype=torch.int32), out)
    return [str(PICKLE), str(table)]
