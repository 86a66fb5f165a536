"""Pools of candidates for tests of the rules."""

import numpy as np
from hypothesis import strategies as st

from bertine.recommend.slate import Pool
from bertine.types import Matrix

BRANDS = ("red", "green", "blue")


def unit(seed: int, count: int, dimensions: int = 8) -> Matrix:
    rows = np.random.default_rng(seed).normal(size=(count, dimensions)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


@st.composite
def pools(draw: st.DrawFn) -> Pool:
    count = draw(st.integers(0, 24))
    flags = st.lists(st.booleans(), min_size=count, max_size=count).map(
        lambda values: np.array(values, np.bool_)
    )
    # Few different scores, so that there are ties.
    scores = draw(st.lists(st.integers(-3, 3), min_size=count, max_size=count))
    brands = draw(st.lists(st.sampled_from((*BRANDS, None)), min_size=count, max_size=count))
    return Pool(
        ids=draw(st.permutations([f"i{number:02}" for number in range(count)])),
        scores=np.array(scores, np.float64),
        vectors=unit(draw(st.integers(0, 99)), count),
        attributes=[{} if brand is None else {"brand": brand} for brand in brands],
        personal=draw(flags),
        promoted=draw(flags),
        fresh=draw(flags),
        popular=draw(st.permutations(range(count))),
    )
