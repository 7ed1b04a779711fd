"""The teacher of one run: its settings, its access, and its share of what all tasks may do."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from identity_ops.config import TEACHER_SLOTS, RunConfig
from identity_ops.errors import TransientError
from identity_ops.store.lock import hold
from identity_ops.store.paths import Home
from identity_ops.teachers.access import Access, FindAccess

if TYPE_CHECKING:
    from identity_ops.curate.judge import Judge
    from identity_ops.teachers.base import Teacher, TeacherConfig

TURN_WAIT_S = 24 * 3600.0  # for another task's turn


@dataclass(frozen=True)
class RunTeacher:
    """Makes the teacher that a run's parameters ask for.

    Args:
        prompt_file: the run's own prompt, its path checked; None: the shipped one.
        find_access: asked once, when a teacher is made, and not for the embedded one.
    """

    config: RunConfig
    home: Home
    find_access: FindAccess
    prompt_file: Path | None = None

    @cached_property
    def _access(self) -> Access:
        return Access() if self._is_embedded else self.find_access(self.config.teacher)

    @property
    def _is_embedded(self) -> bool:
        return self.config.teacher == "template"

    def settings(self) -> TeacherConfig:
        """For the whole run."""
        return self._settings(self.config.workers, self.config.max_cost_usd)

    def share(self) -> TeacherConfig:
        """For one mapped task: its share of the requests in flight and of the money."""
        cap, batches = self.config.max_cost_usd, self.config.batches
        return self._settings(
            max(1, self.config.workers // TEACHER_SLOTS), None if cap is None else cap / batches
        )

    def judge(self, cap_usd: float | None) -> Judge | None:
        """Who reads the conversations in curation, if anybody; it may spend `cap_usd`."""
        from identity_ops.curate.judge import Judge

        config, spec = self.config, self.config.curate_judge
        if spec is None:
            return None
        name, _, model = spec.partition(":")
        access = self.find_access(name)
        is_teacher = (name, model or None) == (config.teacher, config.teacher_model)
        return Judge.of(
            spec, home=self.home, key=access.key, base_url=access.base_url, workers=config.workers,
            max_cost_usd=cap_usd, price=config.price if is_teacher else None,
        )  # fmt: skip

    @contextlib.contextmanager
    def made(self, settings: TeacherConfig, lint_dir: Path) -> Iterator[Teacher]:
        """The teacher, with the connection's key; closed after the block."""
        from identity_ops.knowledge import read_knowledge
        from identity_ops.teachers.base import make_teacher

        teacher = make_teacher(settings, read_knowledge(lint_dir), key=self._access.key)
        try:
            yield teacher
        finally:
            teacher.close()

    @contextlib.contextmanager
    def turn(self, number: int) -> Iterator[None]:
        """Wait for a place where there are fewer workers than tasks at one time.

        With enough workers the pool alone keeps the ceiling: each task has its share of them.
        """
        workers = self.config.workers
        if workers >= TEACHER_SLOTS or self._is_embedded:
            yield
            return
        lock = self.home.root / "locks" / f"{self.config.teacher}-{number % workers}.lock"
        with hold(lock, wait_s=TURN_WAIT_S):
            yield

    def _settings(self, workers: int, cap_usd: float | None) -> TeacherConfig:
        from identity_ops.teachers.base import TeacherConfig

        config = self.config
        values: dict[str, Any] = {
            "name": config.teacher, "model": config.teacher_model, "workers": workers,
            "temperature": config.temperature, "max_cost_usd": cap_usd,
            "base_url": self._access.base_url,
            "prompt_file": str(self.prompt_file) if self.prompt_file else None,
            "personality": config.personality, "ascii": config.ascii, "price": config.price,
            "max_requests_per_day": config.max_requests_per_day,
        }  # fmt: skip
        return TeacherConfig.of(**values)


def require_checked(forecast: Path, teacher: Teacher) -> None:
    """A connection that for once cannot be read must send no key to another address.

    Raises:
        TransientError: the teacher's address is not the one that `plan` checked.
    """
    asked = teacher.identity().get("base_url")
    checked = json.loads(forecast.read_bytes()).get("base_url") if forecast.exists() else None
    if checked != asked:
        raise TransientError(
            "not the address that `plan` checked", where="the teacher's connection",
            expected=checked, got=asked,
            todo="It is tried again. If the change is meant, clear the task plan.",
        )  # fmt: skip
