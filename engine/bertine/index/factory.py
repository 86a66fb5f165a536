"""FAISS indexes: from a recipe and vectors to one that holds them, and what it is asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from bertine.index.basis import principal
from bertine.index.tuning import ENOUGH_KEPT, Recipe
from bertine.types import Matrix

_TRAIN_PER_LIST = 64
_ADDED_TOGETHER = 65_536


def inverted(index: Any) -> Any:
    """The lists, whatever is done to vectors before."""
    return faiss.extract_index_ivf(index)


def turned(index: Any, queries: Matrix) -> Matrix:
    """Queries, float32 ``[n, d]``, as the lists see them."""
    if not isinstance(index, faiss.IndexPreTransform):
        return queries
    chain: Any = index.chain
    return np.asarray(chain.at(0).apply(queries), np.float32)


def proposed(index: Any, queries: Matrix, count: int, parameters: Any) -> NDArray[np.int64]:
    """What an index finds for queries, float32 ``[n, d]``: int64 ``[n, count]``, -1 for none.

    FAISS's own Python checks and converts more than it has to: a tenth of a short search.
    """
    if queries.shape[1] != index.d:
        raise ValueError(f"queries have {queries.shape[1]} dimensions, not {index.d}")
    queries, shape = np.ascontiguousarray(queries, np.float32), (len(queries), count)
    scores, rows = np.empty(shape, np.float32), np.empty(shape, np.int64)
    place = faiss.swig_ptr
    index.search_c(len(queries), place(queries), count, place(scores), place(rows), parameters)
    return rows


def suited(recipe: Recipe, vectors: Matrix) -> tuple[Recipe, Matrix | None]:
    """The recipe and the basis of its components; of whole vectors if those hold too little."""
    if not recipe.kept:
        return recipe, None
    basis, share = principal(vectors, recipe.kept)
    return (recipe, basis) if share >= ENOUGH_KEPT else (recipe.whole(vectors.shape[1]), None)


def trained(vectors: Matrix, recipe: Recipe, basis: Matrix | None, seed: int = 0) -> Any:
    """A FAISS index of inner products over vectors; ids are their rows.

    Args:
        vectors: float32 ``[n, d]``.
        recipe: see `suited`.
        basis: float32 ``[kept, d]``, see `suited`.
        seed: of the sample that it is trained on.
    """
    index = _empty(vectors, recipe, basis)
    rows, count = len(vectors), recipe.list_count(len(vectors)) * _TRAIN_PER_LIST
    chosen = np.random.default_rng(seed).choice(rows, min(count, rows), replace=False)
    index.train(vectors if count >= rows else vectors[chosen])
    for start in range(0, rows, _ADDED_TOGETHER):
        index.add(vectors[start : start + _ADDED_TOGETHER])
    return index


def _empty(vectors: Matrix, recipe: Recipe, basis: Matrix | None) -> Any:
    dimensions = vectors.shape[1]
    kind = replace(recipe, kept=0).describe(len(vectors))
    index: Any = faiss.index_factory(recipe.kept or dimensions, kind, faiss.METRIC_INNER_PRODUCT)
    if recipe.codes == "SQfp16":  # residuals gain nothing, and cost a GPU a centroid each visit
        index.by_residual = False
    if basis is None:
        return index
    turn: Any = faiss.LinearTransform(dimensions, recipe.kept, False)
    faiss.copy_array_to_vector(basis.ravel(), turn.A)
    turn.is_trained = True
    return faiss.IndexPreTransform(turn, index)
