"""The one thread that feeds the device: admission, batches, deadlines, failures."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from queue import SimpleQueue
from typing import NamedTuple

from bertine.encode.backlog import Backlog
from bertine.encode.batching import BatchLimits, Fairness, Part, plan
from bertine.encode.contract import Session
from bertine.encode.job import Encoded, Job
from bertine.encode.padding import pad
from bertine.encode.statistics import BatchReport, Statistics, Tally
from bertine.encode.tokens import Tokens
from bertine.errors import DeadlineExceeded, EncodeError, Overloaded, Unavailable
from bertine.types import Matrix

_log = logging.getLogger(__name__)


class _Row(NamedTuple):
    job: Job
    position: int


class Scheduler:
    """Batches rows of all callers and runs them on one session, in a thread of its own.

    Args:
        session: what encodes; only the scheduler's thread runs it.
        pad_token_id: fills the right of a batch's shorter rows.
        limits: see `BatchLimits`.
        max_waiting_tokens: tokens that may wait. A job that is larger is let in when nothing else
            waits, for otherwise it could never be.
        clock: seconds; deadlines are its readings.
        on_batch: called in the scheduler's thread after every batch; must be quick and not raise.
    """

    def __init__(
        self,
        session: Session,
        *,
        pad_token_id: int,
        limits: BatchLimits,
        max_waiting_tokens: int,
        clock: Callable[[], float] = time.monotonic,
        on_batch: Callable[[BatchReport], None] | None = None,
    ) -> None:
        self._session = session
        self._pad_token_id = pad_token_id
        self._limits = limits
        self._max_waiting_tokens = max_waiting_tokens
        self._clock = clock
        self._on_batch = on_batch
        self._lock = threading.Lock()
        self._finished = threading.Condition(self._lock)
        # A condition would wake the thread too, but takes 50 µs longer than this queue in C.
        self._wake: SimpleQueue[None] = SimpleQueue()
        # All below is guarded by _lock.
        self._idle = False
        self._waiting = Backlog(limits.window_rows)
        self._fairness = Fairness(limits.max_passes)
        self._jobs: dict[int, Job] = {}
        self._tally = Tally()
        self._accepting = True
        self._closing = False
        self._alive = True
        self._thread = threading.Thread(target=self._work, name="bertine-encoder", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether jobs can still be served: not closed, and the thread has not failed."""
        return self._alive

    def admit(self, tokens: int, deadline: float | None = None) -> None:
        """Refuse a job that `submit` would refuse, before any work is put into it.

        Args:
            tokens: that it has, at least.
            deadline: see `submit`.

        Raises:
            Overloaded: too much waits; says when to come back.
            DeadlineExceeded: the deadline has passed.
            Unavailable: draining, closed or failed.
        """
        with self._lock:
            self._admit(tokens, deadline)

    def submit(
        self,
        tokens: Sequence[Tokens],
        *,
        deadline: float | None = None,
        first: int = 0,
    ) -> Future[Encoded]:
        """Encode some texts.

        Args:
            tokens: at least one text, each of at least one token.
            deadline: the clock's reading after which the answer is useless. What is not
                dispatched by then is not computed.
            first: position of the first of them in the caller's request. What continues a
                request that was let in is not refused for want of room, nor while draining.

        Returns:
            Resolves to the vectors of all texts, or to `EncodeError`, `DeadlineExceeded` or
            `Unavailable`. Cancelling it drops what is not yet dispatched.

        Raises:
            Overloaded: too much waits; says when to come back.
            DeadlineExceeded: the deadline has passed.
            Unavailable: draining, closed or failed.
            ValueError: no texts.
        """
        if not tokens:
            raise ValueError("a job needs at least one text")
        lengths = [entry.length for entry in tokens]
        job = Job(tokens, self._session.dimensions, self._clock(), first)
        with self._lock:
            self._admit(sum(lengths), deadline, first)
            number = self._waiting.add(lengths, deadline)
            self._jobs[number] = job
            self._rouse()
        job.future.add_done_callback(partial(self._settled, number))
        return job.future

    def statistics(self) -> Statistics:
        """Totals so far and what waits now."""
        with self._lock:
            return replace(
                self._tally.totals(),
                waiting_rows=self._waiting.rows,
                waiting_tokens=self._waiting.tokens,
            )

    def drain(self, timeout: float | None = None) -> bool:
        """Refuse new jobs and wait for those there are.

        Args:
            timeout: seconds; None waits as long as it takes.

        Returns:
            Whether all are done.
        """
        with self._lock:
            self._accepting = False
            return self._finished.wait_for(lambda: not self._jobs, timeout)

    def close(self) -> None:
        """Refuse new jobs, give up those that wait, let the batch that runs end, and stop."""
        with self._lock:
            self._accepting = self._alive = False
            self._closing = True
            abandoned = [job for number, job in self._jobs.items() if number in self._waiting]
            self._rouse()
        for job in abandoned:
            job.resolve(Unavailable("the encoder was closed while this waited; try another server"))
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _admit(self, tokens: int, deadline: float | None, first: int = 0) -> None:
        if not self._alive or not (self._accepting or first):
            raise Unavailable("the encoder takes no more work; try another server")
        if deadline is not None and deadline <= self._clock():
            self._tally.expired += 1
            raise DeadlineExceeded("the deadline had passed when the request arrived")
        waiting = self._waiting.tokens
        if not first and waiting and waiting + tokens > self._max_waiting_tokens:
            self._tally.rejected += 1
            raise Overloaded(
                f"{waiting} tokens wait for the encoder, and {tokens} more would exceed "
                f"{self._max_waiting_tokens}; try again later",
                self._tally.seconds_for(waiting),
            )

    def _settled(self, number: int, future: Future[Encoded]) -> None:
        """Forget a job, whoever ended it, and drop what still waits of it."""
        if future.cancelled():
            future.set_running_or_notify_cancel()
        with self._lock:
            del self._jobs[number]
            self._waiting.discard(number)
            self._tally.cancelled += future.cancelled()
            if not self._jobs:
                self._finished.notify_all()

    def _rouse(self) -> None:
        if self._idle:
            self._idle = False
            self._wake.put(None)

    def _work(self) -> None:
        try:
            while (rows := self._next_batch()) is not None:
                self._serve(rows)
        except BaseException as error:  # noqa: BLE001  whatever it is, nobody must wait for ever
            _log.exception("the encoder's thread failed")
            self._fail(error)

    def _next_batch(self) -> list[_Row] | None:
        """Wait for rows to run; None is the end."""
        while True:
            with self._lock:
                if self._waiting.rows:
                    rows, expired = self._plan()
                    break
                if self._closing:
                    return None
                self._idle = True
            self._wake.get()
        for job in expired:
            job.resolve(DeadlineExceeded("the deadline passed while the request waited"))
        return rows

    def _plan(self) -> tuple[list[_Row], list[Job]]:
        """Rows to run now and jobs that came too late."""
        chosen = plan(self._waiting, self._fairness, self._clock(), self._limits)
        expired = [self._jobs[number] for number in chosen.expired]
        self._tally.expired += len(expired)
        return [row for part in chosen.batch for row in self._rows(part)], expired

    def _rows(self, part: Part) -> list[_Row]:
        job = self._jobs[part.job]
        return [_Row(job, position) for position in part.rows]

    def _serve(self, rows: list[_Row]) -> None:
        """Run rows together; where that fails run halves, down to the guilty row."""
        dispatched = self._clock()
        parts = [rows]
        while parts:
            part = [row for row in parts.pop() if not row.job.done]
            if not part:
                continue
            try:
                vectors, seconds = self._encode(part)
            except EncodeError as error:
                self._blame(part, error, parts)
            else:
                for row, vector in zip(part, vectors, strict=True):
                    queued = dispatched - row.job.submitted
                    row.job.deliver(row.position, vector, queued, seconds)

    def _blame(self, part: list[_Row], error: EncodeError, parts: list[list[_Row]]) -> None:
        if len(part) > 1:
            half = len(part) // 2
            parts += [part[half:], part[:half]]
            return
        (row,) = part
        with self._lock:
            self._tally.failed += 1
        position = row.job.first + row.position
        row.job.resolve(EncodeError(f"input {position} cannot be encoded: {error.message}"))

    def _encode(self, part: list[_Row]) -> tuple[Matrix, float]:
        batch = [row.job.tokens[row.position].ids for row in part]
        ids, mask = pad(batch, self._pad_token_id)
        started = self._clock()
        vectors = self._session.run(ids, mask)
        seconds = self._clock() - started
        report = BatchReport(len(batch), sum(map(len, batch)), ids.size, seconds)
        with self._lock:
            self._tally.count(report)
        if self._on_batch is not None:
            self._on_batch(report)
        return vectors, seconds

    def _fail(self, error: BaseException) -> None:
        with self._lock:
            self._accepting = self._alive = False
            lost = list(self._jobs.values())
        for job in lost:
            unavailable = Unavailable(f"the encoder stopped: {error}; the server must be restarted")
            unavailable.__cause__ = error
            job.resolve(unavailable)
