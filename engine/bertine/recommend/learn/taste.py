"""What is known of a user when a list is asked for, and which items it is chosen from."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertine.recommend.learn.lags import lags
from bertine.types import Matrix

LATEST = 100
"""Entries of a history whose links count, so that a long one costs no more."""

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


@dataclass(frozen=True)
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

    @cached_property
    def liking(self) -> NDArray[np.float64]:
        """The strengths, or what stands for them: float64 ``[h]``."""
        return np.sign(self.weights) if self.strengths is None else self.strengths

    @cached_property
    def lags(self) -> NDArray[np.float64]:
        """See `lags.lags`."""
        return lags(self.times)

    @cached_property
    def linked(self) -> NDArray[np.int64]:
        """The items whose links count, -1 for the others: int64 ``[h]``."""
        linked = self.items.astype(np.int64)
        linked[:-LATEST] = -1
        return linked

    @cached_property
    def kept(self) -> dict[object, Any]:
        """What a view has made of it, to be used again, by the view."""
        return {}

    def faded(self, decay: float) -> NDArray[np.float64]:
        """Strength times ``decay ** lag`` of each entry: float64 ``[h]``."""
        return np.asarray(self.liking * decay**self.lags)


@dataclass(frozen=True)
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

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """What sorts the numbers: int64 ``[c]``."""
        return np.argsort(self.numbers, kind="stable")

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """Which have a number: bool ``[c]``."""
        return np.greater_equal(self.numbers, 0)

    @cached_property
    def all_known(self) -> bool:
        """Whether each has a number."""
        return bool(self.known.all())

    def take(self, table: NDArray[np.float32]) -> NDArray[np.float32]:
        """Look up what is known of each item: float32 ``[c, ...]``, zeros for an unknown one.

        Args:
            table: float32 ``[items, ...]``.
        """
        if self.all_known:
            return table[self.numbers]
        found = np.zeros((len(self), *table.shape[1:]), np.float32)
        found[self.known] = table[self.numbers[self.known]]
        return found
