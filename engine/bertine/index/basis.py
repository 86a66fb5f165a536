"""The directions in which vectors vary most: codes of the others are not worth their bytes."""

from __future__ import annotations

import numpy as np

from bertine.types import Matrix

_SAMPLE = 20_000


def principal(vectors: Matrix, kept: int, seed: int = 0) -> tuple[Matrix, float]:
    """An orthonormal basis of the principal components, turned at random within their space.

    Inner products within that space come nearest to those of the whole vectors (Eckart and Young,
    Psychometrika 1, 1936). It is turned so that every product code of a few dimensions has as much
    to tell as any other; vectors are not centred, which would change the order of inner products.

    Args:
        vectors: float32 ``[n, d]``.
        kept: components, at most d.
        seed: of the sample that it is computed from, and of the turn.

    Returns:
        float32 ``[kept, d]``, and the share of the vectors' squares that lies in its space.
    """
    random = np.random.default_rng(seed)
    some = vectors[random.choice(len(vectors), min(_SAMPLE, len(vectors)), replace=False)]
    squares, directions = np.linalg.eigh((some.T @ some).astype(np.float64))
    turn, _ = np.linalg.qr(random.normal(size=(kept, kept)))
    share = float(squares[-kept:].sum() / max(squares.sum(), 1e-12))
    return np.ascontiguousarray(turn @ directions[:, -kept:].T, np.float32), share
