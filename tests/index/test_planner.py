from hypothesis import given
from hypothesis import strategies as st

from bertine.index.planner import Counts, plan


def strategy(rows: int, matching: int | None, wanted: int = 10, **more: object) -> str:
    counts = {"queries": 1, "visited": 0.1} | more
    return plan(Counts(rows, matching, wanted, **counts))  # type: ignore[arg-type]


def test_without_a_filter() -> None:
    assert strategy(100_000, None) == "ivf"
    assert strategy(100_000, None, visited=None) == "scan"
    assert strategy(100_000, None, 2_000) == "scan"


def test_with_a_filter() -> None:
    assert strategy(100_000, 100) == "matches"
    assert strategy(100_000, 50_000) == "ivf"
    assert strategy(1_000_000, 20_000, 500) == "matches"
    assert strategy(100_000, 90_000, visited=None) == "scan"
    assert strategy(100_000, 20_000, visited=None) == "matches"


def test_what_a_batch_shares_is_cheaper_to_score_exactly() -> None:
    assert strategy(100_000, 10_000, queries=1) == "ivf"
    assert strategy(100_000, 10_000, queries=100) == "matches"


@given(
    st.integers(1, 10**7),
    st.data(),
    st.integers(1, 5_000),
    st.integers(1, 1_000),
    st.none() | st.floats(0.0, 1.0),
)
def test_every_query_has_a_plan_that_can_be_carried_out(
    rows: int, data: st.DataObject, wanted: int, queries: int, visited: float | None
) -> None:
    matching = data.draw(st.none() | st.integers(0, rows))
    chosen = plan(Counts(rows, matching, wanted, queries, visited))
    assert chosen != "ivf" or visited is not None
    assert chosen != "matches" or matching is not None
    # A trained index is asked for few of those that it could give.
    assert chosen != "ivf" or wanted * 64 <= (rows if matching is None else matching)
