"""The encoder alone, in this process: how fast, how good, and how near to what the machine can do.

    python -m benchmarks.encode --model DIR [--variant int8] [--quick] [--json FILE]

Exit code 1 says that a bar was missed, 2 that the data is not there.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import click
import numpy as np
from rich.progress import Progress

from benchmarks import contest, data, encoders, gemm, graph, machine, texts, unlike
from benchmarks.bare import BareLoop
from benchmarks.conclusion import conclude
from benchmarks.metrics import cosines, percentiles
from benchmarks.progress import stages
from benchmarks.report import Report, at_least
from benchmarks.timing import seconds
from bertine import artifact
from bertine.artifact import Artifact
from bertine.encode.encoder import Encoder

_BATCHES = (8, 16, 32, 64)
_WARM_UP = 64
_CHECKED = 1_000
_TURNS = 3
_UNLIKE = (8, 32)


@dataclass(frozen=True, slots=True)
class _Settings:
    """How much is measured.

    Attributes:
        model: artifact folder.
        variant: which graph.
        texts: glosses encoded in each round.
        rounds: of the contest.
        calls: with one text each, for latency.
        lengths: of the grid, in tokens.
        batches: of the grid, in texts.
    """

    model: Path
    variant: str
    texts: int = 5_000
    rounds: int = 5
    calls: int = 1_000
    lengths: tuple[int, ...] = (8, 16, 32, 64, 128, 256)
    batches: tuple[int, ...] = (1, 8, 32, 64)


@dataclass(slots=True)
class _Run:
    """What the parts of one run share."""

    settings: _Settings
    report: Report
    progress: Progress
    model: Artifact
    encoder: Encoder
    bare: BareLoop

    @property
    def graph(self) -> Path:
        """The ONNX file that is measured."""
        return self.model.path(self.settings.variant)


@click.command()
@click.option("--model", required=True, type=click.Path(path_type=Path), help="Artifact folder.")
@click.option("--variant", default="int8", show_default=True, help="Which graph of the artifact.")
@click.option("--quick", is_flag=True, help="Fewer texts and shapes: a minute, and more noise.")
@click.option("--bars/--no-bars", default=True, show_default=True, help="Fail on a missed bar.")
@click.option("--json", "file", type=click.Path(path_type=Path), help="Also write the JSON here.")
def main(model: Path, variant: str, quick: bool, bars: bool, file: Path | None) -> None:  # noqa: FBT001 - click's flags
    """Measure the encoder in process on WordNet glosses, real queries and random token ids."""
    settings = _Settings(model, variant)
    if quick:
        settings = replace(settings, texts=1_000, calls=200, lengths=(16, 64), batches=(1, 32))
    conclude(lambda: measure(settings), file, bars=bars)


def measure(settings: _Settings) -> Report:
    """Run all parts.

    Raises:
        DataAbsentError: the glosses or the queries are not there.
    """
    source = data.folder()
    glosses = texts.spread_glosses(source, settings.texts)
    queries = texts.shuffled_queries(source)
    report = Report("encode", _context(settings))
    model = artifact.load(settings.model)
    encoder = encoders.real(model, settings.variant)
    with stages() as progress:
        bare = BareLoop(model, settings.variant)
        run = _Run(settings, report, progress, model, encoder, bare)
        try:
            _offline(run, glosses)
            _quality(run, glosses[:_CHECKED])
            _latency(run, queries[: settings.calls + _WARM_UP])
            _grid(run)
            _unlike(run, queries)
        finally:
            encoder.close()
    return report


def _context(settings: _Settings) -> dict[str, Any]:
    return {
        "machine": machine.describe(),
        "model": machine.describe_model(settings.model, settings.variant),
        "cache": encoders.CACHE,
        "texts": settings.texts,
        "repeats": settings.rounds,
    }


def _offline(run: _Run, glosses: list[str]) -> None:
    """The encoder and the bare loop at its best batch, by turns."""
    sample = glosses[:: max(1, len(glosses) // _CHECKED)]
    run.encoder.embed_sync(sample)
    run.bare.batch = _best_batch(run.bare, sample)
    before = run.encoder.statistics()
    task = run.progress.add_task("offline, by turns", total=2 * run.settings.rounds)
    measured = contest.alternate(
        {
            "encoder": lambda: _rate(run.encoder.embed_sync, glosses),
            "bare": lambda: _rate(run.bare, glosses),
        },
        run.settings.rounds,
        lambda: run.progress.advance(task),
    )
    _report_offline(run, measured)
    after = run.encoder.statistics()
    padding = 1 - (after.tokens - before.tokens) / (after.padded_tokens - before.padded_tokens)
    tokens = (after.tokens - before.tokens) / run.settings.rounds / len(glosses)
    _report_padding(run, padding, tokens * median(measured["encoder"]))


def _report_offline(run: _Run, measured: dict[str, list[float]]) -> None:
    report, encoder, bare = run.report, measured["encoder"], measured["bare"]
    share = contest.ratios(encoder, bare)
    label = f"bare ONNX Runtime, same settings, sorted, by {run.bare.batch}"
    contest.add_median(report, "offline_encoder", "offline: Encoder", encoder, "texts/s")
    contest.add_median(report, "offline_bare", label, bare, "texts/s")
    contest.add_median(report, "offline_ratio", "Encoder / bare", share, bar=at_least(0.97))
    report.details["bare_batch"] = run.bare.batch


def _report_padding(run: _Run, padding: float, tokens_per_second: float) -> None:
    report = run.report
    report.add("padding", "padding's share of the Encoder's tokens", padding)
    report.add("padding_bare", "the same of the bare loop, all texts sorted", run.bare.padding)
    shapes = graph.products(run.graph)
    flops = graph.token_flops(run.graph)
    rates = gemm.ceiling(shapes, 1_024)
    report.details["gemm_flops_per_second"] = rates
    top, reached = max(rates.values()), tokens_per_second * flops
    report.add("token_mflop", "products of one token, from the graph", flops / 1e6, "MFLOP")
    report.add("ceiling_gflops", "fp32 matrix products of these shapes", top / 1e9, "GFLOP/s")
    report.add("offline_gflops", "reached offline, without padding", reached / 1e9, "GFLOP/s")
    report.add("offline_ceiling_share", "reached / fp32 ceiling", reached / top)


def _quality(run: _Run, glosses: list[str]) -> None:
    """What the speed was bought with."""
    reference = BareLoop(run.model, "fp32")(glosses)
    found = cosines(run.encoder.embed_sync(glosses).vectors, reference)
    run.report.add("cosine_mean", "cosine to fp32, mean", float(found.mean()))
    run.report.add("cosine_min", f"cosine to fp32, least of {len(glosses):,}", float(found.min()))


def _latency(run: _Run, queries: list[str]) -> None:
    """One caller, one short text."""
    taken = []
    for query in queries:
        started = time.perf_counter()
        run.encoder.embed_sync([query])
        taken.append(time.perf_counter() - started)
    for name, value in percentiles(taken[_WARM_UP:]).items():
        label = f"Encoder.embed_sync, one short text: {name}"
        run.report.add(f"single_{name}_ms", label, value, "ms")


def _grid(run: _Run) -> None:
    """Batches of one length, straight through the session."""
    settings = run.settings
    task = run.progress.add_task("shapes", total=len(settings.lengths) * len(settings.batches))
    for length in settings.lengths:
        for batch in settings.batches:
            rate = _shape_rate(run, batch, length)
            label = f"session alone: {batch} x {length} tokens"
            run.report.add(f"shape_{batch}x{length}", label, rate, "texts/s")
            run.progress.advance(task)


def _unlike(run: _Run, queries: list[str]) -> None:
    """Batches of texts of unlike lengths, where the graph takes several in a row."""
    if not run.bare.session.sequence_packing:
        return
    tokens, longest = run.bare.tokenize(queries), run.model.manifest.max_length
    for size in _UNLIKE:
        found = unlike.measure(run.bare.session, tokens, size, longest)
        label = f"{size} unlike queries"
        for way, rates in found.rates.items():
            contest.add_median(run.report, f"{way}_{size}", f"{label}: {way}", rates, "texts/s")
        ratios = contest.ratios(found.rates["packed"], found.rates["padded"])
        contest.add_median(run.report, f"packing_{size}", f"{label}: packed / padded", ratios)
        for way, share in found.padding.items():
            run.report.add(f"{way}_share_{size}", f"{label}: padding, {way}", share)


def _shape_rate(run: _Run, batch: int, length: int) -> float:
    shape = batch, length
    ids = np.random.default_rng(0).integers(0, run.model.manifest.vocab_size, shape, np.int64)
    mask = np.ones_like(ids)
    return batch / seconds(lambda: run.bare.session.run(ids, mask))


def _best_batch(bare: BareLoop, glosses: list[str]) -> int:
    """The batch that the bare loop is fastest with, by the median of a few turns."""
    tried = {str(batch): partial(_bare_rate, bare, glosses, batch) for batch in _BATCHES}
    rates = contest.alternate(tried, _TURNS)
    return max(_BATCHES, key=lambda batch: median(rates[str(batch)]))


def _bare_rate(bare: BareLoop, glosses: list[str], batch: int) -> float:
    bare.batch = batch
    return _rate(bare, glosses)


def _rate(encode: Any, inputs: list[str]) -> float:
    started = time.perf_counter()
    encode(inputs)
    return len(inputs) / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
