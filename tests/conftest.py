"""Fixtures of the whole suite: the real model, a real server, the real data."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bertine import artifact
from bertine.client import Client
from bertine.testing import ServerProcess

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """all-MiniLM-L6-v2, exported: the folder that BERTINE_TEST_ARTIFACT names, or a fresh one."""
    given = os.environ.get("BERTINE_TEST_ARTIFACT")
    if given:
        return artifact.load(Path(given)).folder.resolve()
    from bertine_export import export_model  # noqa: PLC0415 - imports torch

    folder = tmp_path_factory.mktemp("model") / "all-MiniLM-L6-v2"
    return export_model("all-MiniLM-L6-v2", folder).folder


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The real data beside the project; skips loudly where it is absent."""
    folder = Path(os.environ.get("BERTINE_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"REAL DATA ABSENT: {folder} is no folder; set BERTINE_DATA to check quality")
    return folder


@pytest.fixture(scope="session")
def server(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that many tests share: each uses collections of its own."""
    with ServerProcess(model, tmp_path_factory.mktemp("data"), "--log-level", "debug") as process:
        yield process


@pytest.fixture
def client(server: ServerProcess) -> Iterator[Client]:
    """A client of the shared server."""
    with server.client() as connection:
        yield connection
