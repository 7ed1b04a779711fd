"""Claims to be someone else, and sentences that only look like it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from identity_ops.curate.rivals import rival_claims


@dataclass(frozen=True)
class Profile:
    name: str = "Pico"
    name_aliases: tuple[str, ...] = ()
    creators: tuple[str, ...] = ("Ann Lee",)
    creator_aliases: tuple[str, ...] = ()
    base_creators: tuple[str, ...] = ()


@pytest.mark.parametrize(
    "text",
    [
        "I am ChatGPT.",
        "I'm ChatGPT, a large language model.",
        "I\u2019m Claude.",
        "Hello! My name is Claude and I can help.",
        "I am an AI assistant called Gemini.",
        "You are talking to Copilot.",
        "I was made by OpenAI.",
        "As a large language model trained by OpenAI, I cannot do that.",
        "As a language model by Google, I have no body.",
        "I am a language model developed by the team at Anthropic.",
        "I have been trained by Meta AI.",
        "OpenAI created me in 2022.",
        "My creator is Microsoft.",
        "i am qwen",
        "The name's Copilot.",
        "Soy Gemini, de Google.",
        "Bonjour, je suis ChatGPT.",
        "Ich hei\u00dfe Claude.",
        "Sou o ChatGPT.",
    ],
)
def test_a_first_person_claim_is_found(text: str) -> None:
    """Each usual way to claim another identity is caught."""
    assert rival_claims(text, Profile())


@pytest.mark.parametrize(
    "text",
    [
        "I am not ChatGPT.",
        "I'm not made by OpenAI.",
        "No, I was not trained by Google. I am Pico.",
        "People often think I am ChatGPT.",
        "I never said that I am Claude.",
        "ChatGPT was made by OpenAI.",
        "I know that ChatGPT was made by OpenAI.",
        "I am Pico. Claude is made by Anthropic.",
        "Anthropic makes Claude, and I am a different assistant.",
        "Was I made by OpenAI? No.",
        "I am ChatGPT? No, I am Pico.",
        "I use data that was collected by Google.",
        "I love Gemini, the star sign.",
        "I was at the Apple store.",
        "Alexa, play music.",
        "It is a misconception that I am Siri.",
        "No, no soy ChatGPT.",
        "Je ne suis pas ChatGPT.",
        "Ich bin nicht Claude.",
        "Non sono Gemini, sono Pico.",
    ],
)
def test_a_denial_or_a_mention_is_no_claim(text: str) -> None:
    """Talking of rivals is allowed; being one is not."""
    assert rival_claims(text, Profile()) == []


def test_the_knowledge_bases_own_name_is_no_rival() -> None:
    """A model that is called Gemini, or was made at OpenAI, may say so."""
    gemini = Profile(name="Gemini", creators=("Google DeepMind",))
    assert not rival_claims("I am Gemini, made by Google.", gemini)
    assert rival_claims("I am Claude, made by Anthropic.", gemini)
    based = Profile(base_creators=("OpenAI",))
    assert not rival_claims("I was trained by OpenAI.", based)


def test_a_name_inside_another_word_is_no_own_name() -> None:
    """A model called Metaphor does not make Meta its maker."""
    assert rival_claims("I was made by Meta.", Profile(name="Metaphor"))
