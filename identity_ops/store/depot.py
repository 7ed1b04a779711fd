"""Where results go so that other workers find them: nowhere else on one disk, or a bucket.

    IDENTITY_STATE=s3://bucket/folder      beside $IDENTITY_HOME, which is then this worker's copy

    blobs/<sha256>                         the bytes of every file, each once
    results/<stage>/<key>/manifest.json    a result: what counts, and written last
    models/<name>/<version>/manifest.json  a published version, models/<name>/registry.json
    runs/<run>/<stage>.link                which result a stage of a run used; and the run's files
    segments/, leases/                     of results in the making

A result that is interrupted on its way up does not exist; what of it is up is not sent again. What
comes down is compared with its digest. A worker brings down what a stage asks for, when it does;
weights only where a model is needed.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from identity_ops.errors import CorruptError, IdentityError
from identity_ops.store import manifest as manifests
from identity_ops.store.bucket import Bucket
from identity_ops.store.lease import Lease
from identity_ops.store.lock import hold
from identity_ops.store.manifest import FileEntry, Manifest
from identity_ops.store.paths import Home, inside
from identity_ops.store.publish import point, write_atomic
from identity_ops.store.segments import Segments
from identity_ops.store.stage import set_aside

log = logging.getLogger(__name__)
VARIABLE: Final = "IDENTITY_STATE"
LINK: Final = ".link"
WAIT_S: Final = 3600.0  # for another worker that makes the same
BEAT_S: Final = 2.0
AT_ONCE: Final = 8
GROWING: Final = ("responses.jsonl", "ledger.jsonl")  # each line of them was paid for
WEIGHTS: Final = ("base", "train", "publish")  # stages with files that only a model's user needs
WEIGHT_BYTES: Final = 16 << 20


class Depot:
    """The state folder alone: nothing goes anywhere, all that there is is here."""

    @contextlib.contextmanager
    def making(self, folder: Path) -> Iterator[None]:  # noqa: ARG002 - the interface's
        """The result is made in the block by one worker, or found to be there already."""
        yield

    def point(self, link: Path, folder: Path) -> None:
        """A stage of a run used this result."""
        point(link, folder)

    def find(self, link: Path) -> None:
        """Bring down what a stage of a run used, if it is not here."""

    def gather(self, run: Path) -> None:
        """Bring down all that a run has committed, but for weights."""

    def complete(self, folder: Path) -> None:
        """Bring down what is missing of a result or version, weights too."""

    def forget(self, run: Path) -> None:
        """A part of a run does not count any more."""

    def share(self, path: Path) -> None:
        """Other workers may want this file."""

    def fetch(self, path: Path) -> None:
        """Bring down a shared file, if there is a newer one."""

    def fetch_models(self, name: str) -> None:
        """Bring down a model's registry and versions, but for weights."""

    def publish(self, version: Path) -> None:
        """Bring up a published version, then its model's registry."""

    def refresh(self) -> None:
        """Bring down every run and model that changed, but for weights."""


class BucketDepot(Depot):
    """A state folder whose results are shared through a bucket."""

    def __init__(self, home: Home, bucket: Bucket) -> None:
        self.home, self.bucket = home, bucket
        self._found: set[Path] = set()
        self._seen: dict[tuple[str, str], dict[str, str]] = {}
        self._one = threading.Lock()

    @contextlib.contextmanager
    def making(self, folder: Path) -> Iterator[None]:
        name = self._name(folder)
        lease = Lease(self.bucket, f"leases/{name}")
        lease.acquire(WAIT_S)
        try:
            self._pull(folder, light=False)
            seen = self.bucket.get(f"{name}/{manifests.FILE_NAME}")
            grown = Segments(self.bucket, folder, f"segments/{name}", GROWING)
            if seen is None:
                grown.restore()
            with _beating(lease, grown):
                yield
            self._push(folder, seen[1] if seen else None)
            grown.remove()
        finally:
            lease.release()

    def point(self, link: Path, folder: Path) -> None:
        point(link, folder)
        self.bucket.put(self._name(link) + LINK, self._name(folder).encode())
        self._found.add(link)

    def find(self, link: Path) -> None:
        with self._one:
            if link not in self._found and self._follow(link, light=False):
                self._found.add(link)

    def gather(self, run: Path) -> None:
        there = [self.home.root / name for name in self.bucket.names(self._name(run))]
        links = [path.with_suffix("") for path in there if path.suffix == LINK]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda link: self._follow(link, light=True), links))
            list(pool.map(self.fetch, [path for path in there if path.suffix != LINK]))
        rounds = {link.relative_to(run).parts[1] for link in links if "rounds" in link.parts}
        for old in run.glob("rounds/*"):
            if old.name not in rounds:
                shutil.rmtree(old)

    def complete(self, folder: Path) -> None:
        self._pull(folder, light=False)

    def forget(self, run: Path) -> None:
        if names := list(self.bucket.names(self._name(run))):
            self.bucket.delete(*names)

    def share(self, path: Path) -> None:
        if path.exists():
            self.bucket.put(self._name(path), path)

    def fetch(self, path: Path) -> None:
        found = self.bucket.get(self._name(path))
        if found and not (path.exists() and path.read_bytes() == found[0]):
            write_atomic(path, found[0])

    def fetch_models(self, name: str) -> None:
        model = self.home.model(name)
        there = self.bucket.names(self._name(model))
        for version in {Path(each).parent.name for each in there} - {model.name}:
            self._pull(model / version, light=True)
        self.fetch(model / "registry.json")

    def publish(self, version: Path) -> None:
        self._push(version, None)
        self.share(version.parent / "registry.json")

    def refresh(self) -> None:
        for top in ("models", "runs"):
            groups: dict[str, dict[str, str]] = {}
            for name, tag in self.bucket.names(top).items():
                groups.setdefault(name.split("/")[1], {})[name] = tag
            for name, tags in groups.items():
                if self._seen.get((top, name)) != tags:
                    self._bring(top, name)
                    self._seen[top, name] = tags

    def _bring(self, top: str, name: str) -> None:
        if top == "models":
            self.fetch_models(name)
        else:
            self.gather(self.home.root / top / name)

    def _follow(self, link: Path, *, light: bool) -> bool:
        """Have `link` point at what it points at in the bucket; False where it is not there."""
        found = self.bucket.get(self._name(link) + LINK)
        if found is None:
            return False
        folder = inside(found[0].decode(), [self.home.root], "a link in the bucket")
        if not self._pull(folder, light=light):
            raise CorruptError(
                "a run's stage points at a result that is not there",
                where=f"{self.bucket.url}/{self._name(link)}{LINK}", got=found[0].decode(),
                todo="Clear the task of that stage.",
            )  # fmt: skip
        if link.resolve() != folder:
            point(link, folder)
        return True

    def _pull(self, folder: Path, *, light: bool) -> bool:
        """Bring down a result; False where the bucket has none."""
        found = self.bucket.get(f"{self._name(folder)}/{manifests.FILE_NAME}")
        if found is None:
            return False
        there = _parsed(found[0], f"{self.bucket.url}/{self._name(folder)}")
        with self._held(folder):
            is_here = (folder / manifests.FILE_NAME).exists()
            if is_here and manifests.load(folder, verify=False).digest != there.digest:
                set_aside(folder)
                is_here = False
            wanted = _without_weights(there) if light else there.files
            with ThreadPoolExecutor(AT_ONCE) as pool:
                missing = [entry for entry in wanted if not _has(folder, entry)]
                list(pool.map(lambda entry: self._download(folder, entry), missing))
            if not is_here:
                write_atomic(folder / manifests.FILE_NAME, found[0])
        return True

    def _download(self, folder: Path, entry: FileEntry) -> None:
        path = inside(entry.path, [folder], "a file in a manifest")
        self.bucket.download(_blob(entry), path, entry.sha256)

    def _push(self, folder: Path, seen: str | None) -> None:
        """Bring up a result. Where another worker was first, theirs is taken, and ours kept aside.

        Args:
            seen: tag of the manifest that it takes the place of.
        """
        name = f"{self._name(folder)}/{manifests.FILE_NAME}"
        raw = (folder / manifests.FILE_NAME).read_bytes()
        there = self.bucket.get(name)
        if there and _digest(there[0]) == _digest(raw):
            return
        with ThreadPoolExecutor(AT_ONCE) as pool:
            entries = Manifest.model_validate_json(raw).files
            list(pool.map(lambda entry: self._upload(folder, entry), entries))
        if self.bucket.put_if(name, raw, seen) is None:
            log.warning("%s: another worker was first; its result is taken", name)
            self._pull(folder, light=False)

    def _upload(self, folder: Path, entry: FileEntry) -> None:
        """A file's bytes, unless they are up: an object of another size was torn."""
        if self.bucket.size(_blob(entry)) != entry.bytes:
            self.bucket.put(_blob(entry), folder / entry.path)

    def _name(self, path: Path) -> str:
        there = path.parent.resolve() / path.name  # a link is named, not what it points at
        return there.relative_to(self.home.root.resolve()).as_posix()

    def _held(self, folder: Path) -> contextlib.AbstractContextManager[None]:
        """No stage works in the folder meanwhile. In a published version none ever does."""
        if self._name(folder).startswith("models/"):
            return contextlib.nullcontext()
        return hold(folder / ".lock", wait_s=WAIT_S)


def depot_of(home: Home) -> Depot:
    """The bucket that IDENTITY_STATE names; without it the state folder alone.

    Raises:
        ConfigError: not the address of a bucket.
    """
    url = os.environ.get(VARIABLE, "").strip()
    return BucketDepot(home, Bucket(url)) if url else Depot()


@contextlib.contextmanager
def _beating(lease: Lease, grown: Segments) -> Iterator[None]:
    """In the block the lease is kept alive and what grows is brought up; all of it at the end."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(BEAT_S):
            _tried(lease.beat)
            _tried(grown.push)

    thread = threading.Thread(target=beat, name="identity-ops-depot", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        _tried(lambda: grown.push(now=True))


def _tried(what: Callable[[], object]) -> None:
    """A store that is away for a moment must not end what is being paid for or trained."""
    try:
        what()
    except IdentityError as error:
        log.warning("%s", error)


def _without_weights(found: Manifest) -> Sequence[FileEntry]:
    if found.stage not in WEIGHTS:
        return found.files
    return [entry for entry in found.files if entry.bytes <= WEIGHT_BYTES]


def _has(folder: Path, entry: FileEntry) -> bool:
    path = folder / entry.path
    return path.is_file() and path.stat().st_size == entry.bytes


def _blob(entry: FileEntry) -> str:
    return f"blobs/{entry.sha256[:2]}/{entry.sha256}"


def _digest(raw: bytes) -> str:
    return Manifest.model_validate_json(raw).digest


def _parsed(raw: bytes, where: str) -> Manifest:
    try:
        return Manifest.model_validate_json(raw)
    except ValidationError as error:
        raise CorruptError(
            f"unreadable manifest: {error.errors()[0]['msg']}", where=where,
            todo="Delete the object and run its stage again.",
        ) from error  # fmt: skip
