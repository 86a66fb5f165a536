"""What quantized vectors and a trained index cost, against fp32 and against exact search."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.index.rows import upsert
from benchmarks.quality.cases import Row
from benchmarks.quality.hybrid import Hybrid, hybrid, profile_only
from benchmarks.quality.methods import Scores
from benchmarks.quality.run import OFFICE, Run
from benchmarks.report import at_most
from bertine.index.lifecycle import Policy
from bertine.index.live import LiveIndex
from bertine.index.planner import IVF_SHARE
from bertine.index.request import Request
from bertine.recommend.learn.taste import Candidates

FULL_PRECISION = "fp32"
CANDIDATES = 100
"""Of each learned channel, as the server asks for when ten are wanted."""

_MOST_CHANGE = 0.0005
_FEWEST_FOR_IVF = 1_000
_TINY = 1e-6


@dataclass(frozen=True)
class Served:
    """The hybrid as the server has it: only what an index or a channel proposed is scored.

    Attributes:
        name: in tables.
        hybrid: scores.
        index: of the items, ids are their numbers.
        exact: whether the index looks at every item.
        plans: how often the index answered by which strategy.
    """

    name: str
    hybrid: Hybrid
    index: LiveIndex
    exact: bool
    plans: Counter[str] = field(default_factory=Counter)

    def scores(self, rows: Sequence[Row]) -> Scores:
        """See `Method`; ``-inf`` for what nobody proposed."""
        return np.stack([self._row(row) for row in rows])

    def _row(self, row: Row) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        scores = np.full(len(self.hybrid.vectors), -np.inf)
        found = np.union1d(self._near(row), self.hybrid.proposals(row, CANDIDATES)).astype(np.int64)
        if len(found):
            candidates = Candidates(found, self.hybrid.vectors[found])
            scores[found] = self.hybrid.row_scores(row, candidates)
        return scores

    def _near(self, row: Row) -> list[int]:
        taste = self.hybrid.taste(row)
        profile = taste.weights @ taste.vectors
        length = float(np.linalg.norm(profile))
        if length < _TINY:
            return []
        query = (profile / length).astype(np.float32)[None, :]
        # More than this share of the items, and the index would rather score all of them.
        count = min(CANDIDATES, len(self.hybrid.vectors) // IVF_SHARE)
        [hits] = self.index.search(query, Request(top_k=count, exact=self.exact))
        self.plans[hits.plan.strategy] += 1
        return [int(item_id) for item_id in hits.ids]


def measure(run: Run) -> None:
    """Vectors of both precisions, then both ways to search."""
    if not run.has_texts:
        run.absent["precision"] = "the items have no texts"
        return
    _vectors(run)
    if len(run.case.catalog) < _FEWEST_FOR_IVF:
        run.absent["IVF"] = f"fewer than {_FEWEST_FOR_IVF:,} items"
        return
    _index(run)


def _vectors(run: Run) -> None:
    full = run.encoded(FULL_PRECISION)
    same = hybrid(run.case, full)
    reference = Hybrid(f"hybrid, {FULL_PRECISION}", same.learned, full, run.case.new_only)
    text = profile_only(full)
    text = Hybrid(f"{text.name}, {FULL_PRECISION}", text.learned, full)
    quantized = run.settings.variant
    for ours, theirs in ((run.hybrid, reference), (profile_only(run.vectors), text)):
        change = run.outcome(ours).mean("ndcg10") - run.outcome(theirs).mean("ndcg10")
        key = "hybrid" if ours is run.hybrid else "text"
        _note(run, f"{quantized}_{key}", f"{ours.name}: {quantized} less than fp32", -change)


def _index(run: Run) -> None:
    index = LiveIndex(run.vectors.shape[1], Policy(ivf_min_items=_FEWEST_FOR_IVF))
    upsert(index, run.vectors)
    index.rebuild(threads=1)
    run.report.details["index"] = index.status().kind
    for key, ours in (("ivf", run.hybrid), ("ivf_text", profile_only(run.vectors))):
        exact = Served(f"{ours.name}, exact candidates", ours, index, exact=True)
        trained = Served(f"{ours.name}, IVF candidates", ours, index, exact=False)
        kept, found = (run.outcome(each).mean("ndcg10") for each in (exact, trained))
        plans = run.report.details.setdefault("plans", {})
        plans[ours.name] = dict(trained.plans)
        _note(run, key, f"{ours.name}: IVF less than exact", kept - found)
        lost = run.outcome(ours).mean("ndcg10") - kept
        _note(run, f"candidates_{key}", f"{ours.name}: candidates less than all items", lost)


def _note(run: Run, key: str, label: str, lost: float) -> None:
    judged = run.case.name == OFFICE and run.full and not key.startswith("candidates")
    bar = at_most(_MOST_CHANGE) if judged else None
    run.report.add(f"{key}_ndcg10_loss", f"{label}, NDCG@10", lost, bar=bar)
