"""Every error the project raises on purpose, in one tree.

    IdentityError
    |- TerminalError        trying again cannot help
    |  |- UsageError        the caller's words are wrong (exit code 2)
    |  |- ConfigError       a setting or parameter is wrong
    |  |- PathError         a path leaves the folders it may use
    |  |- KnowledgeError    the knowledge base cannot be used
    |  |- DataError         a file or table is not what it should be
    |  |- CorruptError      bytes on disk differ from what a manifest lists
    |  |- AuthError         a key is missing, wrong or forbidden (401, 403)
    |  |- CreditError       money, quota or the spend cap is used up (402)
    |  |- RequestError      the provider refuses this request as it stands
    |  |- ShortfallError    fewer rows than asked for
    |  |- TrainingError     training must stop: non-finite loss, out of memory
    |  `- GateError         the model did not pass the gate (exit code 1)
    |- TransientError       trying again may help
    |  |- BusyError         another process holds the lock
    |  |- CrashError        a process was ended by a fault of its own code or machine
    |  `- ProviderError     time-out, 429, 5xx, broken body
    `- RejectedError        one response is unusable; a new draw may do

`plugins/` maps the two upper branches to Airflow's fail and retry, in one place.
"""

from __future__ import annotations


class IdentityError(Exception):
    """An error a person can act on.

    Args:
        what: what went wrong, one clause.
        where: `file:line`, an id or a folder.
        expected: what would have been right.
        got: what was found instead. Never a secret.
        todo: the next action for the reader.
    """

    def __init__(
        self,
        what: str,
        *,
        where: object = None,
        expected: object = None,
        got: object = None,
        todo: str | None = None,
    ) -> None:
        self.what, self.where, self.expected, self.got, self.todo = what, where, expected, got, todo
        super().__init__(str(self))

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where is not None else self.what
        parts = {"expected": self.expected, "got": self.got}
        if said := [f"{word} {part}" for word, part in parts.items() if part is not None]:
            text += f" ({', '.join(said)})"
        if not self.todo:
            return text
        stop = "" if text.endswith("\n") else " " if text.endswith(".") else ". "
        return f"{text}{stop}{self.todo}"

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.what, self.__dict__.copy())


def _rebuild(kind: type[IdentityError], what: str, state: dict[str, object]) -> IdentityError:
    """Unpickle an error with its keyword-only parts (process pools send errors this way)."""
    error = kind(what)
    error.__dict__.update(state)
    error.args = (str(error),)
    return error


class TerminalError(IdentityError):
    """Trying again cannot help."""


class UsageError(TerminalError):
    """The caller's words are wrong."""


class ConfigError(TerminalError):
    """A setting or parameter is wrong."""


class PathError(TerminalError):
    """A path leaves the folders it may use."""


class KnowledgeError(TerminalError):
    """The knowledge base cannot be used."""


class DataError(TerminalError):
    """A file or table is not what it should be."""


class CorruptError(TerminalError):
    """Bytes on disk differ from what a manifest lists."""


class AuthError(TerminalError):
    """A key is missing, wrong or forbidden."""


class CreditError(TerminalError):
    """Money, quota or the spend cap is used up."""


class RequestError(TerminalError):
    """The provider refuses this request as it stands."""


class ShortfallError(TerminalError):
    """Fewer rows than asked for."""


class TrainingError(TerminalError):
    """Training must stop."""


class GateError(TerminalError):
    """The model did not pass the gate."""


class TransientError(IdentityError):
    """Trying again may help."""


class BusyError(TransientError):
    """Another process holds the lock."""


class CrashError(TransientError):
    """A process was ended by a fault of its own code or machine: an abort, a wrong address."""


class ProviderError(TransientError):
    """A time-out, a 429, a 5xx or a broken body."""

    def __init__(self, what: str, *, retry_after: float | None = None, **parts: object) -> None:
        super().__init__(what, **parts)  # type: ignore[arg-type]
        self.retry_after = retry_after


class RejectedError(IdentityError):
    """One response is unusable; a new draw may do.

    Args:
        reason: the reason code under which it is counted.
    """

    def __init__(self, reason: str, what: str = "", **parts: object) -> None:
        super().__init__(what or reason, **parts)  # type: ignore[arg-type]
        self.reason = reason
