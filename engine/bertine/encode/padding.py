"""Ragged token ids to the rectangle a model takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Batch: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Ids and mask, int64 ``[rows, length]`` both."""

SAME_COSINE = 0.999
"""Of a text's vectors alone and in a padded batch, in whatever precision."""

_SHORT = 16


def pad(batch: Sequence[NDArray[np.int32]], pad_token_id: int) -> Batch:
    """Right-pad rows to the longest of them.

    Args:
        batch: int32 ``[length_i]`` each, at least one.
        pad_token_id: fills the right of shorter rows.

    Returns:
        ids and mask, int64 ``[len(batch), max(length_i)]`` both; the mask is 1 where a token is.
    """
    lengths = [len(row) for row in batch]
    longest = max(lengths)
    shape = len(batch), longest
    if min(lengths) == longest:
        return np.concatenate(batch, dtype=np.int64).reshape(shape), np.ones(shape, dtype=np.int64)
    present = np.arange(longest) < np.array(lengths)[:, None]
    ids = np.full(shape, pad_token_id, dtype=np.int64)
    ids[present] = np.concatenate(batch)
    return ids, present.astype(np.int64)


def probe(max_length: int) -> tuple[Batch, Batch]:
    """One text alone, and the same text as the first of a batch that pads it to four lengths.

    What its tokens say does not matter, only that they are many enough to be seen.

    Args:
        max_length: longest that the model takes, in tokens; at least 2.
    """
    short = min(_SHORT, max_length // 2)
    tokens = np.arange(min(4 * short, max_length), dtype=np.int32) % _SHORT + 1
    return pad([tokens[:short]], 0), pad([tokens[:short], tokens], 0)
