"""The lanes that wait for the device, and the workers that take batches from them."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import TypeVar

from bertine.encode.admission import latest_start
from bertine.encode.batching import BatchLimits
from bertine.encode.contract import Session
from bertine.encode.costs import CostModel, Forecast
from bertine.encode.entrance import CLOSED, Entrance
from bertine.encode.job import Encoded, Job
from bertine.encode.lanes import Lane, Lanes, Load, Turn
from bertine.encode.promises import Promise
from bertine.encode.pulse import Pulse
from bertine.encode.runner import Errand, Row, Runner
from bertine.encode.settings import Settings
from bertine.encode.statistics import BatchReport, Statistics, Tally
from bertine.encode.tokens import Tokens
from bertine.encode.workers import Workers
from bertine.errors import DeadlineExceeded, Unavailable
from bertine.priority import COMPUTING, give_way

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

DEFAULT_LIMITS = BatchLimits()


class Scheduler:
    """Batches rows of all callers and runs them on one session, in threads of its own.

    Args:
        session: what encodes; only the scheduler's threads run it, as many as it has callers.
        pad_token_id: fills the right of a batch's shorter rows.
        settings: see `Settings`.
        clock: seconds; deadlines are its readings.
        on_batch: called in a worker's thread after every batch; must be quick and not raise.
    """

    def __init__(
        self,
        session: Session,
        *,
        pad_token_id: int,
        settings: Settings,
        clock: Callable[[], float] = time.monotonic,
        on_batch: Callable[[BatchReport], None] | None = None,
    ) -> None:
        self._session = session
        self._clock = clock
        self._on_batch = on_batch
        self._lock = threading.Lock()
        self._finished = threading.Condition(self._lock)
        # All below is guarded by _lock.
        self._idle: list[Runner] = []
        self._running = 0  # rows that workers have
        self._forecast = Forecast(CostModel())
        self._errands: deque[Errand] = deque()
        self._lanes = Lanes(settings.limits or DEFAULT_LIMITS, settings.policy)
        self._jobs: dict[int, Job] = {}
        self._tally = Tally()
        self._closing = False
        self._alive, self.failure = True, ""  # what ended a worker
        shared = session, pad_token_id, self._seconds, clock, self._count
        pulses = [Pulse(settings.patience, clock) for _ in range(session.callers)]
        runners = [Runner(*shared, pulse, number) for number, pulse in enumerate(pulses)]
        self._workers = Workers(runners, self._work)
        room = settings.max_waiting_tokens
        self._entrance = Entrance(self._lanes, self._workers, self._tally, room, clock)

    @property
    def alive(self) -> bool:
        """Whether jobs can still be served: not closed, and no worker has failed."""
        return self._alive

    @property
    def workers(self) -> Workers:
        """Whether the device answers them."""
        return self._workers

    def tune(self, costs: CostModel, limits: BatchLimits) -> None:
        """Use another cost model and other limits of a batch from now on."""
        with self._lock:
            self._forecast = Forecast(costs)
            self._lanes.costs = costs
            self._lanes.limits = limits

    def borrow(self, use: Callable[[Session], _T]) -> Future[_T]:
        """Let ``use`` have the session, in a worker's thread, between two of its batches."""
        future: Future[_T] = Future()
        with self._lock:
            if not self._alive:
                raise Unavailable(CLOSED)
            self._errands.append(Errand(use, future))
            self._rouse()
        return future

    def admit(
        self, load: Load, deadline: float | None = None, lane: Lane = "interactive"
    ) -> Promise:
        """Refuse a request, before any work is put into it, or keep room for it.

        Args:
            load: what it will bring, as far as is known; no rows ask whether any may come.
            deadline: see `submit`.
            lane: see `submit`.

        Returns:
            For `submit`; what is not submitted in the end must be given back, see `release`.

        Raises:
            Overloaded: too much waits; says when to come back.
            DeadlineExceeded: the deadline has passed, or passes before the job could end.
            Unavailable: draining, closed or failed, or the device does not respond.
        """
        with self._lock:
            self._entrance.admit(load, deadline, lane)
            return self._entrance.promises.make(lane, load)

    def release(self, promise: Promise) -> None:
        """Give back the room that is still kept for a request. Twice does nothing."""
        if promise.rows:
            with self._lock:
                self._entrance.promises.redeem(promise, promise.rows)

    def submit(
        self,
        tokens: Sequence[Tokens],
        *,
        deadline: float | None = None,
        lane: Lane = "interactive",
        first: int = 0,
        promise: Promise | None = None,
    ) -> Future[Encoded]:
        """Encode some texts.

        Args:
            tokens: at least one text, each of at least one token.
            deadline: the clock's reading after which the answer is useless. What is not
                dispatched by then is not computed.
            lane: it waits in: `interactive` goes before `bulk`.
            first: position of the first of them in the caller's request.
            promise: of the request that they are a part of. They are let in, for their deadline
                and the room there is were looked at when it was made.

        Returns:
            Resolves to the vectors of all texts, or to `EncodeError`, `DeadlineExceeded` or
            `Unavailable`. Cancelling it drops what is not yet dispatched.

        Raises:
            Overloaded: too much waits; says when to come back.
            DeadlineExceeded: the deadline has passed, or passes before the job could end.
            Unavailable: draining, closed or failed, or the device does not respond.
            ValueError: no texts.
        """
        if not tokens:
            raise ValueError("a job needs at least one text")
        lengths, now = [entry.length for entry in tokens], self._clock()
        job = Job(tokens, self._session.dimensions, now, first)
        with self._lock:
            if not self._alive:
                raise Unavailable(CLOSED)
            self._entrance.let_in(Load(len(lengths), sum(lengths)), deadline, lane, promise)
            latest = latest_start(deadline, self._lanes.costs, max(lengths))
            number = self._lanes.add(lane, lengths, now, latest)
            self._jobs[number] = job
            self._rouse()
        job.future.add_done_callback(partial(self._settled, number))
        return job.future

    def statistics(self) -> Statistics:
        """Totals so far and what waits now."""
        with self._lock:
            statistics = self._tally.statistics(
                self._lanes.load("interactive"), self._lanes.load("bulk")
            )
            statistics.batch_tokens = self._lanes.limits.max_tokens
        return statistics

    def drain(self, timeout: float | None = None) -> bool:
        """Refuse new jobs and wait for those there are.

        Args:
            timeout: seconds; None waits as long as it takes.

        Returns:
            Whether all are done.
        """
        with self._lock:
            self._entrance.open = False
            return self._finished.wait_for(lambda: not self._jobs, timeout)

    def close(self) -> None:
        """Refuse new jobs, give up those that wait, let the batch that runs end, and stop.

        A batch that does not respond is left behind.
        """
        with self._lock:
            self._entrance.open = self._alive = False
            self._closing = True
            abandoned = [job for number, job in self._jobs.items() if number in self._lanes]
            self._rouse()
        for job in abandoned:
            job.resolve(Unavailable("the encoder was closed while this waited; try another server"))
        self._workers.join()

    def _seconds(self, rows: int, length: int) -> float:
        return self._forecast.costs.seconds(rows, length)

    def _settled(self, number: int, future: Future[Encoded]) -> None:
        """Forget a job, whoever ended it, and drop what still waits of it."""
        if future.cancelled():
            future.set_running_or_notify_cancel()
        with self._lock:
            del self._jobs[number]
            self._lanes.discard(number)
            self._tally.cancelled += future.cancelled()
            if not self._jobs:
                self._finished.notify_all()

    def _rouse(self) -> None:
        if self._idle:
            # Always the first: where one is enough it stays on its core, with all it has there.
            first = min(self._idle, key=lambda runner: runner.number)
            self._idle.remove(first)
            first.wake()

    def _work(self, runner: Runner) -> None:
        give_way(COMPUTING)
        try:
            while (turn := self._next_turn(runner)) is not None:
                rows, lane = turn
                failed = runner.run(rows, lane)
                with self._lock:
                    self._tally.failed += failed
                    self._running -= len(rows)
        except BaseException as error:  # noqa: BLE001  whatever it is, nobody must wait for ever
            _log.exception("the encoder's thread failed")
            self._fail(error)

    def _next_turn(self, runner: Runner) -> tuple[list[Row], Lane] | None:
        """Wait for rows to run; None is the end."""
        while True:
            errand = None
            with self._lock:
                if self._errands:
                    errand = self._errands.popleft()
                elif self._lanes.rows:
                    turn = self._lanes.plan(self._clock(), len(self._workers), self._running)
                    rows, late = self._rows(turn), self._late(turn)
                    self._running += len(rows)
                    if self._lanes.rows:
                        self._rouse()
                    break
                elif self._closing:
                    self._rouse()
                    return None
                else:
                    self._idle.append(runner)
            if errand is None:
                runner.rest()
            else:
                errand.run(self._session)
        for job in late:
            job.resolve(DeadlineExceeded("the deadline passed while the request waited"))
        return rows, turn.lane

    def _rows(self, turn: Turn) -> list[Row]:
        return [Row(self._jobs[part.job], row) for part in turn.batch for row in part.rows]

    def _late(self, turn: Turn) -> list[Job]:
        self._tally.expired += len(turn.expired)
        return [self._jobs[number] for number in turn.expired]

    def _count(self, report: BatchReport) -> None:
        with self._lock:
            self._tally.count(report)
            self._forecast.learn(
                report.padded_tokens // report.length, report.length, report.turnaround
            )
            self._lanes.costs = self._forecast.costs
        if self._on_batch is not None:
            self._on_batch(report)

    def _fail(self, error: BaseException) -> None:
        with self._lock:
            self._entrance.open, self._alive, self.failure = False, False, str(error)
            lost: list[Job | Errand] = [*self._jobs.values(), *self._errands]
        for waiting in lost:
            unavailable = Unavailable(f"the encoder stopped: {error}; the server must be restarted")
            unavailable.__cause__ = error
            waiting.resolve(unavailable)
