"""usearch with its own defaults (connectivity 16, expansion 128) in float32; expansion is set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import usearch.index  # type: ignore[import-not-found]

from benchmarks.index.worker import WARM_UP, Action, Array, actions, serve


class Graph:
    """See `benchmarks.index.worker.Index`."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._threads = options["threads"]
        self._top_k = options["top_k"]
        self._index: Any = None

    def build(self, vectors: Array, request: dict[str, Any]) -> None:
        """See `Index`."""
        del request
        self._index = None
        index = usearch.index.Index(ndim=vectors.shape[1], metric="ip", dtype="f32")
        index.add(np.arange(len(vectors)), vectors, threads=self._threads)
        self._index = index

    def tune(self, setting: Any) -> None:
        """See `Index`."""
        self._index.expansion_search = setting

    def warm_up(self, queries: Array) -> None:
        """See `Index`."""
        self.search(queries[:WARM_UP])

    def search(self, queries: Array) -> Any:
        """See `Index`."""
        threads = 1 if len(queries) == 1 else self._threads
        return self._index.search(queries, self._top_k, threads=threads)

    def rows(self, answer: Any) -> Array:
        """See `Index`."""
        keys = np.asarray(answer.keys, np.int64)
        found = np.arange(self._top_k) < np.asarray(answer.counts)[:, None]
        return np.where(found, keys, -1)


def _make(options: dict[str, Any]) -> Mapping[str, Action]:
    return actions(Graph(options))


if __name__ == "__main__":
    serve(_make, ["usearch", "numpy"])
