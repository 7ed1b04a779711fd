"""Two workers without a common disk: what one made the other finds, whole or not at all."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from identity_ops import registry
from identity_ops.errors import BusyError, CorruptError, DataError
from identity_ops.pipeline import Run
from identity_ops.store import depot as module
from identity_ops.store import manifest as manifests
from identity_ops.store.bucket import Bucket
from identity_ops.store.depot import BucketDepot
from identity_ops.store.lease import Lease
from identity_ops.store.paths import Home
from identity_ops.store.segments import Segments
from identity_ops.store.stage import set_aside
from tests.a_run import KNOWLEDGE, commit

STAGES = ("lint", "plan", "generate/0000", "generate/0001", "refill", "curate")


@pytest.fixture
def homes(tmp_path: Path) -> tuple[Home, Home]:
    """Two workers' state folders; the knowledge base is on both, as code is."""
    made = Home(tmp_path / "a"), Home(tmp_path / "b")
    for home in made:
        home.root.mkdir()
    return made


def _made(home: Home, bucket: Bucket, files: dict[str, str], key: str = "k1") -> Path:
    """A result that is committed here and up."""
    folder = home.result("demo", key)
    depot = BucketDepot(home, bucket)
    with depot.making(folder):
        commit(folder, "demo", files)
    depot.point(home.run("r", "demo"), folder)
    return folder


def test_each_stage_on_another_worker(
    homes: tuple[Home, Home], bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chain up to its data, every stage on the worker that did not make the one before; a
    second run there makes nothing again."""
    monkeypatch.setenv("IDENTITY_ALLOWED_ROOTS", str(tmp_path))
    (tmp_path / "kb.md").write_text(KNOWLEDGE)
    conf = {"knowledge": str(tmp_path / "kb.md"), "num_conversations": 8, "batch_size": 4}
    for number, stage in enumerate(STAGES):
        run, (name, _, batch) = Run("r1", conf, homes[number % 2]), stage.partition("/")
        ref = run.generate(int(batch)) if batch else getattr(run, name)()
        assert str(homes[number % 2].root) in ref["manifest"]
    times = [run.manifest(stage).started_at for stage in STAGES]
    time.sleep(1.1)  # a time is in seconds
    again = Run("r2", conf, homes[0])
    for stage in STAGES:
        name, _, batch = stage.partition("/")
        _ = again.generate(int(batch)) if batch else getattr(again, name)()
    assert [again.manifest(stage).started_at for stage in STAGES] == times
    assert not bucket.names("leases")
    assert not bucket.names("segments")


def test_a_run_is_gathered_with_its_files_and_without_weights(
    homes: tuple[Home, Home], bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a report on another worker; a stage that needs the weights brings them down."""
    monkeypatch.setattr(module, "WEIGHT_BYTES", 10)
    first, second = homes
    depot, folder = BucketDepot(first, bucket), first.result("train", "k")
    with depot.making(folder):
        commit(folder, "train", {"model.pt": "weights " * 9, "log.jsonl": "{}"})
    depot.point(first.run("r", "train"), folder)
    first.run("r").joinpath("run.json").write_text("{}")
    depot.share(first.run("r") / "run.json")
    other = BucketDepot(second, bucket)
    other.gather(second.run("r"))
    there = second.run("r", "train")
    assert (second.run("r") / "run.json").read_text() == "{}"
    assert (there / "log.jsonl").exists()
    assert not (there / "model.pt").exists()
    other.find(there)
    manifests.load(there)


def test_an_upload_killed_on_its_way_counts_for_nothing_and_goes_on(
    homes: tuple[Home, Home], bucket: Bucket, tmp_path: Path
) -> None:
    """kill -9 before the manifest is up: nobody sees a result; the retry sends only what is
    missing."""
    folder = homes[0].result("demo", "k1")
    commit(folder, "demo", {f"part-{n}": f"{n}" * 1000 for n in range(5)})
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from identity_ops.store.depot import BucketDepot, depot_of\n"
        "from identity_ops.store.paths import Home\n"
        "depot, sent = depot_of(Home(Path(sys.argv[1]))), []\n"
        "def put(name, data, real=depot.bucket.put):\n"
        "    if len(sent) == 3: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    sent.append(name)\n"
        "    real(name, data)\n"
        "depot.bucket.put = put\n"
        "import identity_ops.store.depot as module\n"
        "module.AT_ONCE = 1\n"
        "with depot.making(Path(sys.argv[2])): pass\n"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(homes[0].root), str(folder)],
                            check=False, timeout=60)  # fmt: skip
    assert killed.returncode == -signal.SIGKILL
    up = bucket.names("blobs")
    assert len(up) == 3
    assert not BucketDepot(homes[1], bucket)._pull(homes[1].result("demo", "k1"), light=False)
    bucket.delete(*bucket.names("leases"))  # else it is waited for until it counts as dead
    with BucketDepot(homes[0], bucket).making(folder):
        pass
    assert {name: tag for name, tag in bucket.names("blobs").items() if name in up} == up
    assert BucketDepot(homes[1], bucket)._pull(homes[1].result("demo", "k1"), light=False)
    manifests.load(homes[1].result("demo", "k1"))


def test_a_torn_object_is_never_taken_and_is_sent_again(
    homes: tuple[Home, Home], bucket: Bucket
) -> None:
    """Not down: its digest differs. And up anew, by whoever has the right bytes."""
    folder = _made(homes[0], bucket, {"out": "the whole text"})
    (blob,) = bucket.names("blobs")
    bucket.put(blob, b"the whole t")
    with pytest.raises(CorruptError, match="differs from its manifest"):
        BucketDepot(homes[1], bucket).find(homes[1].run("r", "demo"))
    assert not (homes[1].result("demo", "k1") / "manifest.json").exists()
    bucket.delete("results/demo/k1/manifest.json")
    with BucketDepot(homes[0], bucket).making(folder):
        pass
    BucketDepot(homes[1], bucket).find(homes[1].run("r", "demo"))
    assert (homes[1].run("r", "demo") / "out").read_text() == "the whole text"


def test_of_two_different_results_the_first_counts(
    homes: tuple[Home, Home], bucket: Bucket
) -> None:
    """A worker that lost its lease and made something else takes theirs, and keeps its own."""
    _made(homes[0], bucket, {"out": "first"})
    late = homes[1].result("demo", "k1")
    commit(late, "demo", {"out": "second"})
    BucketDepot(homes[1], bucket)._push(late, None)
    assert (late / "out").read_text() == "first"
    assert [path.read_text() for path in late.glob(".replaced-*/out")] == ["second"]


def test_a_result_made_again_takes_the_place_of_the_old_one(
    homes: tuple[Home, Home], bucket: Bucket
) -> None:
    """`force`, or a shortfall that was filled: the other worker finds the new one."""
    folder = _made(homes[0], bucket, {"out": "old"})
    BucketDepot(homes[1], bucket).find(homes[1].run("r", "demo"))
    with BucketDepot(homes[0], bucket).making(folder):
        set_aside(folder)
        commit(folder, "demo", {"out": "new"})
    BucketDepot(homes[1], bucket).find(homes[1].run("r", "demo"))
    assert (homes[1].run("r", "demo") / "out").read_text() == "new"


def test_a_manifest_cannot_write_outside_its_folder(
    homes: tuple[Home, Home], bucket: Bucket
) -> None:
    """Whoever may write to the bucket may not write to workers' disks."""
    _made(homes[0], bucket, {"out": "x"})
    raw, _ = bucket.get("results/demo/k1/manifest.json") or (b"", "")
    bad = json.loads(raw)
    bad["files"][0]["path"] = "../../../../planted"
    bucket.put("results/demo/k1/manifest.json", json.dumps(bad).encode())
    with pytest.raises(Exception, match="leaves the folders"):
        BucketDepot(homes[1], bucket).find(homes[1].run("r", "demo"))
    bucket.put("runs/r/demo.link", b"../../etc")
    with pytest.raises(Exception, match="leaves the folders"):
        BucketDepot(homes[1], bucket).find(homes[1].run("r", "demo"))


def test_a_stage_that_no_worker_made_is_said_to_be_missing(
    homes: tuple[Home, Home], bucket: Bucket
) -> None:
    with pytest.raises(DataError, match=r"stage plan has no result.*Run plan first"):
        Run("r1", {}, homes[0]).path("plan")


def test_answers_of_a_lost_worker_are_not_paid_for_again(
    homes: tuple[Home, Home], bucket: Bucket
) -> None:
    """What was up is continued elsewhere; half a line is not; a worker's own lines stay."""
    names = ("log.jsonl",)
    a, b = (home.result("generate", "k") for home in homes)
    a.mkdir(parents=True)
    b.mkdir(parents=True)
    up = Segments(bucket, a, "segments/k", names)
    (a / "log.jsonl").write_text('{"n":1}\n{"n":2}\n{"n"')
    up.push(now=True)
    (a / "log.jsonl").write_text('{"n":1}\n{"n":2}\n{"n":3}\n')
    up.push()  # one line, a moment later: not yet
    (b / "log.jsonl").write_text('{"n":7}\n{"n":2}\n')
    down = Segments(bucket, b, "segments/k", names)
    down.restore()
    assert (b / "log.jsonl").read_text() == '{"n":1}\n{"n":2}\n{"n":7}\n'
    down.push(now=True)
    third = Segments(bucket, a, "segments/k", names)
    third.restore()
    assert (a / "log.jsonl").read_text() == '{"n":1}\n{"n":2}\n{"n":7}\n{"n":3}\n'
    third.remove()
    assert not bucket.names("segments")


def test_one_worker_makes_while_the_other_waits(homes: tuple[Home, Home], bucket: Bucket) -> None:
    """The second finds the first's result instead of making (and paying for) its own."""
    made: list[str] = []

    def work(home: Home) -> None:
        with BucketDepot(home, bucket).making(home.result("demo", "k1")):
            if not (home.result("demo", "k1") / "manifest.json").exists():
                made.append(str(home.root))
                time.sleep(0.5)
                commit(home.result("demo", "k1"), "demo", {"out": "x"})

    threads = [threading.Thread(target=work, args=[home]) for home in homes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert all((home.result("demo", "k1") / "out").exists() for home in homes)


def test_a_dead_worker_s_lease_is_taken_over_and_a_living_one_s_is_not(bucket: Bucket) -> None:
    """Silence decides; the old holder learns that it lost."""
    first, second = (Lease(bucket, "leases/x", ttl_s=0.6) for _ in range(2))
    first.acquire(0)
    for _ in range(4):
        assert first.beat()
        with pytest.raises(BusyError, match=f"process {os.getpid()}"):
            second.acquire(0.2)
    second.acquire(5)
    assert not first.beat()
    first.release()
    assert second.beat()
    second.release()
    assert not bucket.names("leases")


def test_pages_on_another_host_show_what_workers_brought_up(
    homes: tuple[Home, Home], bucket: Bucket
) -> None:
    """Runs and models, without weights; a model that is promoted there is checked in full, and
    the promotion reaches the worker."""
    first, second = homes
    versions = {name: first.model("Wren", name) for name in ("v0001-0123abcd", "v0002-4567cdef")}
    for name, folder in versions.items():
        commit(folder, "publish", {"model.pt": f"weights of {name} " * 9, "README.md": name})
    for folder in versions.values():
        (folder / ".lock").unlink()
        BucketDepot(first, bucket).publish(folder)
    _made(first, bucket, {"out": "x"})
    BucketDepot(second, bucket).refresh()
    assert (second.run("r", "demo") / "out").exists()
    assert registry.versions(second, "Wren") == list(versions)
    registry.promote(second, "Wren", "1")
    BucketDepot(first, bucket).refresh()
    assert registry.promoted(first, "Wren") == "v0001-0123abcd"
    assert registry.verify(first, "Wren", "v0002-4567cdef").stage == "publish"
