import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bertine.recommend.diversity import diversified
from tests.recommend.pools import unit


def slowly(scores: list[float], vectors: np.ndarray, novelty: float, count: int) -> list[int]:
    """The formula, term by term."""
    relevance = (np.array(scores) - scores[-1]) / ((scores[0] - scores[-1]) or np.inf)
    chosen: list[int] = []
    for _ in range(min(count, len(scores))):
        left = [one for one in range(len(scores)) if one not in chosen]
        values = [
            (1 - novelty) * relevance[one]
            - novelty * max((float(vectors[one] @ vectors[other]) for other in chosen), default=0.0)
            for one in left
        ]
        chosen.append(left[int(np.argmax(values))])
    return chosen


@given(
    st.lists(st.floats(-1, 1, width=16), min_size=1, max_size=15),
    st.integers(0, 50),
    st.floats(0.05, 1),
    st.integers(1, 20),
)
def test_it_is_the_formula(values: list[float], seed: int, novelty: float, count: int) -> None:
    scores = sorted(values, reverse=True)
    vectors = unit(seed, len(scores))
    order = list(range(len(scores)))
    found = diversified(order, np.array(scores), vectors, novelty, count)
    assert found == slowly(scores, vectors, novelty, count)


def test_without_novelty_the_order_stays_and_twins_are_parted_with_it() -> None:
    vectors = unit(3, 3)[[0, 0, 1]]
    scores = np.array([1.0, 0.9, 0.8])
    assert diversified([0, 1, 2], scores, vectors, 0.0, 2) == [0, 1]
    assert diversified([0, 1, 2], scores, vectors, 0.6, 2) == [0, 2]
    assert diversified([], scores[:0], vectors[:0], 0.6, 2) == []
