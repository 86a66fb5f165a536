"""hnswlib with its own defaults (M 16, efConstruction 200) or another efConstruction; ef is set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import hnswlib  # type: ignore[import-untyped]
import numpy as np

from benchmarks.index.worker import WARM_UP, Action, Array, actions, serve

_FEW = 4


class Graph:
    """See `benchmarks.index.worker.Index`."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._threads = options["threads"]
        self._top_k = options["top_k"]
        self._construction = options["construction"]
        self._index: Any = None

    def build(self, vectors: Array, request: dict[str, Any]) -> None:
        """See `Index`."""
        del request
        self._index = None
        index = hnswlib.Index("ip", vectors.shape[1])
        index.init_index(len(vectors), M=16, ef_construction=self._construction)
        index.add_items(vectors, num_threads=self._threads)
        self._index = index

    def tune(self, setting: Any) -> None:
        """See `Index`."""
        self._index.set_ef(setting)

    def warm_up(self, queries: Array) -> None:
        """See `Index`."""
        self.search(queries[:WARM_UP])

    def search(self, queries: Array) -> Any:
        """See `Index`."""
        # It uses one thread for few queries in any case; asking for one spares it the check.
        threads = 1 if len(queries) < _FEW else self._threads
        return self._index.knn_query(queries, self._top_k, num_threads=threads)

    def rows(self, answer: Any) -> Array:
        """See `Index`."""
        return np.asarray(answer[0], np.int64)


def _make(options: dict[str, Any]) -> Mapping[str, Action]:
    return actions(Graph(options))


if __name__ == "__main__":
    serve(_make, ["hnswlib", "numpy"])
