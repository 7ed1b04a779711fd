"""A causal language model of transformers, so that packed conversations cannot see each other.

Covers reading it safely (safetensors alone, no code of its own, no weight left out), the packed
forward with positions that restart, and a loss that never holds the logits of a whole batch.
`prove` shows on the very model that both are exact; what is not implemented fails it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn
from transformers import AutoModelForCausalLM
from transformers.utils import logging as hf_logging

from identity_ops.chat_format import read_json
from identity_ops.errors import DataError
from identity_ops.hf_source import CONFIG
from identity_ops.recipes import HuggingFace
from training import flex, hf_windows
from training.attention import additive
from training.hf_cache import HfCache
from training.hf_head import logits_of
from training.loss import chunked_losses

PLAIN: Final = HuggingFace()
ANOTHER_BASE: Final = "Take another base, such as SmolLM2, Qwen3 or Llama 3."
_TOLERANCE: Final = 2e-3  # of logits in fp32, relative to the largest


def load(folder: Path, *, dtype: torch.dtype = torch.float32, attention: str = "sdpa") -> Any:
    """The model in `folder`, on the CPU.

    Raises:
        DataError: pickled weights, code of its own, quantised, an unknown architecture, weights
            missing or of another shape.
    """
    # torch's kernel does not cap scores, as Gemma 2 does.
    capped = check_files(folder).get("attn_logit_softcapping")
    hf_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            folder, dtype=dtype, attn_implementation="eager" if capped else "sdpa",
            trust_remote_code=False, use_safetensors=True, local_files_only=True,
            output_loading_info=True,
        )  # fmt: skip
    except Exception as error:  # of many classes, safetensors' own among them
        text = str(error).strip().splitlines()[0] if str(error) else repr(error)
        raise DataError(
            f"transformers cannot read it: {text}", where=folder, todo=ANOTHER_BASE
        ) from error
    model, found = loaded
    if attention == "flex_attention" or (attention != "sdpa" and not capped):
        model.set_attn_implementation(attention)  # once transformers has found that "sdpa" would do
    wrong = sorted(map(str, [*found["missing_keys"], *found["mismatched_keys"]]))
    if wrong:
        raise DataError(
            f"{len(wrong)} weights are missing or of another shape", where=folder, got=wrong[0],
            todo="transformers would fill them at random. Download the model again.",
        )  # fmt: skip
    return model


def check_files(folder: Path) -> dict[str, Any]:
    """The model's configuration, after what must not be loaded has been refused.

    Raises:
        DataError: says what and why.
    """
    config = read_json(folder / CONFIG)
    if not list(folder.glob("*.safetensors")):
        pickled = [*folder.glob("*.bin"), *folder.glob("*.pt"), *folder.glob("*.pth")]
        raise DataError(
            "pickled weights are refused: reading them can run code" if pickled else "no weights",
            where=folder, expected="*.safetensors", got=pickled[0].name if pickled else "none",
            todo="Save the model with save_pretrained of a recent transformers.",
        )  # fmt: skip
    for name, why in (
        ("auto_map", "a model with code of its own is refused: it would run here"),
        ("quantization_config", "quantised weights are not implemented"),
    ):
        if config.get(name):
            raise DataError(why, where=folder / CONFIG, got=name, todo="Take another base.")
    return config


class HfModel(nn.Module):
    """The model as it is trained.

    Args:
        dtype: of activations; parameters keep theirs, fp32 in training.
    """

    def __init__(self, model: Any, dtype: torch.dtype, settings: HuggingFace = PLAIN) -> None:
        super().__init__()
        self.model, self.dtype, self.settings = model, dtype, settings
        if settings.checkpoint_activations:
            model.gradient_checkpointing_enable({"use_reentrant": False})

    def forward(self, ids: Tensor, documents: Tensor, select: Tensor, targets: Tensor) -> Tensor:
        """Losses (N,) in fp32.

        Args:
            ids, documents: (B, T), see training.data.Batch.
            select: (N,) flat positions whose next token is a target.
            targets: (N,).
        """
        with torch.autocast(
            ids.device.type, torch.bfloat16, self.dtype != torch.float32, cache_enabled=False
        ):
            hidden = self.hidden(ids, documents).flatten(0, 1)[select]
            return chunked_losses(hidden, targets, self.head, self.settings.loss_rows)

    def hidden(self, ids: Tensor, documents: Tensor) -> Tensor:
        """(B, T, C), before the head."""
        out = self.model.base_model(
            input_ids=ids, position_ids=positions(documents), use_cache=False,
            attention_mask=self._mask(documents),
        )  # fmt: skip
        hidden: Tensor = out.last_hidden_state
        return hidden

    def head(self, hidden: Tensor) -> Tensor:
        """(N, C) -> logits (N, vocabulary) in fp32."""
        return logits_of(self.model, hidden)

    @property
    def positions(self) -> int:
        """Tokens of prompt and answer together that the model was made for."""
        return int(self.model.config.max_position_embeddings)

    @property
    def context(self) -> int:
        """All of them."""
        return self.positions

    def fits(self, vocabulary: int) -> bool:
        """Whether there is a row for each of so many tokens; tables are often padded."""
        tables = (self.model.get_input_embeddings(), self.model.get_output_embeddings())
        return all(vocabulary <= int(table.weight.size(0)) for table in tables)

    def logits_at(self, ids: Tensor, select: Tensor) -> Tensor:
        """See training.engine.Decoder."""
        return self.head(self.hidden(ids, torch.zeros_like(ids)).flatten(0, 1)[select])

    def open_rows(self, prompts: Sequence[Sequence[int]], room: int) -> HfCache:
        """A batch to be decoded: see training.engine."""
        return HfCache(self.model, prompts, room)

    def _mask(self, documents: Tensor) -> Any:
        """Causal and within the conversation, as the attention in use takes it."""
        config, longest = self.model.config, documents.size(1)
        if self.settings.attention == "flex":
            return hf_windows.masks(
                config, lambda reach: flex.mask(documents, longest if reach is None else reach)
            )
        place = torch.arange(longest, device=documents.device)
        back, together = place[:, None] - place, documents[:, :, None] == documents[:, None, :]
        dtype = torch.bfloat16 if self.dtype != torch.float32 else torch.float32
        return hf_windows.masks(
            config,
            lambda reach: additive(hf_windows.within(back, reach) & together, dtype).unsqueeze(1),
        )


def positions(documents: Tensor) -> Tensor:
    """(B, T) places within each conversation, from 0."""
    place = torch.arange(documents.size(1), device=documents.device).expand_as(documents)
    first = torch.ones_like(documents, dtype=torch.bool)
    first[:, 1:] = documents[:, 1:] != documents[:, :-1]
    return place - (place * first).cummax(dim=1).values


@torch.no_grad()
def prove(model: Any, where: object = None) -> None:
    """Show that packing, decoding and the head are exact for this model, on random tokens.

    Raises:
        DataError: what the model does that is not implemented.
    """
    hf_windows.reaches(model.config)
    draw = torch.Generator().manual_seed(0)
    rows = model.get_output_embeddings().weight.size(0)
    talks = [torch.randint(rows, (1, length), generator=draw) for length in (7, 12, 5)]
    try:
        with hf_windows.narrowed(model.config):
            off = _deviation(HfModel(model.eval(), torch.float32), talks)
    except Exception as error:  # a model's own code can raise anything
        raise _refused(model, f"{type(error).__name__}: {error}", where) from error
    if not off <= _TOLERANCE:
        raise _refused(model, f"logits differ by {off:.2g} of the largest", where)


def _deviation(wrapped: HfModel, talks: Sequence[Tensor]) -> float:
    """How far packed and decoded logits are from those of transformers, relative to the largest."""
    alone = [wrapped.model(input_ids=ids).logits[0].float() for ids in talks]
    documents = torch.cat([torch.full_like(ids, place) for place, ids in enumerate(talks)], 1)
    packed = wrapped.head(wrapped.hidden(torch.cat(list(talks), 1), documents)[0])
    cache = wrapped.open_rows([ids[0, :-1].tolist() for ids in talks], 1)
    cache.prefill()
    decoded = cache.extend(torch.cat([ids[0, -1:] for ids in talks]))
    exact = torch.cat([*alone, *(logits[-1:] for logits in alone)])
    return float((torch.cat((packed, decoded)) - exact).abs().max() / exact.abs().max())


def _refused(model: Any, got: str, where: object) -> DataError:
    return DataError(
        "packed conversations would see each other, or its logits are more than we compute: "
        "this architecture is not implemented", where=where, got=f"{type(model).__name__}, {got}",
        todo=ANOTHER_BASE,
    )  # fmt: skip
