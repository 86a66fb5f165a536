"""Texts of different lengths to a rectangle with next to no padding: several of them in a row.

Sequence packing (Krell et al. 2021, arXiv 2107.02027), for models whose mask may number the texts
of a row, see `bertine.artifact`. Rows are filled by the longest text first, each into the row that
is shortest so far (Graham 1969, "Bounds on Multiprocessing Timing Anomalies": LPT), so that rows
end up nearly equally long. Few long rows waste the least padding, but a token attends to all of its
row: the cost model decides how many.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heapreplace
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Rows: TypeAlias = list[list[int]]
"""Positions of the texts in each row, in their order there."""


class Packed(NamedTuple):
    """A batch, and where to find its texts' vectors.

    Attributes:
        ids: int64 ``[rows, length]``.
        mask: int64 ``[rows, length]``, the number of a token's text in its row; 0 is padding.
        places: int64 ``[texts]``, of each text's vector among those of the batch.
    """

    ids: NDArray[np.int64]
    mask: NDArray[np.int64]
    places: NDArray[np.int64]


def pack(
    batch: Sequence[NDArray[np.int32]], pad_token_id: int, seconds: Callable[[int, int], float]
) -> Packed:
    """Put texts into rows.

    Args:
        batch: int32 ``[length_i]`` each, at least one.
        pad_token_id: fills the right of shorter rows.
        seconds: what so many rows of such a length take.
    """
    lengths = [len(text) for text in batch]
    rows = arrange(lengths, seconds)
    shape, most = (len(rows), _length(rows, lengths)), max(map(len, rows))
    ids, mask = np.full(shape, pad_token_id, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    places = [0] * len(batch)
    for line, row in enumerate(rows):
        end = 0
        for number, text in enumerate(row):
            start, end = end, end + lengths[text]
            ids[line, start:end] = batch[text]
            mask[line, start:end] = number + 1
            places[text] = line * most + number
    return Packed(ids, mask, np.array(places))


def arrange(lengths: Sequence[int], seconds: Callable[[int, int], float]) -> Rows:
    """The arrangement of texts in rows that takes the least time, and then pads the least.

    Tried are a row for each text, as many rows as the longest text would fill, half as many, and so
    on down to one.

    Args:
        lengths: of the texts, at least one.
        seconds: see `pack`.
    """
    tried: list[Rows] = [[[text] for text in range(len(lengths))]]
    longest_first = sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True)
    count = sum(lengths) // max(lengths)
    while count:
        tried.append(_fill(longest_first, lengths, count))
        count //= 2

    def cost(rows: Rows) -> tuple[float, int]:
        length = _length(rows, lengths)
        return seconds(len(rows), length), len(rows) * length

    return min(tried, key=cost)


def _fill(longest_first: Sequence[int], lengths: Sequence[int], count: int) -> Rows:
    rows: Rows = [[] for _ in range(count)]
    filled = [(0, row) for row in range(count)]
    for text in longest_first:
        tokens, row = filled[0]
        rows[row].append(text)
        heapreplace(filled, (tokens + lengths[text], row))
    return rows


def _length(rows: Rows, lengths: Sequence[int]) -> int:
    return max(sum(lengths[text] for text in row) for row in rows)
