"""The graphs for the CUDA provider: their operators, masks and types, and their vectors."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto

from bertine.errors import ArtifactError
from bertine_export import cuda, fuse, graph, half, model, operators, session, tokenizer, verify
from bertine_export.evaluator import evaluate
from bertine_export.settings import Settings
from bertine_export.tokenizer import Batch, Ids
from bertine_export.unfit import Unfit

FUSED = ("bert", "distilbert", "roberta", "xlm-roberta")
ROWS: list[Ids] = [[1, *range(5, 5 + length), 2] for length in (1, 14, 3, 9)]
LENGTHS = st.lists(st.integers(1, 20), min_size=1, max_size=5)


class Graphs:
    """The fp32 graph of a small model, and what is made from it.

    Attributes:
        config: of transformers.
        unfused: path of the fp32 graph.
        padded: of the fp16 graph.
        packed: of the packed graph.
        padding: token id.
    """

    def __init__(self, folder: Path, source: Path, opset: int = 17) -> None:
        loaded = model.load(source, Settings())
        self.config, self.padding = loaded.config, loaded.pad_token_id
        self.unfused, self.padded, self.packed = (
            folder / f"{name}.onnx" for name in ("unfused", "padded", "packed")
        )
        graph.to_onnx(loaded.encoder, opset, self.unfused)

    def make(self) -> None:
        cuda.to_fp16(self.unfused, self.padded, self.config)
        cuda.to_packed_fp16(self.unfused, self.packed, self.config)

    def batch(self, rows: list[Ids]) -> Batch:
        return tokenizer.pad(rows, self.padding)


@pytest.fixture(scope="module")
def made(tiny: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Graphs]:
    known: dict[str, Graphs] = {}

    def of(kind: str) -> Graphs:
        if kind not in known:
            known[kind] = Graphs(tmp_path_factory.mktemp(kind), tiny(kind))
            known[kind].make()
        return known[kind]

    return of


@pytest.mark.parametrize("kind", FUSED)
def test_every_layer_has_one_attention(kind: str, made: Any) -> None:
    layers = made(kind).config.num_hidden_layers
    padded, packed = (
        Counter(entry.op_type for entry in onnx.load(path).graph.node)
        for path in (made(kind).padded, made(kind).packed)
    )
    assert (padded["Attention"], padded["Softmax"]) == (layers, 0)
    assert (packed["PackedAttention"], packed["Attention"]) == (layers, 0)
    assert (packed["RemovePadding"], packed["RestorePadding"]) == (1, 1)
    assert fuse.statistics(made(kind).padded)["Attention"] == layers


@pytest.mark.parametrize("kind", FUSED)
def test_weights_are_fp16_and_the_vector_is_fp32(kind: str, made: Any) -> None:
    for path in (made(kind).padded, made(kind).packed):
        loaded = onnx.load(path)
        kinds = {tensor.data_type for tensor in loaded.graph.initializer}
        assert TensorProto.FLOAT not in kinds
        assert TensorProto.FLOAT16 in kinds
        assert loaded.graph.output[0].type.tensor_type.elem_type == TensorProto.FLOAT
        onnx.checker.check_model(loaded)


@pytest.mark.parametrize("kind", FUSED)
def test_vectors_are_near_those_of_fp32(kind: str, made: Any) -> None:
    graphs = made(kind)
    batches = [graphs.batch(ROWS), graphs.batch(ROWS[:1])]
    exact = session.embed(session.open_session(graphs.unfused), batches)
    on_cpu = session.embed(session.open_session(graphs.padded), batches)
    assert on_cpu.dtype == np.float32
    for vectors in (on_cpu, evaluate(graphs.padded, batches), evaluate(graphs.packed, batches)):
        assert verify.cosines(vectors, exact).min() > 0.9999


@settings(deadline=None, max_examples=40)
@given(lengths=LENGTHS, seed=st.integers(0, 2**32 - 1))
def test_a_packed_text_does_not_see_the_texts_beside_it(
    lengths: list[int], seed: int, made: Any
) -> None:
    graphs = made("bert")
    random = np.random.default_rng(seed)
    rows = [random.integers(5, graphs.config.vocab_size, length).tolist() for length in lengths]
    together = evaluate(graphs.packed, [graphs.batch(rows)])
    alone = evaluate(graphs.packed, [graphs.batch([row]) for row in rows])
    np.testing.assert_allclose(together, alone, atol=5e-3)
    exact = session.embed(session.open_session(graphs.unfused), [graphs.batch(rows)])
    assert verify.cosines(together, exact).min() > 0.9999


@pytest.mark.parametrize("opset", [14, 20])
def test_other_opsets_work(opset: int, tiny: Any, tmp_path: Path) -> None:
    graphs = Graphs(tmp_path, tiny("bert"), opset)
    graphs.make()
    exact = session.embed(session.open_session(graphs.unfused), [graphs.batch(ROWS)])
    padded = session.embed(session.open_session(graphs.padded), [graphs.batch(ROWS)])
    packed = evaluate(graphs.packed, [graphs.batch(ROWS)])
    assert verify.cosines(padded, exact).min() > 0.9999
    assert verify.cosines(packed, exact).min() > 0.9999


@pytest.mark.parametrize("mode", ["cls_token", "max_tokens", "mean_sqrt_len_tokens"])
def test_each_pooling_reads_restored_padding_rightly(mode: str, tiny: Any, tmp_path: Path) -> None:
    graphs = Graphs(tmp_path, tiny("bert", pooling={mode: True}, dense=True))
    graphs.make()
    exact = session.embed(session.open_session(graphs.unfused), [graphs.batch(ROWS)])
    packed = evaluate(graphs.packed, [graphs.batch(ROWS)])
    assert verify.cosines(packed, exact).min() > 0.9999


def test_the_mask_has_lengths_and_starts(made: Any) -> None:
    name = "mask/lengths_and_starts"
    watched = onnx.load(made("bert").padded)
    watched.graph.output.append(onnx.ValueInfoProto(name=name))
    masks = {entry.input[3] for entry in watched.graph.node if entry.op_type == "Attention"}
    assert masks == {name}
    running = session.open_graph(watched.SerializeToString(), "watched")
    (mask,) = running.run([name], made("bert").batch(ROWS))
    starts = [0, 16, 32, 48, 64]
    assert mask.dtype == np.int32
    assert mask.tolist() == [3, 16, 5, 11, *starts, *starts]


def test_a_head_size_that_the_kernel_does_not_take_keeps_lengths(made: Any, tmp_path: Path) -> None:
    config = copy.copy(made("bert").config)
    config.num_attention_heads = 8  # of a hidden size of 32
    cuda.to_fp16(made("bert").unfused, tmp_path / "narrow.onnx", config)
    nodes = onnx.load(tmp_path / "narrow.onnx").graph.node
    assert "CumSum" not in {entry.op_type for entry in nodes}


def test_nothing_before_pooling_depends_on_a_shape(made: Any) -> None:
    """A shape is known on the CPU only; what comes of it would have to be copied to the GPU."""
    for path in (made("bert").padded, made("bert").packed):
        kinds = [entry.op_type for entry in onnx.load(path).graph.node]
        last = max(at for at, kind in enumerate(kinds) if kind == "SkipLayerNormalization")
        assert "Shape" not in kinds[:last]


def test_attention_that_is_not_fused_is_an_error_that_says_what_is_left(
    tiny: Any, tmp_path: Path
) -> None:
    graphs = Graphs(tmp_path, tiny("mpnet"))
    for convert in (cuda.to_fp16, cuda.to_packed_fp16):
        with pytest.raises(Unfit, match=r"in each of 2 layers.*fused 0: .*2 Softmax"):
            convert(graphs.unfused, graphs.padded, graphs.config)
    assert not graphs.padded.exists()


def test_one_layer_too_few_is_an_error(made: Any) -> None:
    optimized = fuse.optimize(made("bert").unfused, made("bert").config)
    with pytest.raises(ArtifactError, match=r"in each of 3 layers.*fused 2"):
        cuda.check_fused(optimized, 3)


def test_a_graph_that_was_not_packed_is_an_error(made: Any) -> None:
    with pytest.raises(ArtifactError, match="converter made 2 Attention"):
        cuda.check_packed(onnx.load(made("bert").padded), 2)


def test_an_operator_that_numpy_lacks_is_an_artifact_error(made: Any, tmp_path: Path) -> None:
    unknown = onnx.load(made("bert").packed)
    next(entry for entry in unknown.graph.node if entry.op_type == "BiasGelu").op_type = "Unknown"
    onnx.save(unknown, tmp_path / "unknown.onnx")
    with pytest.raises(ArtifactError, match=r"numpy cannot run unknown.onnx: .*Unknown"):
        evaluate(tmp_path / "unknown.onnx", [made("bert").batch(ROWS)])


def test_a_weight_beyond_fp16_is_an_error(made: Any) -> None:
    optimized = fuse.optimize(made("bert").unfused, made("bert").config).model
    rewrite = operators.Rewrite(optimized)
    large = next(entry for entry in optimized.graph.node if entry.op_type == "BiasGelu")
    values = rewrite.array(large.input[1]) + 70_000
    large.input[1] = rewrite.constant("large", values)
    rewrite.tidy()
    with pytest.raises(ArtifactError, match="large reaches 7000"):
        half.halve(optimized)
