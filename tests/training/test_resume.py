"""Going on with other processes, with a full disk, out of memory; the best model is kept."""

from __future__ import annotations

import contextlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import torch

from identity_ops import launch
from identity_ops.errors import TransientError
from identity_ops.store import disk
from identity_ops.store import manifest as manifests
from identity_ops.trainer import train_stage
from tests.training.small import row, small_rows, talk, write_mixture
from tests.training.test_sft import losses, settings, steps_logged, wait_for, weights
from training import best, checkpoint

WORLDS = [(0, 1, 2), (1, 2, 1), (2, 1, 2), (2, 2, 1), (3, 1, 2), (3, 2, 1)]


def ranks_of(out: Path) -> list[psutil.Process]:
    """Without torchrun, which has the module's name in its command too."""
    found = []
    for process in launch.marked(launch.marker_of(out)):
        with contextlib.suppress(psutil.NoSuchProcess):
            command = process.cmdline()
            if "training.sft" in command and "torch.distributed.run" not in command:
                found.append(process)
    return found


def kill(out: Path, number: int = signal.SIGKILL) -> None:
    for process in ranks_of(out):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


@contextlib.contextmanager
def after_step(step: int, out: Path, act: Callable[[], None]) -> Iterator[None]:
    """Act as soon as so many steps are logged, while the body runs."""

    def watch() -> None:
        wait_for(lambda: steps_logged(out) >= step)
        act()

    thread = threading.Thread(target=watch)
    thread.start()
    yield
    thread.join()


@pytest.mark.long
@pytest.mark.parametrize(("stage", "before", "after"), WORLDS)
def test_a_killed_training_goes_on_with_another_number_of_processes(
    stage: int, before: int, after: int, reference: Path, base: Path, mixture: Path, recipe: Path,
    tmp_path: Path,
) -> None:  # fmt: skip
    """In every stage, to the curve and the weights of the undisturbed run."""
    out = tmp_path
    with after_step(4, out, lambda: kill(out)), pytest.raises(TransientError):
        train_stage(mixture, base, out, settings=settings(recipe, stage, before))
    said: list[str] = []
    train_stage(mixture, base, out, settings=settings(recipe, stage, after), on_line=said.append)
    assert any(line.startswith("resuming after step") for line in said)
    assert losses(out) == pytest.approx(losses(reference), rel=1e-4)
    for name, weight in weights(reference).items():
        torch.testing.assert_close(weights(out)[name], weight, rtol=1e-2, atol=2e-3)


@pytest.mark.long
def test_a_crash_in_mid_training_is_made_good(
    reference: Path, base: Path, mixture: Path, recipe: Path, tmp_path: Path
) -> None:
    """The processes abort: training starts once more by itself, to the undisturbed curve."""
    said: list[str] = []
    with after_step(4, tmp_path, lambda: kill(tmp_path, signal.SIGABRT)):
        train_stage(
            mixture, base, tmp_path, settings=settings(recipe, processes=2), on_line=said.append
        )
    assert sum("starting once more" in line for line in said) == 1
    assert any(line.startswith("resuming after step") for line in said)
    assert losses(tmp_path) == pytest.approx(losses(reference), rel=1e-4)


@pytest.mark.long
def test_a_full_disk_leaves_the_checkpoint_before_and_says_so(
    reference: Path, base: Path, mixture: Path, recipe: Path, tmp_path: Path
) -> None:
    """Training goes on without; a kill then costs the steps since that checkpoint, no more."""
    out, said = tmp_path, list[str]()

    def fill() -> None:
        for process in ranks_of(out):
            process.rlimit(psutil.RLIMIT_FSIZE, (100_000, 100_000))

    def kill_when_full(line: str) -> None:
        said.append(line)
        if line.startswith("no checkpoint of step"):
            kill(out)

    with after_step(4, out, fill), pytest.raises(TransientError, match="signal"):
        train_stage(mixture, base, out, settings=settings(recipe), on_line=kill_when_full)
    message = next(line for line in said if line.startswith("no checkpoint of step"))
    assert "File too large; that of step" in message
    assert not list((out / ".snapshots").glob(".building-*"))
    stays = int(message.split("that of step ")[1].split()[0])
    train_stage(mixture, base, out, settings=settings(recipe), on_line=said.append)
    assert f"resuming after step {stays}" in said
    assert losses(out) == losses(reference)


@pytest.mark.long
def test_the_best_model_by_validation_lies_beside_the_last(
    base: Path, recipe: Path, tmp_path: Path
) -> None:
    """Here validation asks the opposite of what is taught, so it soon gets worse."""
    rows = small_rows(60, 40, random.Random(1))
    contrary = [row(f"v{n}", "identity", talk("who you?", "pear house blue")) for n in range(6)]
    mixture = write_mixture(tmp_path / "mix", rows, contrary)
    (tmp_path / "r.toml").write_text(recipe.read_text() + "validations = 4\n")
    out = tmp_path / "out"
    how = settings(tmp_path / "r.toml", epochs=12.0, learning_rate=0.01)
    train_stage(mixture, base, out, settings=how)
    figures = manifests.load(out).figures
    assert figures["best"]["step"] < figures["steps"]
    assert figures["best"]["loss"] < figures["val_after"]["loss"]
    assert checkpoint.find(out / "best").step == figures["best"]["step"]
    assert checkpoint.find(out).step == figures["steps"]
    assert not torch.equal(weights(out)["lm_head.weight"], weights(out / "best")["lm_head.weight"])
    listed = {entry.path for entry in manifests.load(out).files}
    assert listed >= {f"best/{name}" for name in ("tokenizer/tokenizer.pkl",)}


def test_where_the_last_model_is_the_best_there_is_no_other(reference: Path) -> None:
    """One validation, at the end."""
    assert manifests.load(reference).figures["best"] is None
    assert not (reference / "best").exists()


def test_validations_are_evenly_spread_and_the_end_is_not_among_them() -> None:
    """Fewer steps than validations: after each step."""
    assert [step for step in range(1, 13) if best.is_due(step, 12, 4)] == [3, 6, 9]
    assert [step for step in range(1, 8) if best.is_due(step, 7, 3)] == [3, 5]
    assert [step for step in range(1, 4) if best.is_due(step, 3, 10)] == [1, 2]
    assert not any(best.is_due(step, 9, 1) for step in range(1, 10))


REPORTED = """
import torch
from safetensors.torch import save_file
from training.ranks import reported_errors
weights = {"a": torch.zeros(100_000)}
with reported_errors():
"""


@pytest.mark.parametrize(
    ("does", "kind", "says"),
    [
        ("torch.empty(1 << 55)", "TrainingError", "Lower micro_rows"),
        ("save_file(weights, 'x')", "TransientError", "File too large. Free some"),
    ],
)
def test_no_memory_and_no_space_say_what_to_do(
    does: str, kind: str, says: str, tmp_path: Path
) -> None:
    """The real errors, told to whoever started the process."""
    error = tmp_path / "error.json"
    script = REPORTED.replace(
        "with ", "import resource\nresource.setrlimit(7, (5000, 5000))\nwith "
    )
    script = script.replace("setrlimit(7", f"setrlimit({resource.RLIMIT_FSIZE}")
    env = os.environ | {launch.ERROR_FILE: str(error)}
    done = subprocess.run(
        [sys.executable, "-c", f"{script}    {does}\n"], cwd=tmp_path, env=env, text=True,
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert json.loads(error.read_text())["kind"] == kind
    assert says in done.stderr


def test_a_full_disk_is_known_however_a_library_puts_it(tmp_path: Path) -> None:
    """/dev/full stands for one; what has nothing to do with disks is none."""
    with pytest.raises(OSError, match="No space") as system, open("/dev/full", "wb", 0) as out:
        out.write(b"x")
    with pytest.raises((OSError, RuntimeError)) as torchs, open("/dev/full", "wb", 0) as out:
        torch.save({"a": torch.zeros(100_000)}, out)
    assert disk.refusal(system.value) == disk.refusal(torchs.value) == "No space left on device"
    for other in (RuntimeError("shape mismatch"), FileNotFoundError(2, "gone"), ValueError("x")):
        assert disk.refusal(other) is None
