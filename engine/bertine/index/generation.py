"""The trained part of an index: FAISS inverted lists over short codes.

FAISS proposes candidates; exact scores come from the vectors themselves. Why FastScan PQ: see
docs/decisions/0005. The API is that of
https://github.com/facebookresearch/faiss/wiki/Faiss-indexes, with a per-call nprobe
(`SearchParametersIVF`) that other threads do not see.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from bertine.index.factory import inverted, proposed, suited, trained, turned
from bertine.index.reach import DEPTHS, JUDGED, effort, lists_needed
from bertine.index.recall import wilson
from bertine.index.tuning import (
    REFINES,
    Recipe,
    Sample,
    Setting,
    Trial,
    Tuning,
    choose,
    confidence,
    probes,
    with_margin,
)
from bertine.types import Matrix

_TOP_K = 10
"""Of the recall that is tuned. A search for fewer asks the codes for as many: see `search`."""
_TIMED_QUERIES = 33
_TIMES = 3  # what else the machine does must not decide
_FAR = np.iinfo(np.int64).max
_ID_BYTES = 8


@dataclass(frozen=True, slots=True)
class Ivf:
    """An immutable trained index over a segment's first rows.

    Attributes:
        faiss_index: inner product; ids are rows of the segment. Before the lists it may have a
            transformation of vectors, see `basis`.
        tuning: what it was chosen for.
        nprobe: lists visited for each query.
        refine: candidates to ask for, for each result wanted.
        nlist: lists there are, by default counted.
    """

    faiss_index: Any
    tuning: Tuning
    nprobe: int
    refine: int
    nlist: int = 0

    def __post_init__(self) -> None:
        """Count the lists once: every search asks."""
        if not self.nlist:
            object.__setattr__(self, "nlist", int(inverted(self.faiss_index).nlist))

    @property
    def kind(self) -> str:
        """FAISS's own description."""
        return self.tuning.trial.kind

    def candidates(
        self,
        queries: Matrix,
        count: int,
        effort: float = 1,
        allowed: NDArray[np.uint8] | None = None,
    ) -> NDArray[np.int64]:
        """The rows whose codes are nearest to each query.

        Args:
            queries: float32 ``[n, d]``, unit rows.
            count: rows wanted for each.
            effort: times the usual number of lists to visit.
            allowed: a bit for each row, the least significant of a byte first; the others are
                passed over. None allows all.

        Returns:
            int64 ``[n, count]``; -1 where fewer rows were found.
        """
        _use(1)  # many searches run side by side
        nprobe = min(math.ceil(self.nprobe * effort), self.nlist)
        return _search(self.faiss_index, queries, count, nprobe, allowed)

    def effort_at(self, depth: float) -> float:
        """See `reach.effort`."""
        return effort(self.tuning.needed, self.nprobe, depth)

    def share(self, effort: float) -> float:
        """Part of the rows that a query looks at, if lists are equally long."""
        return min(1.0, self.nprobe * effort / self.nlist)

    def visiting(self, nprobe: int) -> Ivf:
        """The same index, searched in so many lists."""
        return Ivf(self.faiss_index, self.tuning, nprobe, self.refine, self.nlist)

    def lists(self) -> NDArray[np.int32]:
        """The inverted list of each row: int32 ``[n]``."""
        found = np.empty(self.faiss_index.ntotal, np.int32)
        lists = inverted(self.faiss_index).invlists
        for number in range(lists.nlist):
            size = lists.list_size(number)
            if size:
                found[faiss.rev_swig_ptr(lists.get_ids(number), size)] = number
        return found


def sample_of_queries(vectors: Matrix, queries: Matrix, threads: int) -> Sample:
    """Queries of users, with their exact answers among the vectors, float32 ``[n, d]``."""
    _use(threads)
    return Sample("queries", queries, _exact(vectors, queries, _TOP_K))


def sample_of_items(vectors: Matrix, count: int, threads: int, seed: int = 0) -> Sample:
    """Items in the place of queries; an item is not among its own answers."""
    _use(threads)
    chosen = np.random.default_rng(seed + 1).permutation(len(vectors))[:count]
    queries = np.ascontiguousarray(vectors[chosen])
    found = _exact(vectors, queries, _TOP_K + 1)
    # Among equal vectors the item itself may not be the first: then the last answer is left out.
    order = np.argsort(found == chosen[:, None], axis=1, kind="stable")
    return Sample("items", queries, np.take_along_axis(found, order, axis=1)[:, :_TOP_K])


def build(
    vectors: Matrix,
    sample: Sample,
    kinds: Sequence[Recipe],
    *,
    target: float,
    threads: int,
    on_trial: Callable[[], None] = lambda: None,
) -> tuple[Ivf | None, list[Trial]]:
    """Train each kind on the vectors, search it with the sample, and keep the best.

    Args:
        vectors: float32 ``[n, d]``, unit rows.
        sample: what to search for.
        kinds: at least one.
        target: recall@10 that the lower bound of an index must reach.
        threads: of FAISS while building; one leaves the rest of the machine to serving.
        on_trial: called before each kind; what it raises ends the work.

    Returns:
        The index, or None if exact search is better, and all that was measured.
    """
    _use(threads)
    trials = [_flat_trial(vectors, sample)] if len(kinds) > 1 else []
    best: tuple[Any, Trial] | None = None
    for recipe, basis in dict(suited(kind, vectors) for kind in kinds).items():
        on_trial()
        index = trained(vectors, recipe, basis)
        trials += _trials(index, recipe, vectors, sample, _Wanted(target, confidence(len(kinds))))
        chosen = choose(trials, target)
        if chosen is not None and chosen.recipe == recipe:
            best = index, chosen
        elif chosen is not None and chosen.recipe is None:
            best = None
    if best is None:
        return None, trials
    index, trial = best
    tuning = Tuning(trial, target, sample.source, len(sample.queries))
    setting = with_margin(trial.setting, sample.source, inverted(index).nlist)
    ivf = Ivf(index, tuning, setting.nprobe, setting.refine)
    return replace(ivf, tuning=replace(tuning, needed=_needed(ivf, vectors, sample))), trials


def _needed(ivf: Ivf, vectors: Matrix, sample: Sample) -> tuple[int, ...]:
    queries, itself = sample.queries[:JUDGED], int(sample.source == "items")
    near = _exact(vectors, queries, min(DEPTHS[-1] + itself, len(vectors)))[:, itself:]
    index = ivf.faiss_index
    _, order = inverted(index).quantizer.search(turned(index, queries), ivf.nlist)
    return lists_needed(order, ivf.lists(), near, ivf.nprobe)


@dataclass(frozen=True, slots=True)
class _Wanted:
    target: float
    confidence: float


def _use(threads: int) -> None:
    faiss.omp_set_num_threads(threads)


@cache
def _visiting(nprobe: int) -> Any:
    """Parameters that searches share: they only read them, and making them takes its time."""
    return faiss.SearchParametersIVF(nprobe=nprobe)  # type: ignore[call-arg]


def _search(
    index: Any,
    queries: Matrix,
    count: int,
    nprobe: int,
    allowed: NDArray[np.uint8] | None = None,
) -> NDArray[np.int64]:
    parameters = _visiting(nprobe)
    if allowed is not None:
        selector = faiss.IDSelectorBitmap(allowed)  # type: ignore[call-arg,arg-type]
        parameters = faiss.SearchParametersIVF(nprobe=parameters.nprobe, sel=selector)  # type: ignore[call-arg]
    return proposed(index, queries, count, parameters)


def _exact(vectors: Matrix, queries: Matrix, count: int) -> NDArray[np.int64]:
    # Not IndexFlat, which would copy the vectors.
    _, rows = faiss.knn(queries, vectors, count, metric=faiss.METRIC_INNER_PRODUCT)
    return np.asarray(rows, np.int64)


def _trials(
    index: Any, recipe: Recipe, vectors: Matrix, sample: Sample, wanted: _Wanted
) -> Iterator[Trial]:
    kind = recipe.describe(len(vectors))
    lists = inverted(index)
    size = float(lists.code_size + _ID_BYTES)
    for setting, recall, lower in _settings(index, sample, wanted):
        used = with_margin(setting, sample.source, lists.nlist)
        answer = partial(_answer, index, vectors, used)
        seconds = min(_seconds(sample.queries, answer) for _ in range(_TIMES))
        yield Trial(recipe, kind, setting, recall, lower, seconds, size)


def _settings(index: Any, sample: Sample, wanted: _Wanted) -> list[tuple[Setting, float, float]]:
    """For each refinement factor the least nprobe that reaches the target, or the best there is."""
    passed: dict[int, tuple[Setting, float, float]] = {}
    failed: dict[int, tuple[Setting, float, float]] = {}
    lists = inverted(index).nlist
    for nprobe in probes(lists):
        ranks = _ranks(index, sample, nprobe)
        for refine in REFINES:
            if refine in passed:
                continue
            recalls = np.mean(ranks < _TOP_K * refine, axis=1)
            bound = wilson(float(recalls.sum()), len(recalls), wanted.confidence)
            outcome = passed if bound.lower >= wanted.target else failed
            outcome[refine] = Setting(nprobe, refine), bound.mean, bound.lower
        # What needs far more lists than another factor cannot win.
        least = min((setting.nprobe for setting, _, _ in passed.values()), default=lists)
        if len(passed) == len(REFINES) or nprobe >= 2 * least:
            break
    return [passed.get(refine) or failed[refine] for refine in REFINES]


def _ranks(index: Any, sample: Sample, nprobe: int) -> NDArray[np.int64]:
    """At which place the codes propose each true answer: int64 ``[n, k]``.

    Exact scoring puts a true answer among the first ten wherever it was proposed, so its place
    decides which refinement factors find it.
    """
    found = _search(index, sample.queries, _TOP_K * REFINES[-1], nprobe)
    ranks = np.full(sample.truth.shape, _FAR)
    for position in range(sample.truth.shape[1]):
        same = found == sample.truth[:, position, None]
        ranks[:, position] = np.where(same.any(axis=1), same.argmax(axis=1), _FAR)
    return ranks


def _answer(index: Any, vectors: Matrix, setting: Setting, query: Matrix) -> None:
    rows = _search(index, query, _TOP_K * setting.refine, setting.nprobe)[0]
    np.dot(vectors[rows[rows >= 0]], query[0])


def _seconds(queries: Matrix, answer: Callable[[Matrix], object]) -> float:
    """Median seconds of one query by one thread."""
    threads = faiss.omp_get_max_threads()
    _use(1)
    answer(queries[:1])
    spent = []
    for query in queries[:_TIMED_QUERIES]:
        started = time.perf_counter()
        answer(query[None, :])
        spent.append(time.perf_counter() - started)
    _use(threads)
    return float(np.median(spent))


def _flat_trial(vectors: Matrix, sample: Sample) -> Trial:
    seconds = _seconds(sample.queries, lambda query: _exact(vectors, query, _TOP_K))
    return Trial(None, "exact", Setting(0, 0), 1.0, 1.0, seconds, 0.0)
