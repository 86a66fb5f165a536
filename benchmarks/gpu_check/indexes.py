"""A live index of one kind, on the device: built as a server would."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import numpy as np

from benchmarks.gpu_check.batches import spread
from benchmarks.gpu_check.place import PATIENCE_SECONDS, Bounded
from benchmarks.gpu_check.settings import Effort
from bertine.encode.cores import usable_cores
from bertine.index.gpu import Gpu
from bertine.index.gpu_memory import Kind, demand
from bertine.index.lifecycle import Policy
from bertine.index.live import LiveIndex
from bertine.index.request import Request
from bertine.types import Item, Matrix

TOP_K = 10
NUMBER = "n"
"""The attribute of an item that holds its row."""

POLICY = Policy(ivf_min_items=1_000, target_recall=0.95)


@contextmanager
def only(gpu: Gpu, kind: Kind | None, effort: Effort) -> Iterator[Gpu]:
    """The device with just so much free memory that a preflight takes one kind.

    Args:
        gpu: with memory for all kinds.
        kind: what should fit; None is nothing.
        effort: its rows and dimensions.
    """
    temporary = gpu.device.temporary
    size = effort.rows, effort.dimensions
    there = 0 if kind is None else demand(kind, *size, temporary).total
    with closing(Gpu(Bounded(gpu.device, there), gpu.name, PATIENCE_SECONDS)) as bounded:
        yield bounded


def build(gpu: Gpu, effort: Effort) -> LiveIndex:
    """An index of `spread` vectors whose items know their row."""
    rows, dimensions = effort.rows, effort.dimensions
    made = LiveIndex(dimensions, POLICY, gpu=gpu)
    items = [Item(f"item-{row}", attributes={NUMBER: row}, version=1) for row in range(rows)]
    made.upsert(items, spread(rows, dimensions, seed=0), 1)
    made.rebuild(threads=usable_cores())
    return made


def queries(effort: Effort, count: int) -> Matrix:
    """Of the kind of what an index holds, float32 ``[count, d]``."""
    return spread(count, effort.dimensions, seed=1)


def recall(index: LiveIndex, wanted: Matrix, **conditions: Any) -> float:
    """Share of the exact answers that are found."""
    found = index.search(wanted, Request(TOP_K, **conditions))
    exact = index.search(wanted, Request(TOP_K, exact=True, **conditions))
    shares = [
        np.isin(list(right.ids), list(there.ids)).mean()
        for there, right in zip(found, exact, strict=True)
        if right.ids
    ]
    return float(np.mean(shares)) if shares else 1.0
