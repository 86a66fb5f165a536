from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertine.catalog.rows import (
    attributes_from_json,
    attributes_to_json,
    vector_from_bytes,
    vector_to_bytes,
)
from bertine.errors import InvalidInput, StorageError
from bertine.types import Attribute

values = (
    st.text()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.lists(st.text()).map(tuple)
)


@given(st.dictionaries(st.text(), values))
def test_attributes_come_back_with_their_types(attributes: dict[str, Attribute]) -> None:
    again = attributes_from_json(attributes_to_json(attributes))
    assert again == attributes
    assert [type(value) for value in again.values()] == [type(v) for v in attributes.values()]


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_are_refused(number: float) -> None:
    with pytest.raises(InvalidInput, match="attributes: a number is not finite"):
        attributes_to_json({"a": number})


@pytest.mark.parametrize("text", ["", "{", "[1]", "3", '{"a": }'])
def test_damaged_attributes_are_a_storage_error(text: str) -> None:
    with pytest.raises(StorageError, match="the catalog is damaged"):
        attributes_from_json(text)


@given(st.lists(st.floats(width=32), max_size=9))
def test_vectors_come_back_bit_by_bit(components: list[float]) -> None:
    vector = np.array(components, np.float32)
    again = vector_from_bytes(vector_to_bytes(vector))
    assert again.dtype == np.float32
    assert again.tobytes() == vector.tobytes()


def test_a_slice_of_a_matrix_is_stored_whole() -> None:
    matrix = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert vector_from_bytes(vector_to_bytes(matrix[:, 1])).tolist() == [1, 5, 9]


def test_damaged_vectors_are_a_storage_error() -> None:
    with pytest.raises(StorageError, match="a vector of 7 bytes"):
        vector_from_bytes(bytes(7))
