from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bertine.encode.lanes import LANES, Load
from bertine.encode.promises import Promises

LOADS = st.builds(Load, st.integers(1, 50), st.integers(0, 1_000))
STEPS = st.lists(st.integers(0, 20), max_size=10)


@given(st.lists(st.tuples(st.sampled_from(LANES), LOADS, STEPS), max_size=8))
def test_all_room_is_given_back_whatever_the_parts(
    requests: list[tuple[str, Load, list[int]]],
) -> None:
    promises = Promises()
    made = [(promises.make(lane, load), steps) for lane, load, steps in requests]  # type: ignore[arg-type]
    assert promises.tokens == sum(load.tokens for _, load, _ in requests)
    for promise, steps in made:
        for rows in steps:
            before = promise.rows, promise.tokens
            promises.redeem(promise, rows)
            assert promise.rows == max(0, before[0] - rows)
            assert 0 <= promise.tokens <= before[1]
    assert promises.tokens == sum(promise.tokens for promise, _ in made)
    for promise, _ in made:
        promises.redeem(promise, promise.rows)
    assert promises.tokens == 0


def test_bulk_work_waits_behind_what_is_promised_to_both_lanes() -> None:
    promises = Promises()
    promises.make("interactive", Load(1, 10))
    promises.make("bulk", Load(2, 30))
    assert promises.ahead_of("interactive") == Load(1, 10)
    assert promises.ahead_of("bulk") == Load(3, 40)
