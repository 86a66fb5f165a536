"""The columns of a snapshot answer as those that are built from the rows."""

from collections.abc import Collection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bertine.index import column_drafts
from bertine.index.column_file import ColumnFile, write_columns
from bertine.index.columns import Columns
from bertine.index.filters import Exists, Filter, Not, OneOf, Range, compile_filter
from bertine.types import Attribute

NAMES = st.sampled_from(["a", "b"])
LARGE = [2**53, 2**53 + 1, 2**53 + 2, -(2**53) - 1, 2**62, -(2**63), 2**63 - 1]
NUMBERS = st.sampled_from([*LARGE, *map(float, LARGE), 0.5, 1e300, -0.0]) | st.integers(-3, 3)
STRINGS = st.sampled_from(["", "x", "xy", "y", "ż", "\ud800", "\U0001f40b", "\uffff"])
SCALARS = st.booleans() | NUMBERS | STRINGS
VALUES: st.SearchStrategy[Attribute] = SCALARS | st.lists(STRINGS, max_size=3).map(tuple)
ROWS = st.lists(st.dictionaries(NAMES, VALUES, max_size=2), max_size=12)
BOUNDS = st.lists(
    st.tuples(st.sampled_from(["gt", "gte", "lt", "lte"]), NUMBERS | STRINGS),
    min_size=1,
    max_size=3,
).map(tuple)
LEAVES: st.SearchStrategy[Filter] = st.one_of(
    st.builds(OneOf, NAMES, st.lists(SCALARS, min_size=1, max_size=3).map(tuple)),
    st.builds(Range, NAMES, BOUNDS),
    st.builds(Exists, NAMES),
)


def lying_in(path: Path, rows: list[Any], used: Collection[str] = ()) -> Columns:
    write_columns(path, rows, used)
    columns = Columns()
    columns.lie_in(ColumnFile(path), used)
    return columns


def matches(columns: Columns, node: Filter, rows: list[Any]) -> list[int]:
    found: list[int] = columns.matching(node, rows, len(rows)).nonzero()[0].tolist()
    return found


@settings(deadline=None, max_examples=300)
@given(ROWS, LEAVES, st.integers(1, 12))
@example([{"a": 2**53 + 1}, {"a": float(2**53)}], Range("a", (("gt", 2**53),)), 12)
@example([{"a": 1}, {"a": True}, {"a": 1.0}, {"a": "1"}], OneOf("a", (1,)), 2)
@example([{"a": ("x", "x")}, {"a": ()}, {"a": "x"}], Range("a", (("gte", "x"),)), 1)
def test_the_same_rows_as_the_predicate(
    rows: list[dict[str, Any]], node: Filter, block: int
) -> None:
    test = compile_filter(node)
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(column_drafts, "_BLOCK", block)
        columns = lying_in(Path(folder) / "columns.bin", rows)
        expected = [row for row, attributes in enumerate(rows) if test(attributes)]
        # No row is read.
        assert columns.matching(node, [], len(rows)).nonzero()[0].tolist() == expected
        # A reader of fewer rows sees no more.
        fewer = columns.matching(Not(node), [], len(rows) // 2)
        assert len(fewer) == len(rows) // 2


def built_from_rows(columns: Columns, rows: list[Any]) -> list[str]:
    """Attributes whose column needs the rows: of a lookalike it finds other rows."""
    changed = [dict.fromkeys(row, "other") for row in rows]
    names = {name for row in rows for name in row}
    return sorted(name for name in names if matches(columns, OneOf(name, ("other",)), changed))


def test_titles_are_left_out_unless_they_were_filtered_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(column_drafts, "MOST_STRING_BYTES", 2_000)
    monkeypatch.setattr(column_drafts, "_BLOCK", 16)
    rows = [{"title": f"title {row}", "kind": f"kind {row % 9}", "n": row} for row in range(400)]
    never = lying_in(tmp_path / "never", rows)
    assert never.names() == []
    assert built_from_rows(never, rows) == ["title"]
    assert matches(lying_in(tmp_path / "again", rows), OneOf("title", ("title 7",)), rows) == [7]
    once = lying_in(tmp_path / "once", rows, ["title"])
    assert once.names() == ["title"]
    assert built_from_rows(once, rows) == []
    assert matches(once, OneOf("title", ("title 7",)), rows) == [7]


def test_names_without_end_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(column_drafts, "MOST_COLUMNS", 10)
    monkeypatch.setattr(column_drafts, "_BLOCK", 4)
    rows = [{f"name {row}": row, "kind": "x", "n": row} for row in range(40)]
    used = lying_in(tmp_path / "used", rows, ["kind"])
    assert "kind" not in built_from_rows(used, rows)
    assert len(built_from_rows(used, rows)) == 41
    assert matches(lying_in(tmp_path / "unused", rows), OneOf("n", (7,)), rows) == [7]
    assert (tmp_path / "used").stat().st_size < 1_000


@pytest.mark.parametrize("used", [[], ["a"]])
def test_an_integer_of_more_than_64_bits_is_looked_for_in_the_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, used: list[str]
) -> None:
    monkeypatch.setattr(column_drafts, "_BLOCK", 2)
    rows: list[Any] = [{"a": 1}, {"a": 2}, {"a": 2**70}, {"b": 1}, {"a": 3}]
    columns = lying_in(tmp_path / "columns", rows, used)
    assert built_from_rows(columns, rows) == ["a"]
    again = lying_in(tmp_path / "again", rows, used)
    assert matches(again, Range("a", (("gt", 2),)), rows) == [2, 4]


def test_an_attribute_that_no_row_has_is_not_looked_for(tmp_path: Path) -> None:
    columns = lying_in(tmp_path / "columns", [{"a": 1}] * 3)
    assert matches(columns, Exists("b"), [{"b": 1}] * 3) == []
    assert matches(columns, Not(OneOf("b", (1,))), [{"b": 1}] * 3) == [0, 1, 2]


@pytest.mark.parametrize("rows", [[], [{}, {}]])
def test_nothing_at_all(tmp_path: Path, rows: list[Any]) -> None:
    columns = lying_in(tmp_path / "columns", rows)
    assert matches(columns, Exists("a"), rows) == []
    assert matches(columns, Range("a", (("gt", "x"),)), rows) == []


def test_what_was_built_and_is_not_in_the_file_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(column_drafts, "MOST_STRING_BYTES", 10)
    rows = [{"title": f"title {row}"} for row in range(4)]
    columns = Columns()
    write_columns(tmp_path / "columns", rows, columns.names())
    assert matches(columns, OneOf("title", ("title 2",)), rows) == [2]  # while it is written
    columns.lie_in(ColumnFile(tmp_path / "columns"), columns.names())
    assert columns.matching(OneOf("title", ("title 2",)), [], 4).tolist() == [0, 0, 1, 0]


def test_a_file_that_was_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "columns"
    write_columns(path, [{"a": 1, "b": "x"}] * 3, [])
    raw = path.read_bytes()
    for length in range(1, len(raw)):
        path.write_bytes(raw[:length])
        with pytest.raises(ValueError, match=r"cut short|Expecting value"):
            ColumnFile(path)


def test_numbers_of_numpy_are_numbers(tmp_path: Path) -> None:
    rows = [{"a": np.float64(0.5)}, {"a": 0.5}, {"a": True}]
    assert matches(lying_in(tmp_path / "columns", rows), OneOf("a", (0.5,)), rows) == [0, 1]
