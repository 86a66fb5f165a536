from __future__ import annotations

import numpy as np

from bertine.catalog.event_arrays import EventArrays, Mark
from bertine.recommend.preparing import interactions_of, vectors_of


def events() -> EventArrays:
    nan = float("nan")
    return EventArrays(
        Mark(5),
        users=np.array([0, 1, 2, 1, 2], np.int64),
        items=np.array([0, 1, 2, 0, 1], np.int64),
        times=np.array([5.0, 9.0, 3.0, 2.0, 1.0]),
        types=np.array([1, 0, 0, 2, 0], np.int32),
        weights=np.array([nan, nan, 3.0, nan, nan], np.float32),
        places=np.array([-1, 0, -1, -1, 0], np.int32),
        devices=np.full(5, -1, np.int32),
        offsets=np.zeros(5, np.int32),
        item_ids=["z", "b", "gone"],
        type_names=["view", "impression", "dislike"],
        place_names=["pt-SP"],
        device_names=[],
    )


def test_impressions_are_left_out_and_the_rest_is_sorted() -> None:
    found = interactions_of(events(), ["z", "b", "a"])
    assert found.item_ids == ["a", "b", "gone", "z"]
    assert found.users.tolist() == [0, 0, 1, 1]  # the first user only saw something
    assert [found.item_ids[one] for one in found.items] == ["z", "b", "b", "gone"]
    assert found.times.tolist() == [2.0, 9.0, 1.0, 3.0]
    assert found.weights.tolist() == [-0.5, 1.0, 1.0, 3.0]
    assert found.places.tolist() == [-1, 0, 0, -1]


def test_vectors_of_items_that_are_no_more_are_zero() -> None:
    known = {"a": np.array([0.6, 0.8], np.float32)}
    assert vectors_of(["a", "b"], known.get, 2).tolist() == [
        np.array([0.6, 0.8], np.float32).tolist(),
        [0.0, 0.0],
    ]
