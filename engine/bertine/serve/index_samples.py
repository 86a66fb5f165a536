"""What indexes are and how well they answer, at the moment of a scrape."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bertine.index.registry import Served
from bertine.types import IndexStatus, Interval


class IndexSamples(Collector):
    """Metrics read from the indexes rather than told by them.

    Args:
        served: the collections there are.
    """

    def __init__(self, served: Iterable[Served]) -> None:
        self._served = served

    def describe(self) -> Iterator[Metric]:
        """Nothing beforehand, so that registering reads no index."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """What is true now."""
        now = [(served.name, served.index.status()) for served in self._served]
        yield _rows(now)
        yield from _tuned(now)
        yield from _recall(now)


def _rows(now: list[tuple[str, IndexStatus]]) -> Metric:
    rows = GaugeMetricFamily(
        "bertine_index_rows", "Rows of an index by part", labels=["collection", "part"]
    )
    for name, status in now:
        for part in ("main", "delta", "dead"):
            rows.add_metric([name, part], getattr(status, part))
    return rows


def _tuned(now: list[tuple[str, IndexStatus]]) -> Iterator[Metric]:
    nprobe = GaugeMetricFamily(
        "bertine_index_nprobe", "Inverted lists visited for a query", labels=["collection"]
    )
    target = GaugeMetricFamily(
        "bertine_index_target_recall", "Recall that an index was tuned for", labels=["collection"]
    )
    for name, status in now:
        if status.main:
            nprobe.add_metric([name], status.nprobe)
            target.add_metric([name], status.target)
    yield nprobe
    yield target


def _recall(now: list[tuple[str, IndexStatus]]) -> Iterator[Metric]:
    labels = ["collection", "filtered"]
    recall = GaugeMetricFamily(
        "bertine_index_recall",
        "Recall of live queries, with one-sided bounds of 95 % confidence",
        labels=[*labels, "value"],
    )
    queries = GaugeMetricFamily(
        "bertine_index_recall_queries", "Live queries that it was measured with", labels=labels
    )
    for name, status in now:
        for filtered, interval in (("no", status.plain), ("yes", status.filtered)):
            queries.add_metric([name, filtered], interval.count)
            for value, number in _values(interval):
                recall.add_metric([name, filtered, value], number)
    yield recall
    yield queries


def _values(interval: Interval) -> Iterator[tuple[str, float]]:
    if interval.count:  # before that there is nothing to say
        yield "lower", interval.lower
        yield "mean", interval.mean
        yield "upper", interval.upper
