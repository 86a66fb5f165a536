"""Several workers on one session: they share what waits, and one that hangs does not hide."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bertine.encode.fake import FakeSession
from bertine.encode.padding import pad
from bertine.encode.pulse import Patience
from bertine.encode.scheduler import Scheduler
from bertine.encode.settings import Settings
from bertine.encode.tokens import Tokens
from bertine.errors import Unavailable
from bertine.types import Matrix

WAIT = 20.0
REFERENCE = FakeSession()

MakeTokens = Callable[..., list[Tokens]]
MakeScheduler = Callable[..., Scheduler]


@pytest.fixture
def start() -> Iterator[MakeScheduler]:
    """Start a scheduler; it is closed in the end."""
    started: list[Scheduler] = []

    def make(session: FakeSession, **settings: Any) -> Scheduler:
        own = {name: settings.pop(name) for name in ("clock",) if name in settings}
        started.append(Scheduler(session, pad_token_id=0, settings=Settings(**settings), **own))
        return started[-1]

    yield make
    for scheduler in started:
        scheduler.close()


def alone(tokens: list[Tokens]) -> Matrix:
    """The vectors the fake gives, without a scheduler."""
    return REFERENCE.run(*pad([entry.ids for entry in tokens], 0))


def test_workers_run_batches_at_the_same_time_and_share_what_waits(
    start: MakeScheduler, make_tokens: MakeTokens
) -> None:
    inside, everybody = threading.Semaphore(0), threading.Barrier(3, timeout=WAIT)

    def meet(rows: int, length: int) -> None:
        del rows, length
        inside.release()
        everybody.wait()

    session = FakeSession(callers=3, before_run=meet)
    scheduler = start(session)
    # No batch ends before three run: one call's rows are three workers'.
    tokens = make_tokens([20] * 9)
    assert (scheduler.submit(tokens).result(WAIT).vectors == alone(tokens)).all()
    assert session.shapes == [(3, 20)] * 3


def test_one_row_wakes_one_worker_and_always_the_same(
    start: MakeScheduler, make_tokens: MakeTokens
) -> None:
    seen: list[int] = []
    session = FakeSession(callers=4, before_run=lambda *_: seen.append(threading.get_ident()))
    scheduler = start(session)
    # Until all workers rest, one of them may not have come to it yet.
    for _ in range(200):
        scheduler.submit(make_tokens([7])).result(WAIT)
    assert len(set(seen[-20:])) == 1


def test_a_worker_that_hangs_is_seen_beside_one_that_works(
    start: MakeScheduler, make_tokens: MakeTokens
) -> None:
    now, stuck = [0.0], threading.Event()
    hanging = threading.Event()

    def run(rows: int, length: int) -> None:
        del rows
        if length == 13:
            hanging.set()
            stuck.wait(WAIT)

    patience = Patience(at_least=1.0, hung=10.0)
    scheduler = start(
        FakeSession(callers=2, before_run=run), clock=lambda: now[0], patience=patience
    )
    lost = scheduler.submit(make_tokens([13]))
    assert hanging.wait(WAIT)
    scheduler.submit(make_tokens([5])).result(WAIT)
    assert scheduler.workers.responsive
    now[0] = 11.0
    assert (scheduler.workers.responsive, scheduler.workers.hung) == (False, True)
    stuck.set()
    lost.result(WAIT)
    assert scheduler.workers.responsive


def test_a_lost_device_ends_all_workers(start: MakeScheduler, make_tokens: MakeTokens) -> None:
    def lost(rows: int, length: int) -> None:
        raise Unavailable(f"the device is lost at {rows} x {length}")

    scheduler = start(FakeSession(callers=3, before_run=lost))
    with pytest.raises(Unavailable, match="must be restarted"):
        scheduler.submit(make_tokens([20] * 9)).result(WAIT)
    assert not scheduler.alive
    with pytest.raises(Unavailable):
        scheduler.submit(make_tokens([3]))
