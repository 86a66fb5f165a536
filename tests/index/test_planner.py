from hypothesis import given
from hypothesis import strategies as st

from bertine.index.planner import EXACT_MATCHES, Counts, plan


def test_without_a_filter() -> None:
    assert plan(Counts(100_000, None, 18, trained=True)).strategy == "ivf"
    assert plan(Counts(100_000, None, 18, trained=False)).strategy == "scan"
    assert plan(Counts(100_000, None, 2_000, trained=True)).strategy == "scan"


def test_with_a_filter() -> None:
    assert plan(Counts(100_000, 100, 18, trained=True)).strategy == "matches"
    half = plan(Counts(100_000, 50_000, 18, trained=True))
    assert (half.strategy, half.wanted) == ("ivf", 36)
    assert plan(Counts(1_000_000, 20_000, 500, trained=True)).strategy == "matches"
    assert plan(Counts(100_000, 90_000, 18, trained=False)).strategy == "scan"


@given(st.integers(1, 10**7), st.data(), st.integers(1, 5_000), st.booleans())
def test_every_query_has_a_plan_that_can_be_carried_out(
    rows: int,
    data: st.DataObject,
    wanted: int,
    trained: bool,  # noqa: FBT001
) -> None:
    matching = data.draw(st.none() | st.integers(0, rows))
    chosen = plan(Counts(rows, matching, wanted, trained))
    assert chosen.wanted >= wanted
    assert chosen.strategy != "ivf" or trained
    assert chosen.strategy != "matches" or matching is not None
    if matching is not None and matching <= EXACT_MATCHES:
        assert chosen.strategy == "matches"
