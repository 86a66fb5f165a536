"""Symmetric int8 for TensorRT: linear layers between QuantizeLinear and DequantizeLinear.

TensorRT builds the layers of such a graph by explicit quantization (TensorRT documentation,
"Working with Quantized Types" and "Explicit Quantization"; onnxruntime docs, TensorRT provider,
"Explicit quantization"). Its rules, and where they are kept here:

- It takes symmetric steps only, so every zero point is 0: `centre_input` moves channels instead.
- All inputs of a weighted layer are quantized, its output is not: both inputs of a MatMul come from
  a DequantizeLinear, and what follows adds in floating point.
- Weights have a step for each output, along the axis of outputs, which is the last of a MatMul's
  right side; activations have one for all.
- A bias is not quantized.
- Standard operators only: the graph is the unfused one, whose attention and GELU TensorRT fuses.

Left in floating point are products of two activations (queries with keys, shares with values), a
softmax between them, normalisation, embeddings and pooling. Ranges, smoothing and spare units are
those of the int8 variant, docs/decisions/0014.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from bertine.errors import ArtifactError
from bertine_export.calibrate import Ranges, ranges
from bertine_export.operators import Rewrite, following_biases, node, products
from bertine_export.quantize import heaviest_weights
from bertine_export.smoothing import LARGEST_SYMMETRIC, centre_input, round_columns
from bertine_export.spread import spread
from bertine_export.tokenizer import Ids


def quantize(source: Path, target: Path, texts: Sequence[Ids]) -> None:
    """Write the graph in symmetric int8.

    Args:
        source: unfused fp32 graph.
        target: of the quantized graph.
        texts: token ids to measure ranges on.

    Raises:
        ArtifactError: the graph cannot be read or written.
    """
    try:
        model = onnx.load(source)
        measured = ranges(source, texts)
        spread(model, measured)
        _Rounding(model, measured).run()
        onnx.save(model, target)
    except ArtifactError:
        raise
    except Exception as error:  # protobuf, onnx and numpy have errors of their own
        raise ArtifactError(f"the graph could not be quantized for TensorRT: {error}") from error


class _Rounding:
    """One graph.

    Args:
        model: is changed in place.
        measured: ranges of the linear layers' inputs.
    """

    def __init__(self, model: onnx.ModelProto, measured: Ranges) -> None:
        self._rewrite = Rewrite(model)
        nodes = model.graph.node
        layers = list(products(self._rewrite, nodes))
        self._scales = {
            name: centre_input(rows, measured.low[name], measured.high[name])
            for name, rows in heaviest_weights(self._rewrite, layers).items()
        }
        self._widths = {
            entry.output[0]: self._rewrite.constants[entry.input[1]].dims[1] for entry in layers
        }
        biases = following_biases(self._rewrite, nodes, self._widths)
        self._layer_of = {entry.output[0]: layer for layer, entry in biases.items()}
        self._biased = set(biases)
        self._offsets: dict[str, NDArray[np.float32]] = {}
        self._rounded: set[str] = set()

    def run(self) -> None:
        """Rewrite it."""
        self._rewrite.apply(self._replace)

    def _replace(self, entry: onnx.NodeProto) -> Sequence[onnx.NodeProto]:
        output = entry.output[0] if entry.output else ""
        if output in self._widths:
            return [*self._input(entry.input[0]), *self._layer(entry)]
        if output in self._layer_of:
            self._add_offset(entry)
        return [entry]

    def _input(self, given: str) -> Sequence[onnx.NodeProto]:
        """What rounds an input, where it is met first."""
        if given in self._rounded:
            return []
        self._rounded.add(given)
        scale, constant = self._scales[given], self._rewrite.constant
        centre = constant(f"{given}/centre", scale.centre)
        factor = constant(f"{given}/factor", 1 / scale.divisor)
        step = constant(f"{given}/step", np.asarray(scale.step))
        zero = constant(f"{given}/zero", np.zeros((), np.int8))
        return [
            node("Sub", [given, centre], f"{given}/centred"),
            node("Mul", [f"{given}/centred", factor], f"{given}/smooth"),
            node("QuantizeLinear", [f"{given}/smooth", step, zero], f"{given}/integers"),
            node("DequantizeLinear", [f"{given}/integers", step, zero], f"{given}/rounded"),
        ]

    def _layer(self, entry: onnx.NodeProto) -> Sequence[onnx.NodeProto]:
        given, output, scale = entry.input[0], entry.output[0], self._scales[entry.input[0]]
        weights = self._rewrite.array(entry.input[1])
        integers, steps = round_columns(weights * scale.divisor[:, None], LARGEST_SYMMETRIC)
        # Of the rounded weights: with the exact ones, their difference would count on every centre.
        self._offsets[output] = (scale.centre / scale.divisor) @ (integers * steps)
        inputs = [
            self._rewrite.constant(f"{output}/integers", integers),
            self._rewrite.constant(f"{output}/steps", steps),
            self._rewrite.constant(f"{output}/zeros", np.zeros(len(steps), np.int8)),
        ]
        product = output if output in self._biased else f"{output}/product"
        return [
            node("DequantizeLinear", inputs, f"{output}/weights", axis=1),
            node("MatMul", [f"{given}/rounded", f"{output}/weights"], product),
            *self._own_offset(product, output),
        ]

    def _own_offset(self, product: str, output: str) -> Sequence[onnx.NodeProto]:
        """The addition of a layer's offset, where no bias can take it."""
        if product == output:
            return []
        offset = self._rewrite.constant(f"{output}/offset", self._offsets[output])
        return [node("Add", [product, offset], output)]

    def _add_offset(self, bias: onnx.NodeProto) -> None:
        """Put into a bias what the weights make of the centres that were taken off."""
        at = 0 if bias.input[0] in self._rewrite.constants else 1
        values = self._rewrite.array(bias.input[at]) + self._offsets[self._layer_of[bias.output[0]]]
        bias.input[at] = self._rewrite.constant(f"{bias.output[0]}/bias", values)
