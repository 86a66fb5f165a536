"""Changes by a caller that is held to a filter: other items are not his to touch."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bertine.catalog.connection import select_in
from bertine.catalog.rows import attributes_from_json
from bertine.catalog.versions import Expected
from bertine.errors import PermissionDenied
from bertine.index.filters import Predicate
from bertine.types import Item

_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Guard:
    """Which items a change may touch.

    Attributes:
        test: says it of an item's attributes.
    """

    test: Predicate

    def hidden(
        self, connection: sqlite3.Connection, collection_key: int, ids: Iterable[str]
    ) -> frozenset[str]:
        """Those of the ids whose stored items are others', in the transaction that is open.

        Items that have expired are among them until they are purged.
        """
        query = "SELECT id, attributes FROM items WHERE collection = ? AND id IN (:values)"
        rows = select_in(connection, query, collection_key, ids)
        return frozenset(id_ for id_, text in rows if not self.test(attributes_from_json(text)))

    def check_new(self, items: Sequence[Item]) -> None:
        """Refuse items that would be others'.

        Raises:
            PermissionDenied: names the first.
        """
        for position, item in enumerate(items):
            if not self.test(item.attributes):
                raise PermissionDenied(
                    "do not match the filter that this caller is held to; send attributes that do",
                    f"items[{position}].attributes",
                )

    def check_there(self, there: Mapping[str, Item], ids: Sequence[str]) -> None:
        """Refuse to replace what is others'; before any work, what counts is `check_hidden`.

        Raises:
            PermissionDenied: names the first.
        """
        hidden = {id_ for id_, item in there.items() if not self.test(item.attributes)}
        self.check_hidden(hidden, ids)

    @staticmethod
    def check_hidden(hidden: Collection[str], ids: Sequence[str]) -> None:
        """Refuse to replace what is others'.

        Raises:
            PermissionDenied: names the first.
        """
        for position, id_ in enumerate(ids):
            if id_ in hidden:
                short = id_ if len(id_) <= _SHOWN else f"{id_[:_SHOWN]}…"
                raise PermissionDenied(
                    f"{short!r} is the id of an item that is not this caller's; choose another id",
                    f"items[{position}].id",
                )


def check_replacing(
    connection: sqlite3.Connection,
    collection_key: int,
    ids: Sequence[str],
    expected: Expected | None,
    guard: Guard | None,
) -> None:
    """Refuse to write items, in the transaction that is open.

    Args:
        connection: in that transaction.
        collection_key: of the collection.
        ids: of the items to be written.
        expected: versions that items must have, of others too.
        guard: what may be replaced; items that it hides have no version.

    Raises:
        PermissionDenied: one is hidden.
        VersionMismatch: one has another version.
    """
    hidden: frozenset[str] = frozenset()
    if guard is not None:
        named = [*ids, *(expected.versions if expected else ())]
        hidden = guard.hidden(connection, collection_key, named)
        guard.check_hidden(hidden, ids)
    if expected is not None:
        expected.check(connection, collection_key, hidden)
