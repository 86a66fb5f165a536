from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertine.errors import InvalidInput
from bertine.index.filters import (
    AllOf,
    AnyOf,
    Exists,
    Filter,
    Not,
    OneOf,
    Range,
    check,
    compile_alone,
    compile_filter,
)

ITEM: dict[str, Any] = {
    "year": 1851,
    "price": 9.5,
    "sold": True,
    "tags": ("sea", "whale"),
    "by": "M",
}


def matches(node: Filter) -> bool:
    check(node)
    return compile_filter(node)(ITEM)


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (OneOf("year", (1851,)), True),
        (OneOf("year", (1851.0,)), True),
        (OneOf("year", ("1851",)), False),
        (OneOf("sold", (True,)), True),
        (OneOf("sold", (1,)), False),
        (OneOf("year", (True,)), False),
        (OneOf("tags", ("whale",)), True),
        (OneOf("tags", ("wha",)), False),
        (OneOf("none", ("x",)), False),
        (Range("year", (("gte", 1851), ("lt", 1852))), True),
        (Range("year", (("gt", 1851),)), False),
        (Range("price", (("lte", 9.5),)), True),
        (Range("by", (("gte", "A"), ("lte", "Z"))), True),
        (Range("by", (("gte", 3),)), False),
        (Range("sold", (("gte", 0),)), False),
        (Range("tags", (("gte", "a"),)), False),
        (Range("none", (("gte", 0),)), False),
        (Exists("tags"), True),
        (Exists("none"), False),
        (Not(Exists("none")), True),
        (AllOf(()), True),
        (AnyOf(()), False),
        (AllOf((OneOf("year", (1851,)), Exists("by"))), True),
        (AnyOf((OneOf("year", (1,)), Exists("by"))), True),
    ],
)
def test_what_a_filter_means(node: Filter, expected: bool) -> None:  # noqa: FBT001
    assert matches(node) is expected


LEAVES = st.one_of(
    st.builds(OneOf, st.sampled_from(list(ITEM)), st.just((1851, True, "sea"))),
    st.builds(Exists, st.sampled_from([*ITEM, "none"])),
    st.builds(Range, st.sampled_from(list(ITEM)), st.just((("gte", 5),))),
)
TREES: st.SearchStrategy[Filter] = st.recursive(
    LEAVES,
    lambda parts: st.one_of(
        st.builds(AllOf, st.lists(parts, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(parts, max_size=3).map(tuple)),
        st.builds(Not, parts),
    ),
    max_leaves=8,
)


@given(TREES, TREES)
def test_de_morgan(left: Filter, right: Filter) -> None:
    both = compile_filter(Not(AllOf((left, right))))
    either = compile_filter(AnyOf((Not(left), Not(right))))
    assert both(ITEM) == either(ITEM)


@pytest.mark.parametrize(
    "node",
    [
        OneOf("", ("x",)),
        OneOf("x", ()),
        OneOf("x", (float("nan"),)),
        Range("x", ()),
        Range("x", (("gt", True),)),
        Range("x", (("gt", float("inf")),)),
        AnyOf(tuple(Exists("x") for _ in range(256))),
    ],
)
def test_a_filter_that_cannot_mean_anything_is_refused(node: Filter) -> None:
    with pytest.raises(InvalidInput, match="filter"):
        check(node)


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (OneOf("tags", ("sea",)), False),
        (OneOf("tags", ("sea", "whale", "ship")), True),
        (Not(OneOf("tags", ("ship",))), True),
        (Not(OneOf("tags", ("sea",))), False),
        (AllOf((OneOf("by", ("M",)), Exists("tags"))), True),
        (AllOf((OneOf("by", ("M",)), Not(Not(OneOf("tags", ("sea",)))))), False),
        (AnyOf((OneOf("tags", ("sea",)), OneOf("tags", ("whale",)))), True),
        (OneOf("year", (1851,)), True),
        (OneOf("year", (1,)), False),
    ],
)
def test_alone_every_value_of_a_list_matches(node: Filter, *, expected: bool) -> None:
    assert compile_alone(node)(ITEM) is expected
    assert ITEM["tags"] == ("sea", "whale")
