"""Baselines against scores worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.quality import events
from benchmarks.quality.cases import Case, Catalog, Row
from benchmarks.quality.evaluation import evaluate
from benchmarks.quality.events import Seen
from benchmarks.quality.factors import als
from benchmarks.quality.methods import item_knn, popularity, sequential
from benchmarks.quality.slices import by_length, by_target, kind_of_item
from benchmarks.quality.tuning import tuned
from bertine.recommend.learn.taste import Situation

IDS = ["a", "b", "c", "d"]
CATALOG = Catalog(IDS, IDS, [frozenset[str]()] * 4)
ALL = 100
SEEN = [
    *(Seen("1", item, time) for item, time in (("a", 1.0), ("b", 2.0))),
    *(Seen("2", item, time) for item, time in (("a", 1.0), ("b", 2.0), ("c", 3.0))),
    *(Seen("3", item, time) for item, time in (("a", 1.0), ("a", 2.0))),
]


def row(*history: int, targets: tuple[int, ...] = (1,)) -> Row:
    past = np.array(history, np.int64)
    times, weights = np.arange(len(past), dtype=np.float64), np.ones(len(past))
    return Row(9, past, times, weights, np.array(targets), Situation(time=99.0))


@pytest.fixture
def case() -> Case:
    known = events.interactions(SEEN, CATALOG)
    return Case("small", CATALOG, known, [row(0)], new_only=True, protocol="")


def test_popularity_counts_users_once(case: Case) -> None:
    assert popularity(case).scores([row()]).tolist() == [[3.0, 2.0, 1.0, 0.0]]


def test_item_knn_is_the_cosine_of_users(case: Case) -> None:
    [scores] = item_knn(case, ALL, 0.0, 1.0).scores([row(0)])
    assert scores.tolist() == pytest.approx([0.0, 2 / math.sqrt(6), 1 / math.sqrt(3), 0.0])


def test_item_knn_decays_by_position(case: Case) -> None:
    [scores] = item_knn(case, ALL, 0.0, 1.0).scores([row(0, 1)])
    # Half of the cosine to a, all of that to b.
    assert scores[2] == pytest.approx(0.5 / math.sqrt(3) + 1 / math.sqrt(2))


def test_item_knn_keeps_the_nearest_neighbours(case: Case) -> None:
    [scores] = item_knn(case, 1, 0.0, 1.0).scores([row(0)])
    assert np.flatnonzero(scores).tolist() == [1]


def test_sequential_counts_look_forward_only(case: Case) -> None:
    method = sequential(case, 0.0, 1.0)
    # After a came b at once, twice, and c two later, once.
    assert method.scores([row(0)]).tolist() == [[0.0, 2.0, 0.5, 0.0]]
    assert method.scores([row(2)]).tolist() == [[0.0, 0.0, 0.0, 0.0]]


def test_als_tells_what_was_had_together() -> None:
    seen = [
        Seen(str(user), item, 1.0)
        for user in range(40)
        for item in (("a", "b") if user % 2 else ("c", "d"))
    ]
    known = events.interactions(seen, CATALOG)
    fresh = Case("blocks", CATALOG, known, [], new_only=True, protocol="")
    [scores, nothing] = als(fresh, 8, 0.01, 10.0).scores([row(0), row()])
    assert scores[1] > max(scores[2], scores[3])
    assert nothing.tolist() == [0.0] * 4


def test_what_the_user_had_is_not_listed_if_only_new_items_are_asked_for(case: Case) -> None:
    outcome = evaluate(popularity(case), case, [row(0, targets=(1, 2))], k=4)
    assert outcome.lists[0].tolist() == [1, 2, 3]
    assert outcome.ranks[0].tolist() == [1.0, 2.0]
    assert outcome.mean("ndcg10") == 1.0


def test_settings_are_chosen_before_the_window(case: Case) -> None:
    found = tuned(sequential, {"popularity_power": [0.0, 1.0], "half_life": [1.0]}, case)
    assert set(found.settings) == {"popularity_power", "half_life"}


def test_kinds_of_items() -> None:
    known = np.array([9, 1, 0, 2, 3, 1])
    assert kind_of_item(known).tolist() == ["head", "tail", "cold", "tail", "tail", "tail"]


def test_slices_count_rows_and_targets(case: Case) -> None:
    rows = [row(targets=(0, 3)), row(0, targets=(1,))]
    outcome = evaluate(popularity(case), case, rows)
    assert {name: each["count"] for name, each in by_length(outcome, rows).items()} == {
        "history 0": 1,
        "history 1": 1,
    }
    sliced = by_target(outcome, rows, np.array([3, 2, 1, 0]))
    assert {kind: each["count"] for kind, each in sliced.items()} == {
        "head": 1,
        "tail": 1,
        "cold": 1,
    }
    assert sliced["head"]["ndcg10"] == 1.0
