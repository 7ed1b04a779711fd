"""The API as OpenAI's own client meets it, over a socket."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openai
import pytest
import requests

from tests.training.parrot import CONTEXT, ENDLESS, SCRIPT
from tests.training.serve.conftest import Server, serving
from training.answer import Speaker

pytestmark = pytest.mark.slow
ASK: Any = [{"role": "user", "content": "Who are you?"}]


def test_an_answer_in_one_piece(server: Server, scripted: Path) -> None:
    """Text, reason and token counts as the client's types have them."""
    done = server.client().chat.completions.create(model="pip", messages=ASK, max_tokens=50)
    assert done.choices[0].message.content == SCRIPT
    assert done.choices[0].message.role == "assistant"
    assert done.choices[0].finish_reason == "stop"
    speaker = Speaker.load(scripted)
    assert done.usage is not None
    assert done.usage.prompt_tokens == len(speaker.prompt(ASK))
    assert done.usage.completion_tokens == len(speaker.chat.encode_ordinary(SCRIPT))
    assert done.usage.total_tokens == done.usage.prompt_tokens + done.usage.completion_tokens


def test_a_streamed_answer(server: Server) -> None:
    """In several pieces, with the reason and, where asked for, the counts at the end."""
    stream = server.client().chat.completions.create(
        model="pip", messages=ASK, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    pieces = [
        c.choices[0].delta.content for c in chunks if c.choices and c.choices[0].delta.content
    ]
    assert "".join(pieces) == SCRIPT
    assert len(pieces) > 3
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == len(pieces)
    assert len({chunk.id for chunk in chunks}) == 1


def test_the_models_are_listed(server: Server) -> None:
    """The trained one and its base; each can be looked up."""
    client = server.client()
    assert [model.id for model in client.models.list()] == ["pip", "pip-base"]
    assert client.models.retrieve("pip-base").id == "pip-base"


@pytest.mark.parametrize("limit", ["max_tokens", "max_completion_tokens"])
def test_the_limit_of_an_answer_is_kept(server: Server, limit: str) -> None:
    """By either name; the reason says so."""
    options: Any = {limit: 4}
    done = server.client().chat.completions.create(model="pip-base", messages=ASK, **options)
    assert done.choices[0].message.content == f" {ENDLESS} red"
    assert done.choices[0].finish_reason == "length"


@pytest.mark.parametrize("stop", ["blue", ["never", "blue"]])
def test_stop_strings_end_an_answer(server: Server, stop: Any) -> None:
    """One or several; the string itself is left out, in a stream too."""
    create = server.client().chat.completions.create
    done = create(model="pip-base", messages=ASK, stop=stop)
    assert done.choices[0].message.content == " red green "
    assert done.choices[0].finish_reason == "stop"
    streamed = create(model="pip-base", messages=ASK, stop=stop, stream=True)
    assert "".join(c.choices[0].delta.content or "" for c in streamed) == " red green "


def test_a_seed_repeats_an_answer_and_its_absence_does_not(server: Server) -> None:
    """At a temperature where the answer is drawn."""

    def draw(seed: int | None) -> str | None:
        done = server.client().chat.completions.create(
            model="pip", messages=ASK, temperature=2, max_tokens=30, seed=seed
        )
        return done.choices[0].message.content

    assert draw(3) == draw(3)
    assert len({draw(None) for _ in range(4)}) > 1
    assert draw(3) != draw(4)


def test_top_p_and_top_k_narrow_the_draw(server: Server) -> None:
    """Down to the likeliest token they are greedy decoding."""
    narrow: list[Any] = [{"top_p": 0.001}, {"extra_body": {"top_k": 1}}]
    for options in narrow:
        done = server.client().chat.completions.create(
            model="pip", messages=ASK, temperature=2, max_tokens=30, **options
        )
        assert done.choices[0].message.content == SCRIPT


def part(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def test_messages_are_read_as_the_chat_format_has_them(server: Server, scripted: Path) -> None:
    """System messages, developer messages and parts of text become one prompt."""
    messages: Any = [
        {"role": "system", "content": "Be kind."},
        {"role": "developer", "content": [part("Be "), part("brief.")]},
        {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?"},
        {"role": "user", "content": [part("Who are you?")]},
    ]  # fmt: skip
    same: Any = [
        {"role": "system", "content": "Be kind.\n\nBe brief."},
        messages[2],
        messages[3],
        *ASK,
    ]
    done = server.client().chat.completions.create(model="pip", messages=messages)
    assert done.usage is not None
    assert done.usage.prompt_tokens == len(Speaker.load(scripted).prompt(same))


def test_many_users_are_answered_at_once(server: Server) -> None:
    """Each gets what it would get alone."""

    def ask(number: int) -> tuple[str | None, str]:
        done = server.client().chat.completions.create(
            model=("pip", "pip-base")[number % 2], messages=ASK, max_tokens=40 + number
        )
        return done.choices[0].message.content, done.choices[0].finish_reason

    with ThreadPoolExecutor(24) as pool:
        found = list(pool.map(ask, range(24)))
    words = [f" {word}" for word in ENDLESS.split()] * 30
    for number, answer in enumerate(found):
        loop = "".join(words[: 40 + number])
        assert answer == ((SCRIPT, "stop") if number % 2 == 0 else (loop, "length"))


REFUSED: list[tuple[dict[str, Any], int, str]] = [
    ({"model": "gpt-4o"}, 404, "There is: pip, pip-base"),
    ({"messages": []}, 400, "messages"),
    ({"messages": [{"role": "tool", "content": "x"}]}, 400, "role"),
    ({"messages": [*ASK, *ASK]}, 400, "expected assistant"),
    ({"messages": [*ASK, {"role": "assistant", "content": "me"}]}, 400, "last turn"),
    ({"messages": [{"role": "user", "content": None}]}, 400, "content"),
    ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
     400, "text only"),
    ({"messages": [{"role": "user", "content": "red " * 5000}]}, 400, f"reads {CONTEXT - 1:,}"),
    ({"messages": ASK * 300}, 400, "At most 200"),
    ({"temperature": 2.5}, 400, "temperature"),
    ({"temperature": "hot"}, 400, "temperature"),
    ({"max_tokens": 0}, 400, "max_tokens"),
    ({"top_p": 0}, 400, "top_p"),
    ({"stop": ["a", "b", "c", "d", "e"]}, 400, "stop"),
    ({"n": 2}, 400, "n = 2"),
    ({"tools": [{"type": "function"}]}, 400, "tools"),
    ({"logprobs": True}, 400, "logprobs"),
    ({"response_format": {"type": "json_object"}}, 400, "response_format"),
    ({"best_of": 3}, 400, "best_of"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "status", "said"), REFUSED)
def test_bad_requests_are_refused_in_openai_s_shape(
    server: Server, change: dict[str, Any], status: int, said: str
) -> None:
    """With what is wrong, for people and for programs."""
    body = {"model": "pip", "messages": ASK} | change
    reply = requests.post(f"{server.url}/v1/chat/completions", json=body, timeout=30)
    error = reply.json()["error"]
    assert reply.status_code == status
    assert said in error["message"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"


def test_the_client_raises_its_own_errors(server: Server) -> None:
    """So programs written for OpenAI handle ours."""
    create = server.client().chat.completions.create
    with pytest.raises(openai.NotFoundError, match="gpt-4o"):
        create(model="gpt-4o", messages=ASK)
    with pytest.raises(openai.BadRequestError, match="temperature"):
        create(model="pip", messages=ASK, temperature=9)


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b'{"model": "pip", "messages": ' + b"[" * 50_000, "application/json", 400),
        (b'{"model": "pip", "messages": [{"role": "user", "content": "\\ud800"}]}',
         "application/json", 400),
        (b"{}", "text/plain", 400),
        (b" " * (2 << 20), "application/json", 413),
    ],
)  # fmt: skip
def test_bodies_that_are_no_request(server: Server, body: bytes, kind: str, status: int) -> None:
    """Broken, nested without end, of a form's type, or too long."""
    reply = requests.post(
        f"{server.url}/v1/chat/completions", data=body, headers={"content-type": kind}, timeout=30
    )
    assert reply.status_code == status
    assert reply.json()["error"]["message"]


def test_parameters_without_effect_here_are_read_past(server: Server) -> None:
    """Clients send them on their own."""
    done = server.client().chat.completions.create(
        model="pip", messages=ASK, user="me", n=1, presence_penalty=0, logit_bias={},
        response_format={"type": "text"}, store=False, metadata={"a": "b"},
    )  # fmt: skip
    assert done.choices[0].message.content == SCRIPT


def test_an_answer_is_cut_where_the_context_ends(scripted: Path, endless: Path) -> None:
    """More tokens than there is room for are not an error: clients ask for plenty."""
    with serving(endless, "--no-base") as running:
        done = running.client().chat.completions.create(
            model="loop", messages=ASK, max_tokens=100_000
        )
        assert done.choices[0].finish_reason == "length"
        assert done.usage is not None
        assert done.usage.total_tokens == CONTEXT


def test_old_turns_make_room_where_that_is_asked_for(server: Server) -> None:
    """And the answer says how many were left out; without it the request is refused."""
    turns = [{"role": ("user", "assistant")[n % 2], "content": "red " * 300} for n in range(31)]
    body: dict[str, Any] = {"model": "pip", "messages": turns, "stream": True}
    url = f"{server.url}/v1/chat/completions"
    assert requests.post(url, json=body, timeout=30).status_code == 400
    reply = requests.post(url, json=body | {"truncation": "auto"}, timeout=30)
    assert reply.status_code == 200
    assert int(reply.headers["x-turns-left-out"]) > 0


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v1/chat/completions", 405), ("POST", "/v1/models", 405), ("GET", "/nothing", 404),
     ("GET", "/../../etc/passwd", 404), ("GET", "/v1/models/none", 404)],
)  # fmt: skip
def test_other_paths_are_errors_of_the_api_too(
    server: Server, method: str, path: str, status: int
) -> None:
    """Never a page or a trace."""
    reply = requests.request(method, server.url + path, timeout=30)
    assert reply.status_code == status
    assert reply.json()["error"]["message"]
