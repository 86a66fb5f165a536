"""One variant of the artifact: made fused and unfused, the faster kept, verified, described."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bertine.artifact import Precision, Provider, Variant, sha256_file
from bertine_export import measure, quantize, session, verify
from bertine_export.reference import Reference
from bertine_export.tokenizer import Ids


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a variant is made.

    Attributes:
        precision: of weights and activations; its gate is `verify.GATES`.
        provider: ONNX Runtime provider it is meant for.
        convert: writes the variant's graph (second path) from an fp32 graph (first path); the texts
            are to measure on.
    """

    precision: Precision
    provider: Provider
    convert: Callable[[Path, Path, Sequence[Ids]], object]


def _copy(source: Path, target: Path, _: Sequence[Ids]) -> None:
    shutil.copyfile(source, target)


RECIPES = {
    "fp32": Recipe("fp32", "cpu", _copy),
    "int8": Recipe("int8", "cpu", quantize.quantize),
}


@dataclass(frozen=True, slots=True)
class Workshop:
    """What all variants of a model are made from.

    Attributes:
        graphs: fp32 graphs, keyed by whether they are fused.
        folder: for files that are not kept.
        out: the artifact's folder.
        calibration: token ids of the texts that ranges are measured on; none is in `reference`
            unless there are too few texts to divide.
        reference: to verify against.
        vocab_size: of the model.
    """

    graphs: dict[bool, Path]
    folder: Path
    out: Path
    calibration: Sequence[Ids]
    reference: Reference
    vocab_size: int

    def make(self, name: str) -> tuple[Variant, str | None]:
        """Make and verify one variant.

        Returns:
            The variant, and why it misses its gate; its file is in `out` only where it does not.

        Raises:
            ArtifactError: a library could not convert or run it.
        """
        recipe = RECIPES[name]
        graphs = {fused: self._convert(name, fused) for fused in self.graphs}
        fused = self._prefer_fused(graphs)
        variant = self._describe(name, graphs[fused], fused=fused)
        problem = verify.failure(variant.parity, verify.GATES[recipe.precision])
        if problem is None:
            shutil.copyfile(graphs[fused], self.out / variant.file)
        return variant, problem

    def _prefer_fused(self, graphs: dict[bool, Path]) -> bool:
        return measure.prefer_fused(graphs, self.vocab_size) if len(graphs) > 1 else True in graphs

    def _convert(self, name: str, fused: bool) -> Path:  # noqa: FBT001 - the key of `graphs`
        path = self.folder / f"{name}-{'fused' if fused else 'unfused'}.onnx"
        RECIPES[name].convert(self.graphs[fused], path, self.calibration)
        return path

    def _describe(self, name: str, path: Path, *, fused: bool) -> Variant:
        running = session.open_session(path)
        vectors, rate = measure.timed_embed(running, self.reference.batches)
        return Variant(
            name=name,
            file=f"{name}.onnx",
            sha256=sha256_file(path),
            precision=RECIPES[name].precision,
            provider=RECIPES[name].provider,
            fused=fused,
            size_bytes=path.stat().st_size,
            texts_per_second=rate,
            parity=self.reference.compare(vectors, partial(session.embed, running)),
        )
