"""Items that a caller names, held against a request like any hit."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bertine.index.filters import Attributes, compile_filter
from bertine.index.request import Request
from bertine.index.state import Places
from bertine.index.view import View
from bertine.types import Matrix


@dataclass(frozen=True, slots=True)
class Named:
    """Those of the items that a request allows.

    Attributes:
        ids: of the items, no id twice, in no promised order.
        vectors: float32 ``[len(ids), d]``, unit rows.
        attributes: of each, not to be written to.
        opens: float64 ``[len(ids)]``, `available_from`, -inf for none.
        complete: no item was there but not yet, or no more, in what was looked at.
    """

    ids: Sequence[str]
    vectors: Matrix
    attributes: Sequence[Attributes]
    opens: NDArray[np.float64]
    complete: bool = True


def named(view: View, places: Places, ids: Collection[str], request: Request) -> Named:
    """Look up items, and leave out whatever a search would leave out.

    Args:
        view: what there is.
        places: where the items are now.
        ids: no id twice.
        request: whose filter, scope and time hold; the number of hits and the threshold do not.
    """
    rows, complete = _rows(view, places, ids, request)
    numbers = np.fromiter(rows, np.int64, len(rows))
    numbers.sort()
    numbers = numbers[view.visible(numbers, request.now)]
    if request.filter is not None:
        matches = compile_filter(request.filter)
        numbers = numbers[[matches(view.attributes(row)) for row in numbers.tolist()]]
    kept = numbers.tolist()
    return Named(
        [rows[row] for row in kept],
        view.vectors(numbers),
        [view.attributes(row) for row in kept],
        view.opens(numbers),
        complete,
    )


def _rows(
    view: View, places: Places, ids: Collection[str], request: Request
) -> tuple[dict[int, str], bool]:
    """The items that may be returned, by their rows; and whether all that exist are in the view."""
    rows: dict[int, str] = {}
    complete = True
    exclude, only = request.exclude, request.only
    for item_id in ids:
        if item_id in exclude or (only is not None and item_id not in only):
            continue
        place = places.get(item_id)
        if place is None:
            continue
        row = view.row(*place)
        if row is None:
            complete = False
        else:
            rows[row] = item_id
    return rows, complete
