"""Whether a teacher is ready: its key, its credit and its model, before anything is asked.

Also for a key alone, without a knowledge base and without a run.
"""

from __future__ import annotations

import difflib

from identity_ops.errors import ConfigError
from identity_ops.knowledge import Knowledge, Profile
from identity_ops.teachers.access import Access
from identity_ops.teachers.base import Teacher, TeacherConfig, make_teacher

_NOBODY = Knowledge(text="", fingerprint="", facts=(), profile=Profile("", (), (), (), ()))


def check_ready(teacher: Teacher) -> None:
    """Check key and credit, then whether the provider has the model.

    Raises:
        AuthError, CreditError: as `preflight`; one request was sent.
        ConfigError: the provider lists its models, and this is none of them.
    """
    teacher.preflight()
    model, offered = str(teacher.identity().get("model", "")), teacher.offered()
    if not offered or {model, model.partition(":")[0], f"{model}:latest"} & set(offered):
        return  # a suffix chooses a variant (OpenRouter), `latest` may be left out (Ollama)
    near = difflib.get_close_matches(model, offered, n=3, cutoff=0.5) or sorted(offered)[:3]
    raise ConfigError(
        "the provider has no such model", where="teacher_model (--model)",
        expected=f"one of {len(offered)}, such as {', '.join(near)}", got=model,
        todo="Correct the name.",
    )  # fmt: skip


def check_access(name: str, access: Access) -> str:
    """Ask with the teacher's own preflight; returns what to tell a person.

    Args:
        name: of the teacher.

    Raises:
        AuthError, CreditError: the key is missing, refused, or has nothing left to spend.
        ConfigError: the address cannot be used.
        ProviderError: nobody answers there.
    """
    # No model is asked anything, but a server without a default one wants to hear a name.
    config = TeacherConfig.of(name=name, model="none", base_url=access.base_url, attempts=2)
    teacher = make_teacher(config, _NOBODY, key=access.key)
    if teacher.free:
        raise ConfigError("the teacher has no address to check", got=name)
    try:
        has_looked = teacher.preflight()
    finally:
        teacher.close()
    if has_looked:
        return "The provider takes the key."
    return (
        f"Something answers at {teacher.identity()['base_url']}, but not as a provider that checks "
        "keys. Is it the whole address, such as https://openrouter.ai/api/v1?"
    )
