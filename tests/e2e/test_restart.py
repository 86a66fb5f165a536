"""A trained index is there again after a restart, whatever happened to it meanwhile."""

import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from bertine.client import Client, Item
from bertine.testing import ServerProcess
from bertine.types import Matrix

COUNT = 1_500
OPTIONS = ("--ivf-min-items", "1000")


def vectors() -> Matrix:
    rows = np.random.default_rng(0).normal(size=(COUNT + 1, 384)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def items() -> list[Item]:
    return [Item(f"item-{n}", vector=vector) for n, vector in enumerate(vectors()[:COUNT])]


def wait_for_snapshot(client: Client, data: Path) -> None:
    """Return once a trained index is on disk."""
    deadline = time.monotonic() + 60
    while not (data / "index" / "1" / "CURRENT").exists():
        assert time.monotonic() < deadline
        client.get_collection("vectors")


@pytest.fixture
def data(model: Path, tmp_path: Path) -> Path:
    """A data folder with a trained index, and changes since, left behind by a killed server."""
    folder = tmp_path / "data"
    with ServerProcess(model, folder, *OPTIONS) as server, server.client() as client:
        client.create_collection("vectors")
        client.upsert("vectors", items())
        wait_for_snapshot(client, folder)
        client.delete_items("vectors", ["item-3"])
        client.upsert("vectors", [Item("item-4", vector=vectors()[COUNT])])
        server.kill()
    return folder


def check(model: Path, data: Path) -> str:
    """All that was acknowledged is found, nothing that was deleted; returns the kind of index."""
    with ServerProcess(model, data, *OPTIONS) as server, server.client() as client:
        # Before the server has time to build anything in the background.
        kind = client.get_collection("vectors").index.kind
        queries = [vectors()[n] for n in (3, 4, 5, COUNT)]
        deleted, moved, same, new = client.search_many("vectors", queries, top_k=1)
        assert deleted[0].id != "item-3"
        assert moved[0].id != "item-4"
        assert (same[0].id, new[0].id) == ("item-5", "item-4")
        assert client.get_collection("vectors").item_count == COUNT - 1
    return kind


def test_a_killed_server_comes_back_with_its_index(model: Path, data: Path) -> None:
    assert check(model, data).startswith("IVF")


def test_a_damaged_or_removed_snapshot_is_made_again(model: Path, data: Path) -> None:
    path = next((data / "index" / "1").glob("*/vectors.f32"))
    raw = bytearray(path.read_bytes())
    raw[100] ^= 0xFF
    path.write_bytes(raw)
    check(model, data)
    shutil.rmtree(data / "index")
    check(model, data)


def test_the_index_of_a_deleted_collection_leaves_the_disk(model: Path, data: Path) -> None:
    with ServerProcess(model, data, *OPTIONS) as server, server.client() as client:
        assert (data / "index" / "1").exists()
        client.delete_collection("vectors")
        deadline = time.monotonic() + 60
        while (data / "index" / "1").exists():
            assert time.monotonic() < deadline
            client.server_info()
