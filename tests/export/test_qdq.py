"""The int8 graph for TensorRT: its rules of explicit quantization, and its vectors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper

from bertine.errors import ArtifactError
from bertine_export import graph, model, qdq, session, tokenizer, verify
from bertine_export.operators import attributes
from bertine_export.settings import Settings
from bertine_export.tokenizer import Ids

TEXTS: list[Ids] = [[1, *range(5, 5 + length), 2] for length in (1, 3, 9, 14)]
LAYERS = 2 * 6  # two layers: q, k, v, output, two feed-forward


@pytest.fixture(scope="module")
def unfused(tiny: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("qdq") / "unfused.onnx"
    encoder = model.load(tiny("bert"), Settings()).encoder
    for vector in (weight for weight in encoder.parameters() if weight.ndim == 1):
        vector.data += vector.data.clone().normal_(std=0.1)  # new biases are all 0
    graph.to_onnx(encoder, 17, path)
    return path


@pytest.fixture(scope="module")
def rounded(unfused: Path) -> Path:
    target = unfused.with_name("qdq.onnx")
    qdq.quantize(unfused, target, TEXTS)
    return target


@pytest.fixture(scope="module")
def parts(rounded: Path) -> tuple[list[onnx.NodeProto], dict[str, onnx.TensorProto]]:
    loaded = onnx.load(rounded).graph
    return list(loaded.node), {tensor.name: tensor for tensor in loaded.initializer}


def of_kind(nodes: list[onnx.NodeProto], *kinds: str) -> list[onnx.NodeProto]:
    return [entry for entry in nodes if entry.op_type in kinds]


def test_every_zero_point_is_0_and_of_int8(parts: Any) -> None:
    nodes, constants = parts
    found = of_kind(nodes, "QuantizeLinear", "DequantizeLinear")
    assert len(found) == 2 * 8 + LAYERS  # four inputs in each of two layers, and the weights
    for entry in found:
        zeros = constants[entry.input[2]]
        assert zeros.data_type == TensorProto.INT8
        assert not numpy_helper.to_array(zeros).any()


def test_inputs_have_one_step_and_weights_one_for_each_output(parts: Any) -> None:
    nodes, constants = parts
    for entry in of_kind(nodes, "QuantizeLinear"):
        assert list(constants[entry.input[1]].dims) == []
    weights = [entry for entry in of_kind(nodes, "DequantizeLinear") if entry.input[0] in constants]
    assert len(weights) == LAYERS
    for entry in weights:
        integers, steps = (numpy_helper.to_array(constants[name]) for name in entry.input[:2])
        assert attributes(entry)["axis"] == 1
        assert steps.shape == (integers.shape[1],)
        assert (np.abs(integers.astype(int)).max(axis=0) == 127).all()


def test_both_inputs_of_a_layer_are_rounded_and_its_output_is_not(parts: Any) -> None:
    nodes, _ = parts
    made = {entry.output[0]: entry for entry in nodes}
    layers = [
        entry
        for entry in of_kind(nodes, "MatMul")
        if made[entry.input[1]].op_type == "DequantizeLinear"
    ]
    assert len(layers) == LAYERS
    for entry in layers:
        assert made[entry.input[0]].op_type == "DequantizeLinear"
        users = {user.op_type for user in nodes if entry.output[0] in user.input}
        assert users == {"Add"}


def test_biases_stay_in_fp32(parts: Any) -> None:
    _, constants = parts
    biases = [tensor for name, tensor in constants.items() if name.endswith("/bias")]
    assert len(biases) == LAYERS
    assert {tensor.data_type for tensor in biases} == {TensorProto.FLOAT}


def test_all_operators_are_standard(rounded: Path) -> None:
    loaded = onnx.load(rounded)
    onnx.checker.check_model(loaded)
    assert {entry.domain for entry in loaded.graph.node} == {""}


def test_its_vectors_are_near_those_of_fp32(unfused: Path, rounded: Path) -> None:
    batches = tokenizer.sorted_batches(TEXTS, 0)
    exact = session.embed(session.open_session(unfused), batches)
    assert verify.cosines(session.embed(session.open_session(rounded), batches), exact).min() > 0.99


@pytest.mark.parametrize("opset", [14, 20])
def test_other_opsets_work(opset: int, tiny: Any, tmp_path: Path) -> None:
    paths = tmp_path / "unfused.onnx", tmp_path / "qdq.onnx"
    graph.to_onnx(model.load(tiny("bert"), Settings()).encoder, opset, paths[0])
    qdq.quantize(paths[0], paths[1], TEXTS)
    batches = tokenizer.sorted_batches(TEXTS, 0)
    exact, near = (session.embed(session.open_session(path), batches) for path in paths)
    assert verify.cosines(near, exact).min() > 0.99


@pytest.mark.parametrize("kind", ["distilbert", "roberta", "mpnet"])
def test_other_architectures_work(kind: str, tiny: Any, tmp_path: Path) -> None:
    loaded = model.load(tiny(kind), Settings())
    paths = tmp_path / "unfused.onnx", tmp_path / "qdq.onnx"
    graph.to_onnx(loaded.encoder, 17, paths[0])
    qdq.quantize(paths[0], paths[1], TEXTS)
    batches = tokenizer.sorted_batches(TEXTS, loaded.pad_token_id)
    exact, near = (session.embed(session.open_session(path), batches) for path in paths)
    assert verify.cosines(near, exact).min() > 0.98


def test_layers_without_a_bias_get_their_offset(tiny: Any, tmp_path: Path) -> None:
    loaded = model.load(tiny("bert"), Settings())
    for layer in loaded.encoder.modules():
        if getattr(layer, "bias", None) is not None and hasattr(layer, "in_features"):
            layer.register_parameter("bias", None)
    paths = tmp_path / "unfused.onnx", tmp_path / "qdq.onnx"
    graph.to_onnx(loaded.encoder, 17, paths[0])
    qdq.quantize(paths[0], paths[1], TEXTS)
    batches = tokenizer.sorted_batches(TEXTS, 0)
    exact, near = (session.embed(session.open_session(path), batches) for path in paths)
    assert verify.cosines(near, exact).min() > 0.99
    names = {tensor.name for tensor in onnx.load(paths[1]).graph.initializer}
    assert sum(name.endswith("/offset") for name in names) == LAYERS


def test_a_damaged_graph_is_an_artifact_error(tmp_path: Path) -> None:
    (tmp_path / "damaged.onnx").write_bytes(b"not a graph")
    with pytest.raises(ArtifactError, match="could not be quantized for TensorRT"):
        qdq.quantize(tmp_path / "damaged.onnx", tmp_path / "qdq.onnx", [[1, 2]])
