"""What the encoder's statistics say at the moment of a scrape."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bertine.encode.statistics import Statistics


class EncoderSamples(Collector):
    """Metrics read from the encoder rather than told by it.

    Args:
        statistics: of the encoder, now.
    """

    def __init__(self, statistics: Callable[[], Statistics]) -> None:
        self._statistics = statistics

    def describe(self) -> Iterator[Metric]:
        """Nothing beforehand, so that registering reads no statistics."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """What is true now."""
        now = self._statistics()
        waiting = GaugeMetricFamily(
            "bertine_waiting_tokens", "Tokens waiting for the encoder", labels=["lane"]
        )
        waiting.add_metric(["interactive"], now.interactive.tokens)
        waiting.add_metric(["bulk"], now.bulk.tokens)
        yield waiting
        yield from (_counter(*entry) for entry in _counters(now))
        yield from (_gauge(*entry) for entry in _gauges(now))


def _counters(now: Statistics) -> Iterator[tuple[str, str, float]]:
    yield "bertine_cache_hits", "Texts found in the cache", now.cache.hits
    yield "bertine_cache_misses", "Texts not found in the cache", now.cache.misses
    yield "bertine_coalesced", "Texts that were under way for another caller", now.coalesced
    yield "bertine_rejected", "Calls refused because too much waited", now.rejected
    yield "bertine_expired", "Calls refused or dropped for their deadline", now.expired
    yield "bertine_cancelled", "Calls whose caller went away", now.cancelled
    yield "bertine_failed", "Calls with a text the encoder failed on", now.failed
    yield "bertine_predicted_seconds", "Time of batches by the cost model", now.predicted_seconds
    yield "bertine_misjudged_seconds", "By how much predictions were wrong", now.misjudged_seconds


def _gauges(now: Statistics) -> Iterator[tuple[str, str, float]]:
    yield "bertine_cache_entries", "Texts in the cache", now.cache.entries
    yield "bertine_cache_bytes", "Bytes of the cache", now.cache.bytes
    yield "bertine_batch_token_budget", "Most tokens of a batch, as measured", now.batch_tokens


def _counter(name: str, documentation: str, value: float) -> Metric:
    return CounterMetricFamily(name, documentation, value=value)


def _gauge(name: str, documentation: str, value: float) -> Metric:
    return GaugeMetricFamily(name, documentation, value=value)
