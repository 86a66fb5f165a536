"""All events of a collection as arrays, for what is learned of them."""

from __future__ import annotations

import sqlite3
from array import array
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bertine.catalog.event_tables import events_table

_BATCH = 8_192
_UNKNOWN = -1


class Mark(NamedTuple):
    """Which state of a collection's events it is.

    Attributes:
        last: number of the last event that was ever recorded, 0 if none was.
        erasures: how often events of deleted users were erased.
        expiries: how often events that were too old were erased.
    """

    last: int = 0
    erasures: int = 0
    expiries: int = 0


@dataclass(frozen=True, slots=True)
class EventArrays:
    """Events in the order of their arrival.

    Attributes:
        mark: of which state.
        users: int64 ``[n]``, dense numbers from 0 by first event, which are no one's anywhere else.
        items: int64 ``[n]``, numbers into `item_ids`.
        times: float64 ``[n]``, seconds since the epoch.
        types: int32 ``[n]``, numbers into `type_names`.
        weights: float32 ``[n]``, nan where an event has none of its own.
        places: int32 ``[n]``, numbers into `place_names`, -1 unknown.
        devices: int32 ``[n]``, numbers into `device_names`, -1 unknown.
        offsets: int32 ``[n]``, minutes of the user's clock from UTC; 0 where it is not known.
        item_ids: of the items, by first event; as the following names.
        type_names: of the types.
        place_names: of the regions.
        device_names: of the kinds of devices.
    """

    mark: Mark
    users: NDArray[np.int64]
    items: NDArray[np.int64]
    times: NDArray[np.float64]
    types: NDArray[np.int32]
    weights: NDArray[np.float32]
    places: NDArray[np.int32]
    devices: NDArray[np.int32]
    offsets: NDArray[np.int32]
    item_ids: list[str]
    type_names: list[str]
    place_names: list[str]
    device_names: list[str]


def read_mark(connection: sqlite3.Connection, collection_key: int) -> Mark | None:
    """The present state of a collection's events; None if the collection was deleted."""
    query = f"""
        SELECT (SELECT coalesce(max(key), 0) FROM {events_table(collection_key)}),
            erasures, expiries
        FROM collections WHERE key = ? AND NOT deleted
    """  # noqa: S608 (the table's name has only a number that varies)
    there = "SELECT 1 FROM collections WHERE key = ? AND NOT deleted"
    if connection.execute(there, (collection_key,)).fetchone() is None:
        return None
    return Mark(*connection.execute(query, (collection_key,)).fetchone())


def read_events(connection: sqlite3.Connection, collection_key: int) -> EventArrays | None:
    """Read the events that are there; in a transaction, so that they are of one state.

    Returns:
        None if the collection was deleted.
    """
    mark = read_mark(connection, collection_key)
    if mark is None:
        return None
    columns = _Columns()
    query = f"""
        SELECT user, item_id, time, event_type, weight, place, device, utc_offset
        FROM {events_table(collection_key)} WHERE user IS NOT NULL ORDER BY key
    """  # noqa: S608 (the same)
    rows = connection.execute(query)
    while chunk := rows.fetchmany(_BATCH):
        for row in chunk:
            columns.add(*row)
    return columns.arrays(mark)


class _Codes(dict[Any, int]):
    """Numbers by first appearance."""

    def __missing__(self, name: Any) -> int:
        number = self[name] = len(self)
        return number


@dataclass(slots=True)
class _Columns:
    users: array[int] = field(default_factory=lambda: array("q"))
    items: array[int] = field(default_factory=lambda: array("q"))
    times: array[float] = field(default_factory=lambda: array("d"))
    types: array[int] = field(default_factory=lambda: array("i"))
    weights: array[float] = field(default_factory=lambda: array("f"))
    places: array[int] = field(default_factory=lambda: array("i"))
    devices: array[int] = field(default_factory=lambda: array("i"))
    offsets: array[int] = field(default_factory=lambda: array("i"))
    user_codes: _Codes = field(default_factory=_Codes)
    item_codes: _Codes = field(default_factory=_Codes)
    type_codes: _Codes = field(default_factory=_Codes)
    place_codes: dict[str | None, int] = field(default_factory=dict)
    device_codes: dict[str | None, int] = field(default_factory=dict)

    def add(  # noqa: PLR0913, PLR0917 - one for each column
        self,
        user: int,
        item_id: str,
        time: float,
        event_type: str,
        weight: float | None,
        place: str | None,
        device: str | None,
        offset: int | None,
    ) -> None:
        self.users.append(self.user_codes[user])
        self.items.append(self.item_codes[item_id])
        self.times.append(time)
        self.types.append(self.type_codes[event_type])
        self.weights.append(float("nan") if weight is None else weight)
        self.places.append(_code(self.place_codes, place))
        self.devices.append(_code(self.device_codes, device))
        self.offsets.append(offset or 0)

    def arrays(self, mark: Mark) -> EventArrays:
        return EventArrays(
            mark,
            np.array(self.users, np.int64),
            np.array(self.items, np.int64),
            np.array(self.times, np.float64),
            np.array(self.types, np.int32),
            np.array(self.weights, np.float32),
            np.array(self.places, np.int32),
            np.array(self.devices, np.int32),
            np.array(self.offsets, np.int32),
            list(self.item_codes),
            list(self.type_codes),
            [name for name in self.place_codes if name is not None],
            [name for name in self.device_codes if name is not None],
        )


def _code(codes: dict[str | None, int], name: str | None) -> int:
    """Number of a name by first appearance, -1 of none."""
    return _UNKNOWN if name is None else codes.setdefault(name, len(codes))
