"""Processes are found by their marker and ended, whatever they do about it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from identity_ops import launch
from identity_ops.errors import ConfigError, CrashError, TrainingError, TransientError

# Ignores TERM, and has a child in another session that does too.
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if len(sys.argv) < 2:
    subprocess.Popen([sys.executable, __file__, "child"], start_new_session=True)
print("up", flush=True)
time.sleep(100)
"""


@pytest.fixture
def stubborn(tmp_path: Path) -> Path:
    path = tmp_path / "stubborn.py"
    path.write_text(STUBBORN)
    return path


def start(script: Path, marker: str) -> subprocess.Popen[bytes]:
    env = launch.environment(marker, Path(os.devnull))
    process = subprocess.Popen([sys.executable, str(script)], env=env, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while len(launch.marked(marker)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return process


def test_stop_ends_what_ignores_term_in_any_session(stubborn: Path) -> None:
    """The grandchild in its own session is found by its environment, not by its group."""
    process = start(stubborn, "marker-a")
    assert launch.stop("marker-a", grace_s=0.2) == 2
    assert process.wait() == -signal.SIGKILL
    assert launch.marked("marker-a") == []


def test_stop_leaves_processes_of_another_marker(stubborn: Path) -> None:
    """Two trainings on one machine do not end each other."""
    process = start(stubborn, "marker-b")
    assert launch.stop("marker-c", grace_s=0.1) == 0
    assert process.poll() is None
    launch.reap("marker-b")
    process.wait()


def test_leftovers_of_an_earlier_attempt_are_ended_first(stubborn: Path, tmp_path: Path) -> None:
    """A retry finds the orphan by the folder it trains into."""
    marker = launch.marker_of(tmp_path / "out")
    orphan = start(stubborn, marker)
    seen: list[str] = []
    launch.run(["-c", "print('fresh')"], marker=marker, log=tmp_path / "log", on_line=seen.append)
    assert orphan.wait() == -signal.SIGKILL
    assert seen == ["fresh"]


def test_nothing_is_left_when_the_launcher_ends_before_its_children(tmp_path: Path) -> None:
    """As when torchrun dies: its ranks have sessions of their own."""
    script = (
        "import subprocess, sys;"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'],"
        " start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)"
    )
    launch.run(["-c", script], marker="marker-d", log=tmp_path / "log")
    assert launch.marked("marker-d") == []


REPORTING = """
import os
from pathlib import Path
from identity_ops.errors import ConfigError
from identity_ops.launch import ERROR_FILE, write_error
for what in ("the first", "the second"):
    write_error(Path(os.environ[ERROR_FILE]), ConfigError(what, where="here", expected=1, got=2))
raise SystemExit(1)
"""


def test_the_process_s_own_error_is_raised(tmp_path: Path) -> None:
    """With its class and its parts; the first of several ranks wins."""
    with pytest.raises(ConfigError) as caught:
        launch.run(["-c", REPORTING], marker="marker-e", log=tmp_path / "log")
    assert str(caught.value) == "here: the first (expected 1, got 2)"


def test_a_crash_is_told_by_its_last_line_and_the_log_keeps_the_rest(tmp_path: Path) -> None:
    """Standard error goes there too."""
    with pytest.raises(TrainingError, match="code 3: the reason"):
        launch.run(
            ["-c", "import sys; print('start'); print('the reason', file=sys.stderr); sys.exit(3)"],
            marker="marker-f", log=tmp_path / "log",
        )  # fmt: skip
    assert (tmp_path / "log").read_text().splitlines()[1:] == ["start", "the reason"]


def test_a_kill_from_outside_is_transient(tmp_path: Path) -> None:
    """Out of memory, for instance: the next attempt resumes."""
    script = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    with pytest.raises(TransientError, match="signal 9"):
        launch.run(["-c", script], marker="marker-g", log=tmp_path / "log")


TORCHRUN = ["-m", "torch.distributed.run", "--rdzv-endpoint", "127.0.0.1:0",
            "--rdzv-backend", "c10d", "--nproc-per-node", "2"]  # fmt: skip
FIRST_DIES = """
import os, time
if os.environ["RANK"] == "0":
    os.write(2, b"terminate called after throwing\\n  what():  8 vs 4\\n")
    os.kill(os.getpid(), {})
time.sleep(60)
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGABRT])
def test_a_rank_ended_by_a_signal_is_transient(tmp_path: Path, number: signal.Signals) -> None:
    """torchrun itself ends with 1; its report is read for the signal, what came before for why."""
    script = tmp_path / "rank.py"
    script.write_text(FIRST_DIES.format(int(number)))
    told = rf"signal {int(number)} \(.+\), after: .*throwing / what\(\):  8 vs 4\. Run it again"
    with pytest.raises(TransientError, match=told):
        launch.run([*TORCHRUN, str(script)], marker="marker-s", log=tmp_path / "log", processes=2)


CRASHING = """
import os, signal, sys
from pathlib import Path
from identity_ops.errors import ConfigError, TransientError
from identity_ops.launch import ERROR_FILE, write_error
starts = Path(sys.argv[1])
starts.write_text(starts.read_text() + "." if starts.exists() else ".")
reported, crashes = sys.argv[2:]
if reported != "nothing":
    write_error(Path(os.environ[ERROR_FILE]), globals()[reported]("as reported"))
if len(starts.read_text()) <= int(crashes):
    os.write(2, b"free(): invalid pointer\\n")
    os.kill(os.getpid(), signal.SIGABRT)
Path(os.environ[ERROR_FILE]).unlink(missing_ok=True)
"""


@pytest.mark.parametrize("reported", ["nothing", "TransientError"])
def test_a_crash_is_given_one_more_start(tmp_path: Path, reported: str) -> None:
    """Also where another rank reported that it had lost its connection to the crashed one."""
    starts, said = tmp_path / "starts", list[str]()
    launch.run(
        ["-c", CRASHING, str(starts), reported, "1"], marker="marker-j", log=tmp_path / "log",
        on_line=said.append,
    )  # fmt: skip
    assert starts.read_text() == ".."
    assert said[-1].startswith("a process was ended by signal 6")
    assert said[-1].endswith("after: free(): invalid pointer; starting once more")


@pytest.mark.parametrize(
    ("reported", "kind", "times"), [("nothing", CrashError, 2), ("ConfigError", ConfigError, 1)]
)
def test_no_third_start_and_none_against_a_known_error(
    tmp_path: Path, reported: str, kind: type[Exception], times: int
) -> None:
    """What crashes twice would crash again, and a wrong setting does not mend itself."""
    starts = tmp_path / "starts"
    argv = ["-c", CRASHING, str(starts), reported, "9"]
    with pytest.raises(kind):
        launch.run(argv, marker="marker-k", log=tmp_path / "log")
    assert len(starts.read_text()) == times


UNFORESEEN = """
from training.ranks import reported_errors
with reported_errors():
    raise {error}
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("error", "kind", "told"),
    [
        ("KeyError('wte')", TrainingError, "KeyError: 'wte'"),
        ("ValueError", TrainingError, "ValueError: no text"),
        ("MemoryError", TrainingError, "out of memory: no text.*micro_rows"),
        ("__import__('torch').distributed.DistError", TransientError, "no text.*micro_rows"),
        ("RuntimeError('[pair.cc:547] gloo: closed by peer')", TransientError, "closed by peer"),
        ("__import__('torch').distributed.DistBackendError('x')", TransientError, "connection"),
        ("RuntimeError('mmap: can\\'t allocate memory')", TrainingError, "out of memory"),
    ],
)
def test_an_error_that_nobody_foresaw_is_told_too(
    tmp_path: Path, error: str, kind: type[Exception], told: str
) -> None:
    """In words, not as the last line of torchrun's frame; whether a retry may help is known."""
    argv = ["-c", UNFORESEEN.format(error=error)]
    with pytest.raises(kind, match=told):
        launch.run(argv, marker="marker-u", log=tmp_path / "log")


def test_a_broken_callback_leaves_no_process(tmp_path: Path) -> None:
    """Whatever happens in this process, the child is ended."""

    def broken(line: str) -> None:
        raise ValueError(line)

    script = "import time; print('x', flush=True); time.sleep(60)"
    with pytest.raises(ValueError, match="x"):
        launch.run(["-c", script], marker="marker-h", log=tmp_path / "log", on_line=broken)
    assert launch.marked("marker-h") == []


def test_keys_do_not_reach_the_trainer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It has no use for them, and its environment can be read by others of the same user."""
    for name in (*launch.SECRETS, "AIRFLOW_CONN_OPENAI_DEFAULT", "AIRFLOW__CORE__FERNET_KEY"):
        monkeypatch.setenv(name, "sk-secret")
    seen: list[str] = []
    script = "import json, os; print(json.dumps(sorted(os.environ.values())))"
    launch.run(["-c", script], marker="marker-i", log=tmp_path / "log", on_line=seen.append)
    assert "sk-secret" not in json.loads(seen[0])


@pytest.mark.parametrize("processes", [1, 2, 64])
def test_all_cores_but_one_are_shared_among_the_processes(tmp_path: Path, processes: int) -> None:
    """Two ranks with all cores each are slower than one, and so are threads without a core."""
    cores = len(psutil.Process().cpu_affinity())
    env = launch.environment("m", tmp_path, processes=processes)
    assert int(env["OMP_NUM_THREADS"]) == max(1, (cores - 1) // processes)
