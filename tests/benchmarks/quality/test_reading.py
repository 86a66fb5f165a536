"""Files of anybody: every form is read alike, and a fault is named with its place."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from benchmarks.data import DataAbsentError, DataFaultError
from benchmarks.quality import events, sequences
from benchmarks.quality.cases import Catalog
from benchmarks.quality.events import Seen, Window
from benchmarks.quality.files import items

ROWS = [
    {"user": "u 1", "item": "a/1", "time": 1_600_000_000, "weight": 2.0},
    {"user": "7", "item": "ü😀", "time": 1_600_000_060, "weight": -1.0},
]
SEEN = [Seen("u 1", "a/1", 1.6e9, 2.0), Seen("7", "ü😀", 1.6e9 + 60, -1.0)]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS)
TABLE = "user,item,time,weight\nu 1,a/1,1600000000,2\n7,ü😀,1600000060,-1\n"
CATALOG = Catalog(["a", "b"], ["", ""], [frozenset[str]()] * 2)


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("e.jsonl", LINES),
        ("e.log", LINES),
        ("e.jsonl", "\ufeff" + LINES.replace("\n", "\r\n")),
        ("e.csv", TABLE),
        ("e.csv", "\ufeff" + TABLE.replace("\n", "\r\n")),
        ("e.csv", TABLE.replace("u 1", '"u 1"')),
        ("e.tsv", TABLE.replace(",", "\t")),
        ("e.csv.gz", gzip.compress(TABLE.encode())),
        ("e.csv", TABLE.replace("user,item,time", "user_id,item_id,timestamp")),
        ("e.csv", TABLE.replace("00,2", "00000,2").replace("60,-1", "60000,-1")),
        ("e.csv", TABLE.replace("1600000000", "2020-09-13T12:26:40Z")),
    ],
)
def test_every_form_gives_the_same_events(tmp_path: Path, name: str, content: str | bytes) -> None:
    assert events.read(written(tmp_path, name, content)) == SEEN


def test_parquet_with_stamps_gives_the_same_events(tmp_path: Path) -> None:
    rows = [{**row, "time": datetime.fromtimestamp(float(row["time"]), UTC)} for row in ROWS]  # type: ignore[arg-type]
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "e.parquet")
    assert events.read(tmp_path / "e.parquet") == SEEN


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("e.jsonl", LINES + '{"user": \n', "line 3: is not JSON"),
        ("e.jsonl", LINES + "7\n", "line 3: is 7"),
        ("e.jsonl", LINES.replace('"7"', "null"), "line 2: there is no user or user_id"),
        ("e.jsonl", LINES.replace('"a/1"', "[1]"), "line 1: [1] is no id"),
        ("e.csv", TABLE + "u,i\n", "line 4: has 2 values for 4 columns"),
        ("e.csv", TABLE.replace(",", ";"), "line 2: there is no user or user_id"),
        ("e.csv", TABLE.replace("1600000060", "nan"), "line 3: 'nan' is no time"),
        ("e.csv", TABLE.replace("1600000060", "today"), "line 3: 'today' is no time"),
        ("e.csv", TABLE.replace(",-1", ",view"), "line 3: 'view' is no weight"),
        ("e.csv", TABLE.replace(",-1", ",1e30"), "is no weight"),
        ("e.csv", TABLE.encode("latin-1", "replace").replace(b"??", b"\xe9"), "is not UTF-8"),
        ("e.csv.gz", gzip.compress(TABLE.encode())[:-9], "cannot be read"),
        ("e.parquet", TABLE, "cannot be read as Parquet"),
    ],
)
def test_a_fault_is_named_with_its_place(
    tmp_path: Path, name: str, content: str | bytes, told: str
) -> None:
    path = written(tmp_path, name, content)
    with pytest.raises(DataFaultError) as caught:
        events.read(path)
    assert str(path) in str(caught.value)
    assert told in str(caught.value)


def test_a_weight_of_nothing_is_kept(tmp_path: Path) -> None:
    path = written(tmp_path, "e.csv", "user,item,time,weight\nu,a,1,0\nu,a,1,\n")
    assert [event.weight for event in events.read(path)] == [0.0, 1.0]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("", "no event of an item of the catalog"),
        ("u,z,1\n", "'z', where the items have 'a'"),
        ("u,a,5\nu,b,5\nv,a,5\n", "nothing is left to learn from"),
        ("u,a,1\nu,a,2\nu,a,3\n", "--targets all counts repeats"),
    ],
)
def test_a_log_that_cannot_be_cut_says_why(tmp_path: Path, rows: str, told: str) -> None:
    path = written(tmp_path, "e.csv", "user,item,time\n" + rows)
    with pytest.raises(DataFaultError, match=told):
        events.read_case(path, CATALOG, Window())


def test_events_of_unknown_items_are_left_out_and_told(tmp_path: Path) -> None:
    path = written(tmp_path, "e.csv", "user,item,time\nu,a,1\nu,z,2\nu,b,3\n")
    case = events.read_case(path, CATALOG, Window())
    assert case.known.items.tolist() == [0]
    assert case.remarks == ["1 events of items that the catalog lacks are left out."]


@pytest.mark.parametrize(
    "content",
    ['{"id": "a", "title": "x"}\n', '[{"id": "a", "title": "x"}]', '{"a": {"title": "x"}}'],
)
def test_one_item_is_read_however_it_is_written(tmp_path: Path, content: str) -> None:
    assert items(written(tmp_path, "i.json", content))["a"]["title"] == "x"


def test_of_an_id_that_comes_again_the_last_counts(tmp_path: Path) -> None:
    content = "id,title\na,one\nb,two\na,three\n"
    found = items(written(tmp_path, "i.csv", content))
    assert {name: row["title"] for name, row in found.items()} == {"a": "three", "b": "two"}


@pytest.mark.parametrize(
    ("content", "told"),
    [("", "no item"), ("[7]", "item 1: '7' is no object"), ('{"title": "x"}\n', "no id or")],
)
def test_items_that_are_none_are_refused(tmp_path: Path, content: str, told: str) -> None:
    with pytest.raises(DataFaultError, match=told):
        items(written(tmp_path, "i.json", content))


def test_what_is_not_there_is_absent(tmp_path: Path) -> None:
    with pytest.raises(DataAbsentError):
        events.read(tmp_path / "none.csv")


def sequence(**changed: object) -> str:
    row = {"split": "test", "user": "u", "history": ["a"], "target": "b", **changed}
    return json.dumps(row) + "\n"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "no row of the split test"),
        (sequence(split="valid"), "no row of the split test"),
        (sequence(split="dev"), "line 1: there is no split 'dev'"),
        (sequence(history="a"), "line 1: the history 'a' is no list"),
        (sequence(target=["b"]), "is no id"),
        (sequence(target="z"), "whose target the catalog has"),
        (sequence(history=[]), "no row has a history"),
    ],
)
def test_sequences_that_are_none_are_refused(tmp_path: Path, content: str, told: str) -> None:
    with pytest.raises(DataFaultError, match=told):
        sequences.read(written(tmp_path, "s.jsonl", content), CATALOG, "some")


def test_sequences_in_a_table_with_unknown_items_and_long_histories(tmp_path: Path) -> None:
    long = json.dumps(["a", "b"] * 300).replace('"', '""')
    content = f'split,user,history,target\ntrain,u,"[""a"", ""z""]",b\ntest,u,"{long}",a\n'
    content += 'test,u,"[""a""]",z\n'
    case = sequences.read(written(tmp_path, "s.csv", content), CATALOG, "some")
    assert case.known.items.tolist() == [0, 1]
    assert [len(row.history) for row in case.rows] == [100]
    assert case.remarks[-1].startswith("1 rows whose target the catalog lacks, and 2 entries")
    assert np.array_equal(case.rows[0].targets, [0])
