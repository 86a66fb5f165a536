import gzip
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertine.cli.rows import BadRow, FileFormat, Row, format_of, open_rows, typed
from bertine.errors import ConfigError

RECORDS: list[dict[str, Any]] = [
    {"id": "1", "title": "Krieg und Frieden", "year": 1869, "score": 0.5},
    {"id": "2", "title": 'with "quotes",\na line break and ünïcode', "year": None, "score": -3.25},
]
CSV = (
    "id,title,year,score\r\n"
    "1,Krieg und Frieden,1869,0.5\r\n"
    '2,"with ""quotes"",\na line break and ünïcode",,-3.25\r\n'
)


def read(path: Path, file_format: FileFormat | None = None) -> list[Row]:
    with open_rows(path, file_format or format_of(path), {"id"}) as source:
        rows = list(source.rows)
        assert all(0 < row.position <= source.total for row in rows)
        return rows


def write(folder: Path, name: str, text: str | bytes) -> Path:
    data = text.encode() if isinstance(text, str) else text
    path = folder / name
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.ndjson", "a.csv", "a.csv.gz"])
def test_every_format_gives_the_same_rows(tmp_path: Path, name: str) -> None:
    lines = "".join(json.dumps(record) + "\n" for record in RECORDS)
    path = write(tmp_path, name, CSV if ".csv" in name else lines)
    rows = read(path)
    assert [row.values for row in rows] == RECORDS
    assert rows[0].place == ("line 2" if ".csv" in name else "line 1")


def test_parquet_gives_the_same_rows(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet  # noqa: PLC0415 - optional

    path = tmp_path / "a.parquet"
    parquet.write_table(pyarrow.Table.from_pylist(RECORDS), path)
    assert read(path) == [Row("row 1", RECORDS[0], 1), Row("row 2", RECORDS[1], 2)]


def test_the_last_position_is_the_whole_file(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv.gz", CSV)
    assert read(path)[-1].position == path.stat().st_size


def test_byte_order_mark_and_blank_lines_are_no_content(tmp_path: Path) -> None:
    assert [row.values for row in read(write(tmp_path, "a.csv", "\ufeff" + CSV))] == RECORDS
    rows = read(write(tmp_path, "a.jsonl", '\ufeff{"id": 1}\n\n  \n{"id": 2}\n'))
    assert [row.place for row in rows] == ["line 1", "line 4"]


@pytest.mark.parametrize(
    ("name", "text", "place", "problem"),
    [
        ("a.jsonl", '{"id": 1}\n{"id": \n', "line 2", "is not JSON"),
        ("a.jsonl", '{"id": 1}\n[1]\n', "line 2", "is [1]; give a JSON object on each line"),
        ("a.jsonl", '{"id": NaN}\n', "line 1", "holds NaN, which is not JSON"),
        ("a.jsonl", "[" * 100_000, "line 1", "is not JSON"),
        ("a.jsonl", b'{"id": "\xff"}\n', "line 1", "is not UTF-8"),
        ("a.csv", "id,a\n1,2\n1\n", "line 3", "has 1 values for 2 columns"),
        ("a.csv", 'id,a\n1,"x\ny"\n2,"z\n', "line 4", "is not CSV"),
        ("a.csv", 'id,a\n1,"x"y\n', "line 2", "is not CSV"),
        ("a.csv", "id,a,id\n", "line 1", "column 'id' is named twice"),
        ("a.csv", "id,,b\n", "line 1", "column 2 has no name"),
    ],
)
def test_bad_lines_are_named(
    tmp_path: Path, name: str, text: str | bytes, place: str, problem: str
) -> None:
    with pytest.raises(BadRow) as error:
        read(write(tmp_path, name, text))
    assert str(error.value).startswith(f"{place}: {problem}")


@pytest.mark.parametrize("damage", [slice(0, -12), slice(1, None)])
def test_damaged_gzip_is_told(tmp_path: Path, damage: slice) -> None:
    path = write(tmp_path, "a.jsonl.gz", '{"id": 1}\n' * 100)
    path.write_bytes(path.read_bytes()[damage])
    with pytest.raises(BadRow, match=r"after line \d+: the file cannot be read"):
        read(path)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("", None),
        ("7", 7),
        ("-7", -7),
        ("007", "007"),
        ("+7", "+7"),
        ("1_000", "1_000"),
        ("٣", "٣"),
        ("0.5", 0.5),
        ("1.50", "1.50"),
        ("1e5", "1e5"),
        ("nan", "nan"),
        ("inf", "inf"),
        ("true", True),
        ("True", "True"),
        ("9223372036854775807", 2**63 - 1),
        ("9223372036854775808", "9223372036854775808"),
        ("1" * 5000, "1" * 5000),
    ],
)
def test_typed(cell: str, value: object) -> None:
    assert typed(cell) == value
    assert type(typed(cell)) is type(value)


@given(st.text(min_size=1) | st.integers().map(str) | st.floats().map(repr))
def test_typing_loses_nothing(cell: str) -> None:
    value = typed(cell)
    assert (json.dumps(value) if isinstance(value, bool) else str(value)) == cell


def test_a_name_that_tells_no_format_is_refused() -> None:
    with pytest.raises(ConfigError, match="give --format jsonl, csv or parquet"):
        format_of(Path("items.txt"))


def test_without_pyarrow_the_error_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigError, match=r"pip install 'bertine\[parquet\]'"):
        read(tmp_path / "a.parquet")


def test_what_is_no_parquet_file_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    with pytest.raises(ConfigError, match="cannot be read as Parquet"):
        read(write(tmp_path, "a.parquet", "id\n1\n"))
