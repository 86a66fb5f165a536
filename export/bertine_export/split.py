"""Fused operators that are slow on a CPU, taken apart again.

ONNX Runtime's optimizer fuses for GPUs. Of MiniLM in int8, 16 x 24 tokens, one thread, its CPU
kernels took: SkipLayerNormalization 10.2 ms where Add and LayerNormalization take 1.7. Attention
multiplies each head of each text apart, where one product for all of them is faster. A bias apart
from its activation costs nothing in int8, where the product before it adds it. What is kept fused
is what pays: MultiHeadAttention, Gelu, EmbedLayerNormalization.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx

from bertine_export.operators import VENDOR, Rewrite, attributes, node, optional_input

_PROJECTIONS = ("query", "key", "value")
_KEPT = ("num_heads", "mask_filter_value", "scale")
_PAST = (4, 6)


def split(model: onnx.ModelProto) -> None:
    """Rewrite a fused graph for the CPU, in place.

    ONNX Runtime fuses layer normalisations again when it loads a graph, unless it is told not to:
    see `bertine.artifact.SLOW_ON_CPU`.
    """
    rewrite = Rewrite(model)

    def replace(entry: onnx.NodeProto) -> Sequence[onnx.NodeProto]:
        if entry.op_type == "SkipLayerNormalization" and len(entry.output) == 1:
            return _normalisation(entry)
        if entry.op_type == "BiasGelu":
            return _activation(entry)
        if entry.op_type == "Attention" and _is_plain(rewrite, entry):
            return _attention(rewrite, entry)
        return [entry]

    rewrite.apply(replace)


def _normalisation(entry: onnx.NodeProto) -> Sequence[onnx.NodeProto]:
    output, given = entry.output[0], entry.input[0]
    nodes = []
    if bias := optional_input(entry, 4):
        nodes.append(node("Add", [given, bias], f"{output}/biased"))
        given = f"{output}/biased"
    nodes.append(node("Add", [given, entry.input[1]], f"{output}/sum"))
    scale_and_shift = [entry.input[2], optional_input(entry, 3)]
    epsilon = attributes(entry).get("epsilon", 1e-12)
    inputs = [f"{output}/sum", *scale_and_shift]
    nodes.append(node("LayerNormalization", inputs, output, axis=-1, epsilon=epsilon))
    return nodes


def _activation(entry: onnx.NodeProto) -> Sequence[onnx.NodeProto]:
    biased = f"{entry.output[0]}/biased"
    return [
        node("Add", entry.input, biased),
        node("Gelu", [biased], entry.output[0], domain=VENDOR),
    ]


def _is_plain(rewrite: Rewrite, entry: onnx.NodeProto) -> bool:
    """Whether it has what encoders have, and queries, keys and values are equally wide."""
    given = {name for name, value in attributes(entry).items() if value}
    return (
        given <= set(_KEPT)
        and all(name in rewrite.constants for name in entry.input[1:3])
        and not any(optional_input(entry, position) for position in _PAST)
    )


def _attention(rewrite: Rewrite, entry: onnx.NodeProto) -> Sequence[onnx.NodeProto]:
    given, output = entry.input[0], entry.output[0]
    weights = np.split(rewrite.array(entry.input[1]), 3, axis=1)
    biases = np.split(rewrite.array(entry.input[2]), 3)
    nodes = []
    for name, weight, bias in zip(_PROJECTIONS, weights, biases, strict=True):
        stem = f"{output}/{name}"
        matrix = rewrite.constant(f"{stem}/weight", weight)
        nodes.append(node("MatMul", [given, matrix], f"{stem}/product"))
        shift = rewrite.constant(f"{stem}/bias", bias)
        nodes.append(node("Add", [f"{stem}/product", shift], stem))
    projections = [f"{output}/{name}" for name in _PROJECTIONS]
    inputs = [*projections, "", optional_input(entry, 3), optional_input(entry, 5)]
    kept = {name: value for name, value in attributes(entry).items() if name in _KEPT}
    nodes.append(node("MultiHeadAttention", inputs, output, domain=VENDOR, **kept))
    return nodes
