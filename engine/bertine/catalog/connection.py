"""SQLite connections: how they are opened, shared and what their errors mean."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bertine.errors import StorageError, Unavailable

BUSY_TIMEOUT = 5.0
"""Seconds. Only other programs can make a connection wait: readers and the writer never do."""

PAGE_SIZE = 8192
"""Bytes: five vectors of 384 dimensions to a page. A page of 4096 would hold two of them."""

PARAMETERS = 500
"""At most as many parameters in one statement."""

_DAMAGED = (
    "the file is damaged: stop the server, keep a copy of the data folder, and restore a backup "
    "or save what can be read with sqlite3's .recover"
)
_NOT_WRITABLE = (
    "give the user that runs Bertine the right to read and write the data folder and its files"
)
_ADVICE = {
    sqlite3.SQLITE_FULL: "the disk is full: free some space; the server needs no restart",
    sqlite3.SQLITE_IOERR: "the disk failed or has a limit: see the system's log, and free space",
    sqlite3.SQLITE_READONLY: _NOT_WRITABLE,
    sqlite3.SQLITE_CANTOPEN: _NOT_WRITABLE,
    sqlite3.SQLITE_PERM: _NOT_WRITABLE,
    sqlite3.SQLITE_NOTADB: "it is not a catalog: give Bertine a data folder of its own",
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_BUSY: "another program is writing to it: only Bertine may",
}


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise SQLite's complaints about the disk and the file as `StorageError`.

    Misuse and broken constraints are defects of Bertine's and pass as they are.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.ProgrammingError | sqlite3.IntegrityError):
            raise
        raise StorageError(f"{path}: {error}; {_advice(error)}") from error


def _advice(error: sqlite3.DatabaseError) -> str:
    # The low byte is the kind of error, what is above it the detail. Python's own complaints, such
    # as text that is not UTF-8, have no code: the file holds what was never written.
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
    return _ADVICE.get(code & 0xFF, "see the system's log")


def open_writing(path: Path) -> sqlite3.Connection:
    """Open the file to write, making it if need be; transactions are the caller's.

    Raises:
        StorageError: it cannot be opened or is not a database.
    """
    with translated(path):
        connection = _connect(path, "rwc")
        try:
            _prepare_to_write(connection)
        except sqlite3.Error:
            connection.close()
            raise
    return connection


def open_reading(path: Path) -> sqlite3.Connection:
    """Open a file that exists, to read only.

    Raises:
        StorageError: it cannot be opened.
    """
    with translated(path):
        connection = _connect(path, "ro")
        connection.execute("PRAGMA query_only = ON")
    return connection


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    """Connections change threads, but are used by one at a time."""
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_TIMEOUT,
        isolation_level=None,
        check_same_thread=False,
    )


def _prepare_to_write(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")  # of a new file, before all else
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")
    # What savepoints may have to undo would otherwise be written to the system's folder for
    # temporary files, deleted events included.
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA cache_size = -32768")  # KiB
    # Pages after which the log is written back: four times the default, for imports.
    connection.execute("PRAGMA wal_autocheckpoint = 4000")


def select_in(
    connection: sqlite3.Connection, query: str, key: int, values: Iterable[str | bytes | int]
) -> Iterator[Any]:
    """Rows of a query that asks for any of many values, `PARAMETERS` at a time.

    Args:
        connection: in a transaction, if the rows are to be of one state.
        query: its first parameter is the key; ``(:values)`` stands for the list of values.
        key: of the collection.
        values: any number.
    """
    values = list(values)
    for start in range(0, len(values), PARAMETERS):
        chunk = values[start : start + PARAMETERS]
        placeholders = f"({', '.join('?' * len(chunk))})"
        yield from connection.execute(query.replace("(:values)", placeholders), (key, *chunk))


class ReadingPool:
    """Read-only connections, opened when needed and used again.

    There are as many as there were reads at once, however many threads come and go.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._closed = False

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection in a read transaction: everything read in it is of one state.

        Raises:
            StorageError: the file cannot be read.
            Unavailable: the pool is closed.
        """
        connection = self._take()
        try:
            with translated(self._path):
                connection.execute("BEGIN")
                yield connection
                connection.execute("ROLLBACK")
        except BaseException:  # an abandoned scan's GeneratorExit too
            connection.close()
            raise
        self._give_back(connection)

    def close(self) -> None:
        """Close the idle connections now, and each of the others when its read ends."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _take(self) -> sqlite3.Connection:
        with self._lock:
            if self._closed:
                raise Unavailable(f"{self._path} is closed: the server is stopping")
            if self._idle:
                return self._idle.pop()
        return open_reading(self._path)

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()
