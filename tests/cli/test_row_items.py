import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from bertine.cli.row_items import Columns, item_of
from bertine.cli.rows import BadRow, Row
from bertine.types import Attribute, Item

COLUMNS = Columns("id", "text")


def item(values: dict[str, Any], columns: Columns = COLUMNS) -> Item:
    return item_of(Row("line 7", values, 1), columns)


def test_columns_beside_its_own_are_attributes() -> None:
    row = {"id": 5, "text": "whales", "year": 1851, "sold": True, "tags": ["a", "b"], "none": None}
    attributes: dict[str, Attribute] = {"year": 1851, "sold": True, "tags": ("a", "b")}
    assert item(row) == Item(id="5", text="whales", attributes=attributes)


def test_a_template_makes_the_text_column_an_attribute() -> None:
    made = item({"isbn": "3", "text": "whales", "id": 9}, Columns("isbn", ""))
    assert made == Item(id="3", attributes={"text": "whales", "id": 9})


def test_what_parquet_knows_beside_json() -> None:
    values = {
        "id": "a",
        "day": dt.date(2020, 1, 2),
        "price": Decimal("1.50"),
        "hole": float("nan"),
    }
    assert item(values).attributes == {"day": "2020-01-02", "price": 1.5}


def test_vectors_and_times() -> None:
    made = item(
        {
            "id": "a",
            "vector": [0.5, 1],
            "available_from": "1970-01-01T00:01:00",
            "available_until": dt.datetime(1970, 1, 1, 1, tzinfo=dt.UTC),
            "expire_time": "1970-01-02T00:00:00Z",
        }
    )
    assert made.vector is not None
    assert made.vector.dtype == np.float32
    assert made.vector.tolist() == [0.5, 1.0]
    assert (made.available_from, made.available_until) == (60.0, 3600.0)
    assert (made.expire_time, made.attributes) == (86_400.0, {})
    assert item({"id": "a", "available_from": 1.5}).available_from == 1.5


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"title": "a"}, "has no id: 'id' is missing or empty, it has: title; name the column"),
        ({"id": ""}, "has no id"),
        ({"id": None}, "has no id"),
        ({"id": 1.5}, "'id' holds 1.5 (float); give a string"),
        ({"id": True}, "'id' holds True (bool)"),
        ({"id": "a", "text": 3}, "'text' holds 3 (int)"),
        ({"id": "a", "author": {"name": "b"}}, "'author' holds an object (name); flatten it"),
        ({"id": "a", "n": [{"b": 1}]}, "'n' holds a list with an object (b); flatten it"),
        ({"id": "a", "n": [1, 2]}, "'n' holds a list with 1 (int); lists may hold strings only"),
        ({"id": "a", "n": [None]}, "'n' holds a list with null"),
        ({"id": "a", "n": [["b"]]}, "'n' holds a list with a list"),
        ({"id": "a", "n": 2**63}, "'n' holds 9223372036854775808, which does not fit 64 bits"),
        ({"id": "a", "n": float("inf")}, "'n' holds a number out of range"),
        ({"id": "a", "n": b"x"}, "'n' holds b'x' (bytes)"),
        ({"id": "a", "n": "\ud800"}, "'n' holds half of a surrogate pair"),
        ({"id": "a", "vector": "0.1"}, "'vector' is not a list of numbers"),
        ({"id": "a", "vector": [1e300]}, "'vector' holds a number that is not finite"),
        ({"id": "a", "available_from": "soon"}, "'available_from' holds 'soon'; give seconds"),
        ({"id": "a", "available_from": 1e30}, "'available_from' holds 1e+30; give seconds"),
        ({"id": "a", "available_from": True}, "'available_from' holds True"),
    ],
)
def test_what_no_item_can_have_is_named(values: dict[str, Any], problem: str) -> None:
    with pytest.raises(BadRow) as error:
        item(values)
    assert str(error.value).startswith(f"line 7: {problem}")


def test_columns_of_named_vectors() -> None:
    columns = Columns("id", "text", {"image": "clip", "sound": "sound"})
    made = item({"id": "a", "clip": "[0.5, 1]", "sound": [1, 2], "vector": "[3]"}, columns)
    assert {name: part.tolist() for name, part in made.vectors.items()} == {
        "image": [0.5, 1.0],
        "sound": [1.0, 2.0],
    }
    assert made.vector is not None
    assert (made.vector.tolist(), made.attributes) == ([3.0], {})
    assert item({"id": "a", "clip": None, "image": "x"}, columns).attributes == {"image": "x"}
    with pytest.raises(BadRow, match=r"'clip' holds .*give a list of numbers"):
        item({"id": "a", "clip": "0.5 1"}, columns)
