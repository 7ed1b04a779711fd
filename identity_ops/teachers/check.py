"""Whether a provider takes a key, without a knowledge base and without a run."""

from __future__ import annotations

from identity_ops.errors import ConfigError
from identity_ops.knowledge import Knowledge, Profile
from identity_ops.teachers.access import Access
from identity_ops.teachers.base import TeacherConfig, make_teacher

_NOBODY = Knowledge(text="", fingerprint="", facts=(), profile=Profile("", (), (), (), ()))


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
        teacher.preflight()
    finally:
        teacher.close()
    return "The provider takes the key."
