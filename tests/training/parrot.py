"""Real models whose every answer is known: each token is followed by one other.

Attention and MLP of fresh weights add nothing (their last projections are zero), so what is read
out is the embedding of the newest token; the head's rows are made to point at its follower.
"""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import torch
import torch.nn.functional as F

from identity_ops.tokens import ControlIds
from tests.training.small import small_config
from training import checkpoint, tokenizer
from training.gpt import GPT

CONTEXT = 4096
SCRIPT = '<img src="x" onerror=alert(1)>'  # what a page must show and never run
ENDLESS = "red green blue"


def parrot(folder: Path, text: str, *, endless: bool = False) -> Path:
    """A model that always says `text`, over and over where it is endless.

    No piece of the text (a word with what stands before it, a digit, marks) may occur twice.
    """
    letters = [chr(ord("a") + n) + chr(ord("a") + m) for n in range(26) for m in range(26)]
    encoding = tokenizer.train([*[text] * 500, *letters], 340)
    config = small_config(sequence_len=CONTEXT, vocab_size=340, n_embd=64, window_pattern="L")
    model = GPT(config)
    model.reset(torch.Generator().manual_seed(1))
    control, said = ControlIds.of(encoding), encoding.encode_ordinary(text)
    assert len(set(said)) == len(said), "a piece occurs twice"
    chain = [control.assistant_start, *said, said[0] if endless else control.assistant_end]
    with torch.no_grad():
        embedding, head = model.get_parameter("transformer.wte.weight"), model.lm_head.weight
        head.zero_()
        for token, follower in itertools.pairwise(chain):
            head[follower] += 4 * F.normalize(embedding[token], dim=0)
    meta = {"step": 0, "model_config": dataclasses.asdict(config)}
    checkpoint.save(folder, checkpoint.CHAT, "parrot", 0, model.state_dict(), meta)
    tokenizer.save(encoding, folder)
    return folder
