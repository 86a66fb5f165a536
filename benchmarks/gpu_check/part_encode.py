"""The encoder: how fast by length and batch, what it copies, and the share of what is possible."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.gpu_check import ceiling, copies, targets
from benchmarks.gpu_check.arithmetic import Architecture, recognise
from benchmarks.gpu_check.batches import cut, even, texts, tokenize
from benchmarks.gpu_check.findings import AbsentError, Findings
from benchmarks.gpu_check.place import device_of, opened
from benchmarks.gpu_check.settings import Settings
from benchmarks.report import at_most
from benchmarks.timing import seconds
from bertine import artifact
from bertine.artifact import Artifact, Variant
from bertine.encode.contract import Session
from bertine.encode.device import packed_form
from bertine.encode.encoder import Encoder
from bertine.encode.opening import DeviceSettings

_MEANS = (targets.SHORT, targets.SQUAD)
_CEILING = "ceiling_fp16"


@dataclass(frozen=True, slots=True)
class _Subject:
    """A variant, and what its figures are made of.

    Attributes:
        model: its artifact.
        variant: which.
        settings: see `Settings`.
        kind: what it is; None is not known.
        found: where it goes.
    """

    model: Artifact
    variant: Variant
    settings: Settings
    kind: Architecture | None
    found: Findings

    @property
    def name(self) -> str:
        return self.variant.name

    @property
    def longest(self) -> int:
        return self.model.manifest.max_length


def measure(settings: Settings, found: Findings) -> None:
    """The ceiling, then every variant that TensorRT need not build."""
    model = artifact.load(settings.folder)
    with found.section("the ceiling"):
        _ceiling(settings, found)
    later = {"tensorrt"} if settings.on_gpu else set()
    variants = [one for one in model.manifest.variants if one.provider not in later]
    time_variants(model, variants, settings, found)


def _ceiling(settings: Settings, found: Findings) -> None:
    """The better of a square product and of a feed-forward layer's."""
    size = settings.effort.product
    shapes = ((size, size, size), (4 * size, size // 8, size // 2))
    best = max(ceiling.rate(settings, *shape) for shape in shapes)
    found.details[_CEILING] = best
    found.add(_CEILING, "the ceiling: a product of matrices in fp16", best / 1e12, "TFLOP/s")


def time_variants(
    model: Artifact, variants: Sequence[Variant], settings: Settings, found: Findings
) -> None:
    """Grid, copies and ragged texts of some variants.

    Args:
        model: their artifact.
        variants: which.
        settings: see `Settings`.
        found: where it goes.
    """
    kind = None
    with found.section("the model's operations"):
        kind = _architecture(model)
        found.details["architecture"] = kind.name
    for variant in variants:
        subject = _Subject(model, variant, settings, kind, found)
        with (
            found.section(f"{variant.name}: timings"),
            opened(model, variant, settings, graphs=True) as session,
        ):
            session.prepare()
            _grid(subject, session)
            _copies(subject)
        with found.section(f"{variant.name}: ragged texts"):
            _ragged(subject)


def _architecture(model: Artifact) -> Architecture:
    """What the model is, read from its fp32 graph.

    Raises:
        AbsentError: ``onnx`` is not installed, or it is no BERT of the usual form.
    """
    try:
        from benchmarks.graph import products  # noqa: PLC0415 - onnx is not needed for the rest
    except ImportError as error:
        raise AbsentError(f"{error}; pip install onnx for shares of the ceiling") from error
    found = recognise(products(model.path("fp32")))
    if found is None:
        raise AbsentError("the fp32 graph is no BERT whose feed-forward part is 4 times as wide")
    return found


def _grid(subject: _Subject, session: Session) -> None:
    """Batches without padding."""
    effort = subject.settings.effort
    for length in sorted({min(one, subject.longest) for one in effort.lengths}):
        rates = [
            _shape(subject, session, rows, length)
            for rows in effort.batches
            if rows * length <= effort.grid_tokens
        ]
        _best(subject, length, max(rates) * length)


def _shape(subject: _Subject, session: Session, rows: int, length: int) -> float:
    batch = even(subject.model, rows, length)
    rate = rows / seconds(lambda: session.run(*batch))
    key, label = f"shape_{rows}x{length}_{subject.name}", f"{rows} x {length} tokens"
    subject.found.add(key, f"{subject.name}: {label}", rate, "texts/s")
    return rate


def _best(subject: _Subject, length: int, rate: float) -> None:
    """Of all batches of one length, with its share of the ceiling."""
    found, kind = subject.found, subject.kind
    bar = targets.even(kind, subject.variant, subject.settings, length)
    label = f"{subject.name}: {length} tokens, the best batch"
    found.add(f"tokens_{length}_{subject.name}", label, rate, "tokens/s", bar)
    top = found.details.get(_CEILING)
    if kind is not None and top:
        share = rate * kind.token_flops(length) / top
        key = f"share_{length}_{subject.name}"
        found.add(key, f"{label}: share of the fp16 ceiling", share)


def _copies(subject: _Subject) -> None:
    """None in the middle of the graph; packing alone reads a count back, of tokens or of texts."""
    if device_of(subject.variant, subject.settings).startswith("tensorrt"):
        return
    batch, name = even(subject.model, 4, min(16, subject.longest)), subject.name
    made = copies.inside(subject.model.path(name), subject.settings, batch)
    label = f"{name}: copies in the middle of the graph"
    counts = subject.variant.packed or subject.variant.sequence_packing
    limit = at_most(1 if counts else 0)
    subject.found.add(f"copies_inside_{name}", label, made, bar=limit)


def _ragged(subject: _Subject) -> None:
    """Uneven lengths through the whole encoder, with the packed form where the model has one."""
    if subject.variant.packed:
        raise AbsentError("is used beside its plain form, whose figure it is part of")
    device = DeviceSettings(device_of(subject.variant, subject.settings))
    encoder = Encoder.open(subject.model, variant=subject.name, device=device)
    with closing(encoder):
        encoder.warm_up()
        found, source = texts(subject.settings.effort.ragged)
        subject.found.details["ragged_texts"] = source
        rows = tokenize(subject.model, found)
        for mean in _MEANS:
            _ragged_mean(subject, encoder, rows, mean)


def _ragged_mean(
    subject: _Subject, encoder: Encoder, rows: Sequence[NDArray[np.int32]], mean: int
) -> None:
    manifest, name = subject.model.manifest, subject.name
    longest = min(2 * mean - 1, subject.longest)
    chance = np.random.default_rng(mean)
    lengths = chance.integers(1, longest + 1, subject.settings.effort.ragged)
    ids = [row.tolist() for row in cut(rows, lengths)]
    encoder.embed_sync(token_ids=ids[: len(ids) // 4])
    started = time.perf_counter()
    encoder.embed_sync(token_ids=ids)
    rate = len(ids) / (time.perf_counter() - started)
    form = (
        " with its packed form" if packed_form(manifest, name) and subject.settings.on_gpu else ""
    )
    label = f"{name}{form}: lengths of 1 to {longest}"
    bars = targets.ragged(subject.kind, subject.variant, subject.settings, mean)
    found, key = subject.found, f"ragged_{mean}_{name}"
    found.add(f"{key}_tokens", label, rate * lengths.mean(), "tokens/s", bars[0])
    found.add(f"{key}_texts", label, rate, "texts/s", bars[1])
