"""The learner's thread, with a real catalog and real learning: when it learns, and what stays."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from bertine.catalog.changes import CreateCollection, DeleteUser, ExpireEvents, RecordEvents
from bertine.catalog.store import Store
from bertine.catalog.writer import Writer
from bertine.errors import Conflict, Unavailable
from bertine.index.filters import Predicate
from bertine.index.live import LiveIndex
from bertine.index.parts import Parts
from bertine.index.registry import Served
from bertine.recommend.learn import words
from bertine.recommend.learner import Learner
from bertine.recommend.refreshing import FitOptions, RefreshPolicy
from bertine.types import Event, Item, Vector

DIMENSIONS, ITEMS, SECONDS = 8, 12, 60.0
MODEL = "f" * 64
LEAST = 40
AT_ONCE = RefreshPolicy(LEAST, pause=0.0, retry=0.0)
ONCE = RefreshPolicy(LEAST, growth=1e9, pause=1e9, retry=1e9)
"""After the first time only what is asked for is learned."""

NEVER = RefreshPolicy(10**9)
"""What is kept is read, and that is all."""


class Index(LiveIndex):
    """An index that can be made to fail as nobody expects."""

    broken = False

    def vector(self, item_id: str, allowed: Predicate | None = None) -> Vector | None:
        if self.broken:
            raise RuntimeError(f"defect at {item_id} of planted-user")
        return super().vector(item_id, allowed)


def digest(user: int) -> bytes:
    return user.to_bytes(32, "big")


def events(users: range, count: int, at: float = 1e9) -> list[Event]:
    return [
        Event(
            digest(user), f"i{(user + n) % ITEMS}", "view", at + 60.0 * n + user, f"{at}-{user}-{n}"
        )
        for user in users
        for n in range(count)
    ]


@dataclass
class Place:
    """A catalog with one collection, and what learners of it told."""

    store: Store
    writer: Writer
    served: Served
    index: Index
    folder: Path
    told: queue.SimpleQueue[float | None] = field(default_factory=queue.SimpleQueue)

    @contextmanager
    def learner(
        self, policy: RefreshPolicy, told: Callable[[float | None], None] | None = None
    ) -> Iterator[Learner]:
        made = Learner(
            self.store,
            lambda: [self.served],
            self.folder,
            MODEL,
            policy,
            on_learned=told or self.told.put,
        )
        try:
            yield made
        finally:
            made.close()

    def record(self, recorded: list[Event]) -> None:
        self.writer.submit(RecordEvents(self.served.key, recorded)).result(SECONDS)

    def learned(self) -> float | None:
        """Wait until something is learned, or failed to be."""
        return self.told.get(timeout=SECONDS)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with Store.open(tmp_path / "data") as store, Writer(store) as writer:
        change = CreateCollection("books", "", DIMENSIONS, MODEL, 1.0)
        key = writer.submit(change).result(SECONDS).key
        index = Index(DIMENSIONS)
        rows = np.random.default_rng(0).standard_normal((ITEMS, DIMENSIONS)).astype(np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        index.upsert([Item(f"i{n}", "") for n in range(ITEMS)], rows, 1)
        served = Served(key, "books", "", Parts(DIMENSIONS, ()), index)
        yield Place(store, writer, served, index, tmp_path / "learned")


def wait_for(condition: Callable[[], bool]) -> None:
    deadline, pause = time.monotonic() + SECONDS, threading.Event()
    while not condition():
        assert time.monotonic() < deadline
        pause.wait(0.01)


def test_enough_events_are_learned_and_outlive_the_process(place: Place) -> None:
    with place.learner(AT_ONCE) as learner:
        place.record(events(range(5), 6))
        assert "learning needs 40" in learner.message(place.served.key)
        assert learner.learned(place.served.key) is None
        place.record(events(range(5, 10), 6))
        assert place.learned() is not None
        kept = learner.kept(place.served.key)
    assert kept is not None
    assert kept.learned.status.events == 60
    with place.learner(NEVER) as again:
        loaded = again.kept(place.served.key)
    assert loaded is not None
    assert (loaded.mark, loaded.learned.channels) == (kept.mark, kept.learned.channels)
    assert loaded.learned.weights.tolist() == kept.learned.weights.tolist()


def test_growth_is_learned(place: Place) -> None:
    place.record(events(range(10), 6))
    with place.learner(AT_ONCE) as learner:
        place.learned()
        place.record(events(range(10, 12), 6, 2e9))
        place.learned()
        kept = learner.kept(place.served.key)
    assert kept is not None
    assert kept.learned.status.events == 72


def test_expiry_is_learned(place: Place) -> None:
    place.record(events(range(10), 6, 1e9))
    place.record(events(range(10), 6, 2e9))
    with place.learner(AT_ONCE) as learner:
        place.learned()
        place.writer.submit(ExpireEvents(place.served.key, 0, 1.5e9)).result(SECONDS)
        place.learned()
        kept = learner.kept(place.served.key)
    assert kept is not None
    assert kept.learned.status.events == 60


def test_what_too_few_events_are_left_of_is_forgotten(place: Place) -> None:
    place.record([*events(range(5), 6), *events(range(7, 8), 30)])
    patient = RefreshPolicy(LEAST, pause=1e9)  # which an erasure does not wait for
    with place.learner(patient) as learner:
        assert place.learned() is not None
        assert any(place.folder.rglob("CURRENT"))
        assert learner.outdated() == []
        place.writer.submit(DeleteUser(digest(7))).result(SECONDS)
        learner.outdated()
        wait_for(lambda: learner.kept(place.served.key) is None)
        wait_for(lambda: not any(place.folder.glob("*/*")))
        assert learner.outdated() == []
        assert "too few events" in learner.message(place.served.key)


def test_a_failure_leaves_the_old_and_says_no_id(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.record(events(range(10), 6))
    with place.learner(ONCE) as learner:
        assert place.learned() is not None
        old = learner.kept(place.served.key)
        place.index.broken = True
        with caplog.at_level(logging.DEBUG), pytest.raises(Unavailable, match="learning failed"):
            learner.fit(place.served, FitOptions()).result(SECONDS)
        assert place.learned() is None
        assert learner.kept(place.served.key) is old
        [record] = [one for one in caplog.records if one.levelno == logging.ERROR]
        assert record.__dict__["error"] == "RuntimeError"
        assert "test_learner.py" in record.__dict__["frames"]
        assert "planted" not in str([one.__dict__ for one in caplog.records])
        place.index.broken = False
        new = learner.fit(place.served, FitOptions()).result(SECONDS)
        assert learner.kept(place.served.key) is new is not old
    with place.learner(NEVER) as again:
        assert again.kept(place.served.key) is not None


def test_the_thread_outlives_a_failure(place: Place) -> None:
    place.index.broken = True
    place.record(events(range(10), 6))
    with place.learner(AT_ONCE) as learner:
        assert place.learned() is None
        assert "the last try to learn failed" in learner.message(place.served.key)
        place.index.broken = False
        wait_for(lambda: learner.kept(place.served.key) is not None)
        assert learner.message(place.served.key) == ""


def test_a_fit_whose_deadline_has_passed_is_not_done(place: Place) -> None:
    place.record(events(range(10), 6))
    busy, go_on, done = threading.Event(), threading.Event(), queue.SimpleQueue[float | None]()

    def told(seconds: float | None) -> None:
        done.put(seconds)
        busy.set()
        assert go_on.wait(SECONDS)

    with place.learner(ONCE, told) as learner:
        assert busy.wait(SECONDS)
        waiting = learner.fit(place.served, FitOptions())
        assert waiting.cancel()  # as a call does at its deadline
        last = learner.fit(place.served, FitOptions(keep_weights=True))
        go_on.set()
        last.result(SECONDS)
        with pytest.raises(CancelledError):
            waiting.result(0)
    assert done.qsize() == 2


def test_texts_of_too_large_a_catalog_are_not_read(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []

    def texts(key: int) -> dict[str, str]:
        read.append(key)
        return {}

    monkeypatch.setattr(place.store, "texts", texts)
    monkeypatch.setattr(words, "MOST_ITEMS", ITEMS - 1)
    place.record(events(range(10), 6))
    with place.learner(ONCE) as learner:
        assert place.learned() is not None
        assert not read
        monkeypatch.setattr(words, "MOST_ITEMS", ITEMS)
        learner.fit(place.served, FitOptions()).result(SECONDS)
    assert read == [place.served.key]


def test_too_few_events_and_a_server_that_stops(place: Place) -> None:
    place.record(events(range(2), 3))
    with place.learner(ONCE) as learner, pytest.raises(Conflict, match="has 6 events"):
        learner.fit(place.served, FitOptions()).result(SECONDS)
    with pytest.raises(Unavailable, match="stopping"):
        learner.fit(place.served, FitOptions())


def test_what_is_damaged_or_of_another_time_is_not_taken(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.record(events(range(10), 6))
    with place.learner(ONCE):
        assert place.learned() is not None
    [arrays] = place.folder.rglob("arrays.npz")
    content = arrays.read_bytes()
    arrays.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with place.learner(NEVER) as learner:
        assert learner.kept(place.served.key) is None
    assert "is damaged; it is learned again" in caplog.text
    with place.learner(AT_ONCE) as learner:
        assert place.learned() is not None
        wait_for(lambda: learner.kept(place.served.key) is not None)
    (place.folder / "99").mkdir()
    with place.learner(NEVER) as learner:
        assert learner.kept(place.served.key) is not None
    assert [one.name for one in place.folder.iterdir()] == [str(place.served.key)]
