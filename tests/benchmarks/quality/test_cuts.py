"""One cut in time: nothing after it is known, and each moment is a row."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.quality import events
from benchmarks.quality.cases import Catalog, sample
from benchmarks.quality.cuts import before, cut_time, rows_after, validation
from benchmarks.quality.events import Seen, Window
from bertine.recommend.learn.interactions import Interactions

IDS = [f"item {number}" for number in range(8)]


def catalog() -> Catalog:
    return Catalog(IDS, IDS, [frozenset[str]()] * len(IDS))


def arrays(*seen: tuple[str, int, float]) -> Interactions:
    return events.interactions([Seen(u, IDS[item], time) for u, item, time in seen], catalog())


def test_a_moment_is_a_row_with_all_its_targets() -> None:
    found = arrays(("a", 0, 1.0), ("a", 1, 5.0), ("a", 2, 5.0), ("a", 3, 6.0))
    first, second = rows_after(found, 5.0, new_only=True)
    assert first.history.tolist() == [0]
    assert sorted(first.targets.tolist()) == [1, 2]
    assert second.history.tolist() == [0, 1, 2]
    assert second.targets.tolist() == [3]
    assert (first.situation.time, second.situation.time) == (5.0, 6.0)


def test_only_new_items_are_targets_if_asked_for() -> None:
    found = arrays(("a", 0, 1.0), ("a", 0, 5.0), ("a", 1, 5.0), ("a", 1, 6.0))
    assert [row.targets.tolist() for row in rows_after(found, 5.0, new_only=True)] == [[1]]
    assert len(rows_after(found, 5.0, new_only=False)) == 2


def test_a_new_user_has_an_empty_history() -> None:
    [row] = rows_after(arrays(("a", 0, 1.0), ("b", 1, 9.0)), 5.0, new_only=True)
    assert (row.history.tolist(), row.targets.tolist()) == ([], [1])


def test_a_dislike_is_history_and_never_a_target() -> None:
    seen = [Seen("a", IDS[0], 6.0, -0.5), Seen("a", IDS[1], 7.0)]
    [row] = rows_after(events.interactions(seen, catalog()), 5.0, new_only=True)
    assert (row.history.tolist(), row.weights.tolist()) == ([0], [-0.5])


def test_events_of_items_that_the_catalog_lacks_are_left_out() -> None:
    assert len(events.interactions([Seen("a", "elsewhere", 1.0)], catalog())) == 0


def test_context_comes_with_the_row() -> None:
    seen = [Seen("a", IDS[0], 1.0, place="x"), Seen("a", IDS[1], 9.0, 1.0, "y", "phone")]
    [row] = rows_after(events.interactions(seen, catalog()), 5.0, new_only=True)
    assert (row.situation.place, row.situation.device) == ("y", "phone")


logs = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 7), st.integers(0, 20).map(float)),
    min_size=2,
    max_size=60,
)


@given(logs, st.sampled_from([0.1, 0.3, 0.5]))
def test_nothing_after_the_cut_is_known(seen: list[tuple[str, int, float]], share: float) -> None:
    case = events.case("log", catalog(), arrays(*seen), window=Window(share))
    time = cut_time(arrays(*seen).times, share)
    assert (case.known.times < time).all()
    for row in case.rows:
        assert row.situation.time >= time
        assert (row.times < row.situation.time).all()
        assert not set(row.targets.tolist()) & set(row.history.tolist())
    if len(case.known) > 1:
        earlier = validation(case)
        assert all(row.situation.time < time for row in earlier.rows)
        assert len(before(case.known, time)) == len(case.known)


def test_a_sample_has_whole_users_and_is_the_same_every_time() -> None:
    found = arrays(*[(f"{n % 5}", n % 8, float(n)) for n in range(40)])
    rows = rows_after(found, 0.0, new_only=False)
    assert sample(rows, None) is rows
    drawn = sample(rows, 16)
    assert [row.user for row in drawn] == [row.user for row in sample(rows, 16)]
    assert len(np.unique([row.user for row in drawn])) == 2
