"""Bare FAISS: the kind of index that the engine chose, refined by the exact vectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import faiss
import numpy as np

from benchmarks.index.worker import WARM_UP, Action, Array, actions, serve

_TRAIN_PER_LIST = 64
_PCA_TRAINED = 20_000
EXACT = "exact"


class Lists:
    """See `benchmarks.index.worker.Index`. A setting is nprobe and the factor of refinement."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._threads = options["threads"]
        self._top_k = options["top_k"]
        self._index: Any = None
        self._parameters: Any = None

    def build(self, vectors: Array, request: dict[str, Any]) -> None:
        """See `Index`; `kind` in the request is FAISS's factory string, or ``exact``."""
        faiss.omp_set_num_threads(self._threads)
        self._index = self._parameters = None
        index = faiss.IndexFlatIP(vectors.shape[1])
        if request["kind"] != EXACT:
            index = _refined(vectors, request["kind"])
        index.add(vectors)
        self._index = index

    def tune(self, setting: Any) -> None:
        """See `Index`."""
        if isinstance(self._index, faiss.IndexFlatIP):
            return
        nprobe, factor = setting
        lists = faiss.SearchParametersIVF(nprobe=nprobe)  # type: ignore[call-arg]
        self._parameters = faiss.IndexRefineSearchParameters(  # type: ignore[call-arg]
            k_factor=factor, base_index_params=lists
        )

    def warm_up(self, queries: Array) -> None:
        """See `Index`."""
        self.search(queries[:WARM_UP])

    def search(self, queries: Array) -> Any:
        """See `Index`."""
        return self._index.search(queries, self._top_k, params=self._parameters)

    def rows(self, answer: Any) -> Array:
        """See `Index`."""
        return np.asarray(answer[1], np.int64)


def _refined(vectors: Array, kind: str) -> Any:
    """Trained on as many vectors a list as the engine trains on."""
    kept, _, lists = kind.rpartition(",IVF")
    turn = _principal(vectors, int(kept.removeprefix("PCA"))) if kept else None
    dimensions = turn.d_out if turn else vectors.shape[1]
    kind = f"IVF{lists}" if turn else kind
    base: Any = faiss.index_factory(dimensions, kind, faiss.METRIC_INNER_PRODUCT)
    count = min(len(vectors), base.nlist * _TRAIN_PER_LIST)
    whole = faiss.IndexPreTransform(turn, base) if turn else base
    whole.train(vectors[np.random.default_rng(0).permutation(len(vectors))[:count]])
    return faiss.IndexRefineFlat(whole)


def _principal(vectors: Array, kept: int) -> Any:
    """FAISS's own PCA, turned at random; without its mean, which would spoil inner products."""
    turn: Any = faiss.PCAMatrix(vectors.shape[1], kept, 0.0, True)
    turn.train(vectors[np.random.default_rng(0).permutation(len(vectors))[:_PCA_TRAINED]])
    turn.have_bias = False
    return turn


def _make(options: dict[str, Any]) -> Mapping[str, Action]:
    return actions(Lists(options))


if __name__ == "__main__":
    serve(_make, ["faiss-cpu", "numpy"])
