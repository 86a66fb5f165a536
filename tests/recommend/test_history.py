import numpy as np

from bertine.recommend.history import usable
from bertine.types import HistoryEntry

ENTRIES = [HistoryEntry(name) for name in ("recorded", "gone", "a", "b")]


def test_positions_are_those_of_the_requests_own_history() -> None:
    one = np.ones(2, np.float32)
    known = usable(ENTRIES, [one, None, None, one], recorded=2)
    assert [entry.item_id for entry in known.entries] == ["recorded", "b"]
    assert list(known.positions) == [-2, 1]
    assert list(known.skipped) == [0]
    assert known.vectors.shape == (2, 2)


def test_a_history_of_nothing() -> None:
    known = usable(ENTRIES, [None] * 4, recorded=0)
    assert (len(known.entries), list(known.skipped)) == (0, [0, 1, 2, 3])
