"""What can be wrong with a name: look-alike letters of another script, another model's name."""

from __future__ import annotations

import re
import unicodedata

from identity_ops.knowledge.words import plain

_RIVALS = {
    "chatgpt": "OpenAI",
    "gpt": "OpenAI",
    "gpt 3": "OpenAI",
    "gpt 3.5": "OpenAI",
    "gpt 4": "OpenAI",
    "gpt 4o": "OpenAI",
    "gpt 5": "OpenAI",
    "openai": "OpenAI",
    "claude": "Anthropic",
    "gemini": "Google",
    "bard": "Google",
    "gemma": "Google",
    "palm": "Google",
    "llama": "Meta",
    "mistral": "Mistral AI",
    "mixtral": "Mistral AI",
    "le chat": "Mistral AI",
    "qwen": "Alibaba",
    "tongyi": "Alibaba",
    "deepseek": "DeepSeek",
    "grok": "xAI",
    "copilot": "Microsoft",
    "phi": "Microsoft",
    "siri": "Apple",
    "alexa": "Amazon",
    "cortana": "Microsoft",
    "bing": "Microsoft",
    "ernie": "Baidu",
    "ernie bot": "Baidu",
    "kimi": "Moonshot AI",
    "doubao": "ByteDance",
    "chatglm": "Zhipu AI",
    "glm": "Zhipu AI",
    "perplexity": "Perplexity",
    "pi": "Inflection",
    "command r": "Cohere",
    "falcon": "TII",
    "vicuna": "LMSYS",
    "alpaca": "Stanford",
    "olmo": "Ai2",
    "tulu": "Ai2",
    "smollm": "Hugging Face",
    "yi": "01.AI",
    "minimax": "MiniMax",
    "nemotron": "NVIDIA",
}
_MIXABLE = {"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC"}


def rival(name: str) -> str:
    """Whose model already has this name, "" where none of the known ones."""
    words = re.sub(r"[\s_-]+", " ", plain(name))
    bare = re.sub(r"\s*v?\d[\w.]*$", "", words).strip()
    return _RIVALS.get(words) or _RIVALS.get(bare) or _RIVALS.get(words.replace(" ", "")) or ""


def confusable(name: str) -> str:
    """The letters of a second script within one word of a name, "" where there are none."""
    for word in re.findall(r"\w+", name):
        letters = [(letter, _script(letter)) for letter in word if letter.isalpha()]
        scripts = [script for _, script in letters]
        mixed = {script for script in scripts if script in _MIXABLE}
        if len(mixed) > 1:
            main = max(sorted(mixed), key=scripts.count)
            odd = dict.fromkeys(x for x, script in letters if script in mixed and script != main)
            return ", ".join(f"U+{ord(x):04X} {unicodedata.name(x, '?')}" for x in odd)
        if any(script in ("FULLWIDTH", "MATHEMATICAL") for script in scripts):
            return f"styled letters in {word!r}"
    return ""


def _script(letter: str) -> str:
    return unicodedata.name(letter, "?").split()[0]
