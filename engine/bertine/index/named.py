"""Items that a caller names, held against a request like any hit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from bertine.index.filters import Attributes, compile_filter
from bertine.index.request import Request
from bertine.index.view import Flags, Rows, View
from bertine.types import Matrix


@dataclass(frozen=True)
class Named:
    """Items that a request allows.

    Attributes:
        view: they are of.
        rows: int64 ``[c]``, of the view, ascending.
        ids: of each.
    """

    view: View
    rows: Rows
    ids: Sequence[str]

    @cached_property
    def vectors(self) -> Matrix:
        """float32 ``[c, d]``, unit rows."""
        return self.view.vectors(self.rows)

    @cached_property
    def attributes(self) -> Sequence[Attributes]:
        """Of each, not to be written to."""
        return [self.view.attributes(row) for row in self.rows.tolist()]

    @cached_property
    def opens(self) -> NDArray[np.float64]:
        """`available_from`, -inf for none: float64 ``[c]``."""
        return self.view.opens(self.rows)


def _first(rows: Rows) -> Flags:
    """Which ascending rows are no repeats: numpy's `unique` takes several times longer."""
    first = np.ones(len(rows), np.bool_)
    np.not_equal(rows[1:], rows[:-1], out=first[1:])
    return first


def allowed(view: View, rows: Rows, request: Request) -> Named:
    """Leave out whatever a search would leave out.

    Args:
        view: whose rows.
        rows: int64; what is no row of the view is passed over.
        request: whose filter, scope and time hold; the number of hits and the threshold do not.
    """
    rows = np.sort(rows[(rows >= 0) & (rows < view.count)])
    rows = rows[view.visible(rows, request.now) & _first(rows)]
    ids = view.ids(rows.tolist())
    kept = np.ones(len(ids), np.bool_)
    kept[[n for n, item_id in enumerate(ids) if item_id in request.exclude]] = False
    if request.only is not None:
        kept &= np.array([item_id in request.only for item_id in ids], np.bool_)
    if request.filter is not None:
        matches = compile_filter(request.filter)
        kept &= np.array([matches(view.attributes(row)) for row in rows.tolist()], np.bool_)
    return Named(view, rows[kept], list(compress(ids, kept.tolist())))
