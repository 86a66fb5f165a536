from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, wait
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bertine.encode.batching import BatchLimits
from bertine.encode.costs import CostModel
from bertine.encode.fake import FakeSession
from bertine.encode.job import Encoded
from bertine.encode.lanes import Load
from bertine.encode.padding import pad
from bertine.encode.pulse import Patience
from bertine.encode.scheduler import Scheduler
from bertine.encode.settings import Settings
from bertine.encode.statistics import BatchReport
from bertine.encode.tokens import Tokens
from bertine.errors import DeadlineExceeded, EncodeError, Overloaded, Unavailable
from bertine.types import Matrix

WAIT = 20.0
REFERENCE = FakeSession()

MakeTokens = Callable[..., list[Tokens]]
MakeScheduler = Callable[..., Scheduler]


@pytest.fixture
def start() -> Iterator[MakeScheduler]:
    """Start a scheduler; its gate is opened and it is closed in the end."""
    started: list[tuple[Scheduler, FakeSession]] = []

    def make(session: FakeSession, **settings: Any) -> Scheduler:
        own = {name: settings.pop(name) for name in ("clock", "on_batch") if name in settings}
        chosen = Settings(**{"max_waiting_tokens": 10_000, **settings})
        scheduler = Scheduler(session, pad_token_id=0, settings=chosen, **own)
        started.append((scheduler, session))
        return scheduler

    yield make
    for scheduler, session in started:
        if session.gate is not None:
            session.gate.set()
        scheduler.close()


def alone(tokens: list[Tokens]) -> Matrix:
    """The vectors the fake gives, without a scheduler."""
    return REFERENCE.run(*pad([entry.ids for entry in tokens], 0))


def hold(scheduler: Scheduler, session: FakeSession, tokens: list[Tokens]) -> Future[Encoded]:
    """Submit tokens and return once their batch is in the session, stopped at the gate."""
    session.started.clear()
    future = scheduler.submit(tokens)
    assert session.started.wait(WAIT)
    return future


def gated(**settings: Any) -> FakeSession:
    return FakeSession(gate=threading.Event(), **settings)


def test_vectors_come_in_the_order_submitted(start: MakeScheduler, make_tokens: MakeTokens) -> None:
    tokens = make_tokens([3, 60, 7, 7, 41, 5] * 30)
    encoded = start(FakeSession()).submit(tokens).result(WAIT)
    assert (encoded.vectors == alone(tokens)).all()
    assert encoded.queue_seconds >= 0
    assert encoded.encode_seconds > 0


def test_many_threads_get_their_own_vectors(start: MakeScheduler, make_tokens: MakeTokens) -> None:
    scheduler = start(FakeSession(), max_waiting_tokens=10**9)
    wrong: list[int] = []

    def client(number: int) -> None:
        for step in range(40):
            tokens = make_tokens([1 + (number * step) % 30, 5], first_id=1000 * number)
            if not (scheduler.submit(tokens).result(WAIT).vectors == alone(tokens)).all():
                wrong.append(number)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    assert not wrong
    assert scheduler.statistics().rows == 8 * 40 * 2


def test_what_waits_is_batched(start: MakeScheduler, make_tokens: MakeTokens) -> None:
    session = gated()
    scheduler = start(session)
    first = hold(scheduler, session, make_tokens([9]))
    futures = [scheduler.submit(make_tokens([8])) for _ in range(20)]
    assert session.gate is not None
    session.gate.set()
    wait([first, *futures], WAIT)
    assert session.shapes == [(1, 9), (20, 8)]


def test_a_full_queue_refuses_at_once(start: MakeScheduler, make_tokens: MakeTokens) -> None:
    session = gated()
    scheduler = start(session, max_waiting_tokens=100)
    hold(scheduler, session, make_tokens([9]))
    scheduler.submit(make_tokens([60]))
    with pytest.raises(Overloaded, match=r"60 tokens wait .* 41 more would exceed 100") as caught:
        scheduler.submit(make_tokens([41]))
    assert caught.value.retry_after > 0
    with pytest.raises(Overloaded):
        scheduler.admit(Load(1, 41))
    scheduler.release(scheduler.admit(Load(1, 40)))
    scheduler.submit(make_tokens([40]))
    assert scheduler.statistics().rejected == 2


def test_a_job_larger_than_the_queue_is_let_in_when_nothing_waits(
    start: MakeScheduler, make_tokens: MakeTokens
) -> None:
    tokens = make_tokens([30] * 10)
    encoded = start(FakeSession(), max_waiting_tokens=100).submit(tokens).result(WAIT)
    assert len(encoded.vectors) == 10


def test_what_continues_a_request_is_not_refused(
    start: MakeScheduler, make_tokens: MakeTokens
) -> None:
    session = gated()
    scheduler = start(session, max_waiting_tokens=100)
    hold(scheduler, session, make_tokens([9]))
    promise = scheduler.admit(Load(2, 60))
    parts = [scheduler.submit(make_tokens([60]), promise=promise)]
    scheduler.submit(make_tokens([10]))
    with pytest.raises(Overloaded, match="100 tokens wait"):
        scheduler.submit(make_tokens([5]))
    parts.append(scheduler.submit(make_tokens([60]), first=1, promise=promise))
    assert session.gate is not None
    session.gate.set()
    assert scheduler.drain(WAIT)
    assert [part.result().vectors.shape for part in parts] == [(1, 64)] * 2


def test_room_is_kept_for_what_was_let_in_until_it_is_given_back(
    start: MakeScheduler, make_tokens: MakeTokens
) -> None:
    session = gated()
    scheduler = start(session, max_waiting_tokens=100)
    hold(scheduler, session, make_tokens([9]))
    promise = scheduler.admit(Load(3, 90))
    with pytest.raises(Overloaded, match="90 tokens wait"):
        scheduler.submit(make_tokens([20]))
    for _ in range(2):
        scheduler.release(promise)
    scheduler.submit(make_tokens([20]))
    assert scheduler.statistics().waiting_tokens == 20


def test_retry_after_follows_the_cost_model(start: MakeScheduler, make_tokens: MakeTokens) -> None:
    session = gated()
    scheduler = start(session, max_waiting_tokens=1, clock=lambda: 0.0)
    scheduler.tune(CostModel(token=0.1), BatchLimits())
    hold(scheduler, session, make_tokens([5]))
    scheduler.submit(make_tokens([50]))
    with pytest.raises(Overloaded) as caught:
        scheduler.submit(make_tokens([5]))
    assert caught.value.retry_after == pytest.approx(0.5 + 5.0)


def test_who_would_go_first_comes_back_when_there_is_room(
    start: MakeScheduler, make_tokens: MakeTokens
) -> None:
    session = gated()
    scheduler = start(session, max_waiting_tokens=40, clock=lambda: 0.0)
    scheduler.tune(CostModel(token=0.1), BatchLimits())
    hold(scheduler, session, make_tokens([5]))
    scheduler.submit(make_tokens([50]), lane="bulk")
    with pytest.raises(Overloaded) as caught:
        scheduler.submit(make_tokens([10]))
    # Half a second runs, and 20 of the 60 tokens are too many: nothing waits in its own lane.
    assert caught.value.retry_after == pytest.approx(0.5 + 2.0)


def test_a_deadline_that_has_passed_is_refused(
    start: MakeScheduler, make_tokens: MakeTokens
) -> None:
    session = FakeSession()
    scheduler = start(session, clock=lambda: 100.0)
    with pytest.raises(DeadlineExceeded):
        scheduler.submit(make_tokens([5]), deadline=100.0)
    with pytest.raises(DeadlineExceeded):
        scheduler.admit(Load(5, 5), deadline=99.0)
    assert session.shapes == []


def test_a_deadline_that_passes_in_the_queue_costs_no_compute(
    start: MakeScheduler, make_tokens: MakeTokens
) -> None:
    now = [0.0]
    session = gated()
    scheduler = start(session, clock=lambda: now[0])
    hold(scheduler, session, make_tokens([9]))
    late = scheduler.submit(make_tokens([8]), deadline=1.0)
    fine = scheduler.submit(make_tokens([7]), deadline=3.0)
    now[0] = 2.0
    assert session.gate is not None
    session.gate.set()
    assert fine.result(WAIT).queue_seconds == 2.0
    with pytest.raises(DeadlineExceeded):
        late.result(WAIT)
    assert session.shapes == [(1, 9), (1, 7)]
    assert scheduler.statistics().expired == 1


def test_a_cancelled_job_is_not_computed(start: MakeScheduler, make_tokens: MakeTokens) -> None:
    session = gated()
    scheduler = start(session)
    hold(scheduler, session, make_tokens([9]))
    gone = scheduler.submit(make_tokens([8, 8]))
    stays = scheduler.submit(make_tokens([7]))
    assert gone.cancel()
    statistics = scheduler.statistics()
    assert (statistics.waiting_rows, statistics.waiting_tokens, statistics.cancelled) == (1, 7, 1)
    assert session.gate is not None
    session.gate.set()
    stays.result(WAIT)
    assert session.shapes == [(1, 9), (1, 7)]
    with pytest.raises(CancelledError):
        gone.result()


def test_a_job_cancelled_midway_loses_the_rest(
    start: MakeScheduler, make_tokens: MakeTokens
) -> None:
    session = gated()
    scheduler = start(session, limits=BatchLimits(max_rows=2))
    job = hold(scheduler, session, make_tokens([9] * 10))
    assert job.cancel()
    assert session.gate is not None
    session.gate.set()
    assert scheduler.drain(WAIT)
    assert session.shapes == [(2, 9)]


def test_one_guilty_row_fails_alone(start: MakeScheduler, make_tokens: MakeTokens) -> None:
    session = gated(fail_on=[7])
    scheduler = start(session)
    first = hold(scheduler, session, make_tokens([30]))
    good = [make_tokens([5], first_id=1000 * number) for number in range(1, 8)]
    futures = [scheduler.submit(tokens) for tokens in good]
    bad = Tokens(np.array([1, 7, 2, 3, 4], dtype=np.int32))
    guilty = scheduler.submit([make_tokens([5])[0], bad], first=10)
    assert session.gate is not None
    session.gate.set()
    wait([first, guilty, *futures], WAIT)
    with pytest.raises(EncodeError, match="input 11 cannot be encoded"):
        guilty.result()
    for tokens, future in zip(good, futures, strict=True):
        assert (future.result().vectors == alone(tokens)).all()
    assert scheduler.submit(good[0]).result(WAIT).vectors.shape == (1, 64)
    assert scheduler.alive
    assert scheduler.statistics().failed == 1


class Broken(FakeSession):
    def run(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> Matrix:
        super().run(ids, mask)
        raise RuntimeError("the device fell off")


def test_a_defect_fails_every_job_and_is_seen(
    start: MakeScheduler, make_tokens: MakeTokens, caplog: pytest.LogCaptureFixture
) -> None:
    session = Broken(gate=threading.Event())
    scheduler = start(session)
    running = hold(scheduler, session, make_tokens([9]))
    waiting = scheduler.submit(make_tokens([300]))
    assert session.gate is not None
    session.gate.set()
    for future in (running, waiting):
        with pytest.raises(Unavailable, match="the device fell off"):
            future.result(WAIT)
    assert not scheduler.alive
    assert "the encoder's thread failed" in caplog.text
    with pytest.raises(Unavailable):
        scheduler.submit(make_tokens([9]))
    assert scheduler.drain(WAIT)


def test_drain_finishes_what_waits_and_refuses_more(
    start: MakeScheduler, make_tokens: MakeTokens
) -> None:
    session = gated()
    scheduler = start(session)
    futures = [hold(scheduler, session, make_tokens([9])), scheduler.submit(make_tokens([40]))]
    assert not scheduler.drain(timeout=0.01)
    with pytest.raises(Unavailable):
        scheduler.submit(make_tokens([5]))
    assert scheduler.alive
    assert session.gate is not None
    session.gate.set()
    assert scheduler.drain(WAIT)
    assert all(future.done() for future in futures)


def test_close_ends_the_batch_that_runs_and_gives_up_the_rest(
    start: MakeScheduler, make_tokens: MakeTokens
) -> None:
    session = gated()
    scheduler = start(session)
    running = hold(scheduler, session, make_tokens([9]))
    waiting = scheduler.submit(make_tokens([40]))
    closer = threading.Thread(target=scheduler.close)
    closer.start()
    with pytest.raises(Unavailable, match="closed"):
        waiting.result(WAIT)
    assert session.gate is not None
    session.gate.set()
    closer.join(WAIT)
    assert running.result(WAIT).vectors.shape == (1, 64)
    assert not scheduler.alive
    scheduler.close()


def test_a_callback_may_submit_again(start: MakeScheduler, make_tokens: MakeTokens) -> None:
    scheduler = start(FakeSession())
    again: Future[Future[Encoded]] = Future()

    def resubmit(_: Future[Encoded]) -> None:
        again.set_result(scheduler.submit(make_tokens([4])))

    scheduler.submit(make_tokens([5])).add_done_callback(resubmit)
    assert again.result(WAIT).result(WAIT).vectors.shape == (1, 64)


def test_batches_are_counted_and_reported(start: MakeScheduler, make_tokens: MakeTokens) -> None:
    reports: list[BatchReport] = []
    session = gated()
    limits = BatchLimits(max_padding=0.5)
    scheduler = start(session, limits=limits, on_batch=reports.append)
    hold(scheduler, session, make_tokens([9]))
    scheduler.submit(make_tokens([10, 6]))
    statistics = scheduler.statistics()
    assert (statistics.waiting_rows, statistics.waiting_tokens) == (2, 16)
    assert session.gate is not None
    session.gate.set()
    assert scheduler.drain(WAIT)
    statistics = scheduler.statistics()
    assert [(report.rows, report.tokens, report.padded_tokens) for report in reports] == [
        (1, 9, 9),
        (2, 16, 20),
    ]
    assert (statistics.batches, statistics.rows) == (2, 3)
    assert (statistics.tokens, statistics.padded_tokens) == (25, 29)
    assert statistics.seconds == pytest.approx(sum(report.seconds for report in reports))
    assert (statistics.waiting_rows, statistics.waiting_tokens) == (0, 0)


def test_what_cannot_meet_its_deadline_is_refused_at_once(
    start: MakeScheduler, make_tokens: MakeTokens
) -> None:
    session = gated()
    scheduler = start(session, clock=lambda: 100.0)
    scheduler.tune(CostModel(token=0.1), BatchLimits())
    hold(scheduler, session, make_tokens([10]))
    scheduler.submit(make_tokens([20]))
    # One second runs and two wait; three rows of a token each take 0.3 s more. Where others wait,
    # that must fit into two fifths of the time left.
    with pytest.raises(Overloaded, match="in 8000 ms, and what waits takes about 3300 ms") as told:
        scheduler.admit(Load(3, 3), deadline=108.0)
    assert told.value.retry_after == pytest.approx(3.0)
    scheduler.release(scheduler.admit(Load(3, 3), deadline=108.4))
    with pytest.raises(Overloaded):
        scheduler.submit(make_tokens([30]), deadline=114.5)
    # What could not be done in time if nothing else waited is not the queue's fault.
    with pytest.raises(DeadlineExceeded, match="allow more time"):
        scheduler.submit(make_tokens([30]), deadline=102.9)
    scheduler.submit(make_tokens([30]), deadline=115.1)
    scheduler.admit(Load(), deadline=100.1)
    statistics = scheduler.statistics()
    assert (statistics.rejected, statistics.expired, statistics.waiting_rows) == (2, 1, 2)


def test_interactive_jobs_do_not_wait_for_bulk_ones(
    start: MakeScheduler, make_tokens: MakeTokens
) -> None:
    session = gated()
    scheduler = start(session, clock=lambda: 100.0, max_waiting_tokens=10**6)
    scheduler.tune(CostModel(token=0.1), BatchLimits())
    hold(scheduler, session, make_tokens([9]))
    bulk = scheduler.submit(make_tokens([40] * 20), lane="bulk")
    scheduler.submit(make_tokens([5]), deadline=102.0).add_done_callback(
        lambda _: order.append("interactive")
    )
    bulk.add_done_callback(lambda _: order.append("bulk"))
    order: list[str] = []
    with pytest.raises(Overloaded):
        scheduler.admit(Load(1, 1), deadline=102.0, lane="bulk")
    assert session.gate is not None
    session.gate.set()
    assert scheduler.drain(WAIT)
    assert order == ["interactive", "bulk"]
    # 0.8 s for one row of 40 tokens is more than a bulk batch may take while somebody may come.
    assert session.shapes[2:4] == [(1, 40), (1, 40)]


def test_a_job_that_could_not_end_in_time_any_more_is_dropped(
    start: MakeScheduler, make_tokens: MakeTokens
) -> None:
    now = [0.0]
    session = gated()
    scheduler = start(session, clock=lambda: now[0])
    scheduler.tune(CostModel(token=0.1), BatchLimits())
    hold(scheduler, session, make_tokens([9]))
    late = scheduler.submit(make_tokens([20]), deadline=5.0)
    now[0] = 4.5
    assert session.gate is not None
    session.gate.set()
    with pytest.raises(DeadlineExceeded):
        late.result(WAIT)
    assert session.shapes == [(1, 9)]


def test_a_device_that_does_not_respond_is_seen_and_may_come_back(
    start: MakeScheduler, make_tokens: MakeTokens
) -> None:
    now = [0.0]
    session = gated()
    scheduler = start(session, clock=lambda: now[0], patience=Patience(30.0, 5.0, 60.0))
    running = hold(scheduler, session, make_tokens([9]))

    def state() -> tuple[bool, bool]:
        return scheduler.workers.responsive, scheduler.workers.hung

    now[0] = 4.9
    assert state() == (True, False)
    now[0] = 5.0
    assert state() == (False, False)
    for call in (lambda: scheduler.admit(Load()), lambda: scheduler.submit(make_tokens([5]))):
        with pytest.raises(Unavailable, match="does not respond"):
            call()
    assert scheduler.alive
    now[0] = 60.0
    assert state() == (False, True)
    assert session.gate is not None
    session.gate.set()
    running.result(WAIT)
    assert scheduler.drain(WAIT)
    assert state() == (True, False)


def test_closing_does_not_wait_for_a_device_that_does_not_respond(
    start: MakeScheduler, make_tokens: MakeTokens
) -> None:
    now = [0.0]
    session = gated()
    scheduler = start(session, clock=lambda: now[0])
    hold(scheduler, session, make_tokens([9]))
    now[0] = 100.0
    scheduler.close()
    assert not scheduler.alive


def test_the_session_can_be_borrowed_between_batches(
    start: MakeScheduler, make_tokens: MakeTokens
) -> None:
    session = FakeSession()
    scheduler = start(session)
    thread, same = scheduler.borrow(
        lambda borrowed: (threading.current_thread().name, borrowed is session)
    ).result(WAIT)
    assert (thread, same) == ("bertine-encoder", True)
    with pytest.raises(KeyError):
        scheduler.borrow(lambda _: dict[str, int]()["absent"]).result(WAIT)
    assert scheduler.submit(make_tokens([4])).result(WAIT).vectors.shape == (1, 64)
    scheduler.close()
    with pytest.raises(Unavailable):
        scheduler.borrow(lambda _: None)


def test_predictions_are_held_against_what_batches_take(
    start: MakeScheduler, make_tokens: MakeTokens
) -> None:
    now = [0.0]

    def take(rows: int, length: int) -> None:
        now[0] += 0.02 * rows * length

    reports: list[BatchReport] = []
    scheduler = start(FakeSession(before_run=take), clock=lambda: now[0], on_batch=reports.append)
    scheduler.tune(CostModel(token=0.01), BatchLimits())
    for _ in range(100):
        scheduler.submit(make_tokens([10]), lane="bulk").result(WAIT)
    assert reports[0].predicted == pytest.approx(0.1)
    assert reports[0].lane == "bulk"
    assert scheduler.drain(WAIT)
    assert reports[-1].predicted == pytest.approx(0.2, rel=0.02)
    statistics = scheduler.statistics()
    assert statistics.predicted_seconds == pytest.approx(sum(r.predicted for r in reports))
    assert statistics.misjudged_seconds == pytest.approx(20 - statistics.predicted_seconds)


def test_a_job_without_texts_is_a_defect(start: MakeScheduler) -> None:
    with pytest.raises(ValueError, match="at least one text"):
        start(FakeSession()).submit([])
