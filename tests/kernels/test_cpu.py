"""Each kernel against the same thing written with numpy."""

from __future__ import annotations

import mmap

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bertine.index.pool import Pool, closest, pick
from bertine.kernels.cpu import examine, rescore, score, visible
from bertine.types import Matrix

SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.integers(1, 12)


def unit(chance: np.random.Generator, count: int, dimensions: int) -> Matrix:
    rows = chance.normal(size=(count, dimensions)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def times(chance: np.random.Generator, count: int) -> tuple[NDArray[np.int64], ...]:
    born = chance.integers(0, 6, count)
    died = born + chance.integers(1, 6, count)
    return born, died


@settings(deadline=None)
@given(SEEDS, SIZES, SIZES, st.integers(1, 80), st.integers(0, 3), st.booleans())
def test_examine(
    seed: int,
    queries: int,
    columns: int,
    dimensions: int,
    first: int,
    limited: bool,  # noqa: FBT001
) -> None:
    chance = np.random.default_rng(seed)
    count = int(chance.integers(1, 30))
    vectors, asked = unit(chance, count, dimensions), unit(chance, queries, dimensions)
    born, died = times(chance, count)
    opens, closes = chance.normal(size=count), chance.normal(size=count) + 1
    rows = chance.integers(-1, first + count + 2, (queries, columns))
    allowed = chance.random(first + count) < 0.5 if limited else np.empty(0, np.bool_)
    scores, passes = np.full(rows.shape, 9, np.float32), np.zeros(rows.shape, np.bool_)
    state = first, 5, 0.3, first + count
    examine(
        vectors, born, died, opens, closes, *state, rows, asked, allowed, scores, passes
    )  # fmt: skip
    mine = (rows >= first) & (rows < first + count)
    local = np.where(mine, rows - first, 0)
    exact = np.einsum("qcd,qd->qc", vectors[local], asked)
    np.testing.assert_allclose(scores, np.where(mine, exact, 9), atol=1e-6)
    open_ = (born <= 5) & (died > 5) & (opens <= 0.3) & (closes > 0.3)
    permitted = allowed[local + first] if limited else np.True_
    np.testing.assert_array_equal(passes, mine & open_[local] & permitted)
    told = np.zeros(count, np.bool_)
    visible(born, died, opens, closes, 5, 0.3, np.arange(count), told)
    np.testing.assert_array_equal(told, open_)


@settings(deadline=None)
@given(SEEDS, SIZES, st.integers(1, 400), st.integers(0, 20))
def test_score(seed: int, queries: int, dimensions: int, count: int) -> None:
    chance = np.random.default_rng(seed)
    vectors, asked = unit(chance, count + 3, dimensions), unit(chance, queries, dimensions)
    scores = np.empty((queries, count), np.float32)
    score(vectors, asked, scores)
    np.testing.assert_allclose(scores, asked @ vectors[:count].T, atol=1e-6)


def test_equal_rows_get_equal_bits_wherever_they_stand() -> None:
    chance = np.random.default_rng(1)
    vectors = np.repeat(unit(chance, 1, 384), 77, axis=0)
    query = unit(chance, 1, 384)[0]
    scores = rescore(vectors, np.arange(77), query)
    assert np.unique(scores).size == 1
    assert scores[0] == pytest.approx(float(vectors[0] @ query), abs=1e-6)


def test_mapped_vectors_will_do() -> None:
    vectors = np.eye(4, dtype=np.float32)
    with mmap.mmap(-1, vectors.nbytes) as memory:
        memory.write(vectors.tobytes())
        mapped = np.frombuffer(bytes(memory), np.float32).reshape(4, 4)
        assert not mapped.flags.writeable
        assert rescore(mapped, np.arange(4), vectors[2]).tolist() == [0, 0, 1, 0]


@settings(deadline=None)
@given(SEEDS, SIZES, st.integers(0, 60), st.integers(1, 20), st.booleans())
def test_closest(
    seed: int,
    queries: int,
    columns: int,
    width: int,
    equal: bool,  # noqa: FBT001
) -> None:
    chance = np.random.default_rng(seed)
    scores = chance.uniform(-1, 1, (queries, columns)).astype(np.float32)
    if equal:
        scores = np.round(scores, 1)
    usable = chance.random(columns) < 0.7
    pool = closest(scores, usable, width)
    for rows, bound, line in zip(pool.rows, pool.bounds, scores, strict=True):
        valid = rows[rows >= 0]
        assert len(set(valid.tolist())) == len(valid) == min(width, int(usable.sum()))
        assert usable[valid].all()
        best = np.sort(line[usable])[::-1][: len(valid)]
        np.testing.assert_array_equal(np.sort(line[valid])[::-1], best)
        left = np.setdiff1d(np.flatnonzero(usable), valid)
        assert (line[left] <= bound).all()
        assert len(left) or bound < -1.5


@settings(deadline=None)
@given(SEEDS, SIZES, st.integers(1, 40), st.integers(1, 8), st.integers(1, 30), st.booleans())
def test_pick(
    seed: int,
    queries: int,
    columns: int,
    top_k: int,
    spare: int,
    equal: bool,  # noqa: FBT001
) -> None:
    chance = np.random.default_rng(seed)
    rows = np.stack([chance.permutation(columns + 5)[:columns] for _ in range(queries)])
    rows[chance.random(rows.shape) < 0.1] = -1
    scores = chance.uniform(-1, 1, rows.shape).astype(np.float32)
    if equal:
        scores = np.round(scores, 1)
    passes = chance.random(rows.shape) < 0.6
    bounds = np.full(queries, -np.inf, np.float32)
    found = pick(Pool(rows, bounds), scores, passes, top_k, top_k + spare, -0.5)
    for place in range(queries):
        good = passes[place] & (rows[place] >= 0) & (scores[place] >= np.float32(-0.5))
        best = np.sort(scores[place][good])[::-1]
        count = int(found.counts[place])
        assert count == min(top_k, len(best)) or found.tied[place]
        np.testing.assert_array_equal(found.scores[place, :count], best[:count])
        assert np.isin(found.rows[place, :count], rows[place][good]).all()
        assert found.examined[place] == (rows[place] >= 0).sum()
        if found.settled[place] and len(best) > top_k:
            # Whatever ties with the last one wanted is there to be ordered.
            tied = int((best >= best[top_k - 1]).sum())
            assert not found.tied[place] or count >= tied


def found(scores: list[float], *, proposed: int = 0, bound: float = -np.inf, k: int = 2) -> bool:
    line = np.array([scores], np.float32)
    pool = Pool(np.arange(line.size)[None, :], np.array([bound], np.float32), proposed)
    passes = np.ones(line.shape, np.bool_)
    return bool(pick(pool, line, passes, k, k + 8, -1.0).settled[0])


def test_what_settles_an_answer() -> None:
    assert found([0.9, 0.8, 0.1, 0.0])
    assert found([0.9])
    # Rows beyond the pool may be as good as the second.
    assert not found([0.9, 0.8], bound=0.8)
    assert found([0.9, 0.8], bound=0.79)
    assert not found([0.9], bound=-0.5)
    # Of those that codes proposed only the better half counts.
    assert not found([0.9, 0.8, 0.1], proposed=3)
    assert found([0.9, 0.8, 0.1, 0.0, -0.1], proposed=5)
    # More equal scores than are kept.
    assert not found([0.5] * 40)
    assert found([0.5] * 9)
