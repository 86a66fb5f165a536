"""What the scheduler has done so far, for metrics."""

from __future__ import annotations

from dataclasses import dataclass

# The weight of the latest batch: about the last ten count.
_RATE_SMOOTHING = 0.1
# Seconds: below the first a retry is a storm, above the second nobody would believe it.
_RETRY_BOUNDS = (0.01, 30.0)


@dataclass(frozen=True, slots=True)
class BatchReport:
    """One batch that ran.

    Attributes:
        rows: texts.
        tokens: without padding.
        padded_tokens: rows times the longest.
        seconds: in the session.
    """

    rows: int
    tokens: int
    padded_tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Statistics:
    """Totals since the start, and what waits now.

    Attributes:
        batches: that ran.
        rows: texts in them.
        tokens: without padding.
        padded_tokens: rows times the longest, summed over the batches.
        seconds: in the session.
        waiting_rows: texts not yet dispatched.
        waiting_tokens: tokens not yet dispatched.
        rejected: calls refused because the queue was full.
        cancelled: calls whose caller went away.
        expired: calls whose deadline came before their last text was dispatched.
        failed: calls with a text the encoder failed on.
    """

    batches: int = 0
    rows: int = 0
    tokens: int = 0
    padded_tokens: int = 0
    seconds: float = 0.0
    waiting_rows: int = 0
    waiting_tokens: int = 0
    rejected: int = 0
    cancelled: int = 0
    expired: int = 0
    failed: int = 0


@dataclass(slots=True)
class Tally:
    """Statistics in the making; its owner guards it."""

    batches: int = 0
    rows: int = 0
    tokens: int = 0
    padded_tokens: int = 0
    seconds: float = 0.0
    rejected: int = 0
    cancelled: int = 0
    expired: int = 0
    failed: int = 0
    _tokens_per_second: float = 0.0

    def count(self, batch: BatchReport) -> None:
        """Add one batch."""
        self.batches += 1
        self.rows += batch.rows
        self.tokens += batch.tokens
        self.padded_tokens += batch.padded_tokens
        self.seconds += batch.seconds
        rate = batch.tokens / max(batch.seconds, 1e-9)
        recent = self._tokens_per_second or rate
        self._tokens_per_second = recent + _RATE_SMOOTHING * (rate - recent)

    def seconds_for(self, tokens: int) -> float:
        """How long this many tokens will take, by the rate of recent batches."""
        shortest, longest = _RETRY_BOUNDS
        rate = self._tokens_per_second
        return min(max(tokens / rate, shortest), longest) if rate else shortest

    def totals(self) -> Statistics:
        """What was counted; nothing waits."""
        return Statistics(
            batches=self.batches,
            rows=self.rows,
            tokens=self.tokens,
            padded_tokens=self.padded_tokens,
            seconds=self.seconds,
            rejected=self.rejected,
            cancelled=self.cancelled,
            expired=self.expired,
            failed=self.failed,
        )
