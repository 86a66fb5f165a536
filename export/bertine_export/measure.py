"""How fast graphs run here: whether to keep the fused one, and texts per second."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertine_export.session import embed, open_session
from bertine_export.tokenizer import Batch


@dataclass(frozen=True, slots=True)
class Load:
    """One shape of batch in a comparison.

    Attributes:
        batch: texts.
        length: tokens of each.
        runs: of every graph, of which the median counts.
        weight: in the comparison; all weights sum to 1.
    """

    batch: int
    length: int
    runs: int
    weight: float


# A server under load and a bulk import run batches; a lone query is the rarer and cheaper case.
LOADS = (Load(batch=32, length=24, runs=9, weight=0.75), Load(1, 12, runs=25, weight=0.25))


MARGIN = 0.05
"""By how much the unfused graph must be faster to be kept, so that noise does not choose: another
graph rounds otherwise, and its vectors cannot be mixed with those of this one."""


def prefer_fused(graphs: Mapping[bool, Path], vocab_size: int) -> bool:
    """Which graph to keep, by the weighted geometric mean of times on `LOADS`.

    Runs alternate between the graphs, so that a slow moment of the machine hits all of them.

    Args:
        graphs: paths, keyed by whether they are fused.
        vocab_size: token ids are drawn below it.

    Returns:
        Whether it is the fused one.
    """
    sessions = {fused: open_session(path) for fused, path in graphs.items()}
    scores = dict.fromkeys(graphs, 0.0)
    for load in LOADS:
        batch = random_batch(load, vocab_size)
        for fused, seconds in _alternate(sessions, batch, load.runs).items():
            scores[fused] += load.weight * math.log(seconds)
    return scores[True] < scores[False] + math.log1p(MARGIN)


def random_batch(load: Load, vocab_size: int) -> Batch:
    """Random token ids without padding, int64 ``[batch, length]``."""
    shape = (load.batch, load.length)
    ids = np.random.default_rng(0).integers(0, vocab_size, shape, dtype=np.int64)
    return {"input_ids": ids, "attention_mask": np.ones(shape, dtype=np.int64)}


def _alternate(sessions: Mapping[bool, Any], batch: Batch, runs: int) -> dict[bool, float]:
    times: dict[bool, list[float]] = {fused: [] for fused in sessions}
    for _ in range(runs):
        for fused, session in sessions.items():
            start = time.perf_counter()
            session.run(None, batch)
            times[fused].append(time.perf_counter() - start)
    return {fused: statistics.median(values) for fused, values in times.items()}


def timed_embed(session: Any, batches: Sequence[Batch]) -> tuple[NDArray[np.float32], float]:
    """Vectors of all batches and the offline rate, after one batch to warm up.

    Returns:
        float32 ``[texts, dimensions]``, and texts per second.
    """
    embed(session, batches[:1])
    start = time.perf_counter()
    vectors = embed(session, batches)
    return vectors, len(vectors) / (time.perf_counter() - start)
