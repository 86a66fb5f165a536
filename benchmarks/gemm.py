"""The ceiling: how fast this machine multiplies matrices of a model's own shapes in fp32."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnxruntime
from onnx import TensorProto, helper

from benchmarks.graph import Product
from benchmarks.timing import durations
from bertine.encode.cores import usable_cores


def ceiling(shapes: Sequence[Product], tokens: int) -> dict[str, float]:
    """Operations a second of the model's products, run alone.

    Args:
        shapes: all products of a pass through the model.
        tokens: rows of each left matrix.

    Returns:
        One rate for each library, from each product's quickest run; the highest is the ceiling.
    """
    total = tokens * sum(shape.flops for shape in shapes)
    counted = Counter(shapes).items()
    return {
        name: total / sum(min(durations(make(shape, tokens))) * times for shape, times in counted)
        for name, make in (("numpy", _numpy), ("onnxruntime", _onnxruntime))
    }


def _operands(shape: Product, tokens: int) -> tuple[Any, Any]:
    random = np.random.default_rng(0)
    left = random.standard_normal((tokens, shape.inner), dtype=np.float32)
    return left, random.standard_normal((shape.inner, shape.outer), dtype=np.float32)


def _numpy(shape: Product, tokens: int) -> Callable[[], object]:
    left, right = _operands(shape, tokens)
    result = np.empty((tokens, shape.outer), np.float32)
    return lambda: np.matmul(left, right, out=result)


def _onnxruntime(shape: Product, tokens: int) -> Callable[[], object]:
    """With the weight as a constant: ONNX Runtime then packs it once, as it does in a model."""
    left, right = _operands(shape, tokens)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = usable_cores()
    session = onnxruntime.InferenceSession(
        _product_graph(right), options, providers=["CPUExecutionProvider"]
    )
    return lambda: session.run(None, {"left": left})


def _product_graph(weight: Any) -> bytes:
    inner, outer = weight.shape
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["left", "weight"], ["product"])],
        "product",
        [helper.make_tensor_value_info("left", TensorProto.FLOAT, [None, inner])],
        [helper.make_tensor_value_info("product", TensorProto.FLOAT, [None, outer])],
        [helper.make_tensor("weight", TensorProto.FLOAT, weight.shape, weight.tobytes(), raw=True)],
    )
    opsets = [helper.make_opsetid("", 17)]
    return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString())
