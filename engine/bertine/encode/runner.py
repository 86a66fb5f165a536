"""Running batches on the session: padded, timed, and split where one of the rows is guilty."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bertine.encode.contract import Session
from bertine.encode.job import Job
from bertine.encode.lanes import Lane
from bertine.encode.packing import Packed, pack
from bertine.encode.padding import pad
from bertine.encode.pulse import Pulse
from bertine.encode.statistics import BatchReport
from bertine.errors import EncodeError
from bertine.types import Matrix


class Row(NamedTuple):
    """One text of a batch: which job's, and where in it."""

    job: Job
    position: int


class Errand:
    """Something else to be done with the session, see `Scheduler.borrow`."""

    def __init__(self, use: Callable[[Session], Any], future: Future[Any]) -> None:
        self._use = use
        self._future = future

    def run(self, session: Session) -> None:
        """Do it; whoever asked for it deals with its errors."""
        try:
            self._future.set_result(self._use(session))
        except Exception as error:  # noqa: BLE001  as said
            self.resolve(error)

    def resolve(self, error: Exception) -> None:
        """Give it up."""
        self._future.set_exception(error)


class Runner:
    """What a worker does with a batch. Used by that worker's thread alone.

    Args:
        session: what encodes.
        pad_token_id: fills the right of a batch's shorter rows.
        predict: how many seconds a batch of so many rows and such a length should take.
        clock: seconds.
        report: is told of every batch that ran.
        pulse: is told when a batch begins and ends.
        number: of the worker.

    Attributes:
        pulse: see above.
        number: see above.
    """

    def __init__(
        self,
        session: Session,
        pad_token_id: int,
        predict: Callable[[int, int], float],
        clock: Callable[[], float],
        report: Callable[[BatchReport], None],
        pulse: Pulse,
        number: int = 0,
    ) -> None:
        self._session = session
        self._pad_token_id = pad_token_id
        self._predict = predict
        self.pulse = pulse
        self.number = number
        # A condition would wake the thread too, but takes 50 µs longer than this queue in C.
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._clock = clock
        self._report = report
        self._free_since: float | None = None

    def rest(self) -> None:
        """Wait for `wake`; what passes until then is not part of any batch's time."""
        self._free_since = None
        self._wake.get()

    def wake(self) -> None:
        """End a rest, or the next one if there is none now. Any thread may call it."""
        self._wake.put(None)

    def run(self, rows: list[Row], lane: Lane) -> int:
        """Run rows together; where that fails run halves, down to the guilty row.

        Returns:
            How many rows the session failed on.

        Raises:
            Unavailable: the device is lost.
        """
        dispatched = self._clock()
        failed, parts = 0, [rows]
        while parts:
            part = [row for row in parts.pop() if not row.job.done]
            if not part:
                continue
            try:
                vectors, seconds = self._encode(part, lane)
            except EncodeError as error:
                failed += _blame(part, error, parts)
            else:
                for row, vector in zip(part, vectors, strict=True):
                    queued = dispatched - row.job.submitted
                    row.job.deliver(row.position, vector, queued, seconds)
        return failed

    def _encode(self, part: list[Row], lane: Lane) -> tuple[Matrix, float]:
        batch = [row.job.tokens[row.position].ids for row in part]
        ids, mask, places = self._lay_out(batch)
        rows, length = ids.shape
        predicted = self._predict(rows, length)
        self.pulse.begin(predicted)
        started = self._clock()
        try:
            vectors = self._session.run(ids, mask)[places]
        finally:
            self.pulse.end()
        ended = self._clock()
        seconds = ended - started
        # Those who wait are served as fast as batches follow each other, not as they run alone.
        since = started if self._free_since is None else self._free_since
        self._free_since = ended
        tokens = sum(map(len, batch))
        self._report(
            BatchReport(
                len(part), tokens, ids.size, length, seconds, predicted, lane, ended - since
            )
        )
        return vectors, seconds

    def _lay_out(self, batch: list[NDArray[np.int32]]) -> Packed:
        if self._session.sequence_packing and len(batch) > 1:
            return pack(batch, self._pad_token_id, self._predict)
        return Packed(*pad(batch, self._pad_token_id), np.arange(len(batch)))


def _blame(part: list[Row], error: EncodeError, parts: list[list[Row]]) -> int:
    """Queue the halves of a batch that failed; a single row is guilty. Returns how many are."""
    if len(part) > 1:
        half = len(part) // 2
        parts += [part[half:], part[:half]]
        return 0
    (row,) = part
    position = row.job.first + row.position
    row.job.resolve(EncodeError(f"input {position} cannot be encoded: {error.message}"))
    return 1
