"""One variant of the artifact: made, verified, described.

Variants for the CPU are made fused and unfused. The fused one is kept if it takes several texts in
a row, which saves more than fusion can cost, otherwise the faster. Each variant for a GPU has
its own form, and is only verified here: how fast it is must be measured where it runs.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bertine.artifact import Parity, Pooling, Precision, Provider, Variant, sha256_file
from bertine_export import cuda, measure, packing, qdq, quantize, session, verify
from bertine_export.evaluator import evaluate
from bertine_export.reference import Reference
from bertine_export.tokenizer import Ids

NOT_MEASURED = 0.0
"""Texts per second of a variant that does not run on the exporting machine."""

SAMPLE_TEXTS, SAMPLE_PAIRS = 64, 250
"""What a packed graph is verified on: numpy runs it, a text of MiniLM in 10 ms, of BERT-large 28
times as long."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a variant is made.

    Attributes:
        precision: of weights and activations; its gate is `verify.GATES`.
        provider: ONNX Runtime provider it is meant for.
        convert: writes the variant's graph (second path) from an fp32 graph (first path).
        fused: whether the result is fused; None where it is as the fp32 graph that is faster here.
        packed: whether it computes without padding, which only numpy can run here.
    """

    precision: Precision
    provider: Provider
    convert: Callable[[Path, Path, Workshop], object]
    fused: bool | None = None
    packed: bool = False


@dataclass(frozen=True, slots=True)
class Workshop:
    """What all variants of a model are made from.

    Attributes:
        unfused: fp32 graph as it was exported.
        graphs: fp32 graphs to choose from for a CPU, keyed by whether they are fused.
        folder: for files that are not kept.
        out: the artifact's folder.
        calibration: token ids of the texts that ranges are measured on; none is in `reference`
            unless there are too few texts to divide.
        reference: to verify against.
        config: of transformers.
        pooling: of the model; None where layers follow it.
        pad_token_id: of the tokenizer.
    """

    unfused: Path
    graphs: dict[bool, Path]
    folder: Path
    out: Path
    calibration: Sequence[Ids]
    reference: Reference
    config: Any
    pooling: Pooling | None
    pad_token_id: int

    def make(self, name: str) -> tuple[Variant, str | None]:
        """Make and verify one variant.

        Returns:
            The variant, and why it misses its gate; its file is in `out` only where it does not.

        Raises:
            Unfit: the graph does not have the form that its provider needs.
            ArtifactError: a library could not convert or run it.
        """
        recipe = RECIPES[name]
        graphs = self._convert(name, recipe)
        shares = recipe.provider == "cpu" and self._allow_packing(graphs)
        fused = shares or self._prefer_fused(graphs)
        path = graphs[fused]
        variant = self._describe(name, recipe, path, fused=fused, sequence_packing=shares)
        problem = verify.failure(variant.parity, verify.GATES[recipe.precision])
        if problem is None:
            shutil.copyfile(path, self.out / variant.file)
        return variant, problem

    def _convert(self, name: str, recipe: Recipe) -> dict[bool, Path]:
        """The variant's graphs to choose from, keyed by whether they are fused."""
        sources = self.graphs if recipe.fused is None else {recipe.fused: self.unfused}
        converted = {}
        for fused, source in sources.items():
            converted[fused] = self.folder / f"{name}-{'fused' if fused else 'unfused'}.onnx"
            recipe.convert(source, converted[fused], self)
        return converted

    def _allow_packing(self, graphs: dict[bool, Path]) -> bool:
        """Whether the fused graph takes several texts in a row now; no other form does."""
        return True in graphs and packing.allow(
            graphs[True], self.pooling, self.calibration, self.pad_token_id
        )

    def _prefer_fused(self, graphs: dict[bool, Path]) -> bool:
        several = len(graphs) > 1
        return measure.prefer_fused(graphs, self.config.vocab_size) if several else True in graphs

    def _describe(self, name: str, recipe: Recipe, path: Path, **form: bool) -> Variant:
        parity, rate = self._verify(recipe, path)
        return Variant(
            name=name,
            file=f"{name}.onnx",
            sha256=sha256_file(path),
            precision=recipe.precision,
            provider=recipe.provider,
            size_bytes=path.stat().st_size,
            texts_per_second=rate,
            parity=parity,
            packed=recipe.packed,
            **form,
        )

    def _verify(self, recipe: Recipe, path: Path) -> tuple[Parity, float]:
        """Parity and texts per second."""
        if recipe.packed:
            sample = self.reference.sample(SAMPLE_TEXTS, SAMPLE_PAIRS, self.pad_token_id)
            embed = partial(evaluate, path)
            return sample.compare(embed(sample.batches), embed), NOT_MEASURED
        running = session.open_session(path)
        vectors, rate = measure.timed_embed(running, self.reference.batches)
        parity = self.reference.compare(vectors, partial(session.embed, running))
        return parity, rate if recipe.provider == "cpu" else NOT_MEASURED


def _copy(source: Path, target: Path, _: Workshop) -> None:
    shutil.copyfile(source, target)


def _quantize(source: Path, target: Path, workshop: Workshop) -> None:
    quantize.quantize(source, target, workshop.calibration)


def _to_fp16(source: Path, target: Path, workshop: Workshop) -> None:
    cuda.to_fp16(source, target, workshop.config)


def _to_packed_fp16(source: Path, target: Path, workshop: Workshop) -> None:
    cuda.to_packed_fp16(source, target, workshop.config)


def _quantize_symmetrically(source: Path, target: Path, workshop: Workshop) -> None:
    qdq.quantize(source, target, workshop.calibration)


RECIPES = {
    "fp32": Recipe("fp32", "cpu", _copy),
    "int8": Recipe("int8", "cpu", _quantize),
    "fp16": Recipe("fp16", "cuda", _to_fp16, fused=True),
    "fp16-packed": Recipe("fp16", "cuda", _to_packed_fp16, fused=True, packed=True),
    "int8-qdq": Recipe("int8", "tensorrt", _quantize_symmetrically, fused=False),
}
