"""What users did, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Interactions:
    """Events of many users, sorted by user and then by time.

    Attributes:
        users: int64 ``[n]``, dense numbers from 0.
        items: int64 ``[n]``, numbers into `item_ids`.
        times: float64 ``[n]``, seconds since the epoch.
        weights: float32 ``[n]``, of the event's type; negative for a dislike.
        places: int32 ``[n]``, numbers into `place_names`, -1 unknown.
        devices: int32 ``[n]``, numbers into `device_names`, -1 unknown.
        item_ids: of every item, those of the catalog without an event included.
        place_names: of the regions.
        device_names: of the kinds of devices.
        offsets: int32 ``[n]``, minutes of the user's clock from UTC; None where it was not told.
    """

    users: NDArray[np.int64]
    items: NDArray[np.int64]
    times: NDArray[np.float64]
    weights: NDArray[np.float32]
    places: NDArray[np.int32]
    devices: NDArray[np.int32]
    item_ids: Sequence[str]
    place_names: Sequence[str] = ()
    device_names: Sequence[str] = ()
    offsets: NDArray[np.int32] | None = None

    def __len__(self) -> int:
        return len(self.items)

    def where(self, kept: NDArray[np.bool_]) -> Interactions:
        """Those events that are kept; names and numbers of users and items stay.

        Args:
            kept: bool ``[n]``.
        """
        return Interactions(
            self.users[kept],
            self.items[kept],
            self.times[kept],
            self.weights[kept],
            self.places[kept],
            self.devices[kept],
            self.item_ids,
            self.place_names,
            self.device_names,
            None if self.offsets is None else self.offsets[kept],
        )


def ordered(interactions: Interactions) -> Interactions:
    """The same events by user and then by time; events of one time stay in their order."""
    order = np.lexsort((interactions.times, interactions.users))
    return interactions.where(order)  # type: ignore[arg-type]  # numbers select as flags do
