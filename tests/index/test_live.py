"""The live index against a dictionary and brute force."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bertine.index import live
from bertine.index.filters import OneOf, Range, compile_filter
from bertine.index.lifecycle import Policy
from bertine.index.live import LiveIndex
from bertine.index.request import Request
from bertine.index.search import Search
from bertine.index.segment import Segment
from bertine.index.state import State, scope_of
from bertine.index.training import Trained
from bertine.types import Item, Matrix

DIMENSIONS = 16
SMALL = Policy(ivf_min_items=10**9)


def unit(seed: int, count: int = 1, dimensions: int = DIMENSIONS) -> Matrix:
    rows = np.random.default_rng(seed).normal(size=(count, dimensions)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def clustered(seed: int, count: int, dimensions: int = 32) -> Matrix:
    random = np.random.default_rng(seed)
    centres = random.normal(size=(count // 40, dimensions))
    rows = centres[random.integers(len(centres), size=count)]
    rows = rows + 0.6 * random.normal(size=rows.shape)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def items(count: int, start: int = 0) -> list[Item]:
    return [
        Item(f"item-{number:06d}", attributes={"number": number, "parity": number % 2})
        for number in range(start, start + count)
    ]


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("upsert"), st.integers(0, 11), st.integers(0, 5)),
        st.tuples(st.just("delete"), st.integers(0, 11), st.just(0)),
        st.tuples(st.just("rebuild"), st.just(0), st.just(0)),
        st.tuples(st.just("search"), st.integers(0, 9), st.integers(1, 15)),
    ),
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(OPERATIONS)
def test_any_interleaving_gives_what_brute_force_gives(
    operations: list[tuple[str, int, int]],
) -> None:
    index, model = LiveIndex(DIMENSIONS, SMALL), dict[str, Matrix]()
    for sequence, (what, number, detail) in enumerate(operations, start=1):
        name = f"item-{number}"
        if what == "upsert":
            model[name] = unit(detail)
            index.upsert([Item(name)], model[name], sequence)
        elif what == "delete":
            model.pop(name, None)
            index.delete([name], sequence)
        elif what == "rebuild":
            index.rebuild()
        else:
            query = unit(100 + number)
            [found] = index.search(query, Request(detail))
            expected = sorted(model, key=lambda key: (-float((model[key] @ query[0])[0]), key))
            scores = [float((model[hit.id] @ query[0])[0]) for hit in found.hits]
            assert len(found.hits) == min(detail, len(model))
            assert [hit.score for hit in found.hits] == pytest.approx(scores, abs=1e-5)
            # Equal vectors tie, and ties are ordered by id.
            assert [hit.id for hit in found.hits] == expected[: len(found.hits)]
    assert len(index) == len(model)


def test_ties_are_ordered_by_id_whatever_the_order_of_insertion() -> None:
    index = LiveIndex(DIMENSIONS, SMALL)
    names = [f"n{number:02d}" for number in np.random.default_rng(0).permutation(60)]
    index.upsert([Item(name) for name in names], np.repeat(unit(1), 60, axis=0), 1)
    [found] = index.search(unit(1), Request(7))
    assert [hit.id for hit in found.hits] == [f"n{number:02d}" for number in range(7)]


def test_a_trained_index_finds_what_brute_force_finds() -> None:
    vectors = clustered(0, 4_000)
    index = LiveIndex(32, Policy(ivf_min_items=2_000))
    index.upsert(items(3_000), vectors[:3_000], 1)
    index.rebuild()
    index.upsert(items(1_000, 3_000), vectors[3_000:], 2)
    status = index.status()
    assert (status.kind[:3], status.main, status.delta) == ("IVF", 3_000, 1_000)
    queries = clustered(0, 4_000)[::40]
    found = index.search(queries, Request(10))
    assert {hits.plan.index for hits in found} == {"ivf"}
    truth = np.argsort(-(queries @ vectors.T), axis=1)[:, :10]
    matches = [
        len({hit.id for hit in hits.hits} & {f"item-{row:06d}" for row in rows})
        for hits, rows in zip(found, truth.tolist(), strict=True)
    ]
    assert np.mean(matches) >= 9.5


@pytest.mark.parametrize(
    "filter_",
    [
        OneOf("parity", (1,)),
        Range("number", (("lt", 30),)),
        OneOf("number", (77,)),
        OneOf("no", (1,)),
    ],
    ids=["half", "one in a hundred", "one", "none"],
)
def test_a_filter_never_leaks_and_never_loses(filter_: OneOf | Range) -> None:
    vectors = clustered(1, 3_000)
    index = LiveIndex(32, Policy(ivf_min_items=2_000))
    index.upsert(items(3_000), vectors, 1)
    index.rebuild()
    test = compile_filter(filter_)
    allowed = [item.id for item in items(3_000) if test(item.attributes)]
    for hits in index.search(vectors[:50], Request(10, filter=filter_)):
        names = [hit.id for hit in hits.hits]
        assert set(names) <= set(allowed)
        assert len(names) == min(10, len(allowed))


def test_threshold_exclusion_availability_and_k_beyond_the_collection() -> None:
    index = LiveIndex(DIMENSIONS, SMALL)
    vectors = unit(3, 5)
    rows = [
        Item("a"),
        Item("b", available_from=100.0),
        Item("c", available_until=50.0),
        Item("d"),
        Item("e"),
    ]
    index.upsert(rows, vectors, 1)

    def names(**request: object) -> set[str]:
        [found] = index.search(vectors[:1], Request(99, **request))  # type: ignore[arg-type]
        return {hit.id for hit in found.hits}

    assert names(now=10.0) == {"a", "c", "d", "e"}
    assert names(now=50.0) == {"a", "d", "e"}
    assert names(now=100.0, exclude=frozenset({"a"})) == {"b", "d", "e"}
    assert names(now=10.0, min_score=0.999) == {"a"}


def test_an_empty_index_answers_with_nothing() -> None:
    [found] = LiveIndex(DIMENSIONS).search(unit(0), Request(10))
    assert found.hits == ()


def test_changes_during_a_rebuild_are_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    index = LiveIndex(DIMENSIONS, SMALL)
    vectors = unit(5, 30)
    index.upsert(items(20), vectors[:20], 1)
    training, go_on = threading.Event(), threading.Event()

    def hold(*_: object, **__: object) -> Trained:
        training.set()
        assert go_on.wait(30)
        return Trained(None, [], "items", 0)

    monkeypatch.setattr(live, "train_if_large", hold)
    worker = threading.Thread(target=index.rebuild)
    worker.start()
    assert training.wait(30)
    index.delete(["item-000003"], 2)
    index.upsert(items(10, 20), vectors[20:], 3)
    index.upsert(items(1, 4), vectors[:1], 4)
    go_on.set()
    worker.join()
    [found] = index.search(vectors[3:4], Request(100))
    assert {hit.id for hit in found.hits} == {f"item-{n:06d}" for n in range(30) if n != 3}
    moved = index.vector("item-000004")
    assert moved is not None
    assert np.array_equal(moved, vectors[0])
    assert index.status().dead == 2


def test_an_allowed_item_that_is_just_being_replaced_is_found_as_it_was() -> None:
    vectors, rows = unit(5, 20), Segment(DIMENSIONS)
    rows.extend(items(20), vectors, 1)
    state = State.exact(rows, sequence=1)
    before = state.view()
    rows.extend(items(1, 3), vectors[:1], 2)
    state.known.put("item-000003", 20)
    request = Request(1, only=frozenset({"item-000003", "unknown"}))
    for view in (before, state.view()):
        scope = scope_of(state.known, request, view)
        [found] = Search(view, request, scope=scope).run(vectors[3:4])
        assert found.ids == ["item-000003"]
        assert found.scores == pytest.approx([1.0])


def test_all_rows_are_looked_at_where_the_trained_index_finds_none() -> None:
    vectors = clustered(2, 3_000)
    index = LiveIndex(32, Policy(ivf_min_items=2_000))
    far = vectors[:, 0] < 0.0
    rows = [Item(f"item-{n:06d}", attributes={"far": bool(far[n])}) for n in range(3_000)]
    index.upsert(rows, vectors, 1)
    index.rebuild()
    assert index.status().kind.startswith("IVF")
    queries = np.eye(1, 32, dtype=np.float32)
    elsewhere = Request(10, filter=OneOf("far", (True,)), nprobe=1)
    exact = replace(elsewhere, exact=True)
    assert index.search(queries, elsewhere)[0].ids == index.search(queries, exact)[0].ids
    [nothing] = index.search(0 * queries, Request(10))
    assert nothing.ids == [f"item-{n:06d}" for n in range(10)]


def test_allowed_and_excluded_ids_with_and_without_a_filter() -> None:
    vectors = clustered(2, 3_000)
    index = LiveIndex(32, Policy(ivf_min_items=2_000))
    index.upsert(items(2_500), vectors[:2_500], 1)
    index.rebuild()
    index.upsert(items(500, 2_500), vectors[2_500:], 2)
    index.delete(["item-000010"], 3)
    wanted = frozenset({"item-000010", "item-000020", "item-002999", "item-000021", "unknown"})

    def found(**request: object) -> tuple[set[str], str]:
        [hits] = index.search(vectors[:1], Request(50, **request))  # type: ignore[arg-type]
        return {hit.id for hit in hits.hits}, hits.plan.strategy

    assert found(only=wanted) == ({"item-000020", "item-002999", "item-000021"}, "matches")
    even = OneOf("parity", (0,))
    assert found(only=wanted, filter=even) == ({"item-000020"}, "matches")
    assert found(only=wanted, exclude=frozenset({"item-000020"}), filter=even)[0] == set()
    assert found(only=frozenset()) == (set(), "matches")


def test_an_exact_search_scores_everything() -> None:
    vectors = clustered(3, 3_000)
    index = LiveIndex(32, Policy(ivf_min_items=2_000))
    index.upsert(items(3_000), vectors, 1)
    index.rebuild()
    queries = clustered(4, 40)
    truth = np.argsort(-(queries @ vectors.T), axis=1)[:, :10]
    for hits, rows in zip(index.search(queries, Request(10, exact=True)), truth, strict=True):
        assert hits.plan.index == "exact"
        assert {hit.id for hit in hits.hits} == {f"item-{row:06d}" for row in rows}
