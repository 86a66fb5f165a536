"""Time-stamped events of anybody: rows with a user, an item and a time become a case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.cases import Case, Catalog
from benchmarks.quality.cuts import RULE, before, cut_time, rows_after
from benchmarks.quality.files import records
from bertine.recommend.learn.interactions import Interactions, ordered

_TIME_FIELDS = ("time", "timestamp")
_NEW = "targets are items new to the user, and no list has others"
_ALL = "targets are all items, those that the user had before too, and lists have both"


@dataclass(frozen=True, slots=True)
class Window:
    """What a log is tested on.

    Attributes:
        share: of the events, the latest.
        new_only: see `Case`.
    """

    share: float = 0.1
    new_only: bool = True


@dataclass(frozen=True, slots=True)
class Seen:
    """One event.

    Attributes:
        user: any name.
        item: id of the catalog; an event of any other item is left out.
        time: seconds since the epoch.
        weight: of its type; negative for a dislike.
        place: name of a region, "" unknown.
        device: name of a kind of device, "" unknown.
    """

    user: str
    item: str
    time: float
    weight: float = 1.0
    place: str = ""
    device: str = ""


def read(path: Path) -> list[Seen]:
    """Rows of a file: ``user``, ``item`` or ``item_id``, ``time`` in seconds, perhaps ``weight``,
    ``place`` and ``device``; CSV or TSV with a head, or JSON lines.
    """  # noqa: D205 - the summary needs two lines
    return [_seen(row) for row in records(path)]


def interactions(events: Iterable[Seen], catalog: Catalog) -> Interactions:
    """Events as arrays, those of items that the catalog lacks left out."""
    numbers = {item_id: number for number, item_id in enumerate(catalog.ids)}
    kept = [event for event in events if event.item in numbers]
    users, _ = _codes([event.user for event in kept])
    places, place_names = _codes([event.place for event in kept])
    devices, device_names = _codes([event.device for event in kept])
    return ordered(
        Interactions(
            users.astype(np.int64),
            np.array([numbers[event.item] for event in kept], np.int64),
            np.array([event.time for event in kept], np.float64),
            np.array([event.weight for event in kept], np.float32),
            places,
            devices,
            catalog.ids,
            place_names,
            device_names,
        )
    )


def case(
    name: str,
    catalog: Catalog,
    events: Interactions,
    *,
    window: Window,
    remarks: Sequence[str] = (),
) -> Case:
    """Cut at one time, see `benchmarks.quality.cuts`.

    Args:
        name: of the data set.
        catalog: all items.
        events: all, sorted by user and time.
        window: what is tested on.
        remarks: see `Case`.
    """
    time = cut_time(events.times, window.share)
    rows = rows_after(events, time, new_only=window.new_only)
    targets = _NEW if window.new_only else _ALL
    protocol = f"the latest {window.share:.0%} of the events are the window; {RULE}; {targets}"
    return Case(name, catalog, before(events, time), rows, window.new_only, protocol, remarks)


def _seen(row: Mapping[str, Any]) -> Seen:
    time = next(row[name] for name in _TIME_FIELDS if row.get(name) is not None)
    item = next(row[name] for name in ("item", "item_id") if row.get(name) is not None)
    return Seen(
        str(row["user"]),
        str(item),
        float(time),
        float(row.get("weight") or 1.0),
        str(row.get("place") or ""),
        str(row.get("device") or ""),
    )


def _codes(names: Sequence[str]) -> tuple[NDArray[np.int32], list[str]]:
    """A number for each name in order of appearance, -1 for ""."""
    order = {name: code for code, name in enumerate(dict.fromkeys(filter(None, names)))}
    codes = np.array([order.get(name, -1) for name in names], np.int32)
    return codes, list(order)
