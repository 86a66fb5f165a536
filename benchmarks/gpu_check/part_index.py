"""The index on the device: each kind against exact search, filters, edges, and refusals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.gpu_check import indexes
from benchmarks.gpu_check.findings import Findings
from benchmarks.gpu_check.indexes import NUMBER, TOP_K, build, only, queries, recall
from benchmarks.gpu_check.place import index_device
from benchmarks.gpu_check.settings import Effort, Settings
from benchmarks.report import at_least, at_most
from bertine.index.filters import Range
from bertine.index.gpu import Gpu
from bertine.index.gpu_memory import Kind
from bertine.index.live import LiveIndex
from bertine.index.request import Request
from bertine.types import Hits

_KINDS: dict[Kind, str] = {"flat": "Flat", "ivf": "SQfp16", "pq": "PQ"}
"""With what each is called in a status."""

_SHARES = (0.0, 0.001, 0.02, 0.3, 0.9)
_FEW = 20


def measure(settings: Settings, found: Findings) -> None:
    """Every kind, then none.

    Raises:
        AbsentError: no index can be on the device.
    """
    effort = settings.effort
    with index_device(settings) as gpu:
        for kind in _KINDS:
            with found.section(f"index: {kind}"), only(gpu, kind, effort) as device:
                _check(kind, build(device, effort), effort, found)
        with found.section("index: too large"):
            _refused(gpu, effort, found)


def _check(kind: Kind, index: LiveIndex, effort: Effort, found: Findings) -> None:
    told = index.status().kind
    found.details[f"index_{kind}"] = told
    placed = float(" on " in told and _KINDS[kind] in told)
    found.add(f"placed_{kind}", f"{kind}: is on the device, {told}", placed, bar=at_least(1))
    share = recall(index, queries(effort, effort.queries))
    label = f"{kind}: recall@{TOP_K} against exact search"
    found.add(f"recall_{kind}", label, share, bar=at_least(indexes.POLICY.target_recall))
    _filters(kind, index, effort, found)
    _edges(kind, index, effort, found)
    failing = float(" on " not in index.status().kind)
    found.add(f"fell_back_{kind}", f"{kind}: the CPU answered", failing, bar=at_most(0))


def _filters(kind: Kind, index: LiveIndex, effort: Effort, found: Findings) -> None:
    """From filters that allow nothing to those that allow nearly all."""
    wanted, rows = queries(effort, _FEW), effort.rows
    leaks, short, shares = 0, 0, []
    for share in _SHARES:
        below = int(share * rows)
        chosen = Range(NUMBER, (("lt", below),))
        answers = index.search(wanted, Request(TOP_K, filter=chosen))
        numbers = [_row(name) for hits in answers for name in hits.ids]
        leaks += sum(number >= below for number in numbers)
        short += sum(len(hits.ids) < min(TOP_K, below) for hits in answers)
        shares.append(recall(index, wanted, filter=chosen))
    found.details[f"filtered_{kind}"] = dict(zip(map(str, _SHARES), shares, strict=True))
    found.add(f"leaks_{kind}", f"{kind}: hits that a filter forbids", leaks, bar=at_most(0))
    found.add(f"short_{kind}", f"{kind}: filtered answers that lack hits", short, bar=at_most(0))
    label = f"{kind}: recall under filters, the least of {len(_SHARES)}"
    found.add(f"filtered_{kind}", label, min(shares), bar=at_least(0.9))


def _edges(kind: Kind, index: LiveIndex, effort: Effort, found: Findings) -> None:
    """More hits than there are rows, and than a search of the device takes."""
    odd, rows = 0, effort.rows
    for count in (1, 2_048, 2_049, rows + 1):
        answers = index.search(queries(effort, 2), Request(count))
        odd += sum(_is_odd(hits, min(count, rows), rows) for hits in answers)
    label = f"{kind}: wrong answers at k of 1, 2,048, 2,049 and rows + 1"
    found.add(f"edges_{kind}", label, odd, bar=at_most(0))


def _is_odd(hits: Hits, wanted: int, rows: int) -> bool:
    """Whether hits are too few, doubled, unknown, or out of order."""
    known = {_row(name) for name in hits.ids}
    whole = len(hits.ids) == len(known) == wanted and known <= set(range(rows))
    return not (whole and _falls(hits.scores))


def _falls(scores: Sequence[float]) -> bool:
    return bool((np.diff(np.asarray(scores)) <= 0).all())


def _row(name: str) -> int:
    return int(name.removeprefix("item-"))


def _refused(gpu: Gpu, effort: Effort, found: Findings) -> None:
    """Without memory the index stays on the CPU, and answers."""
    with only(gpu, None, effort) as device:
        index = build(device, effort)
        stayed = float(" on " not in index.status().kind)
        share = recall(index, queries(effort, _FEW))
    found.add("refused", "too little memory: stays on the CPU", stayed, bar=at_least(1))
    found.add("refused_recall", "and is searched there: recall", share, bar=at_least(0.9))
