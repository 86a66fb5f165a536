"""What Prometheus is told. No label holds a text, an id or a user."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from threading import Thread
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from bertine.catalog.writer import Group
from bertine.encode.statistics import BatchReport, Statistics
from bertine.errors import ConfigError
from bertine.index.registry import Served
from bertine.recommend.learned_folder import Kept
from bertine.serve.index_samples import IndexSamples
from bertine.serve.learned_samples import LearnedSamples
from bertine.serve.samples import EncoderSamples

_LATENCY = (
    0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0,
)  # fmt: skip
_RATIOS = (0.25, 0.5, 0.67, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 4.0, 10.0)
_LEARNING = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1_800.0)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """All metrics of one server, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self._seconds = self._histogram(
            "bertine_call_seconds",
            "Time of calls in the server, by method and gRPC code",
            _LATENCY,
            ("method", "code"),
        )
        self._caller_calls = self._counter(
            "bertine_caller_calls", "Calls that have ended, by caller and code", ("caller", "code")
        )
        # Looking a child up by its labels takes as long as observing with it.
        self._observe: dict[tuple[str, str], Callable[[float], None]] = {}
        self._batch_rows = self._histogram("bertine_batch_rows", "Texts in a batch", _ROWS)
        self._batch_seconds = self._histogram("bertine_batch_seconds", "Time of a batch", _LATENCY)
        self._batch_ratio = self._histogram(
            "bertine_batch_seconds_ratio",
            "Time of a batch as a multiple of what the cost model predicted",
            _RATIOS,
        )
        self._lane_texts = self._counter(
            "bertine_encoded_texts", "Texts encoded, by lane", ("lane",)
        )
        self._tokens = self._counter("bertine_tokens", "Tokens encoded, without padding")
        self._padded = self._counter("bertine_padded_tokens", "Tokens encoded, with padding")
        self._commits = self._counter("bertine_commits", "Commits of the catalog")
        self._changes = self._counter("bertine_changes", "Changes in those commits")
        self._rebuilds = self._counter(
            "bertine_index_rebuilds", "Rebuilds of an index", ("reason",)
        )
        self._learning_seconds = self._histogram(
            "bertine_learning_seconds", "Time of learning from a collection's events", _LEARNING
        )
        self._learning_failures = self._counter(
            "bertine_learning_failures", "How often learning failed; what was learned before stays"
        )
        self._purged = self._counter(
            "bertine_purged_rows",
            "Rows erased in the background, by what had to go: expired items, old events, deleted "
            "collections",
            ("reason",),
        )

    def _histogram(
        self, name: str, documentation: str, buckets: Sequence[float], labels: Sequence[str] = ()
    ) -> Histogram:
        return Histogram(name, documentation, labels, buckets=buckets, registry=self.registry)

    def _counter(self, name: str, documentation: str, labels: Sequence[str] = ()) -> Counter:
        return Counter(name, documentation, labels, registry=self.registry)

    def call(self, method: str, code: str, seconds: float, caller: str = "") -> None:
        """Record a call that has ended."""
        if caller:
            self._caller_calls.labels(caller, code).inc()
        key = (method, code)
        observe = self._observe.get(key)
        if observe is None:
            observe = self._observe[key] = self._seconds.labels(method, code).observe
        observe(seconds)

    def on_batch(self, report: BatchReport) -> None:
        """Record a batch of the encoder."""
        self._batch_rows.observe(report.rows)
        self._batch_seconds.observe(report.seconds)
        if report.predicted:
            self._batch_ratio.observe(report.seconds / report.predicted)
        self._lane_texts.labels(report.lane).inc(report.rows)
        self._tokens.inc(report.tokens)
        self._padded.inc(report.padded_tokens)

    def on_group(self, group: Group) -> None:
        """Record a commit of the catalog."""
        self._commits.inc()
        self._changes.inc(group.changes)

    def on_rebuild(self, _collection: str, reason: str, _seconds: float) -> None:
        """Record a rebuild of an index."""
        self._rebuilds.labels(reason).inc()

    def on_learned(self, seconds: float | None) -> None:
        """Record that events were learned from, or that it failed."""
        if seconds is None:
            self._learning_failures.inc()
        else:
            self._learning_seconds.observe(seconds)

    def on_purge(self, reason: str, rows: int) -> None:
        """Record rows that were erased in the background."""
        self._purged.labels(reason).inc(rows)

    def count_in_flight(self, in_flight: Callable[[], int]) -> None:
        """Read the number of calls under way at every scrape."""
        gauge = Gauge("bertine_calls_in_flight", "Calls under way", registry=self.registry)
        gauge.set_function(in_flight)

    def watch(
        self,
        served: Iterable[Served],
        encoder: Callable[[], Statistics],
        kept: Callable[[int], Kept | None],
    ) -> None:
        """Read these at every scrape."""
        self.registry.register(LearnedSamples(served, kept))
        self.registry.register(IndexSamples(served))
        self.registry.register(EncoderSamples(encoder))

    def serve(self, host: str, port: int) -> MetricsServer:
        """Answer ``GET /metrics``.

        Raises:
            ConfigError: the port is in use, or the host is not this machine's.
        """
        try:
            server, thread = start_http_server(port, host, registry=self.registry)
        except OSError as error:
            raise ConfigError(
                f"metrics cannot listen on {host}:{port}: {error.strerror}; choose another port"
            ) from error
        return MetricsServer(server, thread)


class MetricsServer:
    """The thread that answers scrapes.

    Attributes:
        port: it listens on.
    """

    def __init__(self, server: WSGIServer, thread: Thread) -> None:
        self._server = server
        self._thread = thread
        self.port = server.server_port

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
