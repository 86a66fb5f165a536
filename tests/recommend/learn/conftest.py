"""A small world of events and vectors, and what was learned of it."""

from __future__ import annotations

import numpy as np
import pytest

from bertine.recommend.learn.interactions import Interactions, ordered
from bertine.recommend.learn.learned import Learned
from bertine.recommend.learn.learning import LearningOptions, learn
from bertine.types import Matrix

ITEMS, DIMENSIONS = 60, 16


def make_interactions(seed: int = 0, users: int = 120, events: int = 1500) -> Interactions:
    """Users who mostly go from an item to the next one by number."""
    rng = np.random.default_rng(seed)
    user = np.sort(rng.integers(0, users, events))
    steps = rng.choice([1, 1, 1, 7], events)
    unknown = np.full(events, -1, np.int32)
    return ordered(
        Interactions(
            user,
            (np.cumsum(steps) + user * 11) % ITEMS,
            np.sort(rng.uniform(0, 1e6, events))[rng.permutation(events)],
            np.where(rng.random(events) < 0.05, -0.5, 1.0).astype(np.float32),
            rng.integers(-1, 2, events).astype(np.int32),
            unknown,
            [f"item-{n}" for n in range(ITEMS)],
            ("north", "south"),
        )
    )


def make_vectors(seed: int = 0, items: int = ITEMS) -> Matrix:
    rows = np.random.default_rng(seed).standard_normal((items, DIMENSIONS))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


@pytest.fixture(scope="session")
def interactions() -> Interactions:
    return make_interactions()


@pytest.fixture(scope="session")
def vectors() -> Matrix:
    return make_vectors()


@pytest.fixture(scope="session")
def learned(interactions: Interactions, vectors: Matrix) -> Learned:
    return learn(interactions, vectors, LearningOptions())
