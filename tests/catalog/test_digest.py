from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertine.catalog.digest import DIGEST_SIZE, content_digest, text_digest
from bertine.errors import InvalidInput
from bertine.types import Attribute, Item

ONE = np.array([1.0, 0.0], np.float32)
OTHER = np.array([0.0, 1.0], np.float32)

attributes = st.dictionaries(
    st.text(max_size=3),
    st.text(max_size=3)
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(allow_nan=False, width=16)
    | st.lists(st.text(max_size=2), max_size=3).map(tuple),
    max_size=3,
)
items = st.builds(
    Item,
    st.just("id"),
    st.text(max_size=3),
    attributes,
    st.sampled_from([None, ONE, OTHER]),
    st.sampled_from([None, 0.0, 1.0]),
    st.sampled_from([None, 0.0, 1.0]),
)


def description(item: Item) -> str:
    """All that the client gave, as text in which nothing can be confused."""
    typed = sorted((name, type(v).__name__, repr(v)) for name, v in item.attributes.items())
    vector = None if item.vector is None else item.vector.tolist()
    return json.dumps([item.text, typed, vector, item.available_from, item.available_until])


@given(items, items)
def test_digests_are_equal_exactly_if_the_contents_are(one: Item, other: Item) -> None:
    same = description(one) == description(other)
    assert (content_digest(one) == content_digest(other)) == same


@given(items)
def test_sizes_and_stability(item: Item) -> None:
    again = replace(item, attributes=dict(list(item.attributes.items())[::-1]), version=7, id="x")
    assert content_digest(again) == content_digest(item)
    assert len(content_digest(item)) == len(text_digest(item)) == DIGEST_SIZE


@pytest.mark.parametrize(
    ("one", "other"),
    [(3, 3.0), (3, "3"), (1, True), (0.0, False), ("a", ("a",)), ((), ""), (("ab",), ("a", "b"))],
)
def test_types_of_attributes_count(one: Attribute, other: Attribute) -> None:
    digests = {content_digest(Item("id", "", {"a": value})) for value in (one, other)}
    assert len(digests) == 2


def test_text_digest_is_of_what_the_vector_is_made_from() -> None:
    item = Item("id", "text", {"a": 1})
    assert text_digest(item) == text_digest(replace(item, attributes={}))
    assert text_digest(item) != text_digest(replace(item, text="other"))
    supplied = replace(item, vector=ONE)
    assert text_digest(supplied) == text_digest(replace(supplied, text="other"))
    assert text_digest(supplied) != text_digest(replace(supplied, vector=OTHER))
    assert text_digest(supplied) != text_digest(item)


def test_what_is_not_unicode_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match=r"text: has a lone surrogate at position 2"):
        text_digest(Item("id", "ab\ud800"))
    with pytest.raises(InvalidInput, match=r"attributes\.a: "):
        content_digest(Item("id", "", {"a": ("fine", "\udfff")}))
