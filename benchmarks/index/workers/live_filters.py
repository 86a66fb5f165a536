"""The live index under filters: recall among what matches, speed, and hits that should not be."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.index import rows
from benchmarks.index.attributes import Table, random_filter, share_below
from benchmarks.index.truth import kth_best, recall
from benchmarks.index.worker import Action, Array, actions, serve
from benchmarks.index.workers.live import Live
from bertine.types import Hits

_MOST_HITS = 50


class Filtered(Live):
    """A live index whose items have attributes; a setting is the share of rows that match."""

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__(options)
        self._plain = self._request
        self._table = Table(0)
        self._vectors: Array = None
        self._drawn = random.Random(0)  # noqa: S311 - the same filters every time

    def build(self, vectors: Array, request: dict[str, Any]) -> None:
        """As `Live.build`."""
        del request
        self._vectors, self._table = vectors, Table(len(vectors))
        rows.upsert(self.index, vectors, self._table.attributes)
        self.index.rebuild(threads=self._threads)

    def tune(self, setting: Any) -> None:
        """Ask for matches of that share only."""
        self._request = replace(self._plain, filter=share_below(setting))

    def warm_up(self, queries: Array) -> None:
        """As `Live.warm_up`, for each share anew."""
        self.callers.clear()
        super().warm_up(queries)

    def quality(self, request: dict[str, Any]) -> dict[str, Any]:
        """Recall@10 among the rows that match, how many do, and how they were searched.

        A batch may be searched in another way than one query: `alone` asks one by one.
        """
        queries = np.load(request["queries"])[: request["count"]]
        self.tune(request["setting"])
        matching = np.flatnonzero(self._table.mask(share_below(request["setting"])))
        wanted = min(self._plain.top_k, len(matching))
        least = kth_best(self._vectors, queries, wanted, matching)
        parts = queries[:, None] if request["alone"] else [queries]
        answer = [hits for part in parts for hits in self.search(part)]
        share = recall(self._vectors, queries, self.rows(answer), least, wanted)
        strategies = sorted({hits.plan.strategy for hits in answer})
        return {"recall": share, "matching": len(matching), "strategies": strategies}

    def leaks(self, request: dict[str, Any]) -> dict[str, Any]:
        """Ask random queries under random filters; count hits that do not match."""
        queries = np.load(request["queries"])
        wrong, fewer, doubled = 0, 0, 0
        for _ in range(request["calls"]):
            node = random_filter(self._drawn)
            mask = self._table.mask(node)
            top_k = self._drawn.randint(1, _MOST_HITS)
            asked = queries[self._drawn.sample(range(len(queries)), request["batch"])]
            answer = self.index.search(asked, replace(self._plain, filter=node, top_k=top_k))
            for hits in answer:
                found = _rows(hits)
                wrong += int(np.count_nonzero(~mask[found]))
                doubled += len(found) - len(set(found))
                fewer += len(found) < min(top_k, int(np.count_nonzero(mask)))
        return {"wrong": wrong, "doubled": doubled, "fewer": fewer}


def _rows(hits: Hits) -> list[int]:
    return [int(item_id) for item_id in hits.ids]


def _make(options: dict[str, Any]) -> Mapping[str, Action]:
    live = Filtered(options)
    more = {"status": live.status, "quality": live.quality, "leaks": live.leaks}
    return {**actions(live), **more}


if __name__ == "__main__":
    serve(_make, ["bertine", "faiss-cpu", "numpy"])
