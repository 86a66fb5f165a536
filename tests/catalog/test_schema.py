from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from bertine.catalog import schema
from bertine.catalog.connection import PAGE_SIZE, open_reading
from bertine.catalog.schema import APPLICATION_ID, MIGRATIONS, prepare
from bertine.catalog.store import FILE, Store
from bertine.catalog.upsert import UpsertResult
from bertine.catalog.writer import Writer
from bertine.errors import StorageError
from bertine.types import Item


@pytest.fixture
def path(folder: Path) -> Path:
    folder.mkdir()
    return folder / FILE


def pragma(path: Path, name: str) -> object:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]


def contents(folder: Path) -> dict[str, bytes]:
    """Of the files that hold data: to read a file makes an index, and maybe an empty log."""
    files = {path.name: path.read_bytes() for path in folder.iterdir() if "-shm" not in path.name}
    return {name: data for name, data in files.items() if data}


def test_a_new_file(path: Path) -> None:
    prepare(path)
    assert pragma(path, "user_version") == len(MIGRATIONS) == 4
    assert pragma(path, "application_id") == APPLICATION_ID
    assert pragma(path, "journal_mode") == "wal"
    assert pragma(path, "page_size") == PAGE_SIZE
    assert pragma(path, "integrity_check") == "ok"


def test_the_writing_connection_is_durable_and_checks_references(store: Store) -> None:
    expected = {"synchronous": 2, "foreign_keys": 1, "secure_delete": 1, "busy_timeout": 5000}
    with closing(store.open_writing()) as connection:
        found = {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in expected}
    assert found == expected


def test_a_newer_schema_is_refused_and_left_alone(path: Path) -> None:
    prepare(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 7")
    before = contents(path.parent)
    with pytest.raises(StorageError, match=r"has schema version 7, this Bertine knows 4 .* newer"):
        prepare(path)
    assert contents(path.parent) == before


def test_an_older_schema_is_migrated(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(path)
    third = ("CREATE TABLE later (key INTEGER PRIMARY KEY) STRICT",)
    monkeypatch.setattr(schema, "MIGRATIONS", (*MIGRATIONS, third))
    prepare(path)
    assert pragma(path, "user_version") == len(MIGRATIONS) + 1
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM later").fetchone() == (0,)


def test_a_migration_that_fails_leaves_the_old_schema(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(path)
    broken = ("CREATE TABLE later (key INTEGER PRIMARY KEY) STRICT", "CREATE TABLE later (x)")
    monkeypatch.setattr(schema, "MIGRATIONS", (*MIGRATIONS, broken))
    with pytest.raises(StorageError, match="later already exists"):
        prepare(path)
    assert pragma(path, "user_version") == len(MIGRATIONS)
    with closing(sqlite3.connect(path)) as connection:
        assert "later" not in str(connection.execute("SELECT * FROM sqlite_schema").fetchall())


def test_a_start_that_was_cut_off_is_taken_up(path: Path) -> None:
    path.touch()
    prepare(path)
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    prepare(path)
    assert pragma(path, "user_version") == len(MIGRATIONS)


def test_another_programs_database_is_refused_and_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    before = contents(path.parent)
    with pytest.raises(StorageError, match="is another program's; give Bertine a data folder"):
        prepare(path)
    assert contents(path.parent) == before


def test_what_is_no_database_is_refused_and_left_alone(path: Path) -> None:
    path.write_bytes(b"These are notes.\n" * 1000)
    before = contents(path.parent)
    with pytest.raises(StorageError, match="file is not a database; it is not a catalog"):
        prepare(path)
    assert contents(path.parent) == before


def test_a_file_that_cannot_be_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(path)
    monkeypatch.setattr(schema, "open_writing", open_reading)
    with pytest.raises(StorageError, match="readonly database; give the user that runs Bertine"):
        prepare(path)


def test_an_old_sqlite_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 36, 0))
    with pytest.raises(StorageError, match=r"Bertine needs 3\.37\.0 or newer"):
        prepare(path)


@pytest.fixture
def filled(
    store: Store, writer: Writer, put: Callable[..., UpsertResult], make_item: Callable[..., Item]
) -> Path:
    """The file of a catalog of several pages for each table, closed."""
    for number in range(5):
        names = [f"{number}-{position:03d}" for position in range(100)]
        put(*(make_item(name, f"{name} {'words ' * 20}", rank=number) for name in names))
    writer.close()
    store.close()
    return store.path


def read_all(folder: Path) -> list[str]:
    with Store.open(folder) as store:
        (collection,) = store.collections()
        items = [item for batch in store.scan(collection.key) for item in batch]
        listed = store.list_items(collection.key, "", 1000, with_vectors=True)
        assert len(listed) == len(items)
        return [item.id for item in items]


def test_a_truncated_file_is_refused(filled: Path) -> None:
    with filled.open("r+b") as file:
        file.truncate(filled.stat().st_size // 2)
    with pytest.raises(StorageError, match=r"malformed; the file is damaged: .* restore a backup"):
        Store.open(filled.parent)


def test_damaged_small_tables_are_found_at_the_start(filled: Path) -> None:
    with closing(sqlite3.connect(filled)) as connection:
        query = "SELECT rootpage FROM sqlite_schema WHERE name = 'collections'"
        (page,) = connection.execute(query).fetchone()
    damage(filled, (page - 1) * PAGE_SIZE, bytes(PAGE_SIZE))
    with pytest.raises(StorageError, match="damaged"):
        Store.open(filled.parent)


def test_flipped_bytes_are_storage_errors_wherever_they_are(filled: Path) -> None:
    """SQLite has no checksums: a flip inside a text stays unseen, one in a structure does not."""
    pristine = filled.read_bytes()
    chosen = random.Random(7)  # noqa: S311 (no secret)
    refused = 0
    for _ in range(60):
        start = chosen.randrange(len(pristine))
        damage(filled, start, bytes(byte ^ 0xFF for byte in pristine[start : start + 64]))
        try:
            read_all(filled.parent)
        except StorageError:
            refused += 1
        filled.write_bytes(pristine)
    assert refused > 0
    assert len(read_all(filled.parent)) == 500


def damage(path: Path, start: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(data)
