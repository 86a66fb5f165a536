"""Ids and attributes of a snapshot read as the lists they were written from."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bertine.index.checksums import digests
from bertine.index.stored import StoredAttributes, read_ids, write_attributes, write_ids

VALUES = st.one_of(
    st.text(max_size=8),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.lists(st.text(max_size=4), max_size=3).map(tuple),
)
ROWS = st.lists(st.dictionaries(st.text(max_size=6), VALUES, max_size=4), max_size=30)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=12), max_size=40))
def test_ids_come_back(ids: list[str]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "ids.bin"
        write_ids(path, ids)
        assert read_ids(path) == ids


@settings(max_examples=100, deadline=None)
@given(ROWS, st.data())
def test_attributes_come_back_in_whatever_order_they_are_read(
    rows: list[dict[str, Any]], data: st.DataObject
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "attributes.bin"
        write_attributes(path, rows)
        stored = StoredAttributes(path)
        assert len(stored) == len(rows)
        places = st.lists(st.integers(0, len(rows) - 1)) if rows else st.just([])
        for place in data.draw(places):
            assert stored[place] == rows[place]
            assert [type(value) for value in stored[place].values()] == [
                type(value) for value in rows[place].values()
            ]
        assert [stored[place] for place in range(len(rows))] == rows
        assert list(stored) == rows
        assert stored[1:5] == rows[1:5]
        with pytest.raises(IndexError):
            stored[len(rows)]


def test_many_rows_are_read_in_blocks_that_fit_together(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"n": number} for number in range(5_000)]
    write_attributes(tmp_path / "a", rows)
    stored = StoredAttributes(tmp_path / "a")
    assert [stored[row] for row in range(5_000)] == rows
    assert [stored[row] for row in range(4_999, -1, -1)] == rows[::-1]
    assert list(stored) == rows


def test_a_file_that_was_cut_short_is_refused(tmp_path: Path) -> None:
    write_ids(tmp_path / "ids", ["a", "bc"])
    raw = (tmp_path / "ids").read_bytes()
    for length in range(1, len(raw)):
        (tmp_path / "ids").write_bytes(raw[:length])
        with pytest.raises(ValueError, match="cut short"):
            read_ids(tmp_path / "ids")


def test_a_checksum_sees_every_byte_and_the_order_of_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bertine.index.checksums._PIECE", 8)
    path = tmp_path / "file"
    seen = set()
    body = bytes(range(40))
    changed = [body[:at] + b"\xff" + body[at + 1 :] for at in range(40)]
    for raw in (body, body[8:16] + body[:8] + body[16:], body[:-1], body + b"\0", b"", *changed):
        path.write_bytes(raw)
        alone, together = digests([path], 1), digests([path], 4)
        assert alone == together
        seen.add(alone["file"])
    assert len(seen) == 45
