from __future__ import annotations

import numpy as np

from bertine.recommend.learn.interactions import Interactions
from bertine.recommend.learn.validation import held_out, moments, ordinal
from tests.recommend.learn.conftest import ITEMS, make_interactions, make_vectors


def events(users: list[int], times: list[float]) -> Interactions:
    unknown = np.full(len(users), -1, np.int32)
    return Interactions(
        np.array(users),
        np.arange(len(users)) % ITEMS,
        np.array(times, np.float64),
        np.ones(len(users), np.float32),
        unknown,
        unknown,
        [f"item-{n}" for n in range(ITEMS)],
    )


def test_a_cut_in_time_holds_out_the_latest_of_all_users() -> None:
    made = make_interactions()
    held = held_out(made, 0.1)
    assert not ordinal(made)
    assert made.times[~held].max() < made.times[held].min()
    assert 0.05 < held.mean() <= 0.11


def test_where_times_are_positions_each_user_has_a_part_held_out() -> None:
    made = events([0] * 8 + [1] * 3, [*range(8), *range(3)])
    held = held_out(made, 0.1)
    assert ordinal(made)
    assert np.flatnonzero(held).tolist() == [6, 7, 10]


def test_where_all_happened_at_once_the_order_decides_what_is_held_out() -> None:
    made = events([0] * 8 + [1] * 5 + [2], [7.0] * 8 + [1.0, 2.0, 3.0, 4.0, 4.0] + [7.0])
    held = held_out(made, 0.1)
    assert ordinal(made)
    assert np.flatnonzero(held).tolist() == [6, 7, 11, 12, 13]
    rows = moments(made, make_vectors(), held, 1.0, 0)
    assert [row.targets.tolist() for row in rows] == [[6, 7], [11, 12]]
    assert [len(row.taste) for row in rows] == [6, 3]


def test_nothing_is_held_out_of_a_share_of_nothing() -> None:
    assert not held_out(make_interactions(), 0.0).any()
    assert held_out(events([], []), 0.1).shape == (0,)


def test_a_moment_knows_what_was_before_it_only() -> None:
    made = events([0] * 8 + [1], [*range(8), 0.0])
    rows = moments(made, make_vectors(), held_out(made, 0.1), 1.0, 0)
    assert [row.targets.tolist() for row in rows] == [[6], [7]]
    assert [len(row.taste) for row in rows] == [6, 7]
    # A user with one entry has no history, though it is held out.
