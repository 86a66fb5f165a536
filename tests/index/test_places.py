"""Where living rows are, by id."""

import numpy as np
import pytest

from bertine.index.places import Places
from bertine.index.segment import ALIVE, Segment
from bertine.index.view import View
from bertine.types import Item, Versions

SIDE = 8


def segment(*ids: str, sequence: int = 1) -> Segment:
    made = Segment(SIDE)
    made.extend([Item(one) for one in ids], np.eye(len(ids), SIDE, dtype=np.float32), sequence)
    return made


def pages(versions: list[tuple[str, int]], size: int) -> Versions:
    for start in range(0, len(versions), size):
        ids, found = zip(*versions[start : start + size], strict=True)
        yield list(ids), np.array(found)


def test_rows_are_numbered_as_a_view_numbers_them() -> None:
    main, delta = segment("a", "b", "c"), segment("d", "e")
    main.died[1] = 2
    known = Places(main, delta)
    view = View(main, delta, 3, 2, 1)
    assert known.rows_of(["e", "b", "a", "?", "d", "c"], view).tolist() == [4, -1, 0, -1, 3, 2]
    assert (len(known), known.find("b"), known.find("c"), known.find("e")) == (
        *(4, None, (main, 2), (delta, 1)),
    )
    assert view.ids(known.rows_of(["e", "c"], view).tolist()) == ["e", "c"]


def test_what_comes_later_is_beyond_a_view_and_what_goes_is_nowhere() -> None:
    main, delta = segment("a", "b"), segment("c")
    known, before = Places(main, delta), View(main, delta, 2, 1, 1)
    [row] = delta.extend([Item("a")], np.eye(1, SIDE, dtype=np.float32), 2)
    known.put("a", row)
    known.forget("b")
    known.forget("unknown")
    assert known.rows_of(["a", "b", "c"], View(main, delta, 2, 2, 2)).tolist() == [3, -1, 2]
    assert known.rows_of(["a"], before) >= before.count


def test_a_view_of_other_segments_shows_none_of_the_rows() -> None:
    known = Places(segment("a", "b"), segment("c"))
    other = View(segment("a", "b", "c", "d"), segment(), 4, 0, 1)
    assert known.rows_of(["a", "c", "?"], other).tolist() == [4, 4, -1]


@pytest.mark.parametrize("size", [1, 2, 3, 6])
def test_rows_of_other_versions_are_dead_and_what_has_no_row_is_missing(size: int) -> None:
    main = segment(*"abcdef", sequence=3)
    known = Places(main, Segment(SIDE))
    found = [("a", 3), ("b", 3), ("new", 9), ("c", 4), ("f", 3), ("later", 5)]
    assert known.hold_against(pages(found, size)) == ["new", "c", "later"]
    assert (main.died[:6] == ALIVE).tolist() == [True, True, False, False, False, True]
    assert not main.alive(10)[2:5].any()
    assert sorted(one for one in "abcdef" if known.find(one)) == ["a", "b", "f"]


def test_of_two_rows_of_one_item_at_most_one_lives() -> None:
    main = segment("a", "b", "a", sequence=3)
    known = Places(main, Segment(SIDE))
    assert known.hold_against(pages([("a", 3), ("b", 3)], 2)) == []
    assert (main.died[:3] == ALIVE).tolist() == [False, True, True]
    assert known.find("a") == (main, 2)
