"""What one search sees: two segments at one sequence number, as one numbered table.

Rows of the trained segment come first, then the rows added since.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from bertine.index.filters import Filter
from bertine.index.segment import Segment
from bertine.kernels.cpu import rescore
from bertine.types import Attribute, Matrix, Vector


@dataclass(frozen=True, slots=True)
class View:
    """A consistent state of a collection's rows.

    Attributes:
        main: the segment that a trained index may cover.
        delta: rows added since.
        main_count: rows of `main`.
        delta_count: rows of `delta` that this view knows.
        sequence: catalog sequence number whose state it shows.
    """

    main: Segment
    delta: Segment
    main_count: int
    delta_count: int
    sequence: int

    @property
    def count(self) -> int:
        """Rows of both segments, dead ones included."""
        return self.main_count + self.delta_count

    def row(self, segment: Segment, local: int) -> int | None:
        """The row of this view that is a segment's, None if it is not in this view."""
        if segment is self.main and local < self.main_count:
            return local
        if segment is self.delta and local < self.delta_count:
            return local + self.main_count
        return None

    def id(self, row: int) -> str:
        """Item id of a row."""
        return (
            self.main.ids[row] if row < self.main_count else self.delta.ids[row - self.main_count]
        )

    def attributes(self, row: int) -> dict[str, Attribute]:
        """Attributes of a row."""
        if row < self.main_count:
            return self.main.attributes[row]
        return self.delta.attributes[row - self.main_count]

    def matching(self, node: Filter) -> NDArray[np.int64]:
        """Rows that match a filter, dead ones included: int64, ascending."""
        main = self.main.columns.matching(node, self.main.attributes, self.main_count)
        delta = self.delta.columns.matching(node, self.delta.attributes, self.delta_count)
        return np.concatenate([_array(main), _array(delta) + self.main_count])

    def visible(self, rows: NDArray[np.int64], now: float) -> NDArray[np.bool_]:
        """Which rows are alive in this view and available at time `now`: bool ``[len(rows)]``."""
        out = np.empty(len(rows), np.bool_)
        for segment, mask, local in self._split(rows):
            out[mask] = segment.visible(local, self.sequence, now)
        return out

    def score(self, rows: NDArray[np.int64], query: Vector) -> Vector:
        """Exact cosine similarity of rows with a query: float32 ``[len(rows)]``."""
        out = np.empty(len(rows), np.float32)
        for segment, mask, local in self._split(rows):
            out[mask] = rescore(segment.vectors, local, query)
        return out

    def scan(self, queries: Matrix, *, delta_only: bool = False) -> Matrix:
        """Similarity of every row with every query, by matrix product.

        Args:
            queries: float32 ``[n, d]``.
            delta_only: leave the rows of `main` out.

        Returns:
            float32 ``[n, count]``, or ``[n, delta_count]``.
        """
        delta = queries @ self.delta.vectors[: self.delta_count].T
        if delta_only or not self.main_count:
            return delta
        return np.hstack([queries @ self.main.vectors[: self.main_count].T, delta])

    def _split(
        self, rows: NDArray[np.int64]
    ) -> Iterator[tuple[Segment, NDArray[np.bool_], NDArray[np.int64]]]:
        in_main = rows < self.main_count
        if in_main.any():
            yield self.main, in_main, rows[in_main]
        if not in_main.all():
            yield self.delta, ~in_main, rows[~in_main] - self.main_count


def _array(rows: BitMap) -> NDArray[np.int64]:
    return np.frombuffer(rows.to_array(), np.uint32).astype(np.int64)
