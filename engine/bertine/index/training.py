"""Trains an index for rows and queries: picks what to measure it on, and measures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bertine.index import generation
from bertine.index.lifecycle import Policy, trained
from bertine.index.queries import CAPACITY
from bertine.index.tuning import Recipe, Source, Trial, enough
from bertine.types import Matrix

# OpenMP's threads spin while they wait for each other: on a busy machine two of them took 188 s for
# 1,500 rows, one took 6. Below this many rows one is quick enough.
_WORTH_THREADS = 100_000


@dataclass(frozen=True, slots=True)
class Order:
    """What index is wanted.

    Attributes:
        kinds: of which the best is taken.
        target: recall@10 that its lower bound must reach.
        queries: of users, float32 ``[n, d]``; if they are too few, items take their place.
    """

    kinds: Sequence[Recipe]
    target: float
    queries: Matrix


@dataclass(frozen=True, slots=True)
class Trained:
    """What came of it.

    Attributes:
        ivf: None if exact search is better.
        trials: all that was measured.
        source: what it was measured on.
        queries: how many of them.
    """

    ivf: generation.Ivf | None
    trials: list[Trial]
    source: Source
    queries: int

    @property
    def exact(self) -> Trial | None:
        """What was measured of exact search, if it was compared."""
        return next((trial for trial in self.trials if trial.recipe is None), None)


def train(
    vectors: Matrix, order: Order, *, threads: int, on_trial: Callable[[], None] = lambda: None
) -> Trained:
    """Train an index over vectors, float32 ``[n, d]``, unit rows.

    Args:
        vectors: of all rows.
        order: what is wanted.
        threads: of FAISS; one leaves the rest of the machine to serving. A small index is always
            trained by one.
        on_trial: called before each kind; what it raises ends the work.
    """
    threads = threads if len(vectors) >= _WORTH_THREADS else 1
    if enough(len(order.queries), order.target, len(order.kinds)):
        sample = generation.sample_of_queries(vectors, order.queries, threads)
    else:
        sample = generation.sample_of_items(vectors, CAPACITY, threads)
    ivf, trials = generation.build(
        vectors, sample, order.kinds, target=order.target, threads=threads, on_trial=on_trial
    )
    return Trained(ivf, trials, sample.source, len(sample.queries))


def train_if_large(
    vectors: Matrix,
    order: Order,
    policy: Policy,
    *,
    threads: int,
    on_trial: Callable[[], None] = lambda: None,
) -> Trained:
    """As `train`; fewer rows than the policy trains an index for are searched exactly."""
    if not trained(len(vectors), policy):
        return Trained(None, [], "items", 0)
    return train(vectors, order, threads=threads, on_trial=on_trial)
