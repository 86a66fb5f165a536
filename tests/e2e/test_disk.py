"""Disks that are really full: small file systems of their own, filled to the last page.

Only root can mount them. Elsewhere they are skipped, and a limit on the size of a running server's
files takes their place for what matters most.
"""

import os
import resource
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest

from bertine.catalog.backup import back_up
from bertine.catalog.backup_manifest import read_manifest
from bertine.catalog.restoring import restore
from bertine.cli.verify import findings, line_of
from bertine.client import CallError, Client, Item
from bertine.errors import StorageError
from bertine.index.lifecycle import Policy
from bertine.index.live import LiveIndex
from bertine.index.snapshot import Home
from bertine.testing import ServerProcess
from bertine.types import Matrix

MIB = 1 << 20
PAGE = 4096
COUNT = 1_500
ENVIRONMENT = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}

Mount: TypeAlias = Callable[[Path, int], None]


@pytest.fixture
def mount() -> Iterator[Mount]:
    """Mount a file system of some bytes on a folder, or give one that is mounted that size."""
    mounted: list[Path] = []

    def call(folder: Path, size: int) -> None:
        options = f"size={size}" if folder not in mounted else f"remount,size={size}"
        folder.mkdir(parents=True, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode and not mounted:
            pytest.skip(f"NO SMALL DISK CAN BE MOUNTED HERE: {done.stderr.strip()}")
        assert done.returncode == 0, done.stderr
        if folder not in mounted:
            mounted.append(folder)

    yield call
    for folder in reversed(mounted):
        # Lazily: what a failed test still maps would keep it.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S607 (of the system)


def vectors(count: int = COUNT) -> Matrix:
    rows = np.random.default_rng(0).standard_normal((count, 384), np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def items(version: int = 1) -> list[Item]:
    return [
        Item(f"item-{number}", "", {"version": version}, vector, version=version)
        for number, vector in enumerate(vectors())
    ]


def fill(client: Client) -> tuple[int, CallError]:
    """Upsert until the disk refuses: how many batches were acknowledged, and the refusal."""
    texts = "a text that takes some room " * 2_000
    for number in range(10_000):
        rows = [{"id": f"{number}-{part}", "text": texts} for part in range(10)]
        try:
            client.upsert("full", rows)
        except CallError as error:
            return number, error
    raise AssertionError("the disk was never full")


def check_filled(client: Client, acknowledged: int) -> None:
    """What was acknowledged is there, what was refused is not, in catalog and index."""
    names = {item.id for item in client.list_items("full")}
    assert names == {f"{number}-{part}" for number in range(acknowledged) for part in range(10)}
    assert {hit.id for hit in client.search("full", "a text", top_k=1000)} == names


def check_folder(data: Path) -> None:
    problems = [line_of(check) for check in findings(data) if check.status == "problem"]
    assert not problems, problems


def test_a_disk_that_is_full_during_upserts(model: Path, tmp_path: Path, mount: Mount) -> None:
    disk = tmp_path / "disk"
    mount(disk, 12 * MIB)
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(6 * MIB))
    with ServerProcess(model, disk / "data", fake=True) as server, server.client() as client:
        client.create_collection("full")
        acknowledged, refusal = fill(client)
        assert refusal.code == "UNAVAILABLE"
        assert "the disk is full: free some space; the server needs no restart" in refusal.message
        assert acknowledged > 0
        check_filled(client, acknowledged)
        ballast.unlink()
        client.upsert("full", [{"id": f"{acknowledged}-{part}", "text": "t"} for part in range(10)])
        check_filled(client, acknowledged + 1)
        check_folder(disk / "data")
        server.kill()
    check_folder(disk / "data")
    with ServerProcess(model, disk / "data", fake=True) as server, server.client() as client:
        check_filled(client, acknowledged + 1)


def test_files_that_may_not_grow_during_upserts(model: Path, tmp_path: Path) -> None:
    """A limit of the kernel's, set while the server runs."""
    data = tmp_path / "data"
    with ServerProcess(model, data, fake=True) as server, server.client() as client:
        client.create_collection("full")
        pid = server.process.pid
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (3 * MIB, hard))
        acknowledged, refusal = fill(client)
        assert refusal.code == "UNAVAILABLE"
        assert "the disk failed or has a limit" in refusal.message
        assert acknowledged > 0
        check_filled(client, acknowledged)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))
        client.upsert("full", [{"id": f"{acknowledged}-{part}", "text": "t"} for part in range(10)])
        check_filled(client, acknowledged + 1)
    check_folder(data)


def test_a_disk_that_is_full_when_an_index_is_saved(
    model: Path, tmp_path: Path, mount: Mount
) -> None:
    data = tmp_path / "data"
    mount(data / "index", MIB)
    options = ("--ivf-min-items", "1000")
    server = ServerProcess(model, data, *options, fake=True, environment=ENVIRONMENT)
    with server, server.client() as client:
        client.create_collection("vectors")
        client.upsert("vectors", items())
        wait(lambda: "index not saved" in "".join(server.log), client)
        assert client.get_collection("vectors").index.kind.startswith("IVF")
        [hits] = client.search_many("vectors", [vectors()[7]], top_k=1)
        assert [hit.id for hit in hits] == ["item-7"]
        assert not list((data / "index").glob("*/*"))
        mount(data / "index", 64 * MIB)
        for version in (2, 3):  # most rows are then dead, and the index is built again
            client.upsert("vectors", items(version))
        wait((data / "index" / "1" / "CURRENT").exists, client)
        check_folder(data)


def wait(until: Callable[[], bool], client: Client) -> None:
    """Ask again and again; each time the server is asked something too."""
    deadline = time.monotonic() + 100
    while not until():
        assert time.monotonic() < deadline
        client.get_collection("vectors")


def test_a_saved_index_is_replaced_whole_or_not_at_all(tmp_path: Path, mount: Mount) -> None:
    """Every size of disk from one that has no room for a second one to one that has."""
    folder = tmp_path / "disk"
    mount(folder, 64 * MIB)
    home = Home(folder / "1", "f" * 64)
    index = LiveIndex(384, Policy(ivf_min_items=1_000), home)
    index.upsert(items(), vectors(), 1)
    index.rebuild()
    state = index._state
    ivf = state.ivf
    assert ivf is not None
    home.save(state.main, ivf)
    current = (home.folder / "CURRENT").read_text()
    one = used(folder)
    outcomes = []
    for size in (one + PAGE, one + one // 2, 2 * one - 8 * PAGE, 2 * one + 8 * PAGE):
        mount(folder, size)
        refused = refusal_of(lambda: home.save(state.main, ivf))
        assert ("cannot be written" in refused) == bool(refused)
        assert not refused or (home.folder / "CURRENT").read_text() == current
        outcomes.append(bool(refused))
        assert home.load(threads=1).segment.count == COUNT
    assert (outcomes[0], outcomes[-1]) == (True, False)


def refusal_of(call: Callable[[], None]) -> str:
    """What an error says, "" if there is none."""
    try:
        call()
    except StorageError as error:
        return error.message
    return ""


def used(folder: Path) -> int:
    """Bytes of a file system that are taken."""
    status = os.statvfs(folder)
    return (status.f_blocks - status.f_bfree) * status.f_frsize


@pytest.fixture
def source(model: Path, tmp_path: Path) -> Path:
    """A data folder of some 4 MiB."""
    data = tmp_path / "source"
    with ServerProcess(model, data, fake=True) as server, server.client() as client:
        client.create_collection("vectors")
        client.upsert("vectors", items())
    return data


def test_a_disk_that_is_full_during_a_backup_or_a_restoration(
    source: Path, tmp_path: Path, mount: Mount
) -> None:
    disk = tmp_path / "disk"
    mount(disk, 64 * MIB)
    size = back_up(source, disk / "first").size
    taken = used(disk)
    # In the middle of the catalog, and of the small files behind it.
    for more in (size // 2, size + PAGE, taken - PAGE):
        mount(disk, taken + more // PAGE * PAGE)
        with pytest.raises(StorageError, match=r"free some space there, or give another place"):
            back_up(source, disk / "second")
        with pytest.raises(StorageError, match=r"free some space there, or give another place"):
            back_up(source, disk / "first", force=True)
        with pytest.raises(StorageError, match=r"space"):
            restore(disk / "first", disk / "data")
        assert {path.name for path in disk.rglob("*") if "first" not in str(path)} <= {
            "data",
            "LOCK",
        }
        assert read_manifest(disk / "first").contents.items == COUNT
    mount(disk, 64 * MIB)
    restore(disk / "first", disk / "data")
    check_folder(disk / "data")
    back_up(disk / "data", disk / "second")
    assert read_manifest(disk / "second").contents.items == COUNT
