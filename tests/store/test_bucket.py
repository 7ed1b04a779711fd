"""A bucket over a real S3 protocol: atomic, conditional, and clear when it cannot be used."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from identity_ops.errors import AuthError, ConfigError, CorruptError, DataError, TransientError
from identity_ops.store import bucket as module
from identity_ops.store.bucket import Bucket
from identity_ops.store.depot import Depot, depot_of
from identity_ops.store.paths import Home


def test_what_goes_up_comes_down(bucket: Bucket, tmp_path: Path) -> None:
    """Small and large (in several parts), by name below the folder."""
    data = os.urandom(11 << 20)
    (tmp_path / "large").write_bytes(data)
    bucket.put("a/large", tmp_path / "large")
    bucket.put("a/b/small", b"one")
    assert bucket.size("a/large") == len(data)
    bucket.download("a/large", tmp_path / "back", hashlib.sha256(data).hexdigest())
    assert (tmp_path / "back").read_bytes() == data
    assert list(bucket.names("a")) == ["a/b/small", "a/large"]
    bucket.delete("a/large", "a/never-there")
    assert bucket.get("a/large") is None


def test_one_of_two_writers_wins(bucket: Bucket) -> None:
    """A conditional write says who was first, for a new object and for a change."""
    first = bucket.put_if("x", b"1", None)
    assert first
    assert bucket.put_if("x", b"2", None) is None
    second = bucket.put_if("x", b"3", first)
    assert second
    assert bucket.put_if("x", b"4", first) is None
    assert bucket.get("x") == (b"3", second)


def test_other_bytes_than_listed_never_appear(bucket: Bucket, tmp_path: Path) -> None:
    """Torn, changed or missing: an error that names the object, and no file."""
    bucket.put("torn", b"half of i")
    with pytest.raises(CorruptError, match=r"test_other.*/torn.*Delete the object"):
        bucket.download("torn", tmp_path / "x", hashlib.sha256(b"half of it").hexdigest())
    with pytest.raises(DataError, match="not in the store"):
        bucket.download("gone", tmp_path / "x", "0" * 64)
    assert list(tmp_path.iterdir()) == []


def test_wrong_credentials_say_so(bucket: Bucket, strict: str) -> None:
    """Not tried again, and without the request that was refused."""
    for ask in (lambda: bucket.get("x"), lambda: bucket.put("x", b"1"), lambda: bucket.names("")):
        with pytest.raises(AuthError, match=r"InvalidAccessKeyId.*Check AWS_ACCESS_KEY_ID") as said:
            ask()
        assert "a-secret" not in str(said.value)


def test_a_bucket_that_is_not_there_says_so(bucket: Bucket) -> None:
    """Reading and writing: an absent bucket is no absent object."""
    gone = Bucket("s3://never-made/x")
    for ask in (lambda: gone.get("a"), lambda: gone.put("a", b"1"), lambda: gone.names("a")):
        with pytest.raises(ConfigError, match=r"no such bucket.*correct IDENTITY_STATE"):
            ask()


def test_an_unreachable_store_is_worth_another_try(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that Airflow retries the task; the message names the address to check."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(module, "RETRIES", 1)
    with pytest.raises(TransientError, match=r"does not answer.*AWS_ENDPOINT_URL"):
        Bucket(bucket.url).get("x")


@pytest.mark.parametrize("url", ["bucket/folder", "http://a/b", "file:///tmp/x", "/srv/state"])
def test_another_address_than_a_bucket_s_is_refused(
    url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("IDENTITY_STATE", url)
    with pytest.raises(ConfigError, match=r"IDENTITY_STATE.*s3://bucket/folder"):
        depot_of(Home(tmp_path))


def test_without_the_variable_nothing_goes_anywhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("IDENTITY_STATE", raising=False)
    assert type(depot_of(Home(tmp_path))) is Depot
