"""Inverted lists give what the filter's own meaning gives, row by row."""

import threading
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from bertine.index.columns import Columns
from bertine.index.filters import (
    AllOf,
    AnyOf,
    Comparison,
    Exists,
    Filter,
    Not,
    OneOf,
    Range,
    compile_filter,
)
from bertine.types import Attribute

NAMES = st.sampled_from(["a", "b", "c"])
SCALARS = st.one_of(
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([2**53, 2**53 + 1, -(2**60), 0.5, -2.0, 1.0, float(2**53)]),
    st.sampled_from(["", "x", "xy", "y"]),
)
VALUES: st.SearchStrategy[Attribute] = st.one_of(
    SCALARS, st.lists(st.sampled_from(["x", "y", "z"]), max_size=2).map(tuple)
)
ROWS = st.lists(st.dictionaries(NAMES, VALUES, max_size=3), max_size=12)
COMPARISONS: st.SearchStrategy[Comparison] = st.sampled_from(["gt", "gte", "lt", "lte"])
BOUNDS = st.lists(
    st.tuples(COMPARISONS, SCALARS.filter(lambda bound: not isinstance(bound, bool))),
    min_size=1,
    max_size=3,
).map(tuple)
LEAVES: st.SearchStrategy[Filter] = st.one_of(
    st.builds(OneOf, NAMES, st.lists(SCALARS, min_size=1, max_size=3).map(tuple)),
    st.builds(Range, NAMES, BOUNDS),
    st.builds(Exists, NAMES),
)
TREES: st.SearchStrategy[Filter] = st.recursive(
    LEAVES,
    lambda parts: st.one_of(
        st.builds(AllOf, st.lists(parts, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(parts, max_size=3).map(tuple)),
        st.builds(Not, parts),
    ),
    max_leaves=6,
)


@given(ROWS, ROWS, TREES)
@example([], [{"a": ("x",)}], Range("a", (("gt", ""),)))
def test_the_same_rows_as_the_predicate(
    first: list[dict[str, Any]], second: list[dict[str, Any]], node: Filter
) -> None:
    columns, test, rows = Columns(), compile_filter(node), list(first)
    expected = [row for row, attributes in enumerate(first) if test(attributes)]
    assert columns.matching(node, rows, len(first)).nonzero()[0].tolist() == expected
    # The segment grows, and a reader of the state before still sees that state.
    rows.extend(second)
    assert columns.matching(node, rows, len(first)).nonzero()[0].tolist() == expected
    everything = [row for row, attributes in enumerate(rows) if test(attributes)]
    assert columns.matching(node, rows, len(rows)).nonzero()[0].tolist() == everything
    assert columns.matching(node, rows, len(first)).nonzero()[0].tolist() == expected


def test_many_readers_of_a_growing_segment() -> None:
    columns, rows = Columns(), [{"n": number % 7} for number in range(20_000)]
    node = AllOf((OneOf("n", (3,)), Range("n", (("gte", 2), ("lt", 5)))))
    answers: list[bool] = []

    def read(count: int) -> None:
        found = columns.matching(node, rows, count)
        answers.append(found.nonzero()[0].tolist() == [row for row in range(count) if row % 7 == 3])

    threads = [threading.Thread(target=read, args=(count,)) for count in range(500, 20_000, 900)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * len(threads)
