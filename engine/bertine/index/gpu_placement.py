"""What of a collection's trained part is on a GPU: decided before each training, done after it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from bertine.errors import BertineError, Unavailable
from bertine.index.generation import Ivf, sample_of_items
from bertine.index.gpu import Clone, Gpu, Mirror
from bertine.index.gpu_faiss import Placed, clonable
from bertine.index.gpu_memory import Preflight, demand, preflight, recipe
from bertine.index.recall import ALARM_CONFIDENCE, wilson
from bertine.index.segment import Segment
from bertine.index.training import Order
from bertine.types import Matrix

_log = logging.getLogger(__name__)

_CHECKED = 64
_TOP_K = 10


class Placement:
    """Of one collection.

    Args:
        gpu: None keeps everything on the CPU.

    Attributes:
        misplaced: the trained part has codes that the GPU cannot read, and would fit as others: it
            should be trained anew.
    """

    def __init__(self, gpu: Gpu | None) -> None:
        self._gpu = gpu
        self.misplaced = False

    def order(self, order: Order, vectors: Matrix, current: Mirror | None) -> Order:
        """What to train so that its index can be on the GPU.

        Args:
            order: what to train for the CPU.
            vectors: float32 ``[n, d]``, that it is trained on.
            current: what the new index will replace.
        """
        if self._gpu is None:
            return order
        rows, dimensions = vectors.shape
        try:
            kind = self._preflight(self._gpu, rows, dimensions, current).kind
        except Unavailable:
            return order  # `mirror` will meet and log the same
        wanted = None if kind is None else recipe(kind, dimensions)
        return order if wanted is None else replace(order, kinds=[wanted])

    def mirror(self, ivf: Ivf | None, segment: Segment, current: Mirror | None) -> Mirror | None:
        """The index on the GPU, None where it stays on the CPU; a log says why.

        Args:
            ivf: trained on the rows.
            segment: the rows.
            current: what it will replace.
        """
        self.misplaced = False
        if self._gpu is None or ivf is None:
            return None
        try:
            return self._placed(self._gpu, ivf, segment.vectors[: segment.count], current)
        # FAISS raises RuntimeError where memory does not last: StandardGpuResources.cpp.
        except (BertineError, RuntimeError) as error:
            _log.warning("index stays on the CPU", extra={"reason": str(error)})
            return None

    def _placed(self, gpu: Gpu, ivf: Ivf, vectors: Matrix, current: Mirror | None) -> Mirror | None:
        rows, dimensions = vectors.shape
        found = self._preflight(gpu, rows, dimensions, current)
        if found.kind is None:
            raise Unavailable(f"it does not fit: {found.figures}")
        make: Callable[[], Placed] = lambda: gpu.device.flat(vectors)  # noqa: E731
        if found.kind != "flat":
            self.misplaced = not clonable(ivf.faiss_index)
            make = lambda: gpu.device.clone(ivf.faiss_index)  # noqa: E731
        if self.misplaced:
            raise Unavailable(f"a GPU cannot read its codes, {ivf.kind}; it is trained anew")
        # Boxed in the device's thread, so that no other holds the last reference to it.
        box = gpu.thread.do(lambda: [make()])
        clone = Clone(gpu, box, demand(found.kind, rows, dimensions, 0).index)
        mirror = Mirror(ivf, clone, ivf.nprobe)
        _check(mirror, vectors)
        _log.info("index is on the GPU", extra={"kind": mirror.kind, "figures": found.figures})
        return mirror

    @staticmethod
    def _preflight(gpu: Gpu, rows: int, dimensions: int, current: Mirror | None) -> Preflight:
        device = gpu.device
        resident = 0 if current is None else current.clone.size
        return preflight(rows, dimensions, device.free(), device.temporary, resident)


def _check(mirror: Mirror, vectors: Matrix) -> None:
    """Hold a new index against exact search.

    Raises:
        Unavailable: it surely finds fewer of the true neighbours than it was tuned for.
    """
    sample = sample_of_items(vectors, _CHECKED, threads=1)
    count = (_TOP_K + 1) * mirror.refine
    found: Any = mirror.candidates(sample.queries, count)
    if mirror.clone.failing:
        raise Unavailable(f"{mirror.clone.gpu.name} does not answer searches")
    hits = [np.isin(truth, rows).mean() for truth, rows in zip(sample.truth, found, strict=True)]
    recall = wilson(float(np.sum(hits)), len(hits), ALARM_CONFIDENCE)
    if recall.upper < mirror.ivf.tuning.target:
        raise Unavailable(
            f"{mirror.kind} finds {recall.mean:.3f} of the nearest rows, not the "
            f"{mirror.ivf.tuning.target:g} that the index was tuned for"
        )
