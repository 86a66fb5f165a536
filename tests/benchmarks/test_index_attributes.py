"""Masks from columns against what filters mean, item by item; rows and parts of the work."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.index import part_durable, rows
from benchmarks.index.attributes import Table, random_filter, share_below
from benchmarks.index.install import environment
from benchmarks.index.roster import HNSWLIB, OURS, efforts, roster
from bertine.index.filters import check, compile_filter
from bertine.index.live import LiveIndex
from bertine.index.request import Request

TABLE = Table(200)


@given(st.integers(0, 2**32))
def test_a_mask_is_what_the_filter_means(seed: int) -> None:
    node = random_filter(random.Random(seed))  # noqa: S311 - the same filter every time
    check(node)
    holds = compile_filter(node)
    expected = [holds(TABLE.attributes(row)) for row in range(TABLE.count)]
    assert TABLE.mask(node).tolist() == expected


@pytest.mark.parametrize("share", [0.5, 0.1, 0.01, 0.001])
def test_a_share_matches_that_share(share: float) -> None:
    assert Table(2_000).mask(share_below(share)).mean() == pytest.approx(share)


def test_rows_are_put_in_with_versions_that_a_catalog_would_give() -> None:
    vectors = np.eye(8, dtype=np.float32)[np.arange(5_000) % 8]
    index = LiveIndex(8)
    assert rows.upsert(index, vectors, lambda row: {"row": row}) == 2
    assert len(index) == 5_000
    assert index.attributes("4999") == {"row": 4_999}
    (_, first), (ids, second) = rows.versions(5_000)
    assert first.tolist() == [1] * 4_096
    assert (ids[0], ids[-1], second.tolist()) == ("4096", "4999", [2] * 904)


def test_rows_of_hits_are_padded() -> None:
    index = LiveIndex(8)
    rows.upsert(index, np.eye(8, dtype=np.float32)[:2])
    answer = index.search(np.eye(8, dtype=np.float32)[1:2], Request(top_k=3))
    assert rows.of_hits(answer, 3).tolist() == [[1, 0, -1]]
    assert rows.of_hits([], 3).shape == (0, 3)


def test_no_writer_writes_what_another_does() -> None:
    vectors = np.eye(8, dtype=np.float32)
    todo = [work for number in (0, 1) for work in part_durable.works(vectors, 3, 2, number)]
    items = [item for work in todo for call in work.calls for item in call]
    assert len(todo) == 6
    assert all(len(work.calls) == 2 for work in todo)
    assert len({item.id for item in items}) == len(items)
    made = np.stack([item.vector for item in items if item.vector is not None])
    assert len(np.unique(made, axis=0)) == len(items)


def test_the_engine_is_built_first_and_absence_has_a_reason(tmp_path: Path) -> None:
    entries = roster({"threads": 2})
    assert entries[0].name == OURS
    assert HNSWLIB in [entry.name for entry in entries]
    hnswlib = environment("hnswlib", tmp_path)
    assert hnswlib.absent == "not installed; run python -m benchmarks.index.install"
    assert hnswlib.requirements.is_file()
    (tmp_path / "hnswlib.absent").write_text("pip failed: no compiler", "utf-8")
    assert hnswlib.absent == "pip failed: no compiler"


def test_an_exact_index_has_no_other_settings() -> None:
    assert efforts(0) == [0]
    assert efforts(16)[0] == 0
    assert len(efforts(16)) > 5
