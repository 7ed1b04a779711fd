"""An S3 server on loopback, and a bucket in it."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import requests

from identity_ops.store.bucket import Bucket

BUCKET = "a-bucket"


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """Address of the server."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    requests.put(f"{url}/{BUCKET}", timeout=30).raise_for_status()
    yield url
    server.stop()


@pytest.fixture
def bucket(s3: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Bucket:
    """A folder of its own for the test; IDENTITY_STATE names it."""
    for name, value in (
        ("AWS_ENDPOINT_URL", s3), ("AWS_ALLOW_HTTP", "true"), ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "a-key"), ("AWS_SECRET_ACCESS_KEY", "a-secret"),
        ("IDENTITY_STATE", f"s3://{BUCKET}/{request.node.name}"),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    return Bucket(f"s3://{BUCKET}/{request.node.name}")


@pytest.fixture
def strict(s3: str) -> Iterator[str]:
    """The server, while it looks at credentials."""
    requests.post(f"{s3}/moto-api/reset-auth", data="0", timeout=30)
    yield s3
    requests.post(f"{s3}/moto-api/reset-auth", data="inf", timeout=30)
