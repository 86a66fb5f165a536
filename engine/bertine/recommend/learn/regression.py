"""Linear regressions of items on items, in closed form, over the items with the most events."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from bertine.recommend.learn.interactions import Interactions
from bertine.recommend.learn.refined import whitened
from bertine.types import Matrix

MOST_ITEMS = 4_000
"""That are regressed on each other, those with the most users: time grows with the cube."""

WINDOW = 10
"""Entries back, and on, that an entry is explained by and explains."""

HISTORY_DECAY = 0.4
TARGET_DECAY = 0.3
BACKWARD = 0.6
RIDGE = 20.0
NEARNESS = 3.0
TOGETHER_RIDGE = 5.0

_WHITENING = 0.1


def frequent(sizes: NDArray[np.float64]) -> NDArray[np.int64]:
    """Numbers of at most `MOST_ITEMS` items with the most users, ascending."""
    order = np.argsort(-sizes, kind="stable")[:MOST_ITEMS]
    return np.sort(order[sizes[order] > 0]).astype(np.int64)


def next_items(
    interactions: Interactions, vectors: Matrix, known: NDArray[np.int64]
) -> NDArray[np.float32]:
    """What is done near what, from decayed histories: float32 ``[items, known]``.

    The ridge regression of SLIT (Choi et al. 2021, Session-aware Linear Item-Item Models), with two
    changes. Entries before count as targets too, times `BACKWARD`: the order of things done at
    nearly one time says little. And items with near texts share what is learned, by the kernel
    K = I + `NEARNESS` * <white v, white v'>: B = K (X'X K + lambda I)^-1 X'Y. So an item without
    an event has links as well. Links of items to themselves stay: some things are done again.

    Args:
        interactions: sorted by user and time.
        vectors: float32 ``[items, d]``.
        known: items that are regressed on each other.
    """
    place = np.full(len(vectors), -1, np.int64)
    place[known] = np.arange(len(known))
    liked = interactions.where(interactions.weights > 0)
    liked = liked.where(place[liked.items] >= 0)
    items, users = place[liked.items], liked.users
    past = _near(users, items, len(known), -1, HISTORY_DECAY)
    past = past + sparse.csr_matrix(
        (np.ones(len(items), np.float32), (np.arange(len(items)), items)), shape=past.shape
    )
    later = _near(users, items, len(known), 1, TARGET_DECAY)
    earlier = _near(users, items, len(known), -1, TARGET_DECAY)
    last = np.append(np.diff(users) != 0, True)
    # The last entry of a user is not followed by anything: it is no row.
    keep = sparse.diags((~last).astype(np.float32))
    # The next one counts 1, as the latest of the history does.
    targets = (later + BACKWARD * earlier) / TARGET_DECAY
    wanted = (past.T @ (keep @ targets)).toarray()
    gram = (past.T @ (keep @ past)).toarray()
    return _kernel_ridge(gram, wanted, whitened(vectors, _WHITENING), known)


def together(gram: Any, known: NDArray[np.int64]) -> Any:
    """B = I - P / diag P with P = (X'X + lambda I)^-1: sparse ``[items, items]``.

    EASE (Steck 2019, Embarrassingly Shallow Autoencoders for Sparse Data).

    Args:
        gram: sparse ``[items, items]``, of `users_items`.
        known: items that are regressed on each other.
    """
    dense = gram[known][:, known].toarray().astype(np.float32)
    dense[np.diag_indices_from(dense)] += TOGETHER_RIDGE * float(np.trace(dense)) / len(known)
    inverse = linalg.inv(dense, overwrite_a=True, check_finite=False)
    links = -inverse / np.diag(inverse)
    np.fill_diagonal(links, 0.0)
    return spread_out(links, known, known, gram.shape)


def spread_out(
    links: NDArray[np.float32],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    shape: tuple[int, int],
) -> Any:
    """A dense block as a sparse matrix, without what would never be in a list."""
    # The least that is kept: the rest would fill a dense matrix.
    row, column = np.nonzero(links > links.max(initial=0.0) * 1e-4)
    return sparse.csr_matrix((links[row, column], (rows[row], columns[column])), shape=shape)


def strongest_columns(
    links: NDArray[np.float32], count: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The largest values of each row, and 0 for those that are not positive.

    Returns:
        Columns int64 ``[rows, count]`` (less if there are fewer columns), and their values.
    """
    count = min(count, links.shape[1])
    columns = np.argpartition(-links, count - 1, axis=1)[:, :count]
    values = np.maximum(np.take_along_axis(links, columns, axis=1), np.float32(0.0))
    order = np.argsort(-values, axis=1, kind="stable")
    return np.take_along_axis(columns, order, axis=1), np.take_along_axis(values, order, axis=1)


def _kernel_ridge(
    gram: NDArray[np.float32], wanted: NDArray[np.float32], white: Matrix, known: NDArray[np.int64]
) -> NDArray[np.float32]:
    near = np.float32(NEARNESS) * (white @ white[known].T)
    near[known, np.arange(len(known))] += np.float32(1.0)
    left = gram @ near[known]
    left[np.diag_indices_from(left)] += np.float32(RIDGE)
    solved = linalg.solve(left, wanted, overwrite_a=True, overwrite_b=True, check_finite=False)
    return np.asarray(near @ solved, np.float32)


def _near(
    users: NDArray[np.int64], items: NDArray[np.int64], count: int, side: int, decay: float
) -> Any:
    """Sparse ``[entries, count]``: decay^lag of the entries before (side -1) or after (1) each."""
    rows, columns, values = [], [], []
    for lag in range(1, WINDOW + 1):
        same = np.flatnonzero(users[lag:] == users[:-lag]) if lag < len(users) else np.empty(0, int)
        row, column = (same + lag, same) if side < 0 else (same, same + lag)
        rows.append(row)
        columns.append(items[column])
        values.append(np.full(len(same), decay**lag, np.float32))
    entries = np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))
    return sparse.csr_matrix(entries, shape=(len(users), count))
