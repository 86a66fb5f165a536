"""Which waiting rows go into the next batch: a decision without threads, clock or model.

The oldest job anchors every batch, with its longest row; rows of similar length join it, whatever
their job. So nothing starves, and little is padded; with sequence packing hardly anything is, and
rows of similar length only spare each other attention. How often a job can be passed over by
younger ones is bounded, see `BatchLimits.max_passes`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from heapq import heappush, heappushpop

from bertine.encode.backlog import Backlog, Run
from bertine.errors import ConfigError

_TYPICAL_LENGTH = 16
"""Tokens of a text, for want of a better guess."""

_ENOUGH_ROWS = 256

LEAST_TOKENS = 12
"""Of a batch that is worth a worker of its own."""


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """How large a batch may be, and how unfair.

    Attributes:
        max_tokens: padding counted: rows times the longest. A row that is longer goes alone.
        max_rows: rows of a batch.
        max_passes: batches that may serve a job's juniors while it waits; then nothing younger
            is served before it.
        max_padding: share of a batch's tokens that may be padding. On a CPU padding costs as much
            as text, and two small batches little more than one: with 16 clients and MiniLM int8,
            CPU time per text was 4.4, 4.2, 4.7 and 5.7 ms at 0.05, 0.1, 0.2 and 0.6.
        free_padding: tokens of padding that a batch may have whatever its size: those that cost
            no more than another batch would.
        attention: with sequence packing, the cost of each token in a row that a token attends to,
            as a part of what a token costs: shorter rows then are not padded to the longest, but
            attend to as many. None is without it.
    """

    max_tokens: int = 2048
    max_rows: int = 32
    max_passes: int = 64
    max_padding: float = 0.1
    free_padding: int = 0
    attention: float | None = None

    def __post_init__(self) -> None:
        if min(self.max_tokens, self.max_rows, self.max_passes) < 1:
            raise ConfigError(f"every limit of a batch must be at least 1, not {self}")
        if not 0 <= self.max_padding <= 1:
            raise ConfigError(f"max_padding must be a share from 0 to 1, not {self.max_padding}")
        if self.free_padding < 0:
            raise ConfigError(f"free_padding must not be negative, not {self.free_padding}")

    @property
    def window_rows(self) -> int:
        """How many rows to choose from: at most a quarter of what ``max_passes`` batches take.

        With more, most rows would be overdue before their turn, and batches small: in a simulated
        queue of 12,000 texts half the rows a batch; with a quarter, 2 to 6 % is padding. Nor is
        more needed to find alike rows, and a call of several texts is done when its last one is:
        the window is about how far apart they may be.
        """
        typical = max(1, min(self.max_rows, self.max_tokens // _TYPICAL_LENGTH))
        return max(typical, min(typical * self.max_passes // 4, max(_ENOUGH_ROWS, 2 * typical)))


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one job in a batch, all of one length."""

    job: int
    length: int
    rows: list[int]


class Fairness:
    """Remembers who has been passed over how often, without a count for each job.

    A batch passes a waiting job over if it serves a younger one. So a job was passed over as often
    as there were batches whose youngest job is younger than it, and all that matters is the
    ``max_passes``-th greatest of those.
    """

    def __init__(self, max_passes: int) -> None:
        self._max_passes = max_passes
        self._youngest: list[int] = []

    @property
    def horizon(self) -> int:
        """Jobs with a smaller arrival number must not be passed over again."""
        return self._youngest[0] if len(self._youngest) == self._max_passes else 0

    def record(self, youngest: int) -> None:
        """Note a batch by the arrival number of its youngest job."""
        if len(self._youngest) < self._max_passes:
            heappush(self._youngest, youngest)
        else:
            heappushpop(self._youngest, youngest)


def plan(
    waiting: Backlog,
    fairness: Fairness,
    limits: BatchLimits,
    most_rows: Callable[[int], int] | None = None,
) -> tuple[Part, ...]:
    """Choose the next batch. What it names no longer waits afterwards.

    The time it takes depends on the batch and on how many different lengths wait, not on how many
    rows do.

    Args:
        waiting: what waits and has not expired, see `Backlog.expire`.
        fairness: of the batches chosen from it before.
        limits: see `BatchLimits`.
        most_rows: how many rows a batch may have whose longest has this length, at least 1; None
            is no further limit.

    Returns:
        What to run together; empty only if nothing waits.
    """
    shape = _Shape(limits, most_rows)
    batch = tuple(
        Part(run.job, run.length, waiting.take(run, count))
        for run, count in _choose(waiting, fairness.horizon, shape).items()
    )
    if batch:
        fairness.record(max(part.job for part in batch))
    return batch


def share(rows: int, length: int, workers: int) -> int:
    """How many of the rows that are there, waiting or running, one of several workers takes.

    So many that all workers have some, or as many workers as have `LEAST_TOKENS` to do. If the
    first to come took all that wait, the other would run what comes meanwhile one by one.

    Args:
        rows: that wait or that other workers run, at least 1.
        length: of them, in tokens.
        workers: at least 1.
    """
    busy = max(1, min(workers, rows, rows * length // LEAST_TOKENS))
    return -(-rows // busy)


class _Shape:
    """The batch so far: rows, longest, the tokens that are not padding, and their rows' squares."""

    def __init__(self, limits: BatchLimits, most_rows: Callable[[int], int] | None) -> None:
        self._limits = limits
        self._most_rows = most_rows
        self.rows = 0
        self.longest = 0
        self.tokens = 0
        self._squares = 0

    @property
    def full(self) -> bool:
        """Whether not even a row of the same length fits."""
        return self.room(self.longest) < 1

    def room(self, length: int) -> int:
        """How many rows of this length fit."""
        limits, longest = self._limits, max(self.longest, length)
        if limits.attention is None:
            fit = limits.max_tokens // longest
        else:
            fit = self.rows + (limits.max_tokens - self.tokens) // length
        fit = min(fit, limits.max_rows)
        if self._most_rows is not None:
            fit = min(fit, self._most_rows(longest))
        return fit - self.rows if self.rows else max(fit, 1)

    def pads_little(self, length: int, count: int) -> bool:
        """Whether padding, or what costs as much, is within limits if ``count`` rows join."""
        limits, longest = self._limits, max(self.longest, length)
        real = self.tokens + count * length
        padded = (self.rows + count) * longest
        wasted: float = padded - real
        if limits.attention is not None:
            squares = self._squares + count * length**2
            padded, wasted = real, limits.attention * (longest * real - squares)
        return wasted <= max(limits.max_padding * padded, limits.free_padding)

    def join(self, length: int, count: int) -> None:
        """Add rows."""
        self.rows += count
        self.longest = max(self.longest, length)
        self.tokens += count * length
        self._squares += count * length**2


def _choose(waiting: Backlog, horizon: int, shape: _Shape) -> dict[Run, int]:
    """Runs and how many rows of each: the oldest, then the overdue, then those of like length."""
    chosen: dict[Run, int] = {}
    for run in waiting.oldest_first():
        if chosen and run.job >= horizon:
            break
        if not _join(run, shape, chosen):
            return chosen  # an overdue row stays behind, and nothing younger may pass it
    if shape.rows == waiting.rows:
        return chosen
    for run in _similar(waiting, shape.longest):
        if shape.full:
            break
        if run not in chosen:
            _join(run, shape, chosen)
    return chosen


def _similar(waiting: Backlog, length: int) -> Iterator[Run]:
    for near in waiting.lengths_around(length):
        yield from waiting.at_length(near)


def _join(run: Run, shape: _Shape, chosen: dict[Run, int]) -> bool:
    """Add what fits of a run; returns whether all of it did."""
    count = min(shape.room(run.length), len(run.rows))
    if count < 1 or not shape.pads_little(run.length, count):
        return False
    shape.join(run.length, count)
    chosen[run] = count
    return count == len(run.rows)
