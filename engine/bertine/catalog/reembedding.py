"""Moving a collection to another model.

Read `Store.items_with_other_fingerprint`, encode, `ReplaceVectors`, until nothing is left; then
`FinishReembedding`. From the first replacement to the end the collection has no fingerprint, so
that no server, of the old model or the new, takes half of its vectors for the whole.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from bertine.catalog.connection import select_in
from bertine.catalog.rows import model_key, next_sequence, read_collection, vector_to_bytes
from bertine.errors import Conflict
from bertine.index.parts import named_dimensions
from bertine.types import Collection, Vector


@dataclass(frozen=True, slots=True)
class ReplaceResult:
    """What `ReplaceVectors` did.

    Attributes:
        replaced: how many items have the new vector.
        skipped: ids of items that were changed or deleted since they were read.
        sequence: of the collection afterwards; the new version of what was replaced.
    """

    replaced: int
    skipped: tuple[str, ...]
    sequence: int


@dataclass(frozen=True, slots=True)
class ReplaceVectors:
    """Give items vectors of another model; gives a `ReplaceResult`.

    A text's vector that the client supplied is replaced like others; when the client sends that
    item again, it counts as changed. Named vectors are of other models and stay.

    Args:
        collection_key: of the collection.
        vectors: id, the version of the item that was encoded, the vector of its text; zeros for an
            item without a text.
        fingerprint: of the model that made them.

    Raises:
        NotFound: the collection was deleted.
    """

    collection_key: int
    vectors: Sequence[tuple[str, int, Vector]]
    fingerprint: str

    erases: ClassVar[bool] = False

    @property
    def rows(self) -> int:
        """One for each vector."""
        return len(self.vectors)

    def execute(self, connection: sqlite3.Connection) -> ReplaceResult:
        """Replace those of the versions given."""
        collection = read_collection(connection, self.collection_key)
        stored = self._stored(connection)
        valid = [
            (id_, v) for id_, version, v in self.vectors if stored.get(id_, (0,))[0] == version
        ]
        valid_ids = {id_ for id_, _ in valid}
        skipped = tuple(id_ for id_, _, _ in self.vectors if id_ not in valid_ids)
        if not valid:
            return ReplaceResult(0, skipped, collection.sequence)
        return ReplaceResult(
            len(valid), skipped, self._write(connection, collection, stored, valid)
        )

    def _stored(self, connection: sqlite3.Connection) -> dict[str, tuple[int, int]]:
        query = "SELECT id, version, key FROM items WHERE collection = ? AND id IN (:values)"
        ids = [id_ for id_, _, _ in self.vectors]
        rows = select_in(connection, query, self.collection_key, ids)
        return {id_: (version, key) for id_, version, key in rows}

    def _write(
        self,
        connection: sqlite3.Connection,
        collection: Collection,
        stored: dict[str, tuple[int, int]],
        valid: list[tuple[str, Vector]],
    ) -> int:
        model = model_key(connection, self.fingerprint)
        sequence = next_sequence(connection)
        keys = [stored[id_][1] for id_, _ in valid]
        connection.executemany(_MARK_ITEM, [(sequence, model, key) for key in keys])
        named = _named_parts(connection, collection, keys)
        connection.executemany(
            "UPDATE vectors SET data = ? WHERE item = ?",
            [
                (vector_to_bytes(v) + named.get(key, b""), key)
                for (_, v), key in zip(valid, keys, strict=True)
            ],
        )
        mixed = self.fingerprint != collection.fingerprint
        connection.execute(
            "UPDATE collections SET sequence = ?, model = iif(?, NULL, model) WHERE key = ?",
            (sequence, mixed, collection.key),
        )
        return sequence


def _named_parts(
    connection: sqlite3.Connection, collection: Collection, keys: Sequence[int]
) -> dict[int, bytes]:
    """What stands behind the texts' parts of vectors, by key of the item."""
    size = 4 * named_dimensions(collection.vectors)
    if not size:
        return {}
    query = """
        SELECT items.key, substr(data, -:size) FROM items JOIN vectors ON item = items.key
        WHERE collection = ? AND items.key IN (:values)
    """.replace(":size", str(size))
    return dict(select_in(connection, query, collection.key, keys))


# The digests of a supplied vector would call the item unchanged when it is sent again.
_MARK_ITEM = """
    UPDATE items SET
        version = ?,
        model = ?,
        text_digest = iif(supplied, x'', text_digest),
        content_digest = iif(supplied, x'', content_digest),
        supplied = 0
    WHERE key = ?
"""


@dataclass(frozen=True, slots=True)
class FinishReembedding:
    """Say that all vectors of a collection are now of another model; gives the `Collection`.

    Args:
        collection_key: of the collection.
        fingerprint: of that model.
        dimensions: of its vectors, named ones left out.

    Raises:
        NotFound: the collection was deleted.
        Conflict: some vectors are of another model or have other dimensions.
    """

    collection_key: int
    fingerprint: str
    dimensions: int

    rows: ClassVar[int] = 1
    erases: ClassVar[bool] = False

    def execute(self, connection: sqlite3.Connection) -> Collection:
        """Check every item, then change the collection."""
        collection = read_collection(connection, self.collection_key)
        model = model_key(connection, self.fingerprint)
        whole = self.dimensions + named_dimensions(collection.vectors)
        parameters = (self.collection_key, model, 4 * whole)
        (left,) = connection.execute(_COUNT_LEFT, parameters).fetchone()
        if left:
            raise Conflict(
                f"{left} vectors are not yet of model {self.fingerprint} with {self.dimensions} "
                "dimensions; replace them first"
            )
        connection.execute(
            "UPDATE collections SET model = ?, dimensions = ?, sequence = ? WHERE key = ?",
            (model, self.dimensions, next_sequence(connection), self.collection_key),
        )
        return read_collection(connection, self.collection_key)


_COUNT_LEFT = """
    SELECT count(*) FROM items JOIN vectors ON item = items.key
    WHERE collection = ? AND (model <> ? OR length(data) <> ?)
"""
