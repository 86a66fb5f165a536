"""What a search is asked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bertine.index.filters import Filter


@dataclass(frozen=True, slots=True)
class Request:
    """What is wanted of a search.

    Attributes:
        top_k: hits wanted, > 0.
        min_score: least similarity of a hit.
        filter: what its attributes must satisfy; None is anything.
        exclude: ids that are left out.
        only: ids of which there is nothing else; None is anything.
        exact: score every row that may be returned.
        now: time at which a hit must be available.
        nprobe: lists of a trained index that are visited; 0 is as many as it was tuned to.
    """

    top_k: int
    min_score: float = -1.0
    filter: Filter | None = None
    exclude: frozenset[str] = frozenset()
    only: frozenset[str] | None = None
    exact: bool = False
    now: float = 0.0
    nprobe: int = 0


@dataclass(frozen=True, slots=True)
class Scope:
    """Rows that are named one by one.

    Attributes:
        only: rows of the ids in `Request.only`; None is not known, then they are searched for.
        exclude: rows of the ids in `Request.exclude`, as far as they are known.
    """

    only: NDArray[np.int64] | None = None
    exclude: NDArray[np.int64] | None = None
