"""Objects of a bucket: S3 and what speaks its language, Google Cloud Storage, Azure.

Address and credentials come from the environment, as the clouds' own tools read them:
AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, for another server than Amazon's
AWS_ENDPOINT_URL (and AWS_ALLOW_HTTP=true where it has no TLS), or the machine's own identity.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from identity_ops.errors import (
    AuthError,
    ConfigError,
    CorruptError,
    DataError,
    IdentityError,
    TransientError,
)
from identity_ops.store.publish import atomic_file

if TYPE_CHECKING:
    from obstore.store import ObjectStore

log = logging.getLogger(__name__)
SCHEMES: Final = ("s3://", "gs://", "az://")
RETRIES: Final = 4
RETRY_LIMIT: Final = timedelta(seconds=30)
REQUEST_LIMIT: Final = timedelta(seconds=60)
CONNECT_LIMIT: Final = timedelta(seconds=10)


class Bucket:
    """A folder of a bucket. Names are relative to it, with slashes.

    Every write is atomic: a reader sees the old object or the new one, never a part.

    Args:
        url: `s3://bucket/folder`.

    Raises:
        ConfigError: another kind of address, or the extra `s3` is not installed.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._store = _open(self.url)

    def get(self, name: str) -> tuple[bytes, str] | None:
        """The object's bytes and the tag of this version of it; None where there is none."""
        import obstore

        with self._told(name):
            try:
                found = obstore.get(self._store, name)
                return bytes(found.bytes()), found.meta["e_tag"] or ""
            except FileNotFoundError as error:
                _require_bucket(error)
                return None

    def size(self, name: str) -> int | None:
        """Bytes of an object; None where there is none."""
        import obstore

        with self._told(name):
            try:
                return obstore.head(self._store, name)["size"]
            except FileNotFoundError as error:
                _require_bucket(error)
                return None

    def put(self, name: str, data: bytes | Path) -> None:
        """Write an object, or replace it."""
        import obstore

        with self._told(name):
            obstore.put(self._store, name, data)

    def put_if(self, name: str, data: bytes, tag: str | None) -> str | None:
        """Write it if it is still the version of that tag; None as a tag: if there is none.

        Returns:
            The new version's tag; None where somebody else was first.
        """
        import obstore
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        with self._told(name):
            try:
                mode: Any = "create" if tag is None else {"e_tag": tag}
                return obstore.put(self._store, name, data, mode=mode)["e_tag"] or ""
            except (AlreadyExistsError, PreconditionError):
                return None

    def download(self, name: str, path: Path, sha256: str) -> None:
        """Bring an object to `path`, which appears only if its bytes are the right ones.

        Raises:
            CorruptError: there are other bytes.
            DataError: there is no such object.
        """
        import obstore

        digest = hashlib.sha256()
        with self._told(name), atomic_file(path) as out:
            try:
                for piece in obstore.get(self._store, name).stream():
                    digest.update(piece)
                    out.write(piece)
            except FileNotFoundError as error:
                _require_bucket(error)
                raise DataError(
                    "a part of a result is not in the store", where=f"{self.url}/{name}",
                    todo="Run the stage that makes it with `force`.",
                ) from None  # fmt: skip
            if digest.hexdigest() != sha256:
                raise CorruptError(
                    "an object differs from its manifest", where=f"{self.url}/{name}",
                    expected=f"sha256 {sha256[:12]}", got=digest.hexdigest()[:12],
                    todo="Delete the object; run the stage that makes it with `force`.",
                )  # fmt: skip

    def names(self, prefix: str) -> dict[str, str]:
        """Name -> tag of every object below a folder, sorted by name."""
        import obstore

        with self._told(prefix):
            found = obstore.list(self._store, prefix).collect()
        return dict(sorted((meta["path"], meta["e_tag"] or "") for meta in found))

    def delete(self, *names: str) -> None:
        """Remove objects; one that is gone already is no error."""
        import obstore

        with self._told(names[0] if names else ""), contextlib.suppress(FileNotFoundError):
            obstore.delete(self._store, list(names))

    @contextlib.contextmanager
    def _told(self, name: str) -> Iterator[None]:
        """What the store says, in our words; its own hold requests and XML."""
        from obstore.exceptions import BaseError

        try:
            yield
        except (BaseError, FileNotFoundError) as error:
            raise self._in_words(error, f"{self.url}/{name}") from None

    def _in_words(self, error: Exception, where: str) -> IdentityError:
        text = str(error)
        if "403 Forbidden" in text or "401 Unauthorized" in text:
            return AuthError(
                f"the store refuses the credentials ({_code(text)})", where=where,
                todo="Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and what they may do here.",
            )  # fmt: skip
        if "404 Not Found" in text:
            return ConfigError(
                f"no such bucket ({_code(text)})", where=self.url,
                todo="Create it, or correct IDENTITY_STATE.",
            )  # fmt: skip
        line = text.partition("\n")[0][:200]
        return TransientError(
            f"the store does not answer: {line}", where=where,
            todo="Check AWS_ENDPOINT_URL and the network; it is tried again.",
        )  # fmt: skip


def _open(url: str) -> ObjectStore:
    if not url.startswith(SCHEMES):
        raise ConfigError(
            "not the address of a bucket", where="IDENTITY_STATE", got=url,
            expected="s3://bucket/folder, gs://bucket/folder or az://account/container/folder",
        )  # fmt: skip
    try:
        from obstore.store import from_url
    except ImportError:
        raise ConfigError(
            "IDENTITY_STATE needs a library that is not installed", got=url,
            todo="Install identity-ops[s3].",
        ) from None  # fmt: skip
    options: Any = {
        "timeout": REQUEST_LIMIT, "connect_timeout": CONNECT_LIMIT,
        "allow_http": os.environ.get("AWS_ALLOW_HTTP", "").lower() == "true",
    }  # fmt: skip
    retry: Any = {"max_retries": RETRIES, "retry_timeout": RETRY_LIMIT}
    return from_url(url, client_options=options, retry_config=retry)


def _require_bucket(error: FileNotFoundError) -> None:
    """An absent object is an answer; an absent bucket is an error."""
    if "NoSuchBucket" in str(error):
        raise error


def _code(text: str) -> str:
    """What S3 calls it."""
    return text.partition("<Code>")[2].partition("</Code>")[0] or "no reason given"
