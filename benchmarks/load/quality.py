"""What the served vectors are worth, beside how fast they came."""

from __future__ import annotations

from pathlib import Path

from benchmarks.load import texts
from benchmarks.load.bench import Bench
from benchmarks.load.engine import reference
from benchmarks.metrics import cosines

_PER_CALL = 20


def measure(bench: Bench, model: Path) -> None:
    """Cosine of served vectors to those of the model's fp32 graph.

    Args:
        bench: what is measured.
        model: artifact folder with a variant ``fp32``.

    Raises:
        RemoteError: a call failed, or there is no such variant.
    """
    half = bench.effort.quality_texts // 2
    chosen = bench.pools.queries[:half] + bench.pools.glosses[:half]
    with bench.part("quality", 1) as advance, reference(model) as exact:
        served = bench.generator.vectors(texts.calls(chosen, _PER_CALL))
        similar = cosines(served, exact.call("vectors", chosen[: len(served)]))
        advance()
    label = f"served vectors to fp32, {len(similar)} texts: cosine"
    bench.report.add("cosine_mean", f"{label}, mean", float(similar.mean()))
    bench.report.add("cosine_min", f"{label}, min", float(similar.min()))
