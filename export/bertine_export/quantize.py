"""Static int8: every linear layer with rounded weights and a rounded input of a known range.

Ranges are measured once, on real texts, so a text's vector does not depend on the texts beside it
in a batch, as it does where ONNX Runtime scales activations while it runs. What is between the
linear layers stays fp32. See `smoothing` for the arithmetic and docs/decisions/0014.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from bertine.errors import ArtifactError
from bertine_export.calibrate import Ranges, ranges
from bertine_export.operators import VENDOR, Rewrite, following_biases, node, products
from bertine_export.smoothing import InputScale, round_columns, round_rows, scale_input
from bertine_export.spread import spread
from bertine_export.tokenizer import Ids

_TABLE_VALUES = 1 << 18
"""Tables of at least that many values are rounded: word embeddings, not position embeddings."""

_LOOKUPS = {"Gather": (0,), "EmbedLayerNormalization": (2, 3, 4)}


def quantize(source: Path, target: Path, texts: Sequence[Ids]) -> None:
    """Write the graph in int8.

    Args:
        source: fp32 graph, fused or not.
        target: of the quantized graph.
        texts: token ids to measure ranges on.

    Raises:
        ArtifactError: the graph cannot be read or written.
    """
    try:
        model = onnx.load(source)
        measured = ranges(source, texts)
        spread(model, measured)
        _Quantization(model, measured).run()
        onnx.save(model, target)
    except ArtifactError:
        raise
    except Exception as error:  # protobuf, onnx and numpy have errors of their own
        raise ArtifactError(f"the graph could not be quantized: {error}") from error


class _Quantization:
    """One graph.

    Args:
        model: is changed in place.
        measured: ranges of the linear layers' inputs.
    """

    def __init__(self, model: onnx.ModelProto, measured: Ranges) -> None:
        self._model = model
        self._measured = measured
        self._rewrite = Rewrite(model)
        nodes = model.graph.node
        layers = list(products(self._rewrite, nodes))
        self._layers = {
            entry.output[0]: self._rewrite.constants[entry.input[1]].dims[1] for entry in layers
        }
        self._scales = self._input_scales(layers)
        self._biases = following_biases(self._rewrite, nodes, self._layers)
        self._absorbed = {entry.output[0] for entry in self._biases.values()}
        self._rounded: set[str] = set()

    def run(self) -> None:
        """Rewrite it."""
        self._rewrite.apply(self._replace)
        self._rewrite.prepend([new for name in self._tables() for new in self._table(name)])
        if not any(entry.domain == VENDOR for entry in self._model.opset_import):
            self._model.opset_import.append(onnx.helper.make_opsetid(VENDOR, 1))

    def _input_scales(self, layers: Sequence[onnx.NodeProto]) -> dict[str, InputScale]:
        """One for each input, since queries, keys and values share theirs."""
        heaviest = heaviest_weights(self._rewrite, layers)
        low, high = self._measured.low, self._measured.high
        return {name: scale_input(rows, low[name], high[name]) for name, rows in heaviest.items()}

    def _replace(self, entry: onnx.NodeProto) -> Sequence[onnx.NodeProto]:
        output = entry.output[0] if entry.output else ""
        if output in self._layers:
            return [*self._input(entry.input[0]), self._layer(entry)]
        if entry.op_type == "Gelu":  # by tanh: 2.8 % of MiniLM's time, and less than rounding errs
            return [node("FastGelu", entry.input, output, domain=VENDOR)]
        return [] if output in self._absorbed else [entry]

    def _input(self, given: str) -> Sequence[onnx.NodeProto]:
        """What rounds an input, where it is met first."""
        if given in self._rounded:
            return []
        self._rounded.add(given)
        scale, constant = self._scales[given], self._rewrite.constant
        factor = constant(f"{given}/factor", 1 / scale.divisor)
        step = constant(f"{given}/step", np.array([scale.step]))
        zero = constant(f"{given}/zero", np.array([scale.zero]))
        return [
            node("Mul", [given, factor], f"{given}/smooth"),
            node("QuantizeLinear", [f"{given}/smooth", step, zero], f"{given}/rounded"),
        ]

    def _layer(self, entry: onnx.NodeProto) -> onnx.NodeProto:
        given, output = entry.input[0], entry.output[0]
        divisor = self._scales[given].divisor
        rounded, steps = round_columns(self._rewrite.array(entry.input[1]) * divisor[:, None])
        inputs = [
            f"{given}/rounded",
            self._rewrite.constant(f"{output}/weights", rounded),
            f"{given}/step",
            self._rewrite.constant(f"{output}/steps", steps),
            f"{given}/zero",
            "",  # the weights' zero is 0
            *self._bias(output),
        ]
        final = self._biases[output].output[0] if output in self._biases else output
        return node("MatMulIntegerToFloat", inputs, final, domain=VENDOR)

    def _bias(self, layer: str) -> list[str]:
        names = self._biases[layer].input if layer in self._biases else ()
        return [name for name in names if name in self._rewrite.constants]

    def _tables(self) -> list[str]:
        """Constants that rows are looked up in, large ones."""
        names = (
            entry.input[position]
            for entry in self._model.graph.node
            for position in _LOOKUPS.get(entry.op_type, ())
        )
        constants = self._rewrite.constants
        return [
            name
            for name in dict.fromkeys(names)
            if name in constants and int(np.prod(constants[name].dims)) >= _TABLE_VALUES
        ]

    def _table(self, name: str) -> Sequence[onnx.NodeProto]:
        """What gives a table again from its rounded rows; ONNX Runtime does it once, at load."""
        rows, steps = round_rows(self._rewrite.array(name))
        narrow = self._rewrite.constant(f"{name}/rounded", rows)
        scale = self._rewrite.constant(f"{name}/steps", steps)
        return [
            node("Cast", [narrow], f"{name}/wide", to=onnx.TensorProto.FLOAT),
            node("Mul", [f"{name}/wide", scale], name),
        ]


def heaviest_weights(
    rewrite: Rewrite, layers: Sequence[onnx.NodeProto]
) -> dict[str, NDArray[np.float32]]:
    """The largest absolute weight that each channel meets, ``[inputs]``, by the layers' inputs.

    Layers that share an input, as queries, keys and values do, share one entry.
    """
    heaviest: dict[str, NDArray[np.float32]] = {}
    for entry in layers:
        given, rows = entry.input[0], np.abs(rewrite.array(entry.input[1])).max(axis=1)
        heaviest[given] = np.maximum(heaviest.get(given, rows), rows)
    return heaviest
