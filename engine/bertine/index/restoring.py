"""A trained part from disk, held against the catalog while its checksums are computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bertine.index.places import Places
from bertine.index.segment import Segment
from bertine.index.snapshot import Home, Snapshot
from bertine.types import Versions


@dataclass(frozen=True, slots=True)
class Restored:
    """What a start takes from disk.

    Attributes:
        taken: its rows are dead where the catalog has no such version of their item.
        known: where the other rows are.
        missing: ids of the catalog's items that have no row.
    """

    taken: Snapshot
    known: Places
    missing: list[str]


def restore(
    home: Home, delta: Segment, versions: Callable[[], Versions], *, threads: int
) -> Restored:
    """Read an index's trained part.

    Args:
        home: where it lies.
        delta: rows that will be added to it; none yet.
        versions: reads those of every item in the catalog.
        threads: that compute checksums.

    Raises:
        StorageError: there is none that is of use; says why.
    """
    judged: list[tuple[Places, list[str]]] = []

    def judge(main: Segment) -> None:
        known = Places(main, delta)
        judged.append((known, known.hold_against(versions())))

    taken = home.load(threads=threads, meanwhile=judge)
    return Restored(taken, *judged[0])
