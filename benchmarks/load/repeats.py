"""Texts that come again: what the cache of vectors is worth."""

from __future__ import annotations

from itertools import count

from benchmarks.load import texts
from benchmarks.load.bench import Bench
from benchmarks.load.recorder import Recording
from benchmarks.load.rounds import by_turns
from benchmarks.load.runner import Generator
from benchmarks.load.schedule import ClosedLoop
from benchmarks.load.servers import Measured
from benchmarks.load.worker import Load
from benchmarks.report import at_least

CACHE_BAR = at_least(3.0)
DIFFERENT_TEXTS = 10_000
EXPONENT = 1.1

_DRAWS = 32_768
# Calls of up to eight texts are interactive; what bulk calls encode is not kept.
_CLIENTS, _PER_CALL = 16, 8


def measure(bench: Bench, ranked: list[str], cached: Generator, server: Measured) -> None:
    """The same draws by turns with a server without and one with a cache.

    Args:
        bench: its generator speaks to the server without a cache.
        ranked: different texts, the most frequent first.
        cached: speaks to the server with one.
        server: the server with one.
    """
    seeds = count()
    loads: list[Load] = []
    # An empty cache would be measured while it fills. So many draws leave one in seven to be new.
    cached.vectors(_calls(ranked, DIFFERENT_TEXTS, next(seeds)))
    before = server.metrics()

    def without() -> float:
        loads.append(_load(bench, ranked, next(seeds)))
        return bench.generator.run(loads[-1]).throughput()

    with bench.part("Zipf repeats, by turns with cache off and on") as advance:
        rounds = by_turns(
            bench.effort, without, lambda: cached.run(loads[-1]), Recording.throughput, advance
        )
    grown = server.metrics().since(before)
    bench.recordings["cache on"] = rounds.recordings[-1]
    report = bench.report
    report.add("zipf_off", f"Zipf {EXPONENT} of {DIFFERENT_TEXTS:,}: off", rounds.base, "texts/s")
    report.add("zipf_on", f"Zipf {EXPONENT} of {DIFFERENT_TEXTS:,}: on", rounds.value, "texts/s")
    report.add("zipf_ratio", "cache on / off", rounds.ratio, bar=CACHE_BAR)
    hits = grown.total("bertine_cache_hits_total")
    share = hits / max(1.0, hits + grown.total("bertine_cache_misses_total"))
    report.add("zipf_hits", "texts found in the cache", share)
    report.details["zipf"] = rounds.details()


def _load(bench: Bench, ranked: list[str], seed: int) -> Load:
    pattern = ClosedLoop(_CLIENTS, bench.effort.window)
    return Load(_calls(ranked, _DRAWS, seed), pattern, bench.effort.warm_up)


def _calls(ranked: list[str], draws: int, seed: int) -> list[list[str]]:
    return texts.calls(texts.zipf(ranked, EXPONENT, draws, seed), _PER_CALL)
