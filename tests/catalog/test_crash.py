"""Real processes, real signals, real full disks."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen

import numpy as np
import pytest

from bertine.catalog.changes import CreateCollection, Draft, Upsert
from bertine.catalog.purger import Purger
from bertine.catalog.store import Store
from bertine.catalog.writer import Writer
from bertine.types import Item

StartChild = Callable[..., Popen[str]]

BATCH = 8  # of child.py
MIB = 2**20


def test_what_was_acknowledged_survives_kill(folder: Path, start_child: StartChild) -> None:
    acknowledged: set[str] = set()
    for kill in range(5):
        with start_child("write", folder) as child:
            assert child.stdout is not None
            for _ in range(20 + 7 * kill):
                acknowledged.add(child.stdout.readline().strip())
            child.kill()
            acknowledged |= {line.strip() for line in child.stdout if line.endswith("\n")}
        with Store.open(folder) as store:
            collection = store.collection("c")
            items = [item for batch in store.scan(collection.key) for item in batch]
        assert collection.item_count == len(items)
        assert collection.sequence == max(item.version for item in items)
        stored = {item.id for item in items}
        assert {f"{prefix}-{n}" for prefix in acknowledged for n in range(BATCH)} <= stored
        assert len(stored) % BATCH == 0  # no upsert is there in part
    assert len(acknowledged) >= 5 * 20


def test_what_is_purged_and_what_stays_survive_kill(folder: Path, start_child: StartChild) -> None:
    acknowledged: set[str] = set()
    purged: set[str] = set()
    for kill in range(4):
        with start_child("purge", folder) as child:
            assert child.stdout is not None
            seen = 0
            while seen < 10 + 5 * kill or len(purged) < 2:
                line = child.stdout.readline().strip()
                reason, _, count = line.partition(" ")
                purged |= {reason} if count else set()
                acknowledged |= set() if count else {line}
                seen += 1
            child.kill()
        check_purged(folder, acknowledged)


def check_purged(folder: Path, acknowledged: set[str]) -> None:
    """All that was acknowledged is there; what had to go goes, and then nothing of it is left."""
    with Store.open(folder) as store, Writer(store) as writer:
        purger = Purger(store, writer)
        while store.next_to_erase() is not None or store.has_expired(time.time()):
            assert writer.healthy
        purger.close()
        (collection, *unfinished) = sorted(store.collections(), key=lambda one: one.name != "c")
        stored = {item.id for batch in store.scan(collection.key) for item in batch}
        assert {f"{prefix}-{n}" for prefix in acknowledged for n in range(BATCH)} <= stored
        assert collection.item_count == len(stored)
        assert not any(item.startswith("x") for item in stored)
        connection = store.open_writing()
        (rows,) = connection.execute("SELECT count(*) FROM items").fetchone()
        (vectors,) = connection.execute("SELECT count(*) FROM vectors").fetchone()
        assert rows == vectors == len(stored) + sum(one.item_count for one in unfinished)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        (users,) = connection.execute(
            "SELECT count(*) FROM users WHERE digest IS NOT NULL"
        ).fetchone()
        assert users <= len(unfinished)
        connection.close()


def test_a_full_disk_is_reported_and_survived(tmp_path: Path, start_child: StartChild) -> None:
    """A real file system of 8 MiB, with 2 MiB of something else on it that can be deleted."""
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(tmp_path)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("only root can mount a small disk; the limit on file sizes is tested anyway")
    try:
        (tmp_path / "ballast").write_bytes(bytes(2 * MIB))
        out = fill(tmp_path / "data", start_child)
        assert "StorageError" in out[0]
        assert "database or disk is full; the disk is full: free some space" in out[0]
        check_filled(tmp_path / "data", out)
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)  # noqa: S607 (of the system)


def test_a_limit_on_file_sizes_is_reported_and_survived(
    folder: Path, start_child: StartChild
) -> None:
    def limit() -> None:
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4 * MIB, hard))

    out = fill(folder, start_child, limit)
    assert "StorageError" in out[0]
    assert "disk I/O error; the disk failed or has a limit" in out[0]
    check_filled(folder, out)


def fill(
    folder: Path, start_child: StartChild, before: Callable[[], None] | None = None
) -> list[str]:
    with start_child("fill", folder, before=before) as child:
        out, errors = child.communicate(timeout=60)
    assert child.returncode == 0, errors
    return out.splitlines()


def check_filled(folder: Path, out: list[str]) -> None:
    """All that was acknowledged is there, nothing that was refused, and what came later."""
    acknowledged = int(out[0].split()[0])
    expected = 32 * (acknowledged + 1)
    assert acknowledged > 0
    assert out[1] == f"32 {expected} True"
    with Store.open(folder) as store:
        collection = store.collection("c")
        stored = {item.id for batch in store.scan(collection.key) for item in batch}
    assert collection.item_count == len(stored) == expected
    assert {"later-0", "later-31", "0-0", f"{acknowledged - 1}-31"} <= stored
    assert "refused-0" not in stored


def test_throughput(store: Store, writer: Writer) -> None:
    """Figures to look at, not to hold anyone to: the disk is not ours."""
    key = writer.submit(CreateCollection("c", "", 384, "model", 1.0)).result().key
    vector = np.ones(384, np.float32)
    count, batch, threads = 8192, 64, 8
    drafts = [Draft.of(Item(f"item-{n}", f"text {n}")).with_vector(vector) for n in range(count)]

    def work(first: int) -> None:
        for start in range(first * batch, count, threads * batch):
            writer.submit(Upsert(key, drafts[start : start + batch], "model")).result()

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    start = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    written = time.perf_counter()
    scanned = sum(len(items) for items in store.scan(key))
    read = time.perf_counter()
    assert scanned == count
    sys.stdout.write(
        f"{count / (written - start):,.0f} durable upserts/s by {threads} threads of batches of "
        f"{batch}; {count / (read - written):,.0f} items/s scanned\n"
    )
