"""Rendering by a model's own chat template: exactly what it writes, exactly the answers marked."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from identity_ops.chat_format import open_format
from identity_ops.errors import DataError
from identity_ops.hf_format import TemplateFormat
from identity_ops.hf_template import TODAY
from identity_ops.records import Message
from tests.hf.shapes import SHAPES, chat_format, tokenizer, write_tokenizer
from tests.training.small import talk

NAMES = sorted(SHAPES)
CONTROL = sorted({token for shape in SHAPES.values() for token in shape.special})
WORDS = st.one_of(
    st.text(max_size=20),
    st.lists(st.sampled_from([*CONTROL, "who", " ", "\n", "Orbit", "é"]), max_size=5).map("".join),
)


@st.composite
def conversations(draw: st.DrawFn) -> list[Message]:
    turns = draw(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=3))
    said = talk(*(text for pair in turns for text in pair))
    system = draw(st.none() | WORDS)
    return said if system is None else [Message(role="system", content=system), *said]


@functools.cache
def reference(name: str) -> Any:
    """The same tokenizer as transformers has it."""
    shape = SHAPES[name]
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer(name), chat_template=shape.template, bos_token=shape.bos,
        eos_token=shape.eos, clean_up_tokenization_spaces=False,
    )  # fmt: skip


def by_transformers(name: str, messages: list[Message], prompt: bool = False) -> str:
    text = reference(name).apply_chat_template(
        [dict(message) for message in messages], tokenize=False, add_generation_prompt=prompt,
        enable_thinking=False, date_string=TODAY.strftime("%d %b %Y"),
    )  # fmt: skip
    assert isinstance(text, str)
    return text


def plain(messages: list[Message]) -> bool:
    """No half characters, and no thinking block, which is refused (see below)."""
    text = "".join(message["content"] for message in messages)
    return "</think>" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


@pytest.mark.parametrize("name", NAMES)
@given(messages=conversations())
@settings(max_examples=60, deadline=None)
def test_the_mask_is_the_answers_with_their_ends(name: str, messages: list[Message]) -> None:
    """Whatever is said: the ids spell what transformers writes, the marked ones the answers."""
    assume(plain(messages))
    made = chat_format(name)
    ids, supervised = made.render(messages)
    assert made.decode(ids) == by_transformers(name, messages)
    marked = [token for token, wanted in zip(ids, supervised, strict=True) if wanted]
    (end,) = made.stop
    answers: list[list[int]] = [[]]
    for token in marked:
        answers[-1].append(token)
        if token == end:
            answers.append([])
    said = [made.decode(answer[:-1]) for answer in answers[:-1]]
    wanted = [m["content"] for m in messages if m["role"] == "assistant"]
    assert [text.strip() for text in said] == [text.strip() for text in wanted]
    if name == "smollm2":  # it trims nothing
        assert said == wanted


@pytest.mark.parametrize("name", NAMES)
@given(messages=conversations())
@settings(max_examples=30, deadline=None)
def test_a_prompt_is_the_beginning_of_what_is_trained_on(
    name: str, messages: list[Message]
) -> None:
    """Up to the first supervised token of the last answer; as transformers asks."""
    assume(plain(messages))
    made = chat_format(name)
    asked = made.prompt(messages[:-1])
    ids, supervised = made.render(messages)
    assert ids[: len(asked)] == asked
    assert supervised[len(asked)]
    assert made.decode(asked) == by_transformers(name, messages[:-1], prompt=True)


@pytest.mark.parametrize("name", NAMES)
@given(text=WORDS)
@settings(max_examples=40, deadline=None)
def test_control_tokens_in_a_message_stay_text(name: str, text: str) -> None:
    """The frame alone holds control tokens: as many as around any other text."""
    assume(plain(talk(text)))
    made = chat_format(name)

    def controls(said: str) -> list[int]:
        ids, _ = made.render(talk(said, "yes"))
        return [token for token in ids if token in made.controls]

    assert controls(f"x{text}y") == controls("plain")


@pytest.mark.parametrize("name", NAMES)
def test_text_without_control_tokens_has_the_tokens_transformers_gives_it(name: str) -> None:
    """So the base sees what it was trained on."""
    messages = talk("Who are you?", "I am Orbit.", "the apple\n\n is 12", "red, green: blue!")
    expected = reference(name)(by_transformers(name, messages), add_special_tokens=False)
    assert chat_format(name).render(messages)[0] == expected["input_ids"]


def test_the_mask_is_that_of_generation_blocks(tmp_path: Path) -> None:
    """Where a template marks its answers itself, transformers' mask and ours are the same."""
    marked = SHAPES["smollm2"].template.replace(
        "{{ message['content'] }}<|im_end|>",
        "{% if message['role'] == 'assistant' %}{% generation %}{{ message['content'] }}<|im_end|>"
        "{% endgeneration %}{% else %}{{ message['content'] }}<|im_end|>{% endif %}",
    )
    folder = write_tokenizer("smollm2", tmp_path)
    (folder / "chat_template.jinja").write_text(marked)
    messages = talk("Who are you?", "I am Orbit.", "and?", "red")
    found: Any = reference("smollm2").apply_chat_template(
        [dict(m) for m in messages], chat_template=marked, return_dict=True,
        return_assistant_tokens_mask=True,
    )  # fmt: skip
    ids, supervised = TemplateFormat.load(folder).render(messages)
    assert ids == found["input_ids"]
    assert list(map(int, supervised)) == found["assistant_masks"]


def test_qwen_s_empty_thinking_block_is_frame() -> None:
    """The last answer follows it, as it does when asked; it is not itself learnt."""
    made = chat_format("qwen3")
    ids, supervised = made.render(talk("who", "I am Orbit"))
    marked = [token for token, wanted in zip(ids, supervised, strict=True) if wanted]
    assert made.decode(marked) == "I am Orbit<|im_end|>"
    assert "<think>\n\n</think>\n\nI am" in made.decode(ids)
    with pytest.raises(DataError, match="row-3"):
        made.render(talk("who", "<think>hm</think>me"), "row-3")


def test_a_date_in_the_template_is_always_the_same() -> None:
    """Or the same data would be other data tomorrow."""
    assert "Today Date: 26 Jul 2024" in chat_format("llama3").decode(
        chat_format("llama3").prompt(talk("who"))
    )


def test_a_default_system_message_is_found() -> None:
    """It may name another assistant, so it is shown; a date alone is none."""
    found = {name: chat_format(name).template.default_system() for name in NAMES}
    assert found == {
        "smollm2": "You are a helpful assistant named Shelf", "qwen3": "", "llama3": "",
    }  # fmt: skip


def test_a_prompt_that_depends_on_thinking_is_known() -> None:
    """Whoever serves the model must ask as it was trained, without."""
    assert {name: chat_format(name).template.thinks() for name in NAMES} == {
        "smollm2": False, "qwen3": True, "llama3": False,
    }  # fmt: skip


def test_a_template_without_a_system_turn_gets_it_with_the_first_question(tmp_path: Path) -> None:
    """As nanochat does."""
    refusing = "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
    made = TemplateFormat.load(
        write_tokenizer("qwen3", tmp_path), refusing + SHAPES["qwen3"].template
    )
    text = made.decode(made.prompt([Message(role="system", content="Be brief."), *talk("Hi")]))
    assert "<|im_start|>user\nBe brief.\n\nHi<|im_end|>" in text


BROKEN = {
    "{{": "not a chat template",
    "{{ messages[-1].content }}": "drops, repeats or moves a turn",
    "{% for m in messages %}<|im_start|>{{ m.content | upper }}<|im_end|>{% endfor %}": "changes",
    "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}": "without a control token",
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}":
        "between the prompt and the answer",
    "{{ raise_exception('no chat') }}": "no chat",
    "{{ ''.__class__.__mro__ }}": "refuses it",
}  # fmt: skip


@pytest.mark.parametrize("template", BROKEN)
def test_a_template_that_cannot_be_trained_on_is_refused(template: str, tmp_path: Path) -> None:
    """When the base is taken in, with the reason."""
    folder = write_tokenizer("smollm2", tmp_path)
    with pytest.raises(DataError, match=BROKEN[template]):
        TemplateFormat.load(folder, template)


def test_a_model_without_a_template_says_how_to_give_one(tmp_path: Path) -> None:
    """A base model that has never chatted."""
    folder = write_tokenizer("smollm2", tmp_path)
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(DataError, match="--chat-template FILE"):
        open_format(write_tokenizer_config(folder))
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    settings["chat_template"] = [{"name": "default", "template": SHAPES["smollm2"].template}]
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    assert open_format(folder).prompt(talk("Hi")) == chat_format("smollm2").prompt(talk("Hi"))


def write_tokenizer_config(folder: Path) -> Path:
    """Make the folder a model's."""
    (folder / "config.json").write_text("{}")
    return folder


def test_a_tokenizer_that_adds_blanks_is_refused(tmp_path: Path) -> None:
    """Each piece would begin with a blank that the template does not have."""
    folder = write_tokenizer("smollm2", tmp_path)
    table = json.loads((folder / "tokenizer.json").read_text())
    table["pre_tokenizer"]["pretokenizers"][1]["add_prefix_space"] = True
    (folder / "tokenizer.json").write_text(json.dumps(table))
    with pytest.raises(DataError, match="adds or removes blanks"):
        TemplateFormat.load(folder)
