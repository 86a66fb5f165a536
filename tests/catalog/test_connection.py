from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from bertine.catalog.connection import (
    PARAMETERS,
    ReadingPool,
    open_reading,
    open_writing,
    select_in,
    translated,
)
from bertine.errors import NotFound, StorageError, Unavailable


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "odd name?#%.sqlite3"
    connection = open_writing(path)
    connection.execute("CREATE TABLE words (key INTEGER, word TEXT)")
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO words VALUES (1, ?)", [(str(n),) for n in range(1200)])
    connection.execute("COMMIT")
    connection.close()
    assert path.exists()
    return path


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (sqlite3.SQLITE_FULL, "the disk is full"),
        (sqlite3.SQLITE_IOERR_WRITE, "the disk failed"),
        (sqlite3.SQLITE_READONLY_DIRECTORY, "the right to read and write"),
        (sqlite3.SQLITE_CORRUPT_INDEX, "restore a backup"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, "another program is writing"),
        (sqlite3.SQLITE_TOOBIG, "see the system's log"),
    ],
)
def test_errors_say_what_to_do(code: int, advice: str) -> None:
    error = sqlite3.OperationalError("it failed")
    error.sqlite_errorcode = code
    with (
        pytest.raises(StorageError, match=f"file: it failed; .*{advice}") as raised,
        translated(Path("file")),
    ):
        raise error
    assert raised.value.__cause__ is error


@pytest.mark.parametrize("kind", [sqlite3.ProgrammingError, sqlite3.IntegrityError, KeyError])
def test_defects_pass(kind: type[Exception]) -> None:
    with pytest.raises(kind), translated(Path("file")):
        raise kind("defect")


def test_reading_connections_cannot_write(path: Path) -> None:
    connection = open_reading(path)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("DELETE FROM words")
    connection.close()


def test_what_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="unable to open"):
        open_reading(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("count", [0, 1, PARAMETERS, PARAMETERS + 1, 1200])
def test_any_number_of_values(path: Path, count: int) -> None:
    pool = ReadingPool(path)
    values = [str(n) for n in range(count)]
    with pool.reading() as connection:
        query = "SELECT word FROM words WHERE key = ? AND word IN (:values)"
        assert sorted(w for (w,) in select_in(connection, query, 1, values)) == sorted(values)
    pool.close()


def test_connections_are_used_again_by_other_threads(path: Path) -> None:
    pool = ReadingPool(path)
    seen: set[int] = set()

    def read() -> None:
        with pool.reading() as connection:
            seen.add(id(connection))

    for _ in range(5):
        thread = threading.Thread(target=read)
        thread.start()
        thread.join()
    assert len(seen) == 1
    pool.close()


def test_reads_at_once_have_connections_of_their_own(path: Path) -> None:
    pool = ReadingPool(path)
    with pool.reading() as one, pool.reading() as other:
        assert one is not other
    pool.close()


def test_a_connection_that_met_an_error_is_closed(path: Path) -> None:
    pool = ReadingPool(path)
    with pytest.raises(NotFound), pool.reading() as connection:
        raise NotFound("word", "x")
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")
    pool.close()


def test_close_lets_reads_end(path: Path) -> None:
    pool = ReadingPool(path)
    with pool.reading() as connection:
        pool.close()
        assert connection.execute("SELECT count(*) FROM words").fetchone() == (1200,)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")
    with pytest.raises(Unavailable, match="is closed"), pool.reading():
        pass


def test_another_programs_write_is_waited_for_then_reported(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bertine.catalog.connection.BUSY_TIMEOUT", 0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    ours = open_writing(path)
    with pytest.raises(StorageError, match="only Bertine may"), translated(path):
        ours.execute("BEGIN IMMEDIATE")
    other.close()
    ours.close()
