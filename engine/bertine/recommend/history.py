"""Which entries of a history can be used, and as what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bertine.types import Event, HistoryEntry, Matrix, Vector

IMPRESSION = "impression"
"""Event type that says that an item was shown, which is no sign of interest."""


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


NOTHING = Usable((), np.empty((0, 0), np.float32), (), ())


def usable(
    entries: Sequence[HistoryEntry], vectors: Sequence[Vector | None], positions: Sequence[int]
) -> Usable:
    """Keep the entries that have a vector.

    Args:
        entries: the user's recorded events, then the request's history.
        vectors: of each entry, None for an item that is not there.
        positions: of each entry in the request's own history, negative for recorded events.
    """
    lost = [position for position, vector in zip(positions, vectors, strict=True) if vector is None]
    if not lost and vectors:
        return Usable(entries, np.array(vectors, np.float32), positions, ())
    kept = [number for number, vector in enumerate(vectors) if vector is not None]
    rows = [vector for vector in vectors if vector is not None]
    return Usable(
        [entries[number] for number in kept],
        np.array(rows, np.float32) if rows else np.empty((0, 0), np.float32),
        [positions[number] for number in kept],
        [position for position in lost if position >= 0],
    )


def entries_of(events: Sequence[Event], session: bytes | None) -> list[HistoryEntry]:
    """Recorded events as a history, oldest first; those of the present session are the latest.

    Args:
        events: by time.
        session: keyed hash of the present session; None is none.
    """
    if session is not None:
        # A stable sort: within the session and outside of it the order of time stays.
        events = sorted(events, key=lambda event: event.session == session)
    return [
        HistoryEntry(
            item_id=event.item_id, time=event.time, event_type=event.event_type, weight=event.weight
        )
        for event in events
    ]


def joined(
    entries: Sequence[HistoryEntry], liked: Sequence[bool], most: int
) -> tuple[list[HistoryEntry], list[int]]:
    """Make one text of the latest liked texts of a history, newest first.

    It stands where the latest of them stood; older liked texts are left out. Items and disliked
    texts stay as they are.

    Args:
        entries: oldest first.
        liked: which of them have a positive weight.
        most: how many texts are joined, >= 1.

    Returns:
        The entries, and of each which one of those given it is.
    """
    texts = [number for number, entry in enumerate(entries) if not entry.item_id and liked[number]]
    if not texts:
        return list(entries), list(range(len(entries)))
    newest, dropped = texts[-1], set(texts[:-1])
    text = "\n".join(entries[number].text for number in reversed(texts[-most:]))
    kept = [number for number in range(len(entries)) if number not in dropped]
    made = [replace(entries[n], text=text) if n == newest else entries[n] for n in kept]
    return made, kept
