"""What every view can do: one or several channels that are made from the same data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bertine.recommend.learn.taste import Candidates, Taste
from bertine.types import Vector

Totals = NDArray[np.floating[Any]]
"""float32 or float64 ``[channels, c]``: each channel's value of each candidate."""

Shares = NDArray[np.float64]
"""float64 ``[c, channels, h + 1]``: what each entry of a history adds to each candidate's value;
the last column is what does not depend on the history."""

Numbers = NDArray[np.int64]
NOTHING: Numbers = np.empty(0, np.int64)


class View(Protocol):
    """How well items suit a user: each channel's value is a sum over the entries of the history.

    Views are frozen dataclasses whose fields are arrays or what JSON can hold: `storage` writes
    them by that.
    """

    @property
    def names(self) -> tuple[str, ...]:
        """Of its channels."""

    def totals(self, taste: Taste, candidates: Candidates) -> Totals:
        """Its channels' values: what `shares` sums to, for less."""

    def shares(self, taste: Taste, candidates: Candidates) -> Shares:
        """Its channels' values, split over the history."""

    def best(self, taste: Taste, count: int) -> Numbers:
        """Numbers of items with the largest values; `NOTHING` of a view that cannot tell."""


def best_of(views: Iterable[View], taste: Taste, count: int) -> Numbers:
    """At most so many of the best items of each view: int64, one view after the other."""
    return np.concatenate([NOTHING, *(view.best(taste, count) for view in views)])


def empty(taste: Taste, candidates: Candidates, channels: int) -> Shares:
    """Shares of nothing."""
    return np.zeros((len(candidates), channels, len(taste) + 1))


def largest(values: NDArray[np.float64] | Vector, count: int) -> Numbers:
    """Places of the `count` largest positive values, ascending."""
    if count < len(values):
        found = np.argpartition(-values, count)[:count]
    else:
        found = np.arange(len(values))
    return np.sort(found[values[found] > 0])
