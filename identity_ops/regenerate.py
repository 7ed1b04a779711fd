"""Regeneration: which run of `identity_sft` the calendar or a changed knowledge base asks for.

Fresh data each ISO week: the week is the seed, so that all of a week's runs on the same knowledge
and settings are one and the same. Nothing here knows Airflow; `plugins/identity_regeneration.py`
asks, and keeps the list of what was triggered.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

from identity_ops.conf_files import OWN_FILES, ConfFiles, knowledge_files
from identity_ops.config import RunConfig
from identity_ops.errors import ConfigError
from identity_ops.store.manifest import canonical_hash, file_hash
from identity_ops.store.paths import Home

VARIABLE: Final = "identity_regenerate_conf"
SKIP_UNCHANGED: Final = "skip_unchanged"
NOT_SETTINGS: Final = {"seed", "force", "publish_as", "require_approval"}  # change no data

Cause = Literal["schedule", "knowledge", "person"]


@dataclass(frozen=True, slots=True)
class Settings:
    """The Variable's content: parameters of the run, and whether unchanged ones are skipped."""

    conf: Mapping[str, Any]
    skip_unchanged: bool

    @classmethod
    def parse(cls, text: str) -> Settings:
        """From JSON; every parameter of `identity_sft` but the seed.

        Raises:
            ConfigError: not a JSON object, unknown keys, wrong values; all of them at once.
        """
        where = f"Variable {VARIABLE}"
        try:
            found = json.loads(text)
        except ValueError as error:
            raise ConfigError(f"not JSON: {error}", where=where, got=text[:80]) from None
        if not isinstance(found, dict):
            raise ConfigError("not a JSON object", where=where, got=text[:80])
        skip = found.pop(SKIP_UNCHANGED, False)
        if not isinstance(skip, bool):
            raise ConfigError(f"{SKIP_UNCHANGED}: true or false", where=where, got=repr(skip))
        if "seed" in found:
            raise ConfigError(
                "seed: it comes from the week", where=where, todo="Take it out of the Variable."
            )
        try:
            RunConfig.parse(found)
        except ConfigError as error:
            raise ConfigError(error.what, where=where, todo="Correct the Variable.") from None
        return cls(found, skip)


def refuse_unknown(conf: Mapping[str, Any]) -> None:
    """A trigger may say `skip_unchanged` and no more; Airflow itself lets any key pass.

    Raises:
        ConfigError: names the other keys.
    """
    if unknown := sorted(conf.keys() - {SKIP_UNCHANGED}):
        raise ConfigError(
            f"unknown: {', '.join(unknown)}", where="conf", expected=SKIP_UNCHANGED,
            todo=f"What the runs are to be made with belongs into the Variable {VARIABLE}.",
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """A run to trigger."""

    run_id: str
    conf: Mapping[str, Any]
    fingerprint: str  # of the knowledge base, the other files and the settings; without the seed
    seed: int


@dataclass(frozen=True, slots=True)
class Made:
    """A run that was triggered earlier."""

    run_id: str
    fingerprint: str
    seed: int
    succeeded: bool = False

    @classmethod
    def of(cls, wanted: Wanted) -> Made:
        return cls(wanted.run_id, wanted.fingerprint, wanted.seed)

    def record(self) -> dict[str, Any]:
        """As plain data; whether it succeeded is asked for each time."""
        return {key: value for key, value in asdict(self).items() if key != "succeeded"}


def wanted(settings: Settings, moment: datetime, home: Home) -> Wanted:
    """The run that these settings ask for at a moment: of its week, named after its content.

    Args:
        moment: when the asking run was due. A retry has the same, so it names the same run.

    Raises:
        ConfigError, PathError: a file that the settings name is missing or out of bounds.
    """
    moment = moment.astimezone(UTC)
    year, week, _ = moment.isocalendar()
    seed = year * 100 + week
    config = RunConfig.parse(settings.conf)
    fingerprint = canonical_hash([config.model_dump(exclude=NOT_SETTINGS), _hashes(config, home)])
    name = f"regenerate-{year}-W{week:02}-{fingerprint[:8]}-{moment:%Y%m%dT%H%M%S}"
    return Wanted(name, {**settings.conf, "seed": seed}, fingerprint, seed)


def reason_to_skip(
    asked: Wanted, cause: Cause, past: Sequence[Made], *, skip_unchanged: bool
) -> str | None:
    """Why the run need not be triggered; None where it should be.

    Args:
        past: what was triggered before, the newest last. The run itself may be among them: then
            this is a retry.
    """
    others = [made for made in past if made.run_id != asked.run_id]
    last = others[-1] if others else None
    if cause == "knowledge" and last and last.fingerprint == asked.fingerprint:
        return f"knowledge base and settings are as in {last.run_id}, the last run triggered"
    if cause == "schedule" and last and (last.fingerprint, last.seed) == (
        asked.fingerprint, asked.seed,
    ):  # fmt: skip
        return f"this week's data was asked for already: {last.run_id}"
    good = next((made for made in reversed(others) if made.succeeded), None)
    if skip_unchanged and good and good.fingerprint == asked.fingerprint:
        return f"knowledge base and settings are as in {good.run_id}, the last successful run"
    return None


def knowledge_state() -> dict[str, str]:
    """Path -> hash of each knowledge base that a run may name; unreadable ones are left out."""
    found = {}
    for path in knowledge_files():
        try:
            found[str(path)] = file_hash(path)[:16]
        except OSError:  # deleted or locked between listing and reading: the next look tells
            continue
    return found


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """The files that differ, came or went, sorted."""
    return sorted(path for path in {*before, *after} if before.get(path) != after.get(path))


def _hashes(config: RunConfig, home: Home) -> dict[str, str]:
    files = ConfFiles(config, home)
    found = {name: path for name in OWN_FILES if (path := files.own(name))}
    try:
        return {name: file_hash(path) for name, path in (found | {"kb": files.knowledge}).items()}
    except OSError as error:
        raise ConfigError(f"unreadable file: {error}", where=f"Variable {VARIABLE}") from None
