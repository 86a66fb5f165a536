"""What is known of a user when a list is asked for, and which items it is chosen from."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bertine.types import Matrix

_NO_TIME = float("nan")


@dataclass(frozen=True, slots=True)
class Situation:
    """When and where the list is wanted.

    Attributes:
        time: seconds since the epoch; nan if it is not known.
        utc_offset_minutes: of the user's clock.
        place: name of a region, "" if it is not known.
        device: name of a kind of device, "" if it is not known.
    """

    time: float = _NO_TIME
    utc_offset_minutes: int = 0
    place: str = ""
    device: str = ""


@dataclass(frozen=True, slots=True)
class Taste:
    """A history, oldest first, and the situation.

    Attributes:
        items: int64 ``[h]``, numbers into `Learned.item_ids`; -1 for an unknown one.
        weights: float64 ``[h]``, of the profile: event weight times decay.
        vectors: float32 ``[h, d]``, unit rows.
        times: float64 ``[h]``, seconds since the epoch; nan where it is not known.
        situation: of the call.
        strengths: float64 ``[h]``, event weights without decay, negative for a dislike; None: the
            signs of `weights`.
    """

    items: NDArray[np.int64]
    weights: NDArray[np.float64]
    vectors: Matrix
    times: NDArray[np.float64]
    situation: Situation = field(default_factory=Situation)
    strengths: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.items)


@dataclass(frozen=True, slots=True)
class Candidates:
    """The items that are scored.

    Attributes:
        numbers: int64 ``[c]``, into `Learned.item_ids`; -1 for one that nothing was learned of.
        vectors: float32 ``[c, d]``, unit rows.
    """

    numbers: NDArray[np.int64]
    vectors: Matrix

    def __len__(self) -> int:
        return len(self.numbers)
