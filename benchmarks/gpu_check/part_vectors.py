"""Every variant against fp32 on the CPU: ragged batches, alone and padded, recorded and not."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.gpu_check.batches import Batch, in_batches, ragged_texts
from benchmarks.gpu_check.findings import AbsentError, Findings
from benchmarks.gpu_check.place import opened
from benchmarks.gpu_check.settings import Settings
from benchmarks.metrics import cosines
from benchmarks.report import at_least
from bertine import artifact
from bertine.artifact import Artifact, Precision, Variant
from bertine.encode.contract import Session
from bertine.encode.padding import pad
from bertine.encode.session import OnnxSession
from bertine.types import Matrix

_GATES: dict[Precision, float] = {"fp32": 0.99999, "fp16": 0.9999, "int8": 0.99}
"""Mean cosine to fp32, as the exporter's own."""

_SAME = 0.9999
_ALONE = 8
_REPEATS = 3


@dataclass(frozen=True, slots=True)
class Truth:
    """Texts and what fp32 makes of them on the CPU.

    Attributes:
        texts: token ids.
        batches: of them, in order.
        vectors: float32 ``[texts, d]``.
    """

    texts: Sequence[NDArray[np.int32]]
    batches: Sequence[Batch]
    vectors: Matrix


def measure(settings: Settings, found: Findings) -> None:
    """All variants but those that TensorRT must build first."""
    model = artifact.load(settings.folder)
    variants = [one for one in model.manifest.variants if not _later(one, settings)]
    check(model, variants, settings, found)


def _later(variant: Variant, settings: Settings) -> bool:
    return settings.on_gpu and variant.provider == "tensorrt"


def check(
    model: Artifact, variants: Sequence[Variant], settings: Settings, found: Findings
) -> None:
    """Hold variants against fp32.

    Args:
        model: their artifact.
        variants: which.
        settings: see `Settings`.
        found: where it goes.
    """
    truth = _truth(model, settings)
    for variant in variants:
        with (
            found.section(f"{variant.name}: vectors"),
            opened(model, variant, settings, graphs=False) as session,
        ):
            _against(truth, variant, session, found)
        with found.section(f"{variant.name}: recorded shapes"):
            _recorded(model, variant, settings, found)


def _truth(model: Artifact, settings: Settings) -> Truth:
    texts = ragged_texts(model, settings.effort.texts)
    batches = in_batches(texts, model.manifest.pad_token_id)
    path, dimensions = model.path("fp32"), model.manifest.dimensions
    with closing(OnnxSession(path, dimensions=dimensions)) as session:
        return Truth(texts, batches, _encode(session, batches))


def _encode(session: Session, batches: Sequence[Batch]) -> Matrix:
    return np.concatenate([session.run(*batch) for batch in batches])


def _against(truth: Truth, variant: Variant, session: Session, found: Findings) -> None:
    vectors = _encode(session, truth.batches)
    similar, name = cosines(vectors, truth.vectors), variant.name
    gate = at_least(_GATES[variant.precision])
    found.add(f"cosine_{name}", f"{name}: cosine to fp32, mean", similar.mean(), bar=gate)
    found.add(f"cosine_min_{name}", f"{name}: the least of {len(similar)}", similar.min())
    alone = _encode(session, [pad([text], 0) for text in truth.texts[:_ALONE]])
    least = cosines(alone, vectors[: len(alone)]).min()
    label = f"{name}: alone against in a padded batch, least cosine"
    found.add(f"alone_{name}", label, least, bar=at_least(_SAME))


def _recorded(model: Artifact, variant: Variant, settings: Settings, found: Findings) -> None:
    """Each shape several times and between others, in the opposite order too."""
    if variant.packed or variant.provider == "tensorrt":
        raise AbsentError("is never recorded")
    small = [batch for batch in _small(model, settings) for _ in range(_REPEATS)]
    with opened(model, variant, settings, graphs=False) as session:
        right = _encode(session, small)
    with opened(model, variant, settings, graphs=True) as session:
        session.prepare()
        there = [session.run(*batch) for batch in reversed(small)]
    least = cosines(np.concatenate(there[::-1]), right).min()
    label = f"{variant.name}: recorded shape against none, least cosine"
    found.add(f"recorded_{variant.name}", label, least, bar=at_least(_SAME))


def _small(model: Artifact, settings: Settings) -> list[Batch]:
    """Batches that have a bucket."""
    texts = [text[:24] for text in ragged_texts(model, settings.effort.texts)]
    return in_batches(texts, model.manifest.pad_token_id)
