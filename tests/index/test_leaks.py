"""Tens of thousands of filtered searches against brute force: nothing leaks, little is missed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from bertine.index.crew import Crew
from bertine.index.filters import AllOf, AnyOf, Filter, Not, OneOf, Range, compile_filter
from bertine.index.lifecycle import Policy
from bertine.index.live import LiveIndex
from bertine.index.request import Request
from bertine.index.search import Search
from bertine.index.view import View
from bertine.types import Hits, Item, Matrix

COUNT, DIMENSIONS, BATCH, ROUNDS = 6_000, 32, 128, 150
NOW = 100.0
CHANCE = np.random.default_rng(7)


def clustered(count: int) -> Matrix:
    centres = np.random.default_rng(8).normal(size=(200, DIMENSIONS))
    rows = centres[CHANCE.integers(200, size=count)]
    rows = rows + 0.6 * CHANCE.normal(size=rows.shape)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def an_item(number: int) -> Item:
    return Item(
        f"item-{number:05d}",
        attributes={"share": float(CHANCE.random()), "part": int(CHANCE.integers(4))},
        available_from=float(CHANCE.choice([0, 50, 150])),
        available_until=float(CHANCE.choice([80, 300])),
    )


class World:
    """An index with a trained part, changes since, dead rows; and the same as plain lists."""

    def __init__(self) -> None:
        self.crew = Crew(1)
        policy = Policy(ivf_min_items=2_000)
        self.index = LiveIndex(DIMENSIONS, policy, crew=self.crew)
        self.items = [an_item(number) for number in range(COUNT)]
        self.vectors = clustered(COUNT)
        self.index.upsert(self.items, self.vectors, 1)
        self.index.rebuild()
        changed = CHANCE.choice(COUNT, 900, replace=False)
        for row in changed[:600]:
            self.items[row] = an_item(row)
        self.vectors[changed[:600]] = clustered(600)
        self.index.upsert(
            [self.items[row] for row in changed[:600]], self.vectors[changed[:600]], 2
        )
        self.dead = np.zeros(COUNT, np.bool_)
        self.dead[changed[600:]] = True
        self.index.delete([self.items[row].id for row in changed[600:]], 3)
        self.ids = np.array([item.id for item in self.items])
        self.rows = {item.id: row for row, item in enumerate(self.items)}

    def may(self, request: Request) -> NDArray[np.bool_]:
        """Which items a request allows, by their meaning alone."""
        test = compile_filter(request.filter or AllOf(()))
        only = request.only
        return np.array(
            [
                not self.dead[row]
                and (item.available_from or 0) <= request.now < (item.available_until or 0)
                and test(item.attributes)
                and item.id not in request.exclude
                and (only is None or item.id in only)
                for row, item in enumerate(self.items)
            ]
        )

    def check(
        self, request: Request, may: NDArray[np.bool_], queries: Matrix, found: list[Hits]
    ) -> float:
        """Recall of an answer that must leak nothing and lack nothing."""
        scores = queries @ self.vectors.T
        wanted = min(request.top_k, int(may.sum()))
        hit = 0
        for hits, line in zip(found, scores, strict=True):
            rows = [self.rows[item_id] for item_id in hits.ids]
            assert may[rows].all(), (request, hits.plan)
            assert len(rows) == len(set(rows)) == wanted, (request, hits.plan)
            assert np.abs(np.array(hits.scores) - line[rows]).max(initial=0) < 1e-5
            assert list(hits.scores) == sorted(hits.scores, reverse=True)
            least = np.partition(line[may], -wanted)[-wanted] if wanted else 0
            good = int((line[rows] >= least - 1e-5).sum())
            assert good == wanted or hits.plan.strategy == "ivf", (request, hits.plan)
            hit += good
        return hit / (wanted * len(found)) if wanted else 1.0


@pytest.fixture(scope="module")
def world() -> World:
    return World()


def a_filter() -> Filter:
    share = float(CHANCE.choice([0.9, 0.5, 0.1, 0.01, 0.001]))
    low = float(CHANCE.random() * (1 - share))
    band = Range("share", (("gte", low), ("lt", low + share)))
    part = OneOf("part", tuple(int(part) for part in CHANCE.choice(4, 2, replace=False)))
    choices: list[Filter] = [band, part, AllOf((band, part)), AnyOf((band, part)), Not(band)]
    return choices[int(CHANCE.integers(len(choices)))]


def a_request(world: World) -> Request:
    request = Request(int(CHANCE.choice([1, 5, 10, 30])), filter=a_filter(), now=NOW)
    what = CHANCE.random()
    if what < 0.2:
        request = replace(request, exclude=frozenset(CHANCE.choice(world.ids, 40).tolist()))
    elif what < 0.3:
        request = replace(request, only=frozenset(CHANCE.choice(world.ids, 400).tolist()))
    return request


def test_batches_and_single_queries(world: World) -> None:
    queries = clustered(4_000)
    recalls: dict[str, list[float]] = {}
    strategies: Counter[str] = Counter()
    for _ in range(ROUNDS):
        request = a_request(world)
        part = queries[CHANCE.choice(len(queries), BATCH)]
        batch = world.index.search(part, request)
        singles = [world.index.search(query[None, :], request)[0] for query in part[:10]]
        may = world.may(request)
        for answers, asked in ((batch, part), (singles, part[:10])):
            strategies.update(hits.plan.strategy for hits in answers)
            recall = world.check(request, may, asked, answers)
            indexes = {hits.plan.index for hits in answers}
            recalls.setdefault("ivf" if "ivf" in indexes else "exact", []).append(recall)
    assert sum(strategies.values()) == ROUNDS * (BATCH + 10)
    assert {"ivf", "matches"} <= set(strategies)
    assert np.mean(recalls["exact"]) == 1
    assert np.mean(recalls["ivf"]) >= 0.95


def test_wrong_lists_cannot_leak(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(View, "matching", lambda view, _: np.ones(view.count, np.bool_))
    queries = clustered(5)
    for node in (OneOf("part", (1,)), Range("share", (("lt", 0.5),))):
        request = Request(10, filter=node, now=NOW)
        found = world.index.search(queries, request)
        assert world.check(request, world.may(request), queries, found) > 0.9


def test_allowed_ids_without_their_rows_are_searched_for(world: World) -> None:
    request = Request(10, only=frozenset(CHANCE.choice(world.ids, 50).tolist()), now=NOW)
    queries = clustered(3)
    found = Search(world.index._state.view(), request).run(queries)
    assert world.check(request, world.may(request), queries, found) == 1
