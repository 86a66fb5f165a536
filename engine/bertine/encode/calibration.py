"""Timing a session at warm-up, which also makes its first allocations."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import numpy as np

from bertine.encode.contract import Session
from bertine.encode.costs import Timing

# Small before large, so that the time of a slow model is spent on what tells most.
_SHAPES = ((1, 8), (1, 32), (4, 16), (1, 128), (8, 32), (32, 16), (16, 64))
_LONGEST = (4, 512)
_ROUNDS = 4
# Without these three the terms of the cost model cannot be told apart.
_NEEDED = 3


def calibrate(
    session: Session,
    *,
    max_length: int,
    token_id: int,
    seconds: float = 0.7,
    clock: Callable[[], float] = time.perf_counter,
) -> list[Timing]:
    """Time a few shapes, each several times.

    Args:
        session: not in use by anybody else meanwhile.
        max_length: longest that the model takes, in tokens.
        token_id: fills the batches; what a token is does not change what it costs.
        seconds: after which nothing more is begun. A model that is slower than that is timed on
            the smallest shapes only, once.
        clock: seconds.

    Returns:
        One for each shape: the median of its runs, without the first if there are more.

    Raises:
        EncodeError: a batch failed.
    """
    end = clock() + seconds
    runs: dict[tuple[int, int], list[float]] = {}
    shapes = _shapes(max_length)
    for repeat in range(_ROUNDS):
        for number, shape in enumerate(shapes):
            if clock() >= end and (repeat or number >= _NEEDED):
                break
            runs.setdefault(shape, []).append(_run(session, shape, token_id, clock))
    return [Timing(*shape, median(taken[1:] or taken)) for shape, taken in runs.items()]


def _shapes(max_length: int) -> list[tuple[int, int]]:
    """Those that fit the model, the smaller first."""
    shapes = {(rows, min(length, max_length)) for rows, length in (*_SHAPES, _LONGEST)}
    return sorted(shapes, key=lambda shape: (shape[0] * shape[1], shape[1]))


def _run(
    session: Session, shape: tuple[int, int], token_id: int, clock: Callable[[], float]
) -> float:
    ids, mask = np.full(shape, token_id, dtype=np.int64), np.ones(shape, dtype=np.int64)
    started = clock()
    session.run(ids, mask)
    return clock() - started
