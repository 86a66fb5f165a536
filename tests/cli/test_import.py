import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from bertine.cli.imports import AGAIN
from bertine.client import Client, Item

BOOKS: list[dict[str, Any]] = [
    {"id": "moby-dick", "title": "Moby-Dick", "year": 1851, "blurb": "A captain hunts a whale."},
    {"id": "emma", "title": "Emma", "year": 1815, "blurb": "A matchmaker, mistaken."},
    {"id": "dracula", "title": "Dracula", "year": 1897, "blurb": "A count comes to London."},
    {"id": "007", "title": "Casino Royale", "year": 1953, "blurb": "A spy plays baccarat."},
]
TEMPLATE = "{title}. {blurb}"


def json_lines(path: Path, records: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


@pytest.fixture
def books(tmp_path: Path) -> Path:
    return json_lines(tmp_path / "books.jsonl", BOOKS)


def contents(client: Client, name: str) -> list[tuple[Item, list[float]]]:
    """All items, without what differs from collection to collection."""
    return [
        (Item(item.id, item.text, item.attributes), item.vector.round(2).tolist())
        for item in client.list_items(name, with_vectors=True)
        if item.vector is not None
    ]


def test_items_are_stored_encoded_and_found(
    cli: Any, client: Client, collection: str, books: Path
) -> None:
    ran = cli("import", books, "--collection", collection, "--template", TEMPLATE)
    assert ran.code == 0
    assert "4 items in " in ran.out
    assert "4 inserted, 0 updated, 0 unchanged" in ran.out
    [hit] = client.search(collection, "whaling", top_k=1, include_items=True)
    assert hit.item is not None
    assert hit.item.text == "Moby-Dick. A captain hunts a whale."
    assert hit.item.attributes == {key: BOOKS[0][key] for key in ("title", "year", "blurb")}


def test_again_nothing_is_done_and_changes_are_told_apart(
    cli: Any, collection: str, books: Path
) -> None:
    cli("import", books, "--collection", collection, "--template", TEMPLATE)
    assert "4 unchanged" in cli("import", books, "--collection", collection).out
    new = {"id": "persuasion", "title": "Persuasion"}
    json_lines(books, [{**BOOKS[0], "year": 1852}, *BOOKS[1:], new])
    ran = cli("import", books, "--collection", collection, "--batch", 2, "--in-flight", 1)
    assert "5 items" in ran.out
    assert "1 inserted, 1 updated, 3 unchanged" in ran.out


def test_json_lines_csv_and_parquet_store_the_same(
    cli: Any, client: Client, collection: str, books: Path, tmp_path: Path
) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet  # noqa: PLC0415 - optional

    table = tmp_path / "books.parquet"
    parquet.write_table(pyarrow.Table.from_pylist(BOOKS), table)
    comma = tmp_path / "books.csv.gz"
    with gzip.open(comma, "wt", newline="") as stream:
        writer = csv.DictWriter(stream, list(BOOKS[0]))
        writer.writeheader()
        writer.writerows(BOOKS)
    stored = []
    for path in (books, comma, table):
        ran = cli("import", path, "--collection", collection, "--template", TEMPLATE)
        assert "4 inserted" in ran.out
        stored.append(contents(client, collection))
        client.delete_collection(collection)
    assert len(stored[0]) == 4
    assert stored[0] == stored[1] == stored[2]


def test_without_a_template_a_column_is_the_text(
    cli: Any, client: Client, collection: str, tmp_path: Path
) -> None:
    path = tmp_path / "films.txt"
    path.write_text("imdb,plot,text\ntt1,A whale.,x\n")
    options = ("--id-column", "imdb", "--text-column", "plot", "--format", "csv")
    assert cli("import", path, "--collection", collection, *options).code == 0
    assert contents(client, collection)[0][0] == Item("tt1", "A whale.", {"text": "x"})


def test_a_template_wins_over_a_column_that_happens_to_be_named_text(
    cli: Any, client: Client, collection: str, tmp_path: Path
) -> None:
    path = json_lines(tmp_path / "a.jsonl", [{"id": 1, "title": "A", "text": "b"}])
    cli("import", path, "--collection", collection, "--template", "{title}: {text}")
    assert contents(client, collection)[0][0].text == "A: b"


def test_another_template_than_the_collections_is_an_error(
    cli: Any, collection: str, books: Path
) -> None:
    cli("import", books, "--collection", collection, "--template", TEMPLATE)
    ran = cli("import", books, "--collection", collection, "--template", "{title}")
    assert ran.code == 1
    assert ran.err.startswith("bertine: ALREADY_EXISTS: ")
    assert len(ran.err.splitlines()) == 1


def test_limit_takes_the_first_rows(cli: Any, client: Client, collection: str, books: Path) -> None:
    options = ("--template", TEMPLATE, "--limit", 2)
    assert "2 items" in cli("import", books, "--collection", collection, *options).out
    assert client.get_collection(collection).item_count == 2


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "line 3: is not JSON"),
        ('{"title": "x"}', "line 3: has no id"),
        ('{"id": "x", "title": {"de": "y"}}', "line 3: 'title' holds an object (de)"),
        ('{"id": "x", "year": 1e999}', "line 3: 'year' holds a number out of range"),
        ('{"id": "x", "year": 3}', "line 3: text: is empty"),
        ('{"id": "' + "x" * 300 + '", "title": "y"}', "line 3: id: has 300 bytes"),
    ],
)
def test_a_bad_line_is_named_and_what_is_before_it_is_stored(
    cli: Any, client: Client, collection: str, books: Path, line: str, problem: str
) -> None:
    lines = books.read_text().splitlines()
    books.write_text("\n".join([*lines[:2], line, *lines[2:]]))
    ran = cli("import", books, "--collection", collection, "--template", "{title}{blurb}")
    assert ran.code == 1
    assert f"{books}, {problem}" in ran.err
    assert ran.err.endswith(f"2 items are acknowledged; mend it and {AGAIN}\n")
    assert client.get_collection(collection).item_count == 2


def test_no_server_is_told_with_what_to_do(run: Any, books: Path) -> None:
    ran = run("import", books, "--collection", "books", "--target", "127.0.0.1:1")
    assert ran.code == 1
    assert (
        "no server answers at 127.0.0.1:1 (without TLS, see --ca); start one with: bertine serve"
        in ran.err
    )


def test_a_file_of_unknown_format_is_refused_before_the_server_is_asked(
    run: Any, tmp_path: Path
) -> None:
    path = json_lines(tmp_path / "items.txt", BOOKS)
    ran = run("import", path, "--collection", "books", "--target", "127.0.0.1:1")
    assert ran.code == 1
    assert "give --format" in ran.err


SHOES: list[dict[str, Any]] = [
    {"id": "boot", "text": "a boot", "clip": [1, 0, 0], "sound": [0, 2]},
    {"id": "sandal", "text": "a sandal", "clip": [0, 1, 0], "sound": None},
    {"id": "picture", "text": None, "clip": [0, 0, 5], "sound": None},
]


def shoes(folder: Path, ending: str) -> Path:
    path = folder / f"shoes{ending}"
    if ending == ".jsonl":
        return json_lines(path, SHOES)
    if ending == ".parquet":
        pa = pytest.importorskip("pyarrow")
        parquet = pytest.importorskip("pyarrow.parquet")
        parquet.write_table(pa.Table.from_pylist(SHOES), path)
        return path
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(SHOES[0]))
        writer.writeheader()
        for row in SHOES:
            cells = {k: json.dumps(v) if isinstance(v, list) else v for k, v in row.items()}
            writer.writerow(cells)
    return path


@pytest.mark.parametrize("ending", [".jsonl", ".csv", ".parquet"])
def test_named_vectors_are_columns(
    cli: Any, client: Client, collection: str, tmp_path: Path, ending: str
) -> None:
    command = ("import", shoes(tmp_path, ending), "--collection", collection)
    vectors = ("--named-vector", "image:3:0.3", "--named-vector", "sound:2:0.1")
    ran = cli(*command, *vectors, "--vector", "image=clip")
    assert (ran.code, ran.err) == (0, ""), ran.err
    found = client.get_items(collection, ["boot", "sandal", "picture"], with_vectors=True)
    assert found["boot"].vectors["image"].tolist() == [1, 0, 0]
    assert found["boot"].vectors["sound"].tolist() == [0, 1]
    assert found["sandal"].vectors.keys() == found["picture"].vectors.keys() == {"image"}
    assert (found["picture"].vector, found["boot"].attributes) == (None, {})
    # The collection is there now: its vectors need not be given again, but may be.
    assert "3 unchanged" in cli(*command, "--vector", "image=clip").out
    assert "3 unchanged" in cli(*command, *vectors, "--vector", "image=clip").out
    refused = cli(*command, "--named-vector", "image:3:0.5")
    assert refused.code != 0
    assert "exists with other settings" in refused.err


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--named-vector", "image:3"), "is not NAME:DIMENSIONS:WEIGHT"),
        (("--named-vector", "image:3:1.5"), "give one above 0 and below 1"),
        (("--named-vector", "text:3:0.5"), "choose another"),
        (("--vector", "image"), "is not NAME=COLUMN"),
        (("--vector", "image=clip"), "--vector image: the collection has none"),
    ],
)
def test_options_of_vectors_are_checked(
    cli: Any, collection: str, books: Path, options: tuple[str, ...], problem: str
) -> None:
    ran = cli("import", books, "--collection", collection, *options)
    assert ran.code != 0
    assert problem in " ".join(ran.err.split())
