"""General chat: the builtin exercises, and readers for other people's conversations."""

from identity_ops.general import builtin

__all__ = ["builtin"]
