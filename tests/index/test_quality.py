"""Live queries tell how well an index answers, and tune the next one."""

import numpy as np
import pytest

from bertine.index.filters import OneOf
from bertine.index.lifecycle import Policy, imbalance
from bertine.index.live import LiveIndex
from bertine.index.recall import ENOUGH
from bertine.index.request import Request
from bertine.types import Item, Matrix

DIMENSIONS, ROWS = 32, 3_000


def unit(seed: int, count: int) -> Matrix:
    rows = np.random.default_rng(seed).normal(size=(count, DIMENSIONS)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def trained(share: float = 1.0, target: float = 0.9) -> LiveIndex:
    policy = Policy(ivf_min_items=2_000, repeated_share=share, target_recall=target)
    index = LiveIndex(DIMENSIONS, policy)
    items = [Item(f"item-{n}", attributes={"parity": n % 2}) for n in range(ROWS)]
    index.upsert(items, unit(0, ROWS), 1)
    index.rebuild()
    assert index.status().kind.startswith("IVF")
    return index


def ask(index: LiveIndex, queries: Matrix, request: Request) -> None:
    """Search one by one, and repeat each at once."""
    for row in range(len(queries)):
        index.search(queries[row : row + 1], request)
        while index.quality.repeat():
            pass


def test_recall_is_measured_on_live_queries_apart_for_filters() -> None:
    index = trained()
    ask(index, unit(1, 60), Request(10))
    ask(index, unit(2, 30), Request(10, filter=OneOf("parity", (1,))))
    status = index.status()
    assert status.plain.count == 60
    assert status.plain.mean > 0.85
    assert status.plain.lower < status.plain.mean <= status.plain.upper
    strategies = {index.search(unit(2, 1), Request(10, filter=OneOf("parity", (1,))))[0].plan.index}
    assert status.filtered.count == (30 if strategies == {"ivf"} else 0)


def test_what_was_answered_exactly_or_on_request_is_not_measured() -> None:
    index = trained()
    ask(index, unit(1, 20), Request(10, exact=True))
    ask(index, unit(1, 20), Request(10, nprobe=1))
    assert index.status().plain.count == 0
    assert not index.quality.repeat()


def test_nothing_is_repeated_where_it_is_switched_off() -> None:
    index = trained(share=0.0)
    ask(index, unit(1, 50), Request(10))
    assert index.status().plain.count == 0


def test_few_searches_wait_to_be_repeated() -> None:
    index = trained()
    index.search(unit(1, 200), Request(10))
    repeated = 0
    while index.quality.repeat():
        repeated += 1
    assert 0 < repeated <= 8


def test_nprobe_of_a_request_makes_it_look_less_or_more() -> None:
    index, queries = trained(), unit(1, 100)
    exact = index.search(queries, Request(10, exact=True))

    def recall(nprobe: int) -> float:
        found = index.search(queries, Request(10, nprobe=nprobe))
        pairs = zip(found, exact, strict=True)
        return float(np.mean([len({*few.ids} & {*all_.ids}) / 10 for few, all_ in pairs]))

    assert recall(8) < 0.9 < recall(0) <= recall(10**6)
    assert recall(10**6) >= 0.95


def test_a_rebuild_is_asked_for_when_recall_is_missed_and_makes_it_good() -> None:
    index = trained(target=0.95)
    ivf = index._state.ivf
    assert ivf is not None
    index._state.ivf = ivf.visiting(2)  # as if queries had drifted away
    ask(index, unit(1, ENOUGH - 1), Request(10))
    assert index.rebuild_reason() == ""
    ask(index, unit(2, 400), Request(10))
    assert index.rebuild_reason() == "recall"
    index.rebuild()
    assert index.rebuild_reason() == ""
    assert index.status().plain.count == 0
    assert index.status().tuned_on >= ENOUGH + 399
    ask(index, unit(3, 200), Request(10))
    assert index.status().plain.mean >= 0.95
    assert index.rebuild_reason() == ""


def test_a_tuning_is_kept_by_later_rebuilds() -> None:
    index = trained()
    done = index.tune(0.8, unit(1, 200))
    assert done.source == "queries"
    assert index.target_recall == 0.8
    index.rebuild()
    status = index.status()
    if done.ivf is not None:
        assert (status.kind, status.target) == (done.ivf.kind, 0.8)


def test_lists_that_lost_their_rows_unevenly_are_seen() -> None:
    index = trained()
    ivf = index._state.ivf
    assert ivf is not None
    lists = ivf.lists()
    emptied = np.argsort(lists, kind="stable")[: ROWS // 3]
    index.delete([f"item-{row}" for row in emptied.tolist()], 2)
    sizes = np.bincount(lists)
    living = np.bincount(np.delete(lists, emptied), minlength=len(sizes))
    ratio = index._state.balance.ratio(index._state.main.died)
    assert ratio == pytest.approx(imbalance(living) / imbalance(sizes))
    assert ratio > 1.3


def test_a_small_collection_is_not_tuned() -> None:
    index = LiveIndex(DIMENSIONS, Policy(ivf_min_items=2_000))
    index.upsert([Item(f"item-{n}") for n in range(50)], unit(0, 50), 1)
    done = index.tune(0.9)
    assert (done.ivf, done.trials) == (None, [])
    assert len(index) == 50
