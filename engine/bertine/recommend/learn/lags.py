"""How far back the entries of a history are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def lags(times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Steps back from the latest entry, 0 for the latest: float64 ``[h]``.

    What was done at one moment, such as the items of one order, is one step. Where a time is not
    known, every entry is a step of its own.

    Args:
        times: float64 ``[h]``, ascending; nan where it is not known.
    """
    if np.isnan(times).all():
        return np.arange(len(times) - 1, -1, -1, dtype=np.float64)
    back = np.zeros(len(times))
    # A difference with nan is not 0, so it is a step.
    back[:-1] = np.cumsum((times[1:] != times[:-1])[::-1])[::-1]
    return back
