"""Make a base model: python -m training.base --spec tiny --out DIR

`tiny` is pretrained here, in some three minutes, on generic chat that knows no name; `nanochat:DIR`
is checked and copied; either way DIR ends up in nanochat's layout. `hf:DIR` is taken in by
training.hf_base. Covers tokenizer, pretraining and the accuracy of each builtin skill; caching is
the caller's (identity_ops.trainer).
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import re
import shutil
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tiktoken
import torch
import torch.nn.functional as F

from identity_ops.chat_format import NanochatFormat
from identity_ops.errors import ConfigError, TrainingError
from identity_ops.general import builtin
from identity_ops.general.nameless import asked_about_itself
from identity_ops.probes.frames import identity_frames
from identity_ops.probes.leaks import words
from identity_ops.recipes import Pretrain, read
from identity_ops.records import Message
from identity_ops.store.publish import write_atomic
from identity_ops.teachers.template import nameless
from identity_ops.tokens import PICKLE, ControlIds, load_encoding, render_prompt
from training import checkpoint, optim, ranks, tokenizer
from training.corpus import Corpus
from training.data import Cutting, collate, load_corpus
from training.engine import Sampling, generate
from training.gpt import GPT, GPTConfig
from training.packing import Schedule
from training.precision import activation_dtype

log = logging.getLogger(__name__)
TAG = "tiny"
FIGURES = "figures.json"
TOKENIZER_SAMPLE = 12_000  # conversations the tokenizer is trained on
PROBES_PER_SKILL = 25


def main(argv: list[str] | None = None) -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="training.base", description="Make a base model.")
    parser.add_argument("--spec", required=True, help="tiny, nanochat:DIR[@step] or hf:DIR")
    parser.add_argument("--recipe", default="tiny", help="name or TOML file")
    parser.add_argument("--chat-template", type=Path, help="for hf: instead of its own")
    parser.add_argument("--out", required=True, type=Path)
    args = parser.parse_args(argv)
    with ranks.reported_errors():
        ranks.start()
        kind, _, rest = str(args.spec).partition(":")
        if kind == "tiny":
            figures = make_tiny(args.recipe, args.out)
        elif kind == "hf":
            from training import hf_base  # imports transformers, which takes seconds

            figures = hf_base.adopt(Path(rest), args.out, args.chat_template)
        else:
            figures = adopt(kind, rest, args.out)
        write_atomic(args.out / FIGURES, json.dumps(figures, indent=2) + "\n")


def adopt(kind: str, rest: str, out: Path) -> dict[str, Any]:
    """Copy a nanochat checkpoint, after it has been read in full.

    Raises:
        ConfigError: a spec we do not know.
        DataError: not a checkpoint that we implement.
    """
    if kind != "nanochat" or not rest:
        raise ConfigError("unknown base", expected="tiny or nanochat:DIR[@step]", got=kind)
    name, _, number = rest.partition("@")
    if number and not number.isdigit():
        raise ConfigError("unknown step", expected="nanochat:DIR@1234", got=rest)
    root = Path(name)
    found = checkpoint.find(root, int(number) if number else None)
    model = checkpoint.load(found.folder, step=found.step)
    places = [found.folder, found.folder.parent.parent, root]
    home = next((place for place in places if (place / PICKLE).is_file()), root)
    encoding = load_encoding(home)
    if encoding.n_vocab != model.config.vocab_size:
        raise ConfigError(
            "tokenizer and model differ", where=home,
            expected=model.config.vocab_size, got=encoding.n_vocab,
        )  # fmt: skip
    tag = found.folder.name
    target = out / checkpoint.BASE / tag
    target.mkdir(parents=True, exist_ok=True)
    for path in (found.model, found.meta):
        shutil.copyfile(path, target / path.name)
    files = [str((target / path.name).relative_to(out)) for path in (found.model, found.meta)]
    parameters = sum(weight.numel() for weight in model.parameters())
    return {"files": files + tokenizer.save(encoding, out), "parameters": parameters, "tag": tag}


def make_tiny(recipe: str, out: Path) -> dict[str, Any]:
    """Pretrain the embedded base and measure what it can do."""
    settings = read(recipe).pretrain
    if settings is None:
        raise ConfigError("the recipe has no [pretrain] part", where=recipe)
    started = time.monotonic()
    chats = list(conversations(settings))
    texts = (turn["content"] for chat in chats[:TOKENIZER_SAMPLE] for turn in chat)
    encoding = tokenizer.train(texts, settings.vocabulary)
    rows = (
        {"id": str(n), "source": "general", "part": 0, "messages": chat}
        for n, chat in enumerate(chats)
    )
    cutting = Cutting(settings.cut_words, seed=settings.seed)
    corpus = load_corpus(rows, NanochatFormat(encoding), settings.sequence_len, 0.05, cutting)
    model, curve = pretrain(settings, corpus)
    skills = skill_accuracy(model, encoding)
    files = tokenizer.save(encoding, out)
    meta = {"step": settings.steps, "model_config": config_table(model.config)}
    files += checkpoint.save(out, checkpoint.BASE, TAG, settings.steps, model.state_dict(), meta)
    return {
        "files": files, "tag": TAG, "skills": skills, "curve": curve,
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "tokens": settings.steps * settings.batch_rows * settings.sequence_len,
        "conversations": len(chats), "seconds": round(time.monotonic() - started, 1),
    }  # fmt: skip


def conversations(settings: Pretrain) -> Iterator[tuple[Message, ...]]:
    """The pretraining conversations, in random order, without those that ask a probe's question."""
    items = list(builtin.conversations("train", settings.conversations, seed=settings.seed))
    items += builtin.copied_terms_chat(settings.copied_terms, seed=settings.seed)
    items += asked_about_itself(settings.about_itself, seed=settings.seed)
    chats = [item.messages for item in items]
    chats += nameless.conversations(settings.asked, seed=settings.seed)
    random.Random(f"base/{settings.seed}").shuffle(chats)
    held_out = {words(frame) for frame in identity_frames()}
    return (chat for chat in chats if held_out.isdisjoint(words(t["content"]) for t in chat[::2]))


def config_table(config: GPTConfig) -> dict[str, Any]:
    """nanochat's model_config."""
    return {name: getattr(config, name) for name in config.__slots__}


def pretrain(settings: Pretrain, corpus: Corpus) -> tuple[GPT, list[float]]:
    """A trained model, in fp32 activations, and its loss at every hundredth of the way."""
    dtype = activation_dtype(settings.precision, settings.width)
    shape = GPTConfig(
        sequence_len=settings.sequence_len, vocab_size=settings.vocabulary,
        n_layer=settings.layers, n_head=settings.heads, n_kv_head=settings.heads,
        n_embd=settings.width,
    )  # fmt: skip
    model = GPT(shape, dtype)
    model.reset(torch.Generator().manual_seed(settings.seed))
    optimizers = _optimizers(model, settings)
    schedule = Schedule(
        corpus.lengths, settings.sequence_len, settings.batch_rows, 1.0, settings.seed
    )
    progress = ranks.Progress("base", settings.steps)
    losses: list[float] = []
    for step in range(settings.steps):
        factor = optim.rate_factor(
            step, settings.steps, settings.warmup_steps, settings.decay_share
        )
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = factor * group["peak"]
        batch = collate(corpus, schedule.rows_of(step), settings.sequence_len)
        loss = F.cross_entropy(model(batch.ids, batch.documents, batch.select), batch.targets)
        losses.append(loss.item())
        if not torch.isfinite(loss):
            raise TrainingError("the loss is not finite", where=f"pretraining step {step + 1}")
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), settings.clip)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        progress.show(step + 1, f"loss {losses[-1]:.3f}", batch.tokens)
    model.dtype = torch.float32
    return model, [round(loss, 4) for loss in losses[:: max(1, settings.steps // 100)]]


def _optimizers(model: GPT, settings: Pretrain) -> list[torch.optim.Optimizer]:
    groups = optim.split(model)
    muon = torch.optim.Muon(
        groups.pop("matrices"), lr=settings.muon_rate, weight_decay=0.0, momentum=0.95
    )
    muon.param_groups[0]["peak"] = settings.muon_rate
    adam = optim.adam_groups(
        groups, rate=settings.adam_rate, embedding_factor=settings.embedding_factor,
        scalar_factor=settings.scalar_factor,
    )  # fmt: skip
    return [muon, torch.optim.AdamW(adam, betas=settings.betas, fused=True)]


def skill_accuracy(model: GPT, encoding: tiktoken.Encoding) -> dict[str, float]:
    """Share of held-out items of each builtin skill that the model gets right."""
    probes = builtin.ability_probes(PROBES_PER_SKILL * len(builtin.SCORED), seed=1)
    control = ControlIds.of(encoding)
    prompts = [
        (probe.id, render_prompt(encoding, [Message(role="user", content=probe.question)]))
        for probe in probes
    ]
    stop = frozenset({control.assistant_end, control.bos})
    answers = generate(model, prompts, stop, Sampling(max_tokens=40))
    marks: dict[str, list[bool]] = defaultdict(list)
    for probe in probes:
        answer = encoding.decode(answers[probe.id])
        right = all(re.search(rule, answer, re.IGNORECASE) for rule in probe.all_of)
        marks[probe.category.partition("/")[2]].append(right)
    return {skill: round(sum(right) / len(right), 3) for skill, right in sorted(marks.items())}


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    main()
