"""What counts as found, grown collections, and the order of texts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import metrics
from benchmarks.index import grown, truth, vectors
from benchmarks.index.truth import kth_best, recall
from bertine.types import Matrix

SEEDS = st.integers(0, 1_000)


def unit(count: int, seed: int) -> Matrix:
    raw = np.random.default_rng(seed).standard_normal((count, 8)).astype(np.float32)
    return np.asarray(raw / np.linalg.norm(raw, axis=1, keepdims=True), np.float32)


@given(st.integers(1, 60), st.integers(1, 10), SEEDS)
def test_the_exact_answer_has_recall_one(count: int, k: int, seed: int) -> None:
    rows, queries = unit(count, seed), unit(3, seed + 1)
    k = min(k, count)
    exact = metrics.top_rows(rows, queries, k)
    least = kth_best(rows, queries, k)
    assert recall(rows, queries, exact, least, k) == 1.0
    worst = np.take_along_axis(queries @ rows.T, exact[:, -1:], axis=1)[:, 0]
    assert least == pytest.approx(worst, abs=1e-5)


def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, queries = unit(101, 0), unit(4, 1)
    whole = kth_best(rows, queries, 7)
    monkeypatch.setattr(truth, "_BLOCK", 10)
    assert kth_best(rows, queries, 7) == pytest.approx(whole, abs=1e-6)


def test_only_some_rows_may_count() -> None:
    rows, queries = unit(50, 0), unit(2, 1)
    some = np.array([3, 8, 40])
    assert kth_best(rows, queries, 3, some) == pytest.approx((queries @ rows[some].T).min(axis=1))


def test_an_equal_row_is_as_good_and_one_row_counts_once() -> None:
    one = unit(2, 0)
    rows = np.concatenate([one, one])  # rows 0 and 2 are equal, so are 1 and 3
    queries = one[:1]
    least = kth_best(rows, queries, 2)
    assert recall(rows, queries, np.array([[2, 0]]), least, 2) == 1.0
    assert recall(rows, queries, np.array([[2, 2]]), least, 2) == 0.5
    assert recall(rows, queries, np.array([[2, -1]]), least, 2) == 0.5
    assert recall(rows, queries, np.array([[1, 3]]), least, 2) == 0.0


def test_copies_are_unit_vectors_that_stay_near_and_are_the_same_each_time() -> None:
    rows = np.random.default_rng(0).standard_normal((40, 384)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    moved = grown.copies(rows, 1)
    assert np.linalg.norm(moved, axis=1) == pytest.approx(1, abs=1e-6)
    assert (moved * rows).sum(axis=1) == pytest.approx(0.944, abs=0.03)
    assert np.array_equal(moved, grown.copies(rows, 1))
    assert not np.array_equal(moved, grown.copies(rows, 2))


def test_a_grown_file_begins_with_the_vectors_themselves(tmp_path: Path) -> None:
    rows, written = unit(10, 0), list[int]()
    grown.write(rows, 25, tmp_path / "large.npy", written.append)
    large = np.load(tmp_path / "large.npy")
    assert written == [10, 10, 5]
    assert large.shape == (25, 8)
    assert np.array_equal(large[:10], rows)
    assert np.linalg.norm(large, axis=1) == pytest.approx(1, abs=1e-6)


@given(st.lists(st.text(max_size=3), max_size=40), st.integers(0, 20))
def test_no_held_out_text_is_in_the_corpus(texts: list[str], count: int) -> None:
    held, rest = vectors.hold_out(texts, count)
    assert not set(held) & set(rest)
    assert sorted([*held, *rest]) == sorted(texts)
    assert vectors.hold_out(texts, count) == (held, rest)


@given(st.integers(1, 5_000))
def test_parts_cover_all_texts_once(count: int) -> None:
    parts = vectors.bounds(count)
    assert [row for start, stop in parts for row in range(start, stop)] == list(range(count))
    assert all(0 < stop - start <= vectors.PART for start, stop in parts)


def test_a_part_is_named_by_its_texts_and_their_order() -> None:
    names = {vectors.digest(part) for part in (["ab", "c"], ["a", "bc"], ["c", "ab"], ["abc"])}
    assert len(names) == 4


def test_an_interrupted_encoding_goes_on_where_it_stopped(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "PART", 8)
    cache, texts = vectors.Cache(tmp_path, model, "int8"), [f"text {n}" for n in range(20)]
    done: list[int] = []
    first = cache.encode(texts, done.append)
    assert done == [0, 8, 8, 4]
    kept = sorted(tmp_path.rglob("*.npy"))
    kept[0].unlink()
    done.clear()
    again = cache.encode(texts, done.append)
    assert done[0] + sum(done[1:]) == 20
    assert len(done) == 2
    assert again == pytest.approx(first, abs=1e-5)
    assert np.linalg.norm(first, axis=1) == pytest.approx(1, abs=1e-5)
