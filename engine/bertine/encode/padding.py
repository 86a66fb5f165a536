"""Ragged token ids to the rectangle a model takes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def pad(
    batch: Sequence[NDArray[np.int32]], pad_token_id: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
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
