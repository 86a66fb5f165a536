from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bertine.encode.costs import CostModel
from bertine.encode.fake import FakeSession
from bertine.encode.paired import PairedSession, packing_pays
from bertine.encode.replicas import ReplicatedSession

SECONDS = st.integers(0, 1000).map(float)  # whole, so that sums are exact
COSTS = st.builds(CostModel, SECONDS, SECONDS, SECONDS)
LAUNCHES, COUNTING = CostModel(1e-4, 1e-7), CostModel(3e-4, 1e-7)


def mask_of(lengths: list[int]) -> Any:
    return (np.arange(max(lengths)) < np.array(lengths)[:, None]).astype(np.int64)


@given(COSTS, st.lists(st.integers(1, 64), min_size=1, max_size=32))
def test_where_both_cost_the_same_packing_pays_for_padding_alone(
    costs: CostModel, lengths: list[int]
) -> None:
    mask = mask_of(lengths)
    if packing_pays(costs, costs, mask.shape, mask):
        assert min(lengths) < max(lengths)


@given(st.lists(st.integers(1, 64), min_size=1, max_size=32))
def test_a_small_batch_is_not_packed(lengths: list[int]) -> None:
    mask = mask_of(lengths)
    assert not packing_pays(LAUNCHES, COUNTING, mask.shape, mask)


def test_a_large_ragged_one_is() -> None:
    mask = mask_of([512] + [20] * 63)
    assert packing_pays(LAUNCHES, COUNTING, mask.shape, mask)
    assert not packing_pays(LAUNCHES, COUNTING, mask.shape, np.ones_like(mask))


def test_each_batch_goes_to_the_form_that_suits_it() -> None:
    plain, packed = FakeSession(), FakeSession()
    costs = {id(plain): LAUNCHES, id(packed): COUNTING}
    session = PairedSession(plain, packed, lambda one: costs[id(one)])
    ragged, small = mask_of([512] + [20] * 63), mask_of([3, 2])
    session.run(ragged, ragged)
    assert (len(plain.shapes), len(packed.shapes)) == (1, 0)  # nothing is known yet
    session.prepare()
    session.run(ragged, ragged)
    session.run(small, small)
    assert (plain.shapes[1:], packed.shapes) == ([(2, 3)], [(64, 512)])
    session.close()
    assert plain.closed
    assert packed.closed


def test_replicas_run_at_once_each_in_its_own_thread() -> None:
    sessions = [FakeSession(), FakeSession()]
    replicated = ReplicatedSession(sessions)
    assert replicated.callers == 2
    replicated.prepare()
    small = mask_of([3, 2])
    vectors = [replicated.run(small, small) for _ in range(4)]
    assert all((one == vectors[0]).all() for one in vectors)
    assert [len(session.shapes) for session in sessions] == [2, 2]
    replicated.close()
    assert all(session.closed for session in sessions)
