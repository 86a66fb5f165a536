"""Other processes of the tests: ``child.py COMMAND FOLDER``, each prints what it did.

open    opens the catalog, says so, waits for its standard input to end
write   upserts numbered items until it is killed, and prints what was acknowledged
purge   the same, but half of it has expired and other collections are made and deleted, while both
        is purged
fill    upserts until the disk refuses, deletes what is in the way, upserts again
"""

from __future__ import annotations

import contextlib
import resource
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from bertine.catalog.changes import (
    CreateCollection,
    DeleteCollection,
    Draft,
    RecordEvents,
    Upsert,
)
from bertine.catalog.purger import Purger
from bertine.catalog.store import Store
from bertine.catalog.writer import Writer
from bertine.errors import StorageError
from bertine.types import Event, Item

DIMENSIONS = 64
THREADS = 4
BATCH = 8


def drafts(prefix: str, count: int, dimensions: int = DIMENSIONS) -> list[Draft]:
    vector = np.ones(dimensions, np.float32)
    items = [Item(f"{prefix}-{number}", f"text of {prefix}-{number}") for number in range(count)]
    return [Draft.of(item).with_vector(vector) for item in items]


def open_(folder: Path) -> None:
    with Store.open(folder):
        say("opened")
        sys.stdin.read()


def write(folder: Path) -> None:
    with Store.open(folder) as store, Writer(store) as writer:
        create = CreateCollection("c", "", DIMENSIONS, "model", 1.0, exist_ok=True)
        key = writer.submit(create).result().key

        def work() -> None:
            while True:
                prefix = f"{time.time_ns()}-{threading.get_ident()}"
                writer.submit(Upsert(key, drafts(prefix, BATCH), "model")).result()
                say(prefix)

        threads = [threading.Thread(target=work) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def purge(folder: Path) -> None:
    with Store.open(folder) as store, Writer(store) as writer:
        create = CreateCollection("c", "", DIMENSIONS, "model", 1.0, exist_ok=True)
        key = writer.submit(create).result().key
        Purger(store, writer, on_purge=lambda reason, count: say(f"{reason} {count}"))

        def work() -> None:
            while True:
                prefix = f"{time.time_ns()}-{threading.get_ident()}"
                kept, lost = drafts(prefix, BATCH), drafts(f"x{prefix}", BATCH)
                lost = [
                    Draft.of(replace(one.item, vector=None, expire_time=1.0)).with_vector(
                        one.item.vector
                    )
                    for one in lost
                ]
                writer.submit(Upsert(key, kept + lost, "model")).result()
                other = CreateCollection(prefix, "", DIMENSIONS, "model", 1.0)
                other_key = writer.submit(other).result().key
                writer.submit(Upsert(other_key, lost + kept, "model")).result()
                event = Event(prefix.encode(), "item", "view", 1.0, prefix)
                writer.submit(RecordEvents(other_key, [event])).result()
                writer.submit(DeleteCollection(prefix)).result()
                say(prefix)

        threads = [threading.Thread(target=work) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def fill(folder: Path) -> None:
    """Space comes back with the ballast, or with the limit on the size of files."""
    ballast = folder.parent / "ballast"
    with Store.open(folder) as store, Writer(store) as writer:
        key = writer.submit(CreateCollection("c", "", 1024, "model", 1.0)).result().key
        acknowledged = 0
        with contextlib.suppress(StorageError):
            while True:
                batch = drafts(str(acknowledged), 32, 1024)
                writer.submit(Upsert(key, batch, "model")).result()
                acknowledged += 1
        failed = writer.submit(Upsert(key, drafts("refused", 32, 1024), "model")).exception()
        say(f"{acknowledged} {type(failed).__name__} {failed}")
        ballast.unlink(missing_ok=True)
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        later = writer.submit(Upsert(key, drafts("later", 32, 1024), "model")).result()
        say(f"{later.inserted} {store.collection('c').item_count} {writer.healthy}")


def say(text: str) -> None:
    """One write for a line: a process that is killed leaves no half of one between others."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    {"open": open_, "write": write, "purge": purge, "fill": fill}[sys.argv[1]](Path(sys.argv[2]))
