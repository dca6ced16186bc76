"""A node with TLS takes only encrypted connections, and with an authority's certificate only its clients."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from pathlib import Path

import pytest
from node.conftest import send, wait_for
from pydicom.dataset import Dataset

from LungUNetSegLib.errors import ConfigError
from LungUNetSegLib.node.config import Tls

# pynetdicom 3.0 leaves its socket to the garbage collector where nobody answers.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority, and a node and a client that it signed: NAME.pem and NAME.key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed (Debian: openssl)")
    folder = tmp_path_factory.mktemp("certificates")
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    for name in ("authority", "node", "client"):
        command = ["openssl", "req", "-x509", *curve, "-days", "2", "-subj", f"/CN={name}"]
        command += ["-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem"]
        if name != "authority":
            command += ["-CA", folder / "authority.pem", "-CAkey", folder / "authority.key"]
            command += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-addext", "basicConstraints=CA:FALSE"]
        subprocess.run(command, check=True, capture_output=True)
    return folder


def own_side(certificates: Path, name: str = "") -> tuple[ssl.SSLContext, str]:
    """A client's side: it knows the authority, and has a certificate if a name is given."""
    context = ssl.create_default_context(cafile=certificates / "authority.pem")
    if name:
        context.load_cert_chain(certificates / f"{name}.pem", certificates / f"{name}.key")
    return context, "localhost"


def test_encrypted_senders_are_heard_and_others_are_not(study: list[Dataset], running, certificates: Path) -> None:
    tls = Tls(certificate=certificates / "node.pem", key=certificates / "node.key")
    with running(tls=tls) as node:
        assert send(study[:1], node.port) == [None]
        assert send(study, node.port, tls_args=own_side(certificates)) == [0] * len(study)
        wait_for(lambda: node.store.counts()["done"] == 1)


def test_only_clients_that_the_authority_signed(study: list[Dataset], running, certificates: Path) -> None:
    """Protects the one thing that proves who sends: AE titles prove nothing."""
    tls = Tls(
        certificate=certificates / "node.pem", key=certificates / "node.key", clients=certificates / "authority.pem"
    )
    with running(tls=tls) as node:
        assert send(study[:1], node.port, tls_args=own_side(certificates)) == [None]
        assert send(study[:1], node.port, tls_args=own_side(certificates, "client")) == [0]


def test_who_connects_and_says_nothing_keeps_nobody_out(study: list[Dataset], running, certificates: Path) -> None:
    """Protects the node from a single connection that never begins its encryption."""
    tls = Tls(certificate=certificates / "node.pem", key=certificates / "node.key")
    with running(tls=tls) as node, socket.create_connection(("127.0.0.1", node.port)):
        assert send(study[:1], node.port, tls_args=own_side(certificates)) == [0]


def test_a_certificate_without_its_key_is_said_at_the_start(running, certificates: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be used"):
        running(tls=Tls(certificate=certificates / "node.pem", key=certificates / "client.key")).__enter__()
