"""What has been learned of events, at the moment of a scrape."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bertine.index.registry import Served
from bertine.recommend.learned_folder import Kept


class LearnedSamples(Collector):
    """Metrics read from what was learned rather than told by it.

    Args:
        served: the collections there are.
        kept: what was learned of one, by its key.
    """

    def __init__(self, served: Iterable[Served], kept: Callable[[int], Kept | None]) -> None:
        self._served = served
        self._kept = kept

    def describe(self) -> Iterator[Metric]:
        """Nothing beforehand, so that registering reads nothing."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """What is true now."""
        events = GaugeMetricFamily(
            "bertine_learned_events", "Events that were learned from", labels=["collection"]
        )
        age = GaugeMetricFamily(
            "bertine_learned_age_seconds", "Since they were learned from", labels=["collection"]
        )
        for served in self._served:
            kept = self._kept(served.key)
            if kept is not None:
                events.add_metric([served.name], kept.learned.status.events)
                age.add_metric([served.name], max(0.0, time.time() - kept.time))
        yield events
        yield age
