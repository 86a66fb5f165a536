"""How far back the entries of a history are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bertine.recommend.learn.taste import Taste


def lags(times: NDArray[np.float64]) -> NDArray[np.int64]:
    """Steps back from the latest entry, 0 for the latest: int64 ``[h]``.

    What was done at one moment, such as the items of one order, is one step. Where a time is not
    known, every entry is a step of its own.

    Args:
        times: float64 ``[h]``, ascending; nan where it is not known.
    """
    if not len(times):
        return np.empty(0, np.int64)
    # A difference with nan is not 0, so it is a step.
    steps = np.append(np.diff(times) != 0, False)
    return np.asarray(np.cumsum(steps[::-1])[::-1], np.int64)


def strengths(taste: Taste) -> NDArray[np.float64]:
    """Event weights without decay: float64 ``[h]``."""
    return np.sign(taste.weights) if taste.strengths is None else taste.strengths


def faded(taste: Taste, decay: float) -> NDArray[np.float64]:
    """Strength times ``decay ** lag`` of each entry: float64 ``[h]``."""
    return np.asarray(strengths(taste) * decay ** lags(taste.times).astype(np.float64))
