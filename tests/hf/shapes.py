"""Very small models of three families: their template's habits, tokenizer and architecture.

The templates are written here and do what the families' own do: a default system message
(SmolLM2), thinking blocks that only the last answer gets (Qwen3), trimmed turns under a dated
header (Llama 3).
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from identity_ops.hf_format import TemplateFormat

SMOL = (
    "{% if messages[0]['role'] != 'system' %}<|im_start|>system\n"
    "You are a helpful assistant named Shelf<|im_end|>\n{% endif %}"
    "{% for message in messages %}"
    "<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
QWEN = (
    "{%- set asked = namespace(last=-1) %}"
    "{%- for message in messages %}{%- if message.role == 'user' %}"
    "{%- set asked.last = loop.index0 %}{%- endif %}{%- endfor %}"
    "{%- for message in messages %}"
    "{{- '<|im_start|>' + message.role + '\n' }}"
    "{%- if message.role == 'assistant' %}"
    "{%- set said = message.content.split('</think>')[-1].lstrip('\n') %}"
    "{%- if loop.index0 > asked.last %}{{- '<think>\n\n</think>\n\n' }}{%- endif %}"
    "{{- said }}{%- else %}{{- message.content }}{%- endif %}"
    "{{- '<|im_end|>\n' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}"
    "{%- if enable_thinking is defined and enable_thinking is false %}"
    "{{- '<think>\n\n</think>\n\n' }}{%- endif %}{%- endif %}"
)
LLAMA = (
    "{{- bos_token }}"
    "{%- if not date_string is defined %}"
    "{%- set date_string = strftime_now('%d %b %Y') %}{%- endif %}"
    "{%- set led = messages[0].role == 'system' %}"
    "{{- '<|start_header_id|>system<|end_header_id|>\n\nToday Date: ' + date_string + '\n\n' }}"
    "{%- if led %}{{- messages[0].content | trim }}{%- endif %}{{- '<|eot_id|>' }}"
    "{%- for message in messages[(1 if led else 0):] %}"
    "{{- '<|start_header_id|>' + message.role + '<|end_header_id|>\n\n' }}"
    "{{- message.content | trim + '<|eot_id|>' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}"
    "{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{%- endif %}"
)
PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
WORDS = "who what are you the a name is it model orbit made by red green blue apple pear house"


@dataclass(frozen=True)
class Shape:
    """A family as far as chat goes."""

    name: str
    template: str
    special: tuple[str, ...]
    plain: tuple[str, ...]  # added, but not special
    bos: str | None
    eos: str


SHAPES = {
    shape.name: shape
    for shape in (
        Shape("smollm2", SMOL, ("<|endoftext|>", "<|im_start|>", "<|im_end|>"), (),
              "<|im_start|>", "<|im_end|>"),
        Shape("qwen3", QWEN, ("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
              ("<think>", "</think>", "<tool_call>"), None, "<|im_end|>"),
        Shape("llama3", LLAMA, ("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>",
              "<|eot_id|>"), (), "<|begin_of_text|>", "<|eot_id|>"),
    )
}  # fmt: skip


def _texts() -> Iterator[str]:
    words = WORDS.split()
    for first in words:
        yield " ".join([first, *words]) + ".\n\nIt's 12, or 7: " + first.capitalize() + "?\n"


@functools.cache
def tokenizer(name: str) -> Tokenizer:
    """A byte-level BPE of about 420 tokens, control tokens after it."""
    shape = SHAPES[name]
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(_regex(), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=420, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    made.train_from_iterator(_texts(), trainer)
    made.add_special_tokens(list(shape.special))
    made.add_tokens(list(shape.plain))
    return made


def _regex() -> Any:
    from tokenizers import Regex

    return Regex(PATTERN)


def write_tokenizer(name: str, folder: Path, **changes: Any) -> Path:
    """tokenizer.json, its settings and the template, as transformers saves them."""
    shape = SHAPES[name]
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer(name).save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast", "bos_token": shape.bos,
        "eos_token": shape.eos, "pad_token": shape.special[0],
        "clean_up_tokenization_spaces": False, "model_max_length": 256,
    } | changes  # fmt: skip
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    (folder / "chat_template.jinja").write_text(shape.template)
    return folder


@functools.cache
def chat_format(name: str) -> TemplateFormat:
    """The shape's format."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        return TemplateFormat.load(write_tokenizer(name, Path(folder)))
