"""The same client over TLS: who is trusted, and the deadline there."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from identity_ops.errors import ProviderError
from identity_ops.teachers.http import CERTIFICATES
from identity_ops.teachers.spend import Account, Budget
from tests.loopback import Fault, serve
from tests.scene import Pages, account, cell
from tests.teachers.conftest import made


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that nobody signed, with its key, good for an hour."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@pytest.fixture
def tls(pem: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def test_trusted_server_is_asked_over_one_connection(
    tmp_path: Path, pem: Path, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TLS changes nothing in requests, answers and kept connections."""
    monkeypatch.setenv(CERTIFICATES, str(pem))
    with serve(tls=tls) as provider, made(provider, tmp_path) as teacher:
        for number in range(3):
            assert teacher.complete(cell(number), 0, account()).finish_reason == "stop"
        assert (len(provider.posts), provider.connections) == (3, 1)


def test_drip_ends_at_the_deadline(
    tmp_path: Path, pem: Path, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A body byte by byte holds a worker no longer there than without TLS."""
    monkeypatch.setenv(CERTIFICATES, str(pem))
    with serve(tls=tls) as provider:
        provider.faults.append(Fault(drip_s=0.3))
        with (
            made(provider, tmp_path, timeout_s=0.6, attempts=1) as teacher,
            pytest.raises(ProviderError, match="time-out"),
        ):
            teacher.complete(cell(), 0, account())


def test_server_that_nobody_vouches_for_gets_no_key(tmp_path: Path, tls: ssl.SSLContext) -> None:
    """The handshake fails, so nothing was sent and nothing is booked."""
    pages = Pages()
    with serve(tls=tls) as provider:
        with (
            made(provider, tmp_path, price={"prompt": 1, "completion": 1}, attempts=2) as teacher,
            pytest.raises(ProviderError, match="TLS"),
        ):
            teacher.complete(cell(), 0, Account(Budget(1.0), pages, retries=9))
        assert provider.posts == []
    assert pages.closed == [(0.0, "unsent")] * 2
