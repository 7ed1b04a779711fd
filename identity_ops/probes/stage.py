"""The probes stage: build the held-out probes of a knowledge base, take in the user's own.

Files: probes.jsonl (built, held out of training), choices.jsonl (multiple choice, on questions of
the built ones) and own_probes.jsonl (the user's, where given).
Wordings that training frames have come to share are dropped here and counted, so that a catalogue
that users edit can never leak a probe.
"""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path

from identity_ops.errors import ConfigError
from identity_ops.knowledge import read_knowledge
from identity_ops.probes.build import build_probes
from identity_ops.probes.choices import FILE as CHOICES
from identity_ops.probes.choices import ChoiceProbe, build_choices
from identity_ops.probes.files import BUILT, OWN, fingerprint, read_user_probes
from identity_ops.probes.frames import collisions, identity_frames
from identity_ops.records import Probe, write_jsonl
from identity_ops.store import manifest as manifests
from identity_ops.store.manifest import Manifest, canonical_hash, file_hash
from identity_ops.store.stage import Outcome, run_stage
from identity_ops.teachers.template.frames import user_frames

log = logging.getLogger(__name__)
VERSION = 2  # of wordings and grading; figures of one version can be compared
LEAST_IDENTITY = 100  # name and creator probes, below which the gate's interval means little


def probes_stage(
    lint_dir: Path, out: Path, *, seed: int = 0, extra: Path | None = None, force: bool = False
) -> Manifest:
    """Commit the probes of a linted knowledge base.

    Args:
        extra: the user's JSONL probe file.

    Raises:
        DataError: lines of `extra` that are no probes, all at once.
        ConfigError: training wordings cover nearly all name and creator wordings.
    """
    own = read_user_probes(extra) if extra else []
    config = {
        "version": VERSION,
        "seed": seed,
        "training_frames": canonical_hash(sorted(user_frames())),
    }
    inputs = {"lint": manifests.load(lint_dir).digest}
    if extra:
        inputs["extra"] = file_hash(extra)

    def work(folder: Path) -> Outcome:
        knowledge = read_knowledge(lint_dir)
        dropped = collisions(identity_frames(), user_frames())
        for frame, shared in dropped.items():
            log.warning("probes: not asking %r, training uses the words %r", frame, shared)
        built = build_probes(knowledge, seed=seed, dropped=dropped)
        _require_enough(built, bool(knowledge.profile.creators))
        return _commit(folder, built, build_choices(knowledge, built, seed=seed), own, len(dropped))

    return run_stage("probes", out, config, inputs, work, force=force)


def _require_enough(built: list[Probe], has_creator: bool) -> None:
    groups = {"name", "creator"}
    count = sum(probe.category.split("/")[0] in groups for probe in built)
    if count < (LEAST_IDENTITY if has_creator else LEAST_IDENTITY // 2):
        raise ConfigError(
            "too few name and creator probes are left that training does not use",
            expected=LEAST_IDENTITY, got=count,
            todo="Take the probes' wordings out of the catalogue's openers.",
        )  # fmt: skip


def _commit(
    folder: Path, built: list[Probe], choices: list[ChoiceProbe], own: list[Probe], dropped: int
) -> Outcome:
    write_jsonl(folder / BUILT, built)
    write_jsonl(folder / CHOICES, choices)
    files = [BUILT, CHOICES]
    if own:
        write_jsonl(folder / OWN, own)
        files.append(OWN)
    by_group = Counter(probe.category.split("/")[0] for probe in built)
    return Outcome(
        files=files,
        counts={
            "built": len(built),
            "choices": len(choices),
            "own": len(own),
            "dropped_wordings": dropped,
        },
        figures={
            "version": VERSION,
            "fingerprint": fingerprint(built),
            "choices_fingerprint": fingerprint(choices),
            "own_fingerprint": fingerprint(own) if own else "",
            "by_category": dict(sorted(by_group.items())),
        },
    )
