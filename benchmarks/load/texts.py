"""What is sent: real texts, in an order that a seed fixes."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks import data


def queries(source: Path, count: int | None = None, seed: int = 0) -> list[str]:
    """Different short queries, shuffled; see `benchmarks.data.short_queries`."""
    return _shuffled(data.short_queries(source), seed)[:count]


def glosses(source: Path, count: int | None = None, seed: int = 0) -> list[str]:
    """Different WordNet glosses, shuffled: 18 tokens in the mean."""
    texts = dict.fromkeys(gloss.text for gloss in data.glosses(source))
    return _shuffled(list(texts), seed)[:count]


def calls(texts: Sequence[str], per_call: int) -> list[list[str]]:
    """Texts of each call, in order; those that do not fill a call are left out.

    Raises:
        ValueError: not even one call.
    """
    whole = len(texts) // per_call * per_call
    if not whole:
        raise ValueError(f"{len(texts)} texts do not make a call of {per_call}")
    return [list(texts[start : start + per_call]) for start in range(0, whole, per_call)]


def zipf(texts: Sequence[str], exponent: float, draws: int, seed: int) -> list[str]:
    """Draws with repeats: the text of rank r (from 1) comes with probability ~ r ** -exponent.

    Args:
        texts: by rank.
        exponent: larger is more repeats; 0 is uniform.
        draws: how many.
        seed: the same one gives the same draws.
    """
    weights = np.arange(1, len(texts) + 1, dtype=np.float64) ** -exponent
    generator = np.random.default_rng(seed)
    drawn = generator.choice(len(texts), draws, p=weights / weights.sum())
    return [texts[rank] for rank in drawn]


def _shuffled(texts: list[str], seed: int) -> list[str]:
    random.Random(seed).shuffle(texts)  # noqa: S311 - a fixed order, not a secret
    return texts
