"""Time-stamped events of anybody: rows with a user, an item and a time become a case."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.data import DataFaultError
from benchmarks.quality.cases import Case, Catalog
from benchmarks.quality.cuts import RULE, before, cut_time, rows_after
from benchmarks.quality.reading import (
    ITEM_FIELDS,
    TIME_FIELDS,
    USER_FIELDS,
    records,
    text_of,
    value_of,
)
from bertine.recommend.learn.interactions import Interactions, ordered

_LATEST = 1e11
"""Seconds, the year 5138: what is later is told in milliseconds, or in less."""

_LARGEST = 1e6
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
    """Rows with ``user``, ``item``, ``time``, perhaps ``weight``, ``place`` and ``device``.

    Times are seconds since the epoch, or as ISO 8601 writes them; milliseconds, and less, if most
    are too large for seconds.

    Raises:
        DataAbsentError: there is no such file.
        DataFaultError: it cannot be read, or a row is no event.
    """
    found = [_seen(row, place) for place, row in records(path)]
    while found and np.median([event.time for event in found]) > _LATEST:
        found = [replace(event, time=event.time / 1_000) for event in found]
    return found


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


def read_case(path: Path, catalog: Catalog, window: Window) -> Case:
    """A file of events of a catalog's items, cut.

    Raises:
        DataAbsentError: there is no such file.
        DataFaultError: it cannot be read, or there is nothing to learn from or to test on.
    """
    seen = read(path)
    arrays = interactions(seen, catalog)
    left_out = len(seen) - len(arrays)
    if not len(arrays):
        example = f" ({seen[0].item!r}, where the items have {catalog.ids[0]!r})" if seen else ""
        raise DataFaultError(f"{path} has no event of an item of the catalog{example}")
    remark = f"{left_out:,} events of items that the catalog lacks are left out."
    found = case(path.stem, catalog, arrays, window=window, remarks=[remark] if left_out else [])
    _check(found, path)
    return found


def _check(found: Case, path: Path) -> None:
    """Something to learn from, and something to test on."""
    if not len(found.known):
        raise DataFaultError(
            f"{path}: {found.protocol.split(';')[0]}, and that reaches back to the first event: "
            "nothing is left to learn from. Times have to tell what came first; where only orders "
            "are known, give histories with --sequences"
        )
    if not found.rows:
        new = " that was new to the user: --targets all counts repeats" if found.new_only else ""
        raise DataFaultError(f"{path}: after the cut nobody liked anything{new}")


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


def _seen(row: Mapping[str, Any], place: str) -> Seen:
    weight = row.get("weight")
    return Seen(
        text_of(row, USER_FIELDS, place),
        text_of(row, ITEM_FIELDS, place),
        _time(value_of(row, TIME_FIELDS, place), place),
        1.0 if weight in {None, ""} else _weight(weight, place),
        str(row.get("place") or ""),
        str(row.get("device") or ""),
    )


def _time(value: Any, place: str) -> float:
    try:
        if not isinstance(value, datetime) and math.isfinite(float(value)):
            return float(value)
    except (TypeError, ValueError):
        pass
    try:
        stamp = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError as error:
        raise DataFaultError(
            f"{place}: {value!r} is no time; give seconds since 1970, or 2026-11-24T10:00:00Z"
        ) from error
    return (stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)).timestamp()


def _weight(value: Any, place: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if abs(number) <= _LARGEST:
        return number
    raise DataFaultError(
        f"{place}: {value!r} is no weight; give a number from {-_LARGEST:,.0f} to {_LARGEST:,.0f}, "
        "negative for a dislike"
    )


def _codes(names: Sequence[str]) -> tuple[NDArray[np.int32], list[str]]:
    """A number for each name in order of appearance, -1 for ""."""
    order = {name: code for code, name in enumerate(dict.fromkeys(filter(None, names)))}
    codes = np.array([order.get(name, -1) for name in names], np.int32)
    return codes, list(order)
