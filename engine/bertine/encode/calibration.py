"""Timing a session at warm-up, which also makes its first allocations."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import numpy as np

from bertine.encode.contract import Session
from bertine.encode.costs import Timing
from bertine.encode.device import PROVIDERS

# Small before large, so that the time of a slow model is spent on what tells most. Two rows at
# least: a single one may have all cores to itself (`per_core`), as it has not under load.
_SHAPES = ((2, 8), (2, 32), (4, 16), (2, 128), (8, 32), (32, 16), (16, 64))
_LONGEST = (4, 512)
# A GPU takes as long for any of those as for launching them; what counts is larger.
_SHAPES_OF_GPU = ((1, 16), (1, 128), (8, 32), (32, 64), (64, 128), (256, 64), (32, 512))
_ROUNDS = 4
_GPUS = {PROVIDERS["cuda"], PROVIDERS["tensorrt"]}
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
    shapes = _shapes(session.provider, max_length)
    for repeat in range(_ROUNDS):
        for number, shape in enumerate(shapes):
            if clock() >= end and (repeat or number >= _NEEDED):
                break
            runs.setdefault(shape, []).append(_run(session, shape, token_id, clock))
    return [Timing(*shape, median(taken[1:] or taken)) for shape, taken in runs.items()]


def _shapes(provider: str, max_length: int) -> list[tuple[int, int]]:
    """Those that fit the device and the model, the smaller first."""
    wanted = _SHAPES_OF_GPU if provider in _GPUS else (*_SHAPES, _LONGEST)
    shapes = {(rows, min(length, max_length)) for rows, length in wanted}
    return sorted(shapes, key=lambda shape: (shape[0] * shape[1], shape[1]))


def _run(
    session: Session, shape: tuple[int, int], token_id: int, clock: Callable[[], float]
) -> float:
    ids, mask = np.full(shape, token_id, dtype=np.int64), np.ones(shape, dtype=np.int64)
    started = clock()
    session.run(ids, mask)
    return clock() - started
