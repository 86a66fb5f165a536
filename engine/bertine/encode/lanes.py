"""Whose turn it is: people who wait before work that can, a decision without threads or clock.

Interactive rows go first, and bulk rows fill what they leave. While interactive calls come in, a
bulk batch is kept so short that it never holds one up for long. A bulk row that has waited long is
let in between two interactive batches, so neither lane starves the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Literal, TypeAlias

from bertine.encode.backlog import Backlog
from bertine.encode.batching import BatchLimits, Fairness, Part, plan, share
from bertine.encode.costs import CostModel

Lane: TypeAlias = Literal["interactive", "bulk"]

LANES: tuple[Lane, Lane] = ("interactive", "bulk")


@dataclass(frozen=True, slots=True)
class LanePolicy:
    """How the lanes share the device.

    Attributes:
        bulk_wait: seconds that bulk rows wait behind interactive ones before a batch of them goes.
        recent: seconds after an interactive call during which another is expected.
        bulk_seconds: of a bulk batch while one is expected.
        bulk_texts: the same as a multiple of one short text's seconds; the longer counts. A model
            that takes 6 ms for anything would else take bulk rows one by one.
        bulk_share: of the time that waiting interactive rows take; again the longer counts. Who
            waits for long anyway hardly notices a longer batch, and short ones waste the device. In
            return bulk rows then wait as long as those, so that this is also their share of all.
    """

    bulk_wait: float = 0.05
    recent: float = 5.0
    bulk_seconds: float = 0.004
    bulk_texts: float = 2.0
    bulk_share: float = 0.1


DEFAULT_POLICY = LanePolicy()
_SHORT_TEXT = 16


@dataclass(frozen=True, slots=True)
class Turn:
    """What to dispatch now.

    Attributes:
        lane: of the batch.
        batch: to run together; empty only if nothing waits.
        expired: arrival numbers of jobs that came too late; what waited of them is dropped.
    """

    lane: Lane
    batch: tuple[Part, ...]
    expired: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Load:
    """What waits: rows, and their tokens together."""

    rows: int = 0
    tokens: int = 0

    def __add__(self, other: Load) -> Load:
        return Load(self.rows + other.rows, self.tokens + other.tokens)


class Lanes:
    """Jobs that wait, by lane.

    Args:
        limits: of a batch.
        policy: see `LanePolicy`.

    Attributes:
        costs: what batches take; decides how short a bulk batch must be.
    """

    def __init__(self, limits: BatchLimits, policy: LanePolicy = DEFAULT_POLICY) -> None:
        self.costs = CostModel()
        self._limits = limits
        self._policy = policy
        numbers = count()
        self._waiting = {lane: Backlog(limits.window_rows, numbers) for lane in LANES}
        self._fairness = {lane: Fairness(limits.max_passes) for lane in LANES}
        self._last: Lane = "interactive"
        self._bulk_since = 0.0
        self._interactive_until = float("-inf")

    @property
    def limits(self) -> BatchLimits:
        """Of a batch; `max_passes` stays as it was."""
        return self._limits

    @limits.setter
    def limits(self, limits: BatchLimits) -> None:
        self._limits = replace(limits, max_passes=self._limits.max_passes)
        for waiting in self._waiting.values():
            waiting.window_rows = self._limits.window_rows

    @property
    def rows(self) -> int:
        """That wait in both lanes."""
        return sum(waiting.rows for waiting in self._waiting.values())

    @property
    def tokens(self) -> int:
        """That wait in both lanes."""
        return sum(waiting.tokens for waiting in self._waiting.values())

    def load(self, lane: Lane) -> Load:
        """What waits in a lane."""
        waiting = self._waiting[lane]
        return Load(waiting.rows, waiting.tokens)

    def ahead_of(self, lane: Lane) -> Load:
        """What goes before a job that comes now."""
        interactive = self.load("interactive")
        return interactive if lane == "interactive" else interactive + self.load("bulk")

    def __contains__(self, job: int) -> bool:
        return any(job in waiting for waiting in self._waiting.values())

    def add(
        self, lane: Lane, lengths: Sequence[int], now: float, latest: float | None = None
    ) -> int:
        """Let a job wait.

        Args:
            lane: it waits in.
            lengths: tokens of each row, at least one row, each at least 1.
            now: the clock's reading.
            latest: the clock's reading from which on it must not be dispatched; None is never.

        Returns:
            Its arrival number, greater than that of every job before, whatever their lanes.
        """
        if lane == "interactive":
            self._interactive_until = now + self._policy.recent
        elif not self._waiting["bulk"].rows:
            self._bulk_since = now
        return self._waiting[lane].add(lengths, latest)

    def discard(self, job: int) -> bool:
        """Drop what still waits of a job; returns whether anything did."""
        return any(waiting.discard(job) for waiting in self._waiting.values())

    def plan(self, now: float, workers: int = 1, running: int = 0) -> Turn:
        """Choose the next batch. What it names no longer waits afterwards.

        Args:
            now: the clock's reading.
            workers: among which what is there is shared out, see `share`.
            running: rows that the others run.
        """
        expired = [job for waiting in self._waiting.values() for job in waiting.expire(now)]
        lane = self._turn(now)
        most_rows = self._most_rows(lane, now, workers, running)
        batch = plan(self._waiting[lane], self._fairness[lane], self._limits, most_rows)
        self._last = lane
        return Turn(lane, batch, tuple(expired))

    def _turn(self, now: float) -> Lane:
        if self._last == "bulk":  # its batch has ended only now, however long it took
            self._bulk_since = now
        if not self._waiting["bulk"].rows:
            return "interactive"
        if not self._waiting["interactive"].rows:
            return "bulk"
        wait = max(self._policy.bulk_wait, self._long_bulk_seconds() / self._policy.bulk_share)
        return "bulk" if now - self._bulk_since >= wait else "interactive"

    def _bulk_seconds(self) -> float:
        """Of a bulk batch while interactive calls come."""
        policy, short = self._policy, self.costs.seconds(1, _SHORT_TEXT)
        return max(policy.bulk_seconds, policy.bulk_texts * short, self._long_bulk_seconds())

    def _long_bulk_seconds(self) -> float:
        """Of a bulk batch by what waits in the interactive lane; a full batch at most."""
        limits, waiting = self._limits, self.load("interactive")
        full = max(1, limits.max_tokens // _SHORT_TEXT)
        queue = self.costs.queue_seconds(
            waiting.rows, waiting.tokens, limits.max_rows, limits.max_tokens
        )
        return min(self._policy.bulk_share * queue, self.costs.seconds(full, _SHORT_TEXT))

    def _most_rows(
        self, lane: Lane, now: float, workers: int, running: int
    ) -> Callable[[int], int]:
        """How many rows of a length a batch may have, for other workers and for who may come."""
        rows = self._waiting[lane].rows + running
        if lane == "interactive" or now >= self._interactive_until:
            return lambda length: share(rows, length, workers)
        allowed, within = self._bulk_seconds(), self.costs.rows_within
        return lambda length: min(share(rows, length, workers), within(allowed, length))
