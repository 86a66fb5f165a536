import numpy as np
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from bertine.config import Limits
from bertine.errors import InvalidInput
from bertine.index.filters import AllOf, AnyOf, Exists, Filter, Not, OneOf, Range
from bertine.types import Attribute, Item
from bertine.v1 import catalog_pb2
from bertine.wire.filters import filter_from_mapping, filter_from_wire, filter_to_wire
from bertine.wire.items import item_from_response, item_to_wire, items_from_wire
from bertine.wire.values import time_from_wire, time_to_wire, value_from_wire, value_to_wire

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NAME = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=10)
SCALAR = st.one_of(
    TEXT,
    st.integers(-(2**63) + 1, 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
)
ATTRIBUTE = st.one_of(SCALAR, st.lists(TEXT, max_size=4).map(tuple))
TIME = st.one_of(st.none(), st.integers(0, 4_000_000_000).map(float))


@given(ATTRIBUTE)
def test_values(value: Attribute) -> None:
    back = value_from_wire(value_to_wire(value), "value")
    assert back == value
    assert type(back) is type(value)


@given(st.dictionaries(NAME, ATTRIBUTE, max_size=5), TEXT, TIME)
def test_items(attributes: dict[str, Attribute], text: str, opens: float | None) -> None:
    vector = np.array([0.6, 0.8], np.float32)
    later = None if opens is None else opens + 5
    item = Item("id", text, attributes, vector, opens, later, expire_time=later)
    [server_side] = items_from_wire([item_to_wire(item)], 2, Limits()) if text.strip() else [item]
    for back in (server_side, item_from_response(item_to_wire(item))):
        assert (back.id, back.text, back.attributes) == (item.id, item.text, item.attributes)
        times = (back.available_from, back.available_until, back.expire_time)
        assert times == (opens, later, later)
        assert back.vector is not None
        assert np.allclose(back.vector, vector)


LEAF: st.SearchStrategy[Filter] = st.one_of(
    st.builds(OneOf, NAME, st.lists(SCALAR, min_size=1, max_size=3).map(tuple)),
    st.builds(Exists, NAME),
    st.builds(Range, NAME, st.just((("gte", 1), ("lt", 2.5)))),
)


@given(
    st.recursive(
        LEAF,
        lambda parts: st.one_of(
            st.builds(AllOf, st.lists(parts, max_size=3).map(tuple)),
            st.builds(AnyOf, st.lists(parts, max_size=3).map(tuple)),
            st.builds(Not, parts),
        ),
        max_leaves=6,
    )
)
def test_filters(node: Filter) -> None:
    assert filter_from_wire(filter_to_wire(node)) == node


def test_the_short_form_of_filters() -> None:
    short = {
        "author": "Homer",
        "year": {"gte": 1900, "lt": 2000},
        "genre": ["play", "poetry"],
        "blurb": {"exists": True},
        "series": {"exists": False},
        "language": {"not": "Latin"},
    }
    assert filter_from_mapping(short) == AllOf(
        (
            OneOf("author", ("Homer",)),
            Range("year", (("gte", 1900), ("lt", 2000))),
            OneOf("genre", ("play", "poetry")),
            Exists("blurb"),
            Not(Exists("series")),
            Not(OneOf("language", ("Latin",))),
        )
    )
    conditions: tuple[object, ...] = ({"above": 3}, None, {})
    for wrong in conditions:
        with pytest.raises(InvalidInput, match=r"filter\.year"):
            filter_from_mapping({"year": wrong})


@given(st.floats(-6e10, 2e11))
def test_times_are_kept_to_the_microsecond(time: float) -> None:
    assert time_from_wire(time_to_wire(time), "time") == pytest.approx(time, abs=1e-4)


@pytest.mark.parametrize("message", [Timestamp(seconds=10**15), Timestamp(nanos=-1)])
def test_times_that_are_none(message: Timestamp) -> None:
    with pytest.raises(InvalidInput, match="years 1 and 9999"):
        time_from_wire(message, "time")


def test_a_message_of_the_future_is_read_without_what_is_new() -> None:
    known = catalog_pb2.Item(id="a", text="b").SerializeToString()
    unknown_field = b"\xfa\x7f\x03new"
    message = catalog_pb2.Item.FromString(known + unknown_field)
    [item] = items_from_wire([message], 2, Limits())
    assert (item.id, item.text) == ("a", "b")


@pytest.mark.parametrize("time", [1.7e12, -1e12, float("nan"), float("inf")])
def test_a_time_that_is_none_is_refused(time: float) -> None:
    with pytest.raises(InvalidInput, match="seconds since the epoch"):
        time_to_wire(time)
