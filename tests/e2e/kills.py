"""A server that is killed again and again while clients write, delete, and take backups.

Each item must then be as the last acknowledged write of it left it, or as the one that was cut off
would have: see `truth`.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bertine.catalog.restoring import restore
from bertine.catalog.store import Store
from bertine.cli.verify import findings, line_of
from bertine.client import CallError, Client, Item
from bertine.errors import Unavailable
from bertine.testing import ServerProcess
from tests.e2e.truth import State, Truth, vector_of

COLLECTION = "items"
BULK = 1_100
"""Items of the bulk writer: more than the least for which an index is trained."""

OPTIONS = ("--ivf-min-items", "1000", "--no-spin")
ENVIRONMENT = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
"""Beside backups and clients, threads that spin while they train an index take cores from them."""

PATIENCE = 60.0
MOMENTS = ("saving", "acknowledged", "copying", "rebuilding", "starting")


class Clients:
    """Threads that write until the server is gone, each to items of its own.

    Args:
        server: running.
        truth: is told what they do.
        data: the server's folder.
        backups: folder for backups.
        seed: of what they choose.
    """

    def __init__(
        self, server: ServerProcess, truth: Truth, data: Path, backups: Path, seed: int
    ) -> None:
        self.acknowledged = threading.Semaphore(0)
        self.failures: list[BaseException] = []
        self.copied: dict[str, State] = {}
        self.copy: subprocess.Popen[str] | None = None
        self._server = server
        self._truth = truth
        self._data = data
        self.place = backups / "last"
        self._gone = threading.Event()
        self._random = random.Random(seed)  # noqa: S311 (no secret)
        works = (self._upsert_texts, self._upsert_and_delete, self._upsert_bulk, self._back_up)
        self._threads = [
            threading.Thread(target=self._until_gone, args=(work, self._random.random()))
            for work in works
        ]
        for thread in self._threads:
            thread.start()

    def kill(self, *, copy_too: bool) -> None:
        """End the server, and perhaps the backup under way, without a warning."""
        self._gone.set()
        if copy_too and self.copy is not None:
            self.copy.kill()
        self._server.kill()
        for thread in self._threads:
            thread.join()
        assert not self.failures, self.failures

    def _until_gone(self, work: Callable[[Client, random.Random], None], seed: float) -> None:
        try:
            with self._server.client(timeout=PATIENCE) as client:
                chosen = random.Random(seed)  # noqa: S311 (no secret)
                while not self._gone.is_set():
                    work(client, chosen)
        except CallError as error:
            if error.code != "UNAVAILABLE":
                self.failures.append(error)
        except BaseException as error:  # noqa: BLE001 (told by `kill`)
            self.failures.append(error)

    def _upsert_texts(self, client: Client, chosen: random.Random) -> None:
        names = [f"text-{number}" for number in chosen.sample(range(60), 3)]
        writes = self._truth.begin(names)
        rows = [
            {"id": name, "text": f"item {write}", "write": write}
            for name, write in zip(names, writes, strict=True)
        ]
        client.upsert(COLLECTION, rows)
        self._done(names)

    def _upsert_and_delete(self, client: Client, chosen: random.Random) -> None:
        names = [f"brief-{number}" for number in chosen.sample(range(30), 5)]
        self._upsert_vectors(client, names)
        doomed = names[:4]
        self._truth.begin(doomed, delete=True)
        client.delete_items(COLLECTION, doomed)
        self._done(doomed)

    def _upsert_bulk(self, client: Client, __: random.Random) -> None:
        """Replace many: what died asks for a rebuild."""
        self._upsert_vectors(client, [f"bulk-{number}" for number in range(BULK)])

    def _upsert_vectors(self, client: Client, names: list[str]) -> None:
        writes = self._truth.begin(names)
        items = [
            Item(name, attributes={"write": write}, vector=vector_of(write))
            for name, write in zip(names, writes, strict=True)
            if write is not None
        ]
        client.upsert(COLLECTION, items)
        self._done(names)

    def _done(self, names: list[str]) -> None:
        self._truth.acknowledge(names)
        self.acknowledged.release()

    def _back_up(self, _: Client, __: random.Random) -> None:
        """With the command, in a process of its own."""
        before = self._truth.snapshot()
        arguments = ["--data", str(self._data), "--out", str(self.place), "--force"]
        command = [sys.executable, "-m", "bertine", "backup", *arguments]
        self.copy = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        errors = self.copy.communicate(timeout=PATIENCE)[1]
        killed = self.copy.returncode < 0
        assert killed or self.copy.returncode == 0, errors
        if not killed:
            self.copied = before
            self.acknowledged.release()


def wait_for(moment: str, clients: Clients, client: Client, data: Path, after: int) -> None:
    """Return at a moment that is worth a kill.

    Args:
        moment: one of `MOMENTS`.
        clients: at work.
        client: of the server.
        data: the server's folder.
        after: so many acknowledgements first.
    """
    for _ in range(after):
        assert clients.acknowledged.acquire(timeout=PATIENCE), clients.failures
    seen: dict[str, Callable[[], bool]] = {
        "acknowledged": lambda: True,
        "rebuilding": lambda: client.get_collection(COLLECTION).index.rebuilding,
        "saving": lambda: any(data.glob("index/*/*.draft")),
        "copying": lambda: any(clients.place.parent.glob(".*-draft")),
    }
    deadline = time.monotonic() + PATIENCE
    while not seen[moment]():
        assert time.monotonic() < deadline, f"never {moment}; {clients.failures}"


@contextmanager
def started(model: Path, data: Path) -> Iterator[tuple[ServerProcess, Client]]:
    server = ServerProcess(model, data, *OPTIONS, fake=True, environment=ENVIRONMENT)
    try:
        server.start()
        with server.client(timeout=PATIENCE) as client:
            client.create_collection(COLLECTION, exist_ok=True)
            yield server, client
    finally:
        if server.process.poll() is None:
            server.stop()


def check_folder(data: Path) -> None:
    """What `bertine verify` says of it."""
    problems = [line_of(check) for check in findings(data) if check.status == "problem"]
    assert not problems, problems


def check_server(client: Client, truth: Truth) -> None:
    """All that is stored is as it may be, and the index finds that and nothing else."""
    stored = {item.id: item for item in client.list_items(COLLECTION, page_size=1000)}
    truth.settle({name: int(str(item.attributes["write"])) for name, item in stored.items()})
    there = {name: write for name, write in truth.known.items() if write is not None}
    assert client.get_collection(COLLECTION).item_count == len(there)
    with_vectors = [name for name in there if not name.startswith("text-")]
    sample = with_vectors[:: max(len(with_vectors) // 100, 1)]
    queries = [vector_of(there[name]) for name in sample]
    if queries:
        for name, hits in zip(sample, client.search_many(COLLECTION, queries), strict=True):
            assert name in [hit.id for hit in hits]
            assert hits[0].score > 0.999
    everything = client.search(COLLECTION, vector_of(1), top_k=1000, exact=True)
    gone = {name for name, write in truth.known.items() if write is None}
    assert not gone & {hit.id for hit in everything}
    only = client.search(COLLECTION, vector_of(1), top_k=1000, only_ids=sorted(gone))
    assert only == []


def check_backup(place: Path, copied: dict[str, State], into: Path) -> None:
    """A backup holds all that was acknowledged before it began, or what came later."""
    restore(place, into)
    check_folder(into)
    with Store.open(into) as store:
        key = store.collection(COLLECTION).key
        found = {item.id: item.attributes["write"] for batch in store.scan(key) for item in batch}
    for name, write in copied.items():
        if write is not None and not name.startswith("brief-"):
            assert int(str(found[name])) >= write


def kill_while_starting(model: Path, data: Path) -> None:
    """End a server that loads its collections, if it has any."""
    server = ServerProcess(model, data, *OPTIONS, fake=True, environment=ENVIRONMENT)

    def start() -> None:
        with suppress(Unavailable):
            server.start()

    thread = threading.Thread(target=start)
    thread.start()
    while thread.is_alive() and not any("loading" in line for line in server.log):
        thread.join(0.01)
    server.process.kill()
    thread.join()
    server.kill()


def kill_again_and_again(model: Path, folder: Path, rounds: int, seed: int) -> str:
    """The whole test; a line that says what was done."""
    sys.stdout.write(f"seed {seed}\n")  # known even if it fails
    data, backups = folder / "data", folder / "backups"
    backups.mkdir()
    truth = Truth()
    chosen = random.Random(seed)  # noqa: S311 (no secret)
    copies = 0
    for number in range(rounds):
        copied = _round(model, data, backups, truth, chosen, MOMENTS[number % len(MOMENTS)])
        check_folder(data)
        if copied:
            copies += 1
            check_backup(backups / "last", copied, folder / f"restored-{number}")
    with started(model, data) as (_, client):
        check_server(client, truth)
        check_folder(data)  # while the server has it
    return f"{rounds} kills, {truth.writes:,} writes, {copies} backups"


def _round(
    model: Path, data: Path, backups: Path, truth: Truth, chosen: random.Random, moment: str
) -> dict[str, State]:
    """Start, check, work, kill; what a backup of this round must hold."""
    with started(model, data) as (server, client):
        check_server(client, truth)
        if moment == "starting":
            server.kill()
            kill_while_starting(model, data)
            return {}
        clients = Clients(server, truth, data, backups, chosen.randrange(1 << 30))
        wait_for(moment, clients, client, data, chosen.randint(1, 12))
        clients.kill(copy_too=chosen.random() < 0.5)
    return clients.copied
