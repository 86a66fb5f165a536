"""A larger collection from real vectors: jittered copies. It only grows; nothing is learned of it.

Copies of one text lie nearer to each other than texts do, so a recall measured here says how the
index scales, not how good it is on a million real texts.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from bertine.types import Matrix

JITTER = 0.35
"""Length of the random vector that is added to a unit vector: the copy's cosine to it is 0.94."""


def copies(vectors: Matrix, copy: int) -> Matrix:
    """The vectors moved at random, the same way each time; copy 0 is the vectors themselves.

    Args:
        vectors: float32 ``[n, d]``, unit rows.
        copy: which one, not negative.

    Returns:
        float32 ``[n, d]``, unit rows.
    """
    if copy == 0:
        return vectors
    noise = np.random.default_rng(copy).standard_normal(vectors.shape, np.float32)
    moved = vectors + noise * np.float32(JITTER / np.sqrt(vectors.shape[1]))
    return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), np.float32)


def write(vectors: Matrix, size: int, file: Path, on_done: Callable[[int], None]) -> None:
    """Write `size` rows, float32 ``[size, d]`` in numpy's form, without holding them all.

    Args:
        vectors: float32 ``[n, d]``, unit rows.
        size: rows wanted.
        file: to write.
        on_done: told how many more are written.
    """
    shape = size, vectors.shape[1]
    out = np.lib.format.open_memmap(file, "w+", np.float32, shape)
    for copy, start in enumerate(range(0, size, len(vectors))):
        count = min(len(vectors), size - start)
        out[start : start + count] = copies(vectors[:count], copy)
        on_done(count)
    out.flush()
