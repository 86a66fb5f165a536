"""TLS through a real server: who is known, what is refused, certificates that change."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from bertine.client import AsyncClient, CallError, Client, Tls
from bertine.testing import ServerProcess

HOST = "127.0.0.1"


class Files:
    """An authority and the files of a certificate of it."""

    def __init__(self, folder: Path) -> None:
        self.authority = trustme.CA()
        self.ca, self.cert, self.key = (folder / f"{name}.pem" for name in ("ca", "cert", "key"))
        self.write()

    def write(self) -> None:
        made = self.authority.issue_cert(HOST)
        self.authority.cert_pem.write_to_path(self.ca)
        made.private_key_pem.write_to_path(self.key)
        self.cert.write_bytes(b"".join(blob.bytes() for blob in made.cert_chain_pems))

    @property
    def options(self) -> tuple[str, ...]:
        """Of a server."""
        return "--transport=grpc", f"--tls-cert={self.cert}", f"--tls-key={self.key}"


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.fixture
def others(tmp_path: Path) -> Files:
    (tmp_path / "others").mkdir()
    return Files(tmp_path / "others")


@pytest.fixture(params=[0, 1], ids=["one process", "a front"])
def server(
    model: Path, tmp_path: Path, files: Files, request: pytest.FixtureRequest
) -> Iterator[ServerProcess]:
    options = (*files.options, f"--fronts={request.param}")
    with ServerProcess(model, tmp_path / "data", *options, fake=True) as process:
        yield process


def answers(client: Client) -> bool:
    with client:
        return bool(len(client.embed(["a text"])) == 1)


async def test_a_client_that_knows_the_authority(server: ServerProcess, files: Files) -> None:
    assert answers(server.client(tls=Tls(ca=files.ca)))
    async with AsyncClient(server.target, tls=Tls(ca=files.ca)) as client:
        assert len(await client.embed(["a text"])) == 1


def test_others_do_not_connect(server: ServerProcess, files: Files, others: Files) -> None:
    for tls in (None, Tls(), Tls(ca=others.ca)):
        with pytest.raises(CallError, match="UNAVAILABLE"):
            answers(server.client(timeout=5, tls=tls))
    assert answers(server.client(tls=Tls(ca=files.ca)))


def test_a_certificate_that_changes(server: ServerProcess, files: Files) -> None:
    before = files.ca.read_bytes()
    files.authority = trustme.CA()
    files.write()
    assert answers(server.client(tls=Tls(ca=files.ca)))
    files.key.write_text("no key")  # what was good stays
    assert answers(server.client(tls=Tls(ca=files.ca)))
    assert "the certificate before stays" in "".join(server.log)
    files.ca.write_bytes(before)
    with pytest.raises(CallError, match="UNAVAILABLE"):
        answers(server.client(timeout=5, tls=Tls(ca=files.ca)))


def test_clients_with_certificates(
    model: Path, tmp_path: Path, files: Files, others: Files
) -> None:
    options = (*files.options, f"--tls-client-ca={files.ca}")
    with ServerProcess(model, tmp_path / "data", *options, fake=True) as server:
        assert answers(server.client(tls=Tls(files.ca, files.cert, files.key)))
        for tls in (Tls(files.ca), Tls(files.ca, others.cert, others.key)):
            with pytest.raises(CallError, match="UNAVAILABLE"):
                answers(server.client(timeout=5, tls=tls))


@pytest.mark.parametrize("server", [0], indirect=True, ids=["one process"])
def test_the_commands(server: ServerProcess, files: Files, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bertine", "embed", "--target", server.target]
    texts = tmp_path / "texts.txt"
    texts.write_text("a text\n")
    command += [str(texts), "--output", str(tmp_path / "vectors.npy")]
    done = subprocess.run(
        command, env={**os.environ, "BERTINE_CA": str(files.ca)}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    plain = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (plain.returncode, "--ca" in plain.stderr) == (1, True)


def test_settings_that_cannot_be_served(
    model: Path, tmp_path: Path, files: Files, others: Files
) -> None:
    bad = {
        "needs both": (f"--tls-cert={files.cert}",),
        "both --tls-cert and": (f"--tls-key={files.key}", "--fronts=1"),
        "native transport has no TLS": (*files.options, "--transport=native"),
        "KEY_VALUES_MISMATCH": (*files.options, f"--tls-key={others.key}"),
        "cannot be read": (*files.options, f"--tls-key={tmp_path / 'none'}"),
        "no PEM": (*files.options, f"--tls-key={files.cert}"),
    }
    for problem, options in bad.items():
        done = subprocess.run(
            ServerProcess(model, tmp_path / "data", *options).command,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1, done.stderr
        assert problem.lower() in done.stderr.lower()
        assert "Traceback" not in done.stderr


def test_files_of_a_client_that_are_not_there(tmp_path: Path, files: Files) -> None:
    with pytest.raises(Exception, match="cannot be read"):
        Client("127.0.0.1:1", tls=Tls(ca=tmp_path / "none"))
    with pytest.raises(Exception, match="needs its key"):
        Client("127.0.0.1:1", tls=Tls(ca=files.ca, cert=files.cert))
