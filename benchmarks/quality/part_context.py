"""What the situation of a call adds: the same channels weighed anew without those that read it."""

from __future__ import annotations

from benchmarks.quality.bootstrap import ratio
from benchmarks.quality.hybrid import CONTEXT, of_channels
from benchmarks.quality.run import Run


def measure(run: Run) -> None:
    """The hybrid with and without context."""
    learned = run.hybrid.learned
    present = [channel for channel in learned.channels if channel in CONTEXT]
    if not present:
        run.absent["context"] = "the events tell of no context that a channel could learn"
        return
    without = of_channels(
        run.case, run.vectors, "hybrid without context", lambda name: name not in CONTEXT, learned
    )
    with_context, plain = run.outcome(run.hybrid), run.outcome(without)
    found = ratio(with_context.values("ndcg10"), plain.values("ndcg10"), plain.users)
    run.report.add(
        "without_context_ndcg10", "hybrid without context: NDCG@10", plain.mean("ndcg10")
    )
    run.report.add(
        "context_ratio",
        f"with context / without: NDCG@10 [{found.low:.4f}, {found.high:.4f}]",
        found.mean,
    )
    run.report.details["context_channels"] = present
