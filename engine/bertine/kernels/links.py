"""Loops over lists of links and over ranks: `bertine.kernels.cpu` says what holds for kernels."""

from __future__ import annotations

import numba
import numpy as np
from numba import types
from numpy.typing import NDArray

from bertine.kernels.cpu import PLAIN, reads, writes

_INT64S = reads(types.int64, 1)
_LINKED = types.void(
    reads(types.int32, 2),
    reads(types.float32, 2),
    _INT64S,
    reads(types.float64, 1),
    _INT64S,
    _INT64S,
    writes(types.float64, 2),
)
_RANKS = types.void(reads(types.float32, 1), _INT64S, _INT64S, _INT64S, writes(types.float64, 1))


@numba.njit(_LINKED, **PLAIN)  # type: ignore[untyped-decorator]
def linked(
    numbers: NDArray[np.int32],
    values: NDArray[np.float32],
    sources: NDArray[np.int64],
    factors: NDArray[np.float64],
    candidates: NDArray[np.int64],
    order: NDArray[np.int64],
    shares: NDArray[np.float64],
) -> None:
    """Look up the link of each source to each candidate, by walking both lists in order.

    Args:
        numbers: int32 ``[items, links]``, ascending in each row; -1, which comes first, is none.
        values: float32 ``[items, links]``.
        sources: int64 ``[h]``, rows of `numbers`; -1 has no links.
        factors: float64 ``[h]``, each source's links are multiplied by.
        candidates: int64 ``[c]``; -1 has no links.
        order: int64 ``[c]``, that sorts the candidates.
        shares: float64 ``[c, >= h]``, zeros; is given the products.
    """
    width = numbers.shape[1]
    for h in range(sources.shape[0]):
        source = sources[h]
        if source < 0 or factors[h] == 0.0:
            continue
        link = 0
        for n in range(order.shape[0]):
            candidate = candidates[order[n]]
            if candidate < 0:
                continue
            while link < width and numbers[source, link] < candidate:
                link += 1
            if link == width:
                break
            if numbers[source, link] == candidate:
                shares[order[n], h] = values[source, link] * factors[h]


@numba.njit(_RANKS, **PLAIN)  # type: ignore[untyped-decorator]
def ranks(
    scores: NDArray[np.float32],
    starts: NDArray[np.int64],
    targets: NDArray[np.int64],
    rows: NDArray[np.int64],
    found: NDArray[np.float64],
) -> None:
    """The rank of each target within its row, from 1; ties count as half a rank.

    Args:
        scores: float32 ``[n]``, row after row.
        starts: int64 ``[rows + 1]``, of each row, and n.
        targets: int64 ``[t]``, places in `scores`.
        rows: int64 ``[t]``, the row of each.
        found: float64 ``[t]``; is given the ranks.
    """
    for t in range(targets.shape[0]):
        own = scores[targets[t]]
        above, equal = 0, 0
        for n in range(starts[rows[t]], starts[rows[t] + 1]):
            above += scores[n] > own
            equal += scores[n] == own
        found[t] = 1.0 + above + (equal - 1) / 2.0
