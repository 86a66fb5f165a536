import numpy as np

from bertine.recommend.history import joined, usable
from bertine.types import HistoryEntry

ENTRIES = [HistoryEntry(name) for name in ("recorded", "gone", "a", "b")]


def test_positions_are_those_of_the_requests_own_history() -> None:
    one = np.ones(2, np.float32)
    known = usable(ENTRIES, [one, None, None, one], range(-2, 2))
    assert [entry.item_id for entry in known.entries] == ["recorded", "b"]
    assert list(known.positions) == [-2, 1]
    assert list(known.skipped) == [0]
    assert known.vectors.shape == (2, 2)


def test_a_history_of_nothing() -> None:
    known = usable(ENTRIES, [None] * 4, range(4))
    assert (len(known.entries), list(known.skipped)) == (0, [0, 1, 2, 3])
    assert len(usable([], [], []).entries) == 0


def test_the_latest_texts_are_joined_newest_first() -> None:
    entries = [HistoryEntry(text=text) for text in ("one", "two", "hated", "three", "four")]
    entries.insert(1, HistoryEntry("item"))
    liked = [True, True, True, False, True, True]
    made, kept = joined(entries, liked, 2)
    assert [entry.text or entry.item_id for entry in made] == ["item", "hated", "four\nthree"]
    assert kept == [1, 3, 5]


def test_nothing_is_joined_where_there_is_no_liked_text() -> None:
    entries = [HistoryEntry("item"), HistoryEntry(text="hated")]
    assert joined(entries, [True, False], 5) == (entries, [0, 1])
