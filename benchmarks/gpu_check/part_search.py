"""What an index on the device answers in a second, with recall beside it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from benchmarks.gpu_check.batches import spread
from benchmarks.gpu_check.findings import AbsentError, Findings
from benchmarks.gpu_check.place import index_device
from benchmarks.gpu_check.settings import Settings
from benchmarks.metrics import percentiles, recall
from benchmarks.report import Bar, at_least
from benchmarks.timing import durations, seconds
from bertine.encode.cores import usable_cores
from bertine.index import generation
from bertine.index.generation import Ivf
from bertine.index.gpu import Clone, Gpu, Mirror
from bertine.index.gpu_memory import Kind, demand
from bertine.index.tuning import Recipe
from bertine.types import Matrix

_TOP_K = 10
_NEEDED = 0.95
_TUNED = 0.9
_TARGET = 200_000
_MILLION = 1_000_000
_JUDGED = 250


def measure(settings: Settings, found: Findings) -> None:
    """Flat, then IVF of float16, each with candidates for ten exact hits.

    Raises:
        AbsentError: no index can be on the device.
    """
    effort = settings.effort
    vectors = spread(effort.rows, effort.dimensions, seed=0)
    wanted = spread(effort.queries, effort.dimensions, seed=1)
    with index_device(settings) as gpu:
        ivf = _train(vectors)
        for kind in ("flat", "ivf"):
            with found.section(f"search: {kind}"):
                mirror = _mirror(gpu, kind, ivf, vectors)
                best = _fastest(mirror, vectors, wanted, found)
                _report(best, vectors, wanted, settings, found)


def _train(vectors: Matrix) -> Ivf:
    """On the CPU, as a server does it but tuned on fewer queries: nprobe is sought here."""
    threads = usable_cores()
    sample = generation.sample_of_items(vectors, _JUDGED, threads)
    kinds = [Recipe("SQfp16")]
    ivf, _ = generation.build(vectors, sample, kinds, target=_TUNED, threads=threads)
    if ivf is None:
        raise AbsentError(f"no IVF of {len(vectors):,} rows reaches a recall of {_TUNED}")
    return ivf


def _mirror(gpu: Gpu, kind: Kind, ivf: Ivf, vectors: Matrix) -> Mirror:
    def make() -> list[object]:
        flat = kind == "flat"
        return [gpu.device.flat(vectors) if flat else gpu.device.clone(ivf.faiss_index)]

    size = demand(kind, len(vectors), vectors.shape[1], 0).index
    return Mirror(ivf, Clone(gpu, gpu.thread.do(make), size), ivf.nprobe)  # type: ignore[arg-type]


def _fastest(mirror: Mirror, vectors: Matrix, wanted: Matrix, found: Findings) -> Mirror:
    """With the fewest lists that are enough; all tries are kept."""
    tried = found.details.setdefault("search_tried", [])
    for there in _settings(mirror):
        share = _recall(there, vectors, wanted)
        tried.append({"kind": there.kind, "nprobe": there.nprobe, "recall": round(share, 4)})
        if share >= _NEEDED:
            return there
    return mirror


def _settings(mirror: Mirror) -> Iterator[Mirror]:
    nprobe = 1
    while mirror.clone.lists and nprobe < mirror.nprobe:
        yield mirror.visiting(nprobe)
        nprobe *= 2
    yield mirror


def _find(mirror: Mirror, wanted: Matrix) -> NDArray[np.int64]:
    return mirror.candidates(wanted, _TOP_K * mirror.refine)


def _recall(mirror: Mirror, vectors: Matrix, wanted: Matrix) -> float:
    """Of the candidates after exact scoring, which keeps all true neighbours among them."""
    judged = wanted[:_JUDGED]
    rows = _find(mirror, judged)
    scored = [
        real[np.argsort(-(vectors[real] @ query))][:_TOP_K].tolist()
        for query, line in zip(judged, rows, strict=True)
        for real in [line[line >= 0]]
    ]
    return recall(vectors, judged, scored, _TOP_K)


def _report(
    mirror: Mirror, vectors: Matrix, wanted: Matrix, settings: Settings, found: Findings
) -> None:
    kind, name = mirror.kind, "ivf" if mirror.clone.lists else "flat"
    share = _recall(mirror, vectors, wanted)
    found.details[f"search_{name}"] = {"kind": kind, "nprobe": mirror.nprobe, "rows": len(vectors)}
    label = f"{kind}, {len(vectors):,} rows, nprobe {mirror.nprobe}"
    found.add(f"search_recall_{name}", f"{label}: recall@{_TOP_K}", share, bar=at_least(_NEEDED))
    rate = len(wanted) / seconds(lambda: _find(mirror, wanted))
    title = f"{label}: candidates by {len(wanted):,}"
    found.add(f"search_rate_{name}", title, rate, "queries/s", _bar(name, vectors, settings))
    alone = percentiles(durations(lambda: _find(mirror, wanted[:1])))
    found.add(f"search_p50_{name}_ms", f"{label}: one query, p50", alone["p50"], "ms")
    if mirror.clone.failing:
        raise RuntimeError(f"{mirror.clone.gpu.name} failed, and the CPU answered for it")


def _bar(name: str, vectors: Matrix, settings: Settings) -> Bar | None:
    """The target holds for a million rows on a GPU."""
    full = settings.on_gpu and len(vectors) == _MILLION
    return at_least(_TARGET) if full and name == "ivf" else None
