"""Several machines: a hostfile is checked before anything starts, and DeepSpeed's launcher runs."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import pytest

from identity_ops import hostfile, launch
from identity_ops.errors import ConfigError, DataError
from identity_ops.store import manifest as manifests
from identity_ops.trainer import TrainSettings, train_command, train_stage
from tests.training.small import small_rows, write_mixture
from tests.training.test_sft import losses


def write(folder: Path, text: str) -> Path:
    path = folder / "hosts"
    path.write_text(text)
    return path


def test_hosts_and_their_slots_are_read(tmp_path: Path) -> None:
    """Comments and empty lines aside."""
    path = write(tmp_path, "# ours\nnode-1 slots=8\n\n10.0.0.2   slots=4  # older\n")
    assert hostfile.read(path) == (hostfile.Host("node-1", 8), hostfile.Host("10.0.0.2", 4))
    assert hostfile.processes(path) == 12


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "without a host"),
        ("# nothing\n", "without a host"),
        ("a slots=1\nb\n", r"hosts:2: not a host.*got b"),
        ("a slots=0", "not a host"),
        ("a slots=2 extra", "not a host"),
        ("-oProxyCommand=x slots=1", "not a host"),
        ("a;reboot slots=1", "not a host"),
        ("a slots=1\nb slots=1\na slots=2", r"hosts:3: a host twice \(got a\)"),
    ],
)
def test_what_is_no_hostfile_is_refused_by_line(text: str, says: str, tmp_path: Path) -> None:
    """Names end up on a command line of ssh."""
    with pytest.raises(ConfigError, match=says):
        hostfile.read(write(tmp_path, text))
    with pytest.raises(ConfigError, match="no hostfile"):
        hostfile.read(tmp_path / "gone")


def resolve(recipe: Path, hosts: Path, processes: int = 1) -> TrainSettings:
    return TrainSettings.resolve(
        "tiny", recipe=str(recipe), hosts=hosts, num_processes=processes, zero_stage=1
    )


def test_slots_are_the_processes(recipe: Path, tmp_path: Path) -> None:
    """The batch must divide by them, and another number beside them is a mistake."""
    hosts = write(tmp_path, "a slots=2\nb slots=2")
    assert resolve(recipe, hosts).num_processes == 4
    with pytest.raises(ConfigError, match="differ"):
        resolve(recipe, hosts, 3)
    with pytest.raises(ConfigError, match="does not divide"):
        resolve(recipe, write(tmp_path, "a slots=3"))


def test_several_hosts_go_through_ssh_or_say_what_is_missing(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command is DeepSpeed's; without pdsh there is a word on how to get it."""
    hosts = write(tmp_path, "a slots=1\nb slots=1")
    how = resolve(recipe, hosts)
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    with pytest.raises(ConfigError, match=r"no ssh and no pdsh.*apt-get install"):
        train_command(tmp_path, tmp_path, tmp_path, how)
    for name in ("ssh", "pdsh"):
        (programs / name).write_text("")
        (programs / name).chmod(0o755)
    command = train_command(tmp_path, tmp_path, tmp_path, how)
    assert command[:4] == ["-m", "deepspeed.launcher.runner", "--hostfile", str(hosts)]
    assert command[4:9] == ["--launcher", "pdsh", "--no_local_rank", "--module", "training.sft"]
    assert command[command.index("--zero-stage") + 1] == "1"


PDSH = """#!{python}
import subprocess, sys
hosts = sys.argv[sys.argv.index("-w") + 1].split(",")
command = " ".join(sys.argv[sys.argv.index("-w") + 2 :])
env = {{"PATH": "/usr/bin:/bin"}}  # as over ssh: nothing of the caller's environment
each = [["/bin/bash", "-c", command.replace("%n", str(n))] for n in range(len(hosts))]
running = [subprocess.Popen(argv, env=env) for argv in each if "pkill" not in command]
sys.exit(max((process.wait() for process in running), default=0))
"""


@pytest.fixture
def two_hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hostfile of two machines, both this one: programs stand in for the network alone."""
    programs = {"ssh": "#!/bin/sh\necho 127.0.0.1\n", "pdsh": PDSH.format(python=sys.executable)}
    (tmp_path / "bin").mkdir()
    for name, text in programs.items():
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return write(tmp_path, "node-a slots=1\nnode-b slots=1\n")


@pytest.mark.long
def test_two_hosts_train_to_the_same_curve(
    two_hosts: Path, reference: Path, base: Path, mixture: Path, recipe: Path, tmp_path: Path
) -> None:
    """By DeepSpeed's launcher for several nodes, each rank started from nothing."""
    train_stage(mixture, base, tmp_path / "out", settings=resolve(recipe, two_hosts))
    assert losses(tmp_path / "out") == pytest.approx(losses(reference), rel=1e-4)
    assert manifests.load(tmp_path / "out").figures["num_processes"] == 2
    assert not launch.marked(launch.marker_of(tmp_path / "out"))


@pytest.mark.long
def test_what_fails_on_another_host_is_told_here(
    two_hosts: Path, base: Path, recipe: Path, tmp_path: Path
) -> None:
    """The very error, although nothing but what is exported reaches the other host."""
    rows = small_rows(0, 20, random.Random(1))
    bare = write_mixture(tmp_path / "mix", rows, rows[:2])
    with pytest.raises(DataError, match="no identity"):
        train_stage(bare, base, tmp_path / "out", settings=resolve(recipe, two_hosts))
    assert not launch.marked(launch.marker_of(tmp_path / "out"))


@pytest.mark.long
def test_deepspeed_s_launcher_trains_to_the_same_curve(
    reference: Path, base: Path, mixture: Path, recipe: Path, tmp_path: Path
) -> None:
    """One host with two slots, really started; nothing is left of it."""
    hosts = write(tmp_path, "localhost slots=2")
    train_stage(mixture, base, tmp_path / "out", settings=resolve(recipe, hosts))
    assert losses(tmp_path / "out") == pytest.approx(losses(reference), rel=1e-4)
    assert not launch.marked(launch.marker_of(tmp_path / "out"))
