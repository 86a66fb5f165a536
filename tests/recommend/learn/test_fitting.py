"""Weights of channels: what helps counts, what does not is left out, and content is never lost."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from bertine.recommend.learn import fitting
from bertine.recommend.learn.fitting import LEAST_GAIN, fit, ndcg, steadied
from bertine.recommend.learn.validation import Scored

ROWS, CANDIDATES = 120, 30
CONTENT = np.array([True, False, False])


def scored(*channels: NDArray[np.float64], seed: int = 0) -> Scored:
    """Rows of 30 candidates, one of which is the target.

    Args:
        channels: how far each lifts the target of each row above chance: float64 ``[rows]``.
        seed: of the chance.
    """
    generator = np.random.default_rng(seed)
    targets = np.arange(ROWS) * CANDIDATES + generator.integers(0, CANDIDATES, ROWS)
    values = generator.normal(size=(ROWS * CANDIDATES, len(channels)))
    for number, lift in enumerate(channels):
        values[targets, number] += lift
    return Scored(
        values.astype(np.float32),
        np.arange(ROWS) * CANDIDATES,
        targets,
        np.arange(ROWS),
        np.ones(ROWS, np.bool_),
        np.ones(ROWS, np.int64),
        np.zeros(ROWS * CANDIDATES, np.bool_),
    )


EVERY, NONE = np.full(ROWS, 2.5), np.zeros(ROWS)
HALF = np.where(np.arange(ROWS) % 2, 3.0, 0.0)


def test_channels_that_help_count_and_one_that_does_not_is_left_out() -> None:
    rows = scored(HALF, 3.0 - HALF, NONE)
    weights = fit(rows, CONTENT)
    assert weights[0] > 0
    assert weights[1] > 0
    assert weights[2] * 5 < weights[:2].min()
    alone = [ndcg(rows, np.eye(3)[channel]) for channel in (0, 1)]
    assert ndcg(rows, weights) > max(alone) + 0.05


def test_weights_hang_on_the_seed_alone() -> None:
    rows = scored(HALF, EVERY, NONE)
    first, again, other = (fit(rows, CONTENT, seed) for seed in (1, 1, 2))
    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()


def test_content_that_says_nothing_stays_as_far_as_it_costs_nothing() -> None:
    rows = scored(NONE, EVERY * 2, NONE)
    weights = fit(rows, CONTENT)
    assert weights[0] > 0
    without = np.array([0.0, *weights[1:]])
    assert ndcg(rows, weights) > ndcg(rows, without) - 10 * LEAST_GAIN


def test_of_a_catalog_without_vectors_no_content_is_made_up() -> None:
    rows = scored(NONE, EVERY, NONE)
    rows.values[:, 0] = 0.0
    assert fit(rows, CONTENT)[0] == 0.0


def test_where_nothing_helps_the_content_is_left() -> None:
    rows = scored(NONE - 3.0, NONE - 3.0, NONE - 3.0)
    weights = fit(rows, CONTENT)
    assert weights[0] > 0


def test_rows_are_taken_with_all_that_belongs_to_them() -> None:
    rows = scored(HALF, EVERY)
    rows.targets[7] = rows.starts[7]
    chosen = np.zeros(ROWS, np.bool_)
    chosen[[3, 7]] = True
    some = rows.of_rows(chosen)
    assert (len(some), some.starts.tolist(), some.target_rows.tolist()) == (2, [0, 30], [0, 1])
    assert some.targets.tolist() == [int(rows.targets[3] - 90), 30]
    assert (some.values[:30] == rows.values[90:120]).all()
    assert ndcg(some, np.eye(2)[0]) == pytest.approx(
        np.mean([ndcg(rows.of_rows(np.arange(ROWS) == row), np.eye(2)[0]) for row in (3, 7)])
    )


def test_of_new_items_only_what_was_seen_is_gone_with_its_rows() -> None:
    rows = scored(HALF, EVERY)
    rows.seen[rows.targets[5]] = True
    other = rows.targets[6] - 1 if rows.targets[6] > rows.starts[6] else rows.targets[6] + 1
    rows.seen[other] = True
    new = rows.new_only()
    assert len(new) == ROWS - 1
    assert len(new.values) == ROWS * CANDIDATES - CANDIDATES - 1
    assert not new.seen.any()
    kept = np.delete(np.arange(ROWS), 5)
    assert (new.values[new.targets] == rows.values[rows.targets[kept]]).all()


def test_few_rows_leave_a_quarter_to_the_usual_weights() -> None:
    rows = scored(HALF, EVERY, NONE)
    rows.values[:, 2] = 0.0
    spread = rows.values.std(axis=0, dtype=np.float64)
    fitted = np.array([0.0, 2.0, 0.0])
    mixed = steadied(fitted, np.array([7.0, 0.0, 7.0]), rows)
    assert mixed @ spread == pytest.approx(fitted @ spread)
    assert mixed[1] == pytest.approx(1.5)
    # A channel that says nothing of any candidate gets nothing.
    assert mixed[2] == 0.0
    assert steadied(fitted, np.zeros(3), rows) is fitted


def test_many_rows_stand_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    fitted = np.array([2.0])
    assert steadied(fitted, np.array([9.0]), scored(EVERY)) == pytest.approx(fitted)
    monkeypatch.setattr(fitting, "STEADY_ROWS", ROWS)
    assert steadied(fitted, np.array([9.0]), scored(EVERY)) is fitted
