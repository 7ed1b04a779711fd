"""Probe wordings are held out of training, checked against the training frames themselves."""

from __future__ import annotations

import json
from pathlib import Path

from identity_ops.catalogue import read_catalogue
from identity_ops.plan import plan
from identity_ops.probes.frames import collisions, frames, identity_frames
from identity_ops.probes.leaks import LeakFinder, masked_phrases
from identity_ops.teachers.template import TemplateTeacher
from identity_ops.teachers.template.frames import user_frames
from tests.a_run import knowledge_of, probes_of


def test_no_wording_is_shared_with_training() -> None:
    """No shared run of five words and no equal frame, names, nouns and values masked."""
    assert collisions(identity_frames(), user_frames()) == {}


def test_a_shared_wording_would_be_seen() -> None:
    """The check finds equal short frames and five shared words, slots and case aside."""
    training = ["Who made you?", "Tell me what {np} {be}."]
    assert collisions(["WHO MADE YOU"], training)
    assert collisions(["Please tell me what your {noun} is."], training)
    assert not collisions(["Who wrote you?"], training)


def test_there_are_enough_name_and_creator_wordings() -> None:
    """At least 150, over six strata each."""
    for group in (frames().name, frames().creator):
        assert {"direct", "greeting", "typo", "caps", "other_language", "presupposition"} <= set(
            group
        )
    count = sum(len(texts) for g in (frames().name, frames().creator) for texts in g.values())
    assert count >= 150


def test_what_the_teacher_writes_leaks_no_probe(tmp_path: Path) -> None:
    """Not only the frames: whole conversations, openers and small talk included."""
    knowledge = knowledge_of(tmp_path)
    finder = LeakFinder(probes_of(knowledge), masked_phrases(["Thistle"], knowledge.facts))
    teacher = TemplateTeacher(knowledge)
    cells = plan(knowledge, read_catalogue(), num=300, seed=5)
    talks = [json.loads(teacher.complete(cell))["messages"] for cell in cells]
    assert [found for talk in talks if (found := finder.find(talk))] == []
