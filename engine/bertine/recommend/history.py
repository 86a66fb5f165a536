"""Which entries of a history can be used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bertine.types import HistoryEntry, Matrix, Vector


@dataclass(frozen=True, slots=True)
class Usable:
    """The entries that have a vector.

    Attributes:
        entries: oldest first.
        vectors: float32 ``[len(entries), d]``, unit rows.
        positions: of each in the request's own history; negative for the user's recorded events.
        skipped: positions in the request's own history of items that the collection lacks.
    """

    entries: Sequence[HistoryEntry]
    vectors: Matrix
    positions: Sequence[int]
    skipped: Sequence[int]


def usable(
    entries: Sequence[HistoryEntry], vectors: Sequence[Vector | None], recorded: int
) -> Usable:
    """Keep the entries that have a vector.

    Args:
        entries: the user's recorded events, then the request's history.
        vectors: of each entry, None for an item that is not there.
        recorded: how many of the entries are recorded events.
    """
    kept = [number for number, vector in enumerate(vectors) if vector is not None]
    lost = [number for number, vector in enumerate(vectors) if vector is None]
    rows = [vector for vector in vectors if vector is not None]
    return Usable(
        [entries[number] for number in kept],
        np.stack(rows) if rows else np.empty((0, 0), np.float32),
        [number - recorded for number in kept],
        [number - recorded for number in lost if number >= recorded],
    )
