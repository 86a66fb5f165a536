"""A fused graph in fp16: weights and activations of the encoder; pooling stays in fp32.

Sums over a text's tokens would lose precision in fp16 and the squares of a norm could overflow, so
whatever comes after the encoder's last normalisation is computed in fp32, from a cast. That is a
few operations on each vector; the encoder's matrix products are all the rest.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx

from bertine.errors import ArtifactError
from bertine_export.operators import Rewrite, node
from bertine_export.unfit import Unfit

NORMALISATIONS = ("LayerNormalization", "SkipLayerNormalization")

_COMPUTES = frozenset(
    {
        *NORMALISATIONS,
        "Add",
        "Attention",
        "BiasGelu",
        "EmbedLayerNormalization",
        "FastGelu",
        "Gather",
        "Gelu",
        "MatMul",
    }
)
"""Operators whose float inputs and outputs all have one type, and which have an fp16 kernel in the
CUDA provider (onnxruntime docs/OperatorKernels.md, CUDAExecutionProvider)."""

_INTEGERS = {"Attention": (3, 6), "EmbedLayerNormalization": (0, 1, 7, 8), "Gather": (1,)}
"""Which inputs are ids, masks or lengths (onnxruntime docs/ContribOperators.md)."""

_LARGEST = float(np.finfo(np.float16).max)


def halve(model: onnx.ModelProto) -> None:
    """Rewrite the encoder's part of a graph in fp16, in place; inputs and outputs stay as they are.

    Args:
        model: fused, its nodes in the order of computation.

    Raises:
        ArtifactError: the graph has no normalisation.
        Unfit: a weight exceeds what fp16 can hold.
    """
    rewrite = Rewrite(model)
    halving = _Halving(rewrite, last_normalisation(model))
    rewrite.apply(halving.replace)
    del model.graph.value_info[:]  # they name the types of before


def last_normalisation(model: onnx.ModelProto) -> str:
    """The output of the encoder's last normalisation, its hidden state.

    Raises:
        ArtifactError: there is none.
    """
    outputs = [entry.output[0] for entry in model.graph.node if entry.op_type in NORMALISATIONS]
    if not outputs:
        raise ArtifactError(
            f"the graph has none of {', '.join(NORMALISATIONS)}, so it is not a fused encoder"
        )
    return str(outputs[-1])


class _Halving:
    """Decides node by node what is computed in fp16.

    Args:
        rewrite: of the graph.
        last: the tensor that ends the fp16 part.
    """

    def __init__(self, rewrite: Rewrite, last: str) -> None:
        self._rewrite = rewrite
        self._last = last
        self._ended = False
        self._half: set[str] = set()
        self._added: set[str] = set()

    def replace(self, entry: onnx.NodeProto) -> Sequence[onnx.NodeProto]:
        """A node, its casts before it."""
        casts = self._to_half(entry) if self._computes(entry) else self._to_full(entry)
        self._ended |= self._last in entry.output
        return [*casts, entry]

    def _computes(self, entry: onnx.NodeProto) -> bool:
        floats = self._floats(entry)
        return (
            not self._ended
            and entry.op_type in _COMPUTES
            and any(self._is_weight(name) or name in self._half for _, name in floats)
        )

    def _floats(self, entry: onnx.NodeProto) -> list[tuple[int, str]]:
        skipped = _INTEGERS.get(entry.op_type, ())
        return [(at, name) for at, name in enumerate(entry.input) if name and at not in skipped]

    def _is_weight(self, name: str) -> bool:
        tensor = self._rewrite.constants.get(name)
        return tensor is not None and tensor.data_type == onnx.TensorProto.FLOAT

    def _to_half(self, entry: onnx.NodeProto) -> list[onnx.NodeProto]:
        casts = []
        for at, name in self._floats(entry):
            if name in self._half:
                continue
            narrow = entry.input[at] = f"{name}/half"
            if self._is_weight(name):
                self._narrow_weight(name, narrow)
            else:
                casts += self._cast(name, narrow, onnx.TensorProto.FLOAT16)
        self._half.add(entry.output[0])
        return casts

    def _to_full(self, entry: onnx.NodeProto) -> list[onnx.NodeProto]:
        casts = []
        for at, name in enumerate(entry.input):
            if name in self._half:
                entry.input[at] = f"{name}/full"
                casts += self._cast(name, f"{name}/full", onnx.TensorProto.FLOAT)
        return casts

    def _cast(self, name: str, wanted: str, kind: int) -> list[onnx.NodeProto]:
        if wanted in self._added:
            return []
        self._added.add(wanted)
        return [node("Cast", [name], wanted, to=kind)]

    def _narrow_weight(self, name: str, narrow: str) -> None:
        if narrow in self._added:
            return
        self._added.add(narrow)
        values = self._rewrite.array(name)
        largest = float(np.abs(values).max(initial=0.0))
        if largest > _LARGEST:
            raise Unfit(f"the weight {name} reaches {largest:g}, fp16 holds at most {_LARGEST:g}")
        self._rewrite.constant(narrow, values.astype(np.float16))
