"""Turns, medians and chance."""

from __future__ import annotations

import pytest

from benchmarks import contest
from benchmarks.noise import difference, rank_chance
from benchmarks.report import Report, at_least


def test_every_contestant_runs_once_a_round_and_none_is_always_first() -> None:
    order: list[str] = []

    def run(name: str) -> float:
        order.append(name)
        return float(len(order))

    measured = contest.alternate({"a": lambda: run("a"), "b": lambda: run("b")}, 3)
    assert order == ["a", "b", "b", "a", "a", "b"]
    assert measured == {"a": [1, 4, 5], "b": [2, 3, 6]}


def test_a_median_keeps_its_rounds() -> None:
    report = Report("demo", {})
    contest.add_median(report, "ratio", "ours / theirs", [1.0, 3.0, 2.0], bar=at_least(2))
    assert report.figures[0].value == 2.0
    assert not report.missed
    assert report.details[contest.SAMPLES] == {"ratio": [1.0, 3.0, 2.0]}


def test_ratios_are_taken_within_a_round() -> None:
    assert contest.ratios([10, 20], [5, 5]) == [2, 4]


# Against scipy.stats.mannwhitneyu(method="exact").
@pytest.mark.parametrize(
    ("old", "new", "chance"),
    [
        ([1, 2, 3, 4, 5], [6, 7, 8, 9, 10], 0.0079365),
        ([6, 7, 8, 9, 10], [1, 2, 3, 4, 5], 0.0079365),
        ([1, 3, 5, 7], [2, 4, 6, 8], 0.6857143),
    ],
)
def test_chance_is_exact(old: list[float], new: list[float], chance: float) -> None:
    assert rank_chance(old, new) == pytest.approx(chance, abs=1e-6)


@pytest.mark.parametrize(
    ("old", "new", "verdict"),
    [
        ([100, 101, 102, 103], [110, 111, 112, 113], "changed"),
        ([100, 101, 102, 103], [101, 102, 103, 104], "same"),  # sure, but a per cent
        ([100, 140, 90, 120], [110, 150, 95, 130], "noise"),
        ([100], [109], "noise"),
        ([100], [111], "changed"),
        ([100, 200], [150, 250], "noise"),  # few rounds, and they overlap
        ([100], [100], "same"),
    ],
)
def test_a_change_must_be_large_and_sure(old: list[float], new: list[float], verdict: str) -> None:
    assert difference(old, new).verdict == verdict
