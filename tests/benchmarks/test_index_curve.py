"""Speed at equal recall."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.index.curve import Point, front, rate_at, ratios_at

POINTS = st.builds(
    Point,
    recall=st.floats(0.0, 1.0),
    rate=st.floats(1e-3, 1e6),
)
CURVES = st.lists(POINTS, min_size=1, max_size=12)


@given(CURVES)
def test_nothing_beats_the_front_and_it_rises_in_recall_as_it_falls_in_rate(
    points: list[Point],
) -> None:
    kept = front(points)
    assert set(kept) <= set(points)
    assert [p.recall for p in kept] == sorted({p.recall for p in kept})
    assert [p.rate for p in kept] == sorted({p.rate for p in kept}, reverse=True)
    for point in points:
        assert any(p.recall >= point.recall and p.rate >= point.rate for p in kept)


@given(CURVES, st.floats(0.0, 1.0))
def test_a_rate_lies_between_the_points_beside_it(points: list[Point], recall: float) -> None:
    rate = rate_at(points, recall)
    reaching = [p.rate for p in points if p.recall >= recall]
    if rate is None:
        assert not reaching
        return
    assert rate >= max(reaching)
    assert rate <= max(p.rate for p in points)
    if all(p.recall >= recall for p in points):
        assert rate == max(p.rate for p in points)


@given(CURVES, st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_more_recall_is_never_faster(points: list[Point], one: float, other: float) -> None:
    less, more = rate_at(points, min(one, other)), rate_at(points, max(one, other))
    assert more is None or (less is not None and less >= more)


@given(CURVES)
def test_at_a_point_of_the_front_it_is_the_point(points: list[Point]) -> None:
    for point in front(points):
        assert rate_at(points, point.recall) == pytest.approx(point.rate)


@given(CURVES, st.randoms(use_true_random=False))
def test_the_order_of_settings_does_not_matter(points: list[Point], order: object) -> None:
    shuffled = list(points)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert rate_at(shuffled, 0.5) == rate_at(points, 0.5)


def test_half_way_in_recall_is_the_geometric_mean_of_the_rates() -> None:
    assert rate_at([Point(0.9, 400), Point(1.0, 100)], 0.95) == pytest.approx(200)


def test_nothing_is_continued_beyond_what_was_measured() -> None:
    points = [Point(0.96, 400), Point(0.98, 100)]
    assert rate_at(points, 0.9) == 400
    assert rate_at(points, 0.99) is None
    assert rate_at([], 0.5) is None


@given(CURVES)
def test_a_curve_is_as_fast_as_itself(points: list[Point]) -> None:
    recall = max(p.recall for p in points)
    assert ratios_at([points, points], [points, points], recall) == [1.0, 1.0]


def test_who_is_not_there_is_not_beaten() -> None:
    high, low = [Point(0.99, 10)], [Point(0.9, 100)]
    assert ratios_at([high], [low], 0.95) is None
    assert ratios_at([low], [high], 0.95) == [0.0]
