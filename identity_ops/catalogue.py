"""The diversity catalogue: topics, personas, dynamics and openers, from a file that users edit."""

from __future__ import annotations

import string
from collections import Counter
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from identity_ops.errors import ConfigError
from identity_ops.records import Kind

DEFAULT = Path(__file__).resolve().parent.parent / "knowledge" / "catalogue.yaml"
SLOTS = frozenset({"name", "typo", "NAME"})
MAX_BYTES = 1_000_000


class TopicGroup(BaseModel):
    """Topics of one kind of conversation, for facts of the listed roles."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    group: str = Field(min_length=1)
    kind: Kind
    roles: tuple[str, ...] = ()
    topics: tuple[str, ...] = Field(min_length=1)


class Dynamic(BaseModel):
    """The shape of a conversation and the numbers of messages it may have."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    text: str = Field(min_length=1)
    turns: tuple[int, ...] = Field(min_length=1)

    @field_validator("turns")
    @classmethod
    def _even(cls, turns: tuple[int, ...]) -> tuple[int, ...]:
        if bad := [n for n in turns if n not in (2, 4, 6)]:
            raise ValueError(f"turns are 2, 4 or 6 messages, got {bad[0]}")
        return turns


class OpenerGroup(BaseModel):
    """First messages of one sort, as examples for a teacher."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    group: str = Field(min_length=1)
    language: str = Field("en", pattern=r"^[a-z]{2}$")
    openers: tuple[str, ...] = Field(min_length=1)

    @field_validator("openers")
    @classmethod
    def _slots(cls, openers: tuple[str, ...]) -> tuple[str, ...]:
        for opener in openers:
            try:
                found = {
                    slot for _, slot, _, _ in string.Formatter().parse(opener) if slot is not None
                }
            except ValueError as error:
                raise ValueError(f"{opener!r}: {error}") from error
            if unknown := found - SLOTS:
                raise ValueError(f"{opener!r}: slots are {sorted(SLOTS)}, got {sorted(unknown)}")
        return openers


class Catalogue(BaseModel):
    """All that a plan draws from besides the facts."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    topics: tuple[TopicGroup, ...] = Field(min_length=1)
    personas: tuple[str, ...] = Field(min_length=1)
    dynamics: tuple[Dynamic, ...] = Field(min_length=1)
    openers: tuple[OpenerGroup, ...] = Field(min_length=1)

    @field_validator("topics")
    @classmethod
    def _complete(cls, groups: tuple[TopicGroup, ...]) -> tuple[TopicGroup, ...]:
        kinds = {group.kind for group in groups}
        wanted = {"identity", "misconception", "unknown_attribute", "third_party", "ordinary"}
        if missing := wanted - kinds:
            raise ValueError(f"no topic group of kind {', '.join(sorted(missing))}")
        if twice := [n for n, c in Counter(group.group for group in groups).items() if c > 1]:
            raise ValueError(f"two topic groups are called {twice[0]!r}")
        return groups

    @field_validator("openers")
    @classmethod
    def _english(cls, groups: tuple[OpenerGroup, ...]) -> tuple[OpenerGroup, ...]:
        if not any(group.language == "en" for group in groups):
            raise ValueError("no opener group in English (language: en)")
        return groups


def read_catalogue(path: Path | None = None) -> Catalogue:
    """The catalogue in a YAML file; the shipped one where no path is given.

    Raises:
        ConfigError: unreadable, or names the first wrong entry with what was expected.
    """
    path = path or DEFAULT
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(
                "catalogue too large",
                where=path,
                expected=f"at most {MAX_BYTES} bytes",
                got=path.stat().st_size,
            )
        data: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Catalogue.model_validate(data)
    except OSError as error:
        raise ConfigError("no such catalogue", where=path, got=error.strerror) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            "catalogue is not UTF-8", where=path, got=f"byte {error.start}"
        ) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else path
        raise ConfigError(f"not YAML: {getattr(error, 'problem', error)}", where=where) from error
    except ValidationError as error:
        raise _explain(path, error) from error


def _explain(path: Path, error: ValidationError) -> ConfigError:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"]) or "top level"
    more = error.error_count() - 1
    return ConfigError(
        f"{place}: {first['msg']}" + (f" (and {more} more)" if more else ""),
        where=path,
        got=repr(first["input"])[:80],
        expected=_expected(first["type"]),
        todo="Correct the entry; the shipped knowledge/catalogue.yaml shows every form.",
    )


def _expected(code: str) -> str:
    known = {"extra_forbidden": "a known key", "missing": "this key", "value_error": "as stated"}
    return known.get(code, code.replace("_", " "))
