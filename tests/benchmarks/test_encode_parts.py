"""Arithmetic from a graph, the cut graph, and LoadGen's summary."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from benchmarks.graph import Product, products, token_flops
from benchmarks.loadgen_summary import parse
from benchmarks.peers.models import HIDDEN, cut_before_pooling
from bertine_export.spread import SPARE_UNITS

SUMMARY = """================================================
MLPerf Results Summary
================================================
SUT name : PySUT
Scenario : {scenario}
Mode     : PerformanceOnly
{rate}
Result is : {verdict}

================================================
Additional Stats
================================================
50.00 percentile latency (ns)   : 4117340
90.00 percentile latency (ns)   : 11066100
99.00 percentile latency (ns)   : 62905100
"""


def weight(name: str, *shape: int) -> onnx.TensorProto:
    return numpy_helper.from_array(np.ones(shape, np.float32), name)


def model(tmp_path: Path) -> Path:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("Gemm", ["a", "g"], ["b"], transB=1),
        helper.make_node("MatMul", ["b", "b2"], ["c"]),  # no weight: not counted
        helper.make_node("LayerNormalization", ["c", "scale"], ["h"]),
        helper.make_node("ReduceMean", ["h"], ["embedding"]),
    ]
    weights = [weight("w", 8, 32), weight("g", 8, 32), weight("scale", 8), weight("b2", 1, 8, 8)]
    given = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 8])]
    made = [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, None)]
    graph = helper.make_graph(nodes, "toy", given, made, weights)
    path = tmp_path / "toy.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), str(path))
    return path


def test_products_are_read_from_the_graph(tmp_path: Path) -> None:
    path = model(tmp_path)
    assert products(path) == [Product(8, 32), Product(32, 8)]
    assert token_flops(path) == 2 * (8 * 32 + 32 * 8)


def test_a_graph_is_cut_before_pooling(tmp_path: Path) -> None:
    cut = cut_before_pooling(onnx.load(str(model(tmp_path))))
    assert [node.op_type for node in cut.graph.node][-1] == "LayerNormalization"
    assert [output.name for output in cut.graph.output] == [HIDDEN]
    assert {entry.name for entry in cut.graph.initializer} == {"w", "g", "scale", "b2"}
    onnx.checker.check_model(cut)


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_minilm_costs_21_mflop_a_token_in_every_graph(model: Path, precision: str) -> None:
    # Six layers of 4 x 384 x 384 and 2 x 384 x 1536 weights; int8 has 16 spare units.
    units = 1_536 + (SPARE_UNITS if precision == "int8" else 0)
    assert token_flops(model / f"{precision}.onnx") == 2 * 6 * (4 * 384**2 + 2 * 384 * units)


def test_a_summary_of_single_stream() -> None:
    text = SUMMARY.format(
        scenario="SingleStream", rate="QPS w/o loadgen overhead: 118.8", verdict="VALID"
    )
    found = parse(text)
    assert (found.valid, found.rate) == (True, 118.8)
    assert found.percentiles_ms == {"p50": 4.11734, "p90": 11.0661, "p99": 62.9051}


def test_offline_has_no_latency() -> None:
    text = SUMMARY.format(scenario="Offline", rate="Samples per second: 131.9", verdict="INVALID")
    found = parse(text)
    assert (found.valid, found.rate, found.percentiles_ms) == (False, 131.9, {})


def test_what_is_no_summary_is_refused() -> None:
    with pytest.raises(ValueError, match="no summary of LoadGen"):
        parse("ERROR : something\n")
