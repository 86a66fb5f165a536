"""Whether a job may wait for the encoder at all: decided before any work is put into it."""

from __future__ import annotations

from dataclasses import dataclass

from bertine.encode.batching import BatchLimits
from bertine.encode.costs import CostModel
from bertine.encode.lanes import Load
from bertine.errors import BertineError, DeadlineExceeded, Overloaded

# A prediction may be wrong, and a refusal cannot be taken back. Where nobody waits, only what would
# be late even if everything took half as long is refused. Where others wait, what is let in and
# then late was done in their place: part of the time left is kept for the way back to the caller,
# which takes longest when most is asked.
_SURE = 0.5
_USABLE = 0.4
_TYPICAL_LENGTH = 16
# Seconds: below the first a retry is a storm, above the second nobody would believe it.
_RETRY_BOUNDS = (0.01, 30.0)


@dataclass(frozen=True, slots=True)
class Queue:
    """What a job finds when it comes.

    Attributes:
        ahead: rows that go before it.
        waiting_tokens: of all rows that wait.
        running: seconds until a worker is free.
        costs: what batches take.
        limits: of a batch.
        workers: that run batches at the same time.
    """

    ahead: Load
    waiting_tokens: int
    running: float
    costs: CostModel
    limits: BatchLimits
    workers: int = 1

    def seconds(self, more: Load) -> float:
        """When ``more`` will be done, by the cost model: seconds from now."""
        return self.running + self.alone(self.ahead + more)

    def alone(self, job: Load) -> float:
        """How long ``job`` takes where nothing else waits, by the cost model."""
        rows, tokens = self.limits.max_rows, self.limits.max_tokens
        return self.costs.queue_seconds(job.rows, job.tokens, rows, tokens) / self.workers


def too_late(queue: Queue, job: Load, left: float | None) -> BertineError | None:
    """The error to refuse a job with that cannot be done in time, if it cannot.

    Args:
        queue: what it finds.
        job: what it brings, at least; no rows need not wait for any.
        left: seconds to its deadline; None is for ever.
    """
    if left is None:
        return None
    if left <= 0:
        return DeadlineExceeded("the deadline had passed when the request arrived")
    needed = queue.seconds(job) if job.rows else 0.0
    if needed <= left * (_USABLE if queue.ahead.rows else 1 / _SURE):
        return None
    told = (
        f"the deadline is in {left * 1e3:.0f} ms, and what waits takes about {needed * 1e3:.0f} ms"
    )
    if queue.alone(job) > left:
        return DeadlineExceeded(f"{told}; allow more time or send less at once")
    # Another server could still do it in time.
    again = _bounded(queue.seconds(Load()))
    return Overloaded(f"{told}; try another server, or again later", again)


def no_room(queue: Queue, job: Load, max_waiting_tokens: int) -> BertineError | None:
    """The error to refuse a job with for which there is no room, if there is none.

    A job that is larger than all the room there is may come when nothing waits, for otherwise it
    never could.

    Args:
        queue: what it finds.
        job: what it brings, at least.
        max_waiting_tokens: that may wait.
    """
    waiting = queue.waiting_tokens
    if not waiting or not job.tokens or waiting + job.tokens <= max_waiting_tokens:
        return None
    over = min(waiting + job.tokens - max_waiting_tokens, waiting)
    room = queue.running + queue.alone(Load(max(1, over // _TYPICAL_LENGTH), over))
    return Overloaded(
        f"{waiting} tokens wait for the encoder, and {job.tokens} more would exceed "
        f"{max_waiting_tokens}; try again later",
        _bounded(room),
    )


def _bounded(seconds: float) -> float:
    """A time to come back after."""
    shortest, longest = _RETRY_BOUNDS
    return min(max(seconds, shortest), longest)


def latest_start(deadline: float | None, costs: CostModel, longest: int) -> float | None:
    """The clock's reading from which on a job cannot end by its deadline.

    Args:
        deadline: of the job; None is never.
        costs: what batches take.
        longest: tokens of its longest row.
    """
    return None if deadline is None else deadline - _SURE * costs.seconds(1, longest)
