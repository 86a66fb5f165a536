"""Principal components: what they keep of inner products, and when they are indexed alone."""

import faiss
import numpy as np
import pytest

from bertine.index.basis import principal
from bertine.index.factory import inverted, proposed, suited, trained, turned
from bertine.index.tuning import usual
from bertine.types import Matrix

DIMENSIONS, KEPT = 128, 80


def flat(seed: int, rows: int, spread: float) -> Matrix:
    """Unit rows that lie in `KEPT` of the dimensions, but for a share of noise in all."""
    random = np.random.default_rng(seed)
    axes, _ = np.linalg.qr(np.random.default_rng(9).normal(size=(DIMENSIONS, KEPT)))
    vectors = random.normal(size=(rows, KEPT)) @ axes.T
    vectors += spread * random.normal(size=vectors.shape)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def test_the_basis_is_orthonormal_and_keeps_inner_products() -> None:
    vectors = flat(0, 3_000, 0.0)
    basis, share = principal(vectors, KEPT)
    np.testing.assert_allclose(basis @ basis.T, np.eye(KEPT), atol=1e-5)
    assert share == pytest.approx(1.0)
    short = vectors[:50] @ basis.T
    np.testing.assert_allclose(short @ short.T, vectors[:50] @ vectors[:50].T, atol=1e-5)


def test_it_is_the_same_every_time() -> None:
    vectors = flat(0, 1_000, 0.1)
    np.testing.assert_array_equal(principal(vectors, 16)[0], principal(vectors, 16)[0])


def test_vectors_that_vary_in_all_dimensions_are_indexed_whole() -> None:
    recipe = usual(DIMENSIONS)
    assert recipe.describe(1_000) == "PCA80,IVF64,PQ40x4fs"
    assert suited(recipe, flat(0, 1_000, 0.05))[0] == recipe
    assert suited(recipe, flat(0, 1_000, 3.0))[0].describe(1_000) == "IVF64,PQ64x4fs"


def test_an_index_of_components_finds_what_is_nearest() -> None:
    vectors = flat(0, 2_000, 0.05)
    index = trained(vectors, *suited(usual(DIMENSIONS), vectors))
    assert turned(index, vectors[:3]).shape == (3, KEPT)
    assert (proposed(index, vectors[:100], 1, None)[:, 0] == np.arange(100)).mean() > 0.9


def test_queries_of_other_dimensions_are_refused() -> None:
    vectors = flat(0, 500, 0.05)
    index = trained(vectors, *suited(usual(DIMENSIONS), vectors))
    with pytest.raises(ValueError, match="80 dimensions, not 128"):
        proposed(index, np.zeros((1, KEPT), np.float32), 1, None)


def test_it_is_the_same_after_it_was_stored() -> None:
    vectors = flat(0, 1_000, 0.05)
    index = trained(vectors, *suited(usual(DIMENSIONS), vectors))
    stored = faiss.deserialize_index(faiss.serialize_index(index))
    assert inverted(stored).nlist == inverted(index).nlist
    for found in (turned, lambda index, queries: proposed(index, queries, 5, None)):
        np.testing.assert_array_equal(found(stored, vectors[:9]), found(index, vectors[:9]))
