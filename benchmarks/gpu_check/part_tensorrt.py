"""Variants that TensorRT runs, which builds an engine for minutes first."""

from __future__ import annotations

from benchmarks.gpu_check import part_encode, part_vectors
from benchmarks.gpu_check.findings import AbsentError, Findings
from benchmarks.gpu_check.settings import Settings
from bertine import artifact


def measure(settings: Settings, found: Findings) -> None:
    """Vectors, then timings.

    Raises:
        AbsentError: there is nothing for TensorRT, or no GPU.
    """
    model = artifact.load(settings.folder)
    variants = [one for one in model.manifest.variants if one.provider == "tensorrt"]
    if not settings.on_gpu:
        raise AbsentError("TensorRT is a GPU's; its graphs were checked on the CPU with the others")
    if not variants:
        raise AbsentError("the model has no variant for it: bertine export --variants int8-qdq")
    part_vectors.check(model, variants, settings, found)
    part_encode.time_variants(model, variants, settings, found)
