"""What a backup says of itself: which state of the catalog it holds, and what its files are."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from bertine import __version__
from bertine.catalog.schema import APPLICATION_ID, MIGRATIONS
from bertine.errors import StorageError

LAYOUT = 1
MANIFEST_FILE = "manifest.json"


@dataclass(frozen=True, slots=True)
class Saved:
    """A file of a backup.

    Attributes:
        size: in bytes.
        sha256: in hex.
    """

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Contents:
    """Which state of a catalog it is.

    Attributes:
        schema: version of the tables.
        sequence: number of the last change that is in it.
        collections: how many items each has, by name.
    """

    schema: int
    sequence: int
    collections: Mapping[str, int]

    @property
    def items(self) -> int:
        """Of all collections."""
        return sum(self.collections.values())


@dataclass(frozen=True, slots=True)
class Manifest:
    """See the module.

    Attributes:
        layout: of the folder.
        bertine: version of the program that wrote it.
        created: time.
        contents: of the catalog.
        files: by name.
    """

    layout: int
    bertine: str
    created: float
    contents: Contents
    files: Mapping[str, Saved]

    @classmethod
    def new(cls, contents: Contents, files: Mapping[str, Saved]) -> Manifest:
        """Of a backup that is being made now."""
        return cls(LAYOUT, __version__, time.time(), contents, files)

    @property
    def size(self) -> int:
        """Of all files, in bytes."""
        return sum(file.size for file in self.files.values())

    def to_json(self) -> str:
        """For people and `read_manifest`."""
        return json.dumps(asdict(self), indent=2) + "\n"


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a backup.

    Raises:
        StorageError: there is none, or it is damaged or of a layout that is not known.
    """
    path = folder / MANIFEST_FILE
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        if raw["layout"] != LAYOUT:
            raise StorageError(
                f"{path} has layout {raw['layout']!r}, this Bertine knows {LAYOUT}; "
                "run the Bertine that wrote it"
            )
        files = {name: Saved(**file) for name, file in raw.pop("files").items()}
        return Manifest(**{**raw, "contents": Contents(**raw["contents"])}, files=files)
    except FileNotFoundError as error:
        raise StorageError(f"{folder} is no backup: it has no {MANIFEST_FILE}") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StorageError(f"{path} cannot be read: {error}; take another backup") from error


def contents_of(connection: sqlite3.Connection, path: Path) -> Contents:
    """What a catalog holds; in a transaction, if it is to be of one state.

    Args:
        connection: to the catalog.
        path: of its file, for messages.

    Raises:
        StorageError: not a catalog, or one of a newer Bertine.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (schema,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        raise StorageError(f"{path} is no catalog of Bertine's")
    if schema > len(MIGRATIONS):
        raise StorageError(
            f"{path} has schema version {schema}, this Bertine knows {len(MIGRATIONS)} at most; "
            "run the newer Bertine that wrote it"
        )
    (sequence,) = connection.execute("SELECT coalesce(max(value), 0) FROM sequence").fetchone()
    # A deleted collection has a name of that form; older schemas have no other mark.
    query = "SELECT name, item_count FROM collections WHERE name NOT GLOB '/*' ORDER BY name"
    rows = connection.execute(query)
    return Contents(int(schema), int(sequence), dict(rows.fetchall()))
