"""What the encoder has done so far, for metrics."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from bertine.encode.cache import CacheUse
from bertine.encode.lanes import Lane, Load


@dataclass(frozen=True, slots=True)
class BatchReport:
    """One batch that ran.

    Attributes:
        rows: texts.
        tokens: without padding.
        padded_tokens: with padding.
        length: tokens of a row of the batch; with sequence packing it may hold several texts.
        seconds: in the session.
        predicted: seconds by the cost model, 0 while nothing is known.
        lane: whose turn it was.
        turnaround: seconds from the end of the batch before, of the same worker, to the end of this
            one; of one that waited for work, those in the session.
    """

    rows: int
    tokens: int
    padded_tokens: int
    length: int
    seconds: float
    predicted: float = 0.0
    lane: Lane = "interactive"
    turnaround: float = 0.0


@dataclass(slots=True)
class Tally:
    """Totals since the start; its owner guards it.

    Attributes:
        batches: that ran.
        rows: texts in them.
        tokens: without padding.
        padded_tokens: with padding, summed over the batches.
        seconds: in the session.
        predicted_seconds: the same by the cost model.
        misjudged_seconds: by how much the predictions were wrong, either way, summed.
        rejected: calls refused because too much waited.
        cancelled: calls whose caller went away.
        expired: calls that could not be served by their deadline, refused or dropped.
        failed: calls with a text the encoder failed on.
    """

    batches: int = 0
    rows: int = 0
    tokens: int = 0
    padded_tokens: int = 0
    seconds: float = 0.0
    predicted_seconds: float = 0.0
    misjudged_seconds: float = 0.0
    rejected: int = 0
    cancelled: int = 0
    expired: int = 0
    failed: int = 0

    def count(self, batch: BatchReport) -> None:
        """Add one batch."""
        self.batches += 1
        self.rows += batch.rows
        self.tokens += batch.tokens
        self.padded_tokens += batch.padded_tokens
        self.seconds += batch.seconds
        self.predicted_seconds += batch.predicted
        self.misjudged_seconds += abs(batch.predicted - batch.seconds)

    def refuse(self, *, overload: bool) -> None:
        """Add a call that was refused, for what waits before it or for its deadline alone."""
        self.rejected += overload
        self.expired += not overload

    def statistics(self, interactive: Load, bulk: Load) -> Statistics:
        """What was counted, and what waits."""
        totals = {entry.name: getattr(self, entry.name) for entry in fields(Tally)}
        return Statistics(**totals, interactive=interactive, bulk=bulk)


@dataclass(slots=True)
class Statistics(Tally):
    """Totals since the start, and what is true now.

    Attributes:
        interactive: what waits in this lane, not yet dispatched.
        bulk: the same.
        cache: how the cache has done.
        coalesced: texts that were under way for another caller already.
        batch_tokens: the budget of a batch.
    """

    interactive: Load = field(default_factory=Load)
    bulk: Load = field(default_factory=Load)
    cache: CacheUse = field(default_factory=CacheUse)
    coalesced: int = 0
    batch_tokens: int = 0

    @property
    def waiting_rows(self) -> int:
        """Texts not yet dispatched."""
        return self.interactive.rows + self.bulk.rows

    @property
    def waiting_tokens(self) -> int:
        """Tokens not yet dispatched."""
        return self.interactive.tokens + self.bulk.tokens
