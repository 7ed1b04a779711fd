"""The packed forward, the chunked loss and decoding are what transformers does one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    BloomConfig,
    CohereConfig,
    Gemma2Config,
    Gemma3TextConfig,
    GPT2Config,
    GraniteConfig,
    Lfm2Config,
    LlamaConfig,
    MistralConfig,
    StableLmConfig,
)  # fmt: skip

from identity_ops.errors import DataError
from identity_ops.recipes import HuggingFace, read
from tests.hf.models import edit_json, model, write_model
from tests.hf.shapes import SHAPES, write_tokenizer
from training import hf_base, hf_model
from training.engine import Sampling, generate
from training.family import open_family
from training.hf_attention import ATTENTION
from training.hf_model import HfModel, positions

NAMES = sorted(SHAPES)
LENGTHS = [9, 30, 4, 17]
DOCUMENTS = torch.repeat_interleave(torch.arange(4), torch.tensor(LENGTHS)).view(2, 30)


def ids() -> torch.Tensor:
    return torch.randint(384, (2, 30), generator=torch.Generator().manual_seed(1))


def test_positions_restart_with_each_conversation() -> None:
    """Padding, -1, is one more."""
    found = positions(torch.tensor([[0, 0, 0, 1, 1, -1, -1]]))
    assert found.tolist() == [[0, 1, 2, 0, 1, 0, 1]]


def check_packed(name: str, attention: str) -> None:
    made = model(name)
    if attention == "flex":
        made.set_attn_implementation("flex_attention")
    settings = HuggingFace.model_validate({"attention": attention})
    wrapped = HfModel(made, torch.float32, settings)
    plain = model(name)
    with torch.no_grad():
        packed = wrapped.head(wrapped.hidden(ids(), DOCUMENTS))
        for row, document in [(0, 0), (0, 1), (1, 1), (1, 2), (1, 3)]:
            inside = DOCUMENTS[row] == document
            alone = plain(ids()[row][inside].unsqueeze(0)).logits[0]
            torch.testing.assert_close(packed[row][inside], alone, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_packed_rows_give_the_logits_of_separate_ones(name: str) -> None:
    """No conversation sees its neighbour in the row."""
    check_packed(name, "sdpa")


@pytest.mark.parametrize("name", NAMES)
def test_attention_by_matmuls_is_attention(name: str) -> None:
    """In bfloat16: losses and gradients as near the exact ones as with torch's own kernel."""
    select, found = torch.arange(3, 59), {}
    for dtype, attention in (
        (torch.float32, "sdpa"), (torch.bfloat16, "sdpa"), (torch.bfloat16, ATTENTION),
    ):  # fmt: skip
        made = model(name)
        made.set_attn_implementation(attention)
        losses = HfModel(made, dtype)(ids(), DOCUMENTS, select, ids().flatten()[select])
        losses.mean().backward()
        slopes = [layer.self_attn.k_proj.weight.grad for layer in made.model.layers]
        found[dtype, attention] = losses.detach(), torch.cat(slopes).flatten()
    (exact, slope), (rough, near), (ours, own) = found.values()
    assert not ours.equal(rough)  # another way was taken
    assert (ours - exact).abs().max() < 2 * (rough - exact).abs().max()
    turned, other = (1 - torch.cosine_similarity(slope, grad, dim=0) for grad in (near, own))
    assert other < 2 * turned + 1e-4


def test_attention_by_matmuls_stays_within_a_conversation() -> None:
    """Other words in one change nothing in the next, to the bit."""
    made = model("llama3")
    made.set_attn_implementation(ATTENTION)
    wrapped, changed = HfModel(made, torch.bfloat16), ids()
    changed[0, :9] = 7
    select = torch.arange(9, 59)
    with torch.no_grad():
        before, after = (
            wrapped(tokens, DOCUMENTS, select, ids().flatten()[select])
            for tokens in (ids(), changed)
        )
    assert before.equal(after)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, when it compiles
def test_block_sparse_attention_gives_the_same_logits() -> None:
    """flex, which trains on GPUs only; its forward runs here too."""
    check_packed("qwen3", "flex")


@pytest.mark.parametrize("name", NAMES)
def test_bfloat16_activations_change_losses_and_gradients_little(name: str) -> None:
    """Weights stay in fp32, so ZeRO needs no second copy of them."""
    select, found = torch.arange(3, 29), {}
    for dtype in (torch.float32, torch.bfloat16):
        wrapped = HfModel(model(name), dtype, HuggingFace(loss_rows=8))
        losses = wrapped(ids(), DOCUMENTS, select, ids().flatten()[select])
        losses.mean().backward()
        gradient = wrapped.model.get_input_embeddings().weight.grad
        assert gradient.dtype == losses.dtype == torch.float32
        found[dtype] = losses.detach(), gradient
    (exact, slope), (rough, other) = found.values()
    assert not exact.equal(rough)
    torch.testing.assert_close(rough, exact, rtol=0.05, atol=0.05)
    assert torch.cosine_similarity(slope.flatten(), other.flatten(), dim=0) > 0.99


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_answers_as_transformers_does_one_by_one(name: str) -> None:
    """Greedy, for prompts of 1 to 60 tokens whose answers end at different steps."""
    made = model(name)
    draw = torch.Generator().manual_seed(7)
    sizes = torch.randint(1, 60, (9,), generator=draw).tolist()
    prompts = [
        (str(n), torch.randint(384, (size,), generator=draw).tolist())
        for n, size in enumerate(sizes)
    ]
    stop = frozenset(range(120))
    wrapped = HfModel(made, torch.float32)
    together = generate(wrapped, prompts, stop, Sampling(max_tokens=10))
    for key, prompt in prompts:
        alone = generate(wrapped, [(key, prompt)], stop, Sampling(max_tokens=10))
        said = made.generate(
            torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
            do_sample=False, max_new_tokens=10, eos_token_id=sorted(stop), pad_token_id=0,
        )[0, len(prompt) :].tolist()  # fmt: skip
        assert together[key] == alone[key] == [token for token in said if token not in stop]
    assert len({len(answer) for answer in together.values()}) > 1


def test_rows_that_join_answer_as_alone() -> None:
    """As the server adds a question to those being answered."""
    wrapped = HfModel(model("qwen3"), torch.float32)
    first, second = [5, 6, 7, 8], [9, 10]
    alone = generate(wrapped, [("a", first), ("b", second)], frozenset(), Sampling(max_tokens=6))
    with torch.inference_mode():
        rows = wrapped.open_rows([first], 6)
        token = rows.prefill().argmax(-1)
        said = {"a": [int(token)], "b": []}
        logits = rows.extend(token)
        late = wrapped.open_rows([second], 6)
        logits = torch.cat((logits, late.prefill()))
        rows.join(late)
        for _ in range(5):
            tokens = logits.argmax(-1)
            for name, new in zip("ab", tokens.tolist(), strict=True):
                said[name].append(new)
            logits = rows.extend(tokens)
    assert said["a"] == alone["a"]
    assert said["b"] == alone["b"][:5]


def refused(folder: Path, what: str) -> None:
    with pytest.raises(DataError, match=what):
        hf_base.adopt(folder, folder.with_name("out"))


def test_a_base_that_could_not_be_trained_rightly_is_refused(tmp_path: Path) -> None:
    """Pickles, foreign code, quantised or missing weights, too few rows for the tokenizer."""
    folder = write_model("llama3", tmp_path / "base")
    config, weights = folder / "config.json", folder / "model.safetensors"
    kept, whole = config.read_text(), weights.read_bytes()
    edit_json(config, auto_map={"AutoModel": "evil.Model"})
    refused(folder, "code of its own")
    config.write_text(kept)
    edit_json(config, quantization_config={"quant_method": "gptq"})
    refused(folder, "quantised")
    config.write_text(kept)
    edit_json(config, model_type="unheard-of")
    refused(folder, "transformers cannot read it")
    config.write_text(kept)
    edit_json(config, num_hidden_layers=3)
    refused(folder, "missing or of another shape")
    config.write_text(kept)
    weights.write_bytes(whole[: len(whole) // 2])
    refused(folder, "transformers cannot read it")
    weights.unlink()
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04")
    refused(folder, "pickled weights are refused")
    refused(
        write_model("llama3", tmp_path / "narrow", vocab_size=340), "more tokens than the model"
    )


def busy(config: Any) -> Any:
    """A model of another family, every weight busy."""
    torch.manual_seed(0)
    made: Any = AutoModelForCausalLM.from_config(config)  # type: ignore[no-untyped-call]
    made.eval()
    with torch.no_grad():
        for weight in made.parameters():
            weight.add_(torch.randn_like(weight) * 0.1)
    return made


SIZES: dict[str, Any] = {
    "vocab_size": 440, "hidden_size": 48, "intermediate_size": 96, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 256,
    "pad_token_id": None, "bos_token_id": None, "eos_token_id": 1,
}  # fmt: skip
SOME: dict[str, Any] = {
    "head_dim": 12, "sliding_window": 6, "layer_types": ["sliding_attention", "full_attention"],
}  # fmt: skip
OTHERS = {
    "windows": MistralConfig(**SIZES, sliding_window=6),
    "some windows": Gemma3TextConfig(**SIZES, **SOME),
    "soft caps": Gemma2Config(
        **SIZES, **SOME, attn_logit_softcapping=0.5, final_logit_softcapping=2.0
    ),
    "divided logits": GraniteConfig(**SIZES, logits_scaling=4.0),
    "multiplied logits": CohereConfig(**SIZES, logit_scale=0.25),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_what_a_family_does_beside_is_done(kind: str, tmp_path: Path) -> None:
    """Packed and decoded as transformers does it, in conversations longer than a window."""
    made = busy(OTHERS[kind])
    made.save_pretrained(write_tokenizer("smollm2", tmp_path / "base"))
    hf_base.adopt(tmp_path / "base", tmp_path / "out")
    wrapped = HfModel(hf_model.load(tmp_path / "out", attention=ATTENTION), torch.float32)
    with torch.no_grad():
        packed = wrapped.head(wrapped.hidden(ids(), DOCUMENTS))
        made.set_attn_implementation("eager")  # which every family has
        for row, document in [(0, 0), (0, 1), (1, 1), (1, 3)]:
            inside = DOCUMENTS[row] == document
            alone = made(ids()[row][inside].unsqueeze(0)).logits[0]
            torch.testing.assert_close(packed[row][inside], alone, rtol=1e-4, atol=1e-4)
    prompts = [("long", ids()[0].tolist()), ("short", [5, 6])]
    together = generate(wrapped, prompts, frozenset(), Sampling(max_tokens=12))
    for name, prompt in prompts:
        said = made.generate(
            torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
            do_sample=False, min_new_tokens=12, max_new_tokens=12, eos_token_id=None,
            pad_token_id=0,
        )  # fmt: skip
        assert together[name] == said[0, len(prompt) :].tolist()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (LlamaConfig(**SIZES | {"logit_scale": 2.0}), "this architecture is not implemented"),
        (Lfm2Config(**SIZES, layer_types=["conv", "full_attention"]), "layers of conv"),
        (StableLmConfig(**SIZES), "this architecture is not implemented"),
        (BloomConfig(vocab_size=440, hidden_size=48, n_layer=2, n_head=4), "cannot read it"),
    ],
)
def test_an_architecture_that_would_be_trained_wrongly_is_refused(
    config: Any, message: str, tmp_path: Path
) -> None:
    """By name, or as logits on the very model differ, whatever its own code raises."""
    busy(config).save_pretrained(write_tokenizer("smollm2", tmp_path / "base"))
    refused(tmp_path / "base", message)


def test_sizes_by_other_names_are_found(tmp_path: Path) -> None:
    """GPT-2's configuration has its own."""
    config = GPT2Config(vocab_size=440, n_embd=48, n_layer=2, n_head=4, n_positions=64)
    busy(config).save_pretrained(write_tokenizer("smollm2", tmp_path / "base"))
    hf_base.adopt(tmp_path / "base", tmp_path / "out")
    family = open_family(tmp_path / "out", read("hf"))
    assert (family.width, family.context) == (48, 64)


def test_a_base_that_is_taken_in_reads_as_it_did(tmp_path: Path) -> None:
    """By transformers alone, from our folder; with what must be known of it as figures."""
    folder = write_model("smollm2", tmp_path / "base")
    figures = hf_base.adopt(folder, tmp_path / "out")
    before = AutoModelForCausalLM.from_pretrained(folder)
    after = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    torch.testing.assert_close(after(ids()).logits, before(ids()).logits)
    assert figures["default_system"] == "You are a helpful assistant named Shelf"
    assert figures["architecture"] == "LlamaForCausalLM"
    assert {"model.safetensors", "config.json", "tokenizer.json", "chat_template.jinja"} <= set(
        figures["files"]
    )
    assert hf_model.load(tmp_path / "out").dtype == torch.float32
