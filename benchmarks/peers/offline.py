"""All texts through every peer, by turns, with the quality of each beside its speed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks import contest
from benchmarks.metrics import cosines
from benchmarks.peers.child import Peer, PeerFailedError
from benchmarks.peers.roster import ENGINE, Entry
from benchmarks.progress import say
from benchmarks.report import Report, at_least
from bertine.types import Matrix

_BATCHES = (8, 16, 32, 64)
_TUNED_ON = 256
_LEAST_COSINE = 0.9925

BARS = {"ctranslate2": 1.05, "sentence_transformers_onnx": 1.8}
"""What the engine's rate must be at least, in a peer's."""


@dataclass(slots=True)
class Offline:
    """What came of it.

    Attributes:
        rates: texts a second of each round, by peer.
        cosine: mean to fp32, by peer.
        batch: that each peer was fastest with.
        versions: of what each peer is made of.
        absent: why a peer took no part.
    """

    rates: dict[str, list[float]] = field(default_factory=dict)
    cosine: dict[str, float] = field(default_factory=dict)
    batch: dict[str, int] = field(default_factory=dict)
    versions: dict[str, dict[str, str]] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)


def compete(
    entries: Sequence[Entry],
    texts: Path,
    reference: Matrix,
    rounds: int,
    on_done: Callable[[], None],
) -> Offline:
    """Start all that are there, then let them encode by turns.

    Args:
        entries: who takes part.
        texts: JSON list of the texts, as many as `reference` has rows.
        reference: their vectors in fp32.
        rounds: of each.
        on_done: called after each.
    """
    found = Offline()
    with ExitStack() as stack:
        peers = {entry.name: peer for entry in entries if (peer := _start(entry, stack, found))}
        for name, peer in peers.items():
            _prepare(name, peer, texts, reference, found)
        runs = {name: partial(peer.rate, len(reference)) for name, peer in peers.items()}
        found.rates = contest.alternate(runs, rounds, on_done)
    return found


def write_texts(texts: Sequence[str], folder: Path) -> Path:
    """The file that the peers read."""
    path = folder / "texts.json"
    path.write_text(json.dumps(list(texts)), encoding="utf-8")
    return path


def report_offline(report: Report, entries: Sequence[Entry], found: Offline) -> None:
    """Rates and cosines of all, and the engine's rate in the peers'."""
    for entry in entries:
        if entry.name not in found.absent:
            _report_peer(report, entry, found)
    ours = found.rates[ENGINE]
    for prefix, bar in BARS.items():
        theirs = _fastest(prefix, found)
        if theirs is not None:
            shares = contest.ratios(ours, found.rates[theirs])
            label = f"offline: Bertine / {theirs.replace('_', ' ')}"
            contest.add_median(report, f"ratio_{prefix}", label, shares, bar=at_least(bar))
    report.details["offline"] = {
        "batch": found.batch,
        "versions": found.versions,
        "cosine": found.cosine,
    }


def _start(entry: Entry, stack: ExitStack, found: Offline) -> Peer | None:
    if entry.absent is not None:
        found.absent[entry.name] = entry.absent
        return None
    try:
        peer = stack.enter_context(entry.peer())
    except PeerFailedError as error:
        found.absent[entry.name] = str(error)
        return None
    found.versions[entry.name] = peer.versions
    return peer


def _prepare(name: str, peer: Peer, texts: Path, reference: Matrix, found: Offline) -> None:
    peer.give(texts)
    peer.tune((32,) if name == ENGINE else _BATCHES, min(_TUNED_ON, len(reference)))
    found.batch[name] = peer.batch
    say(f"{name}: ready" + ("" if name == ENGINE else f", by {peer.batch}"))
    found.cosine[name] = float(cosines(peer.vectors(len(reference)), reference).mean())


def _report_peer(report: Report, entry: Entry, found: Offline) -> None:
    label = f"offline: {entry.title}"
    contest.add_median(report, f"offline_{entry.name}", label, found.rates[entry.name], "texts/s")
    bar = at_least(_LEAST_COSINE) if entry.name == ENGINE else None
    cosine = found.cosine[entry.name]
    report.add(f"cosine_{entry.name}", f"{label}: cosine to fp32", cosine, bar=bar)


def _fastest(prefix: str, found: Offline) -> str | None:
    """The fastest configuration of a peer, None where it is absent."""
    names = [name for name in found.rates if name.startswith(prefix)]
    return max(names, key=lambda name: median(found.rates[name]), default=None)
