"""Conditional changes: an item is written only if it is still the version its writer has read."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from bertine.catalog.connection import select_in
from bertine.errors import Mismatch, VersionMismatch


def mismatches(expected: Mapping[str, int], present: Mapping[str, int]) -> tuple[Mismatch, ...]:
    """What is not as expected, in the order of `expected`.

    Args:
        expected: id to version, 0 for an item that must not exist.
        present: id to version of those that exist; more than are expected do no harm.
    """
    return tuple(
        Mismatch(id_, version, present.get(id_, 0))
        for id_, version in expected.items()
        if present.get(id_, 0) != version
    )


def check_versions(expected: Mapping[str, int], present: Mapping[str, int]) -> None:
    """Refuse a change whose writer has read other versions; see `mismatches`.

    Raises:
        VersionMismatch: with all that do not match.
    """
    different = mismatches(expected, present)
    if different:
        raise VersionMismatch(different)


@dataclass(frozen=True, slots=True)
class Expected:
    """The versions that items must have when a change is executed.

    Attributes:
        versions: id to version, 0 for an item that must not exist.
        now: time; what has expired by then does not exist.
    """

    versions: Mapping[str, int]
    now: float

    def check(
        self,
        connection: sqlite3.Connection,
        collection_key: int,
        hidden: Collection[str] = frozenset(),
    ) -> None:
        """Compare with what is stored, in the transaction that is open.

        Args:
            connection: in that transaction.
            collection_key: of the collection.
            hidden: ids of items that do not exist to whoever expects something of them.

        Raises:
            VersionMismatch: see `check_versions`.
        """
        query = """
            SELECT id, version, expire_time FROM items WHERE collection = ? AND id IN (:values)
        """
        rows = select_in(connection, query, collection_key, self.versions)
        present = {
            id_: version
            for id_, version, end in rows
            if (end is None or end > self.now) and id_ not in hidden
        }
        check_versions(self.versions, present)
