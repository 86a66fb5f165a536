"""Recorded events as what is learned from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from bertine.catalog.event_arrays import EventArrays
from bertine.recommend.history import IMPRESSION
from bertine.recommend.learn.interactions import Interactions, ordered
from bertine.recommend.profile import DEFAULT_EVENT_WEIGHTS
from bertine.types import Matrix, Vector


def interactions_of(events: EventArrays, catalog_ids: Iterable[str]) -> Interactions:
    """What users did, sorted; impressions are no sign of interest and are left out.

    Items are numbered by ascending id, and users by what is left of the events: the result says
    nothing of events that were erased.

    Args:
        events: of a collection.
        catalog_ids: of the items it holds; those without an event are in the result too.
    """
    shown = [name == IMPRESSION for name in events.type_names]
    kept = ~np.array([*shown, False])[events.types]
    numbers = np.unique(events.users[kept], return_inverse=True)[1]
    used = [events.item_ids[one] for one in np.unique(events.items[kept]).tolist()]
    item_ids = sorted({*catalog_ids, *used})
    return ordered(
        Interactions(
            users=_by_first_event(numbers),
            items=_numbers(events.item_ids, item_ids)[events.items[kept]],
            times=events.times[kept],
            weights=_weights(events)[kept],
            places=events.places[kept],
            devices=events.devices[kept],
            item_ids=item_ids,
            place_names=events.place_names,
            device_names=events.device_names,
            offsets=events.offsets[kept],
        )
    )


def _by_first_event(users: NDArray[np.int64]) -> NDArray[np.int64]:
    """Dense numbers in the order in which they first appear."""
    _, first, dense = np.unique(users, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[dense].astype(np.int64)


def _numbers(of: list[str], item_ids: list[str]) -> NDArray[np.int64]:
    """Where each id stands in a sorted list, -1 if nowhere."""
    places: Mapping[str, int] = {item_id: number for number, item_id in enumerate(item_ids)}
    return np.array([places.get(item_id, -1) for item_id in of], np.int64)


def _weights(events: EventArrays) -> NDArray[np.float32]:
    """An event's own weight, else its type's."""
    by_type = [DEFAULT_EVENT_WEIGHTS.get(name, 1.0) for name in events.type_names]
    typed = np.array([*by_type, 1.0], np.float32)[events.types]
    return np.where(np.isnan(events.weights), typed, events.weights).astype(np.float32)


def vectors_of(
    item_ids: Iterable[str], vector: Callable[[str], Vector | None], dimensions: int
) -> Matrix:
    """Rows of the items, float32 ``[items, d]``; zero for an item without a vector.

    Args:
        item_ids: of the items.
        vector: of an item, None if it has none.
        dimensions: of the vectors.
    """
    ids = list(item_ids)
    rows = np.zeros((len(ids), dimensions), np.float32)
    for number, item_id in enumerate(ids):
        found = vector(item_id)
        if found is not None:
            rows[number] = found
    return rows
