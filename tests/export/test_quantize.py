"""The int8 graph as a graph: what is rounded, and that a batch does not change a text's vector."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from bertine.artifact import Artifact
from bertine_export import calibrate, fuse, graph, model, quantize, session, tokenizer
from bertine_export.settings import Settings
from bertine_export.tokenizer import Ids

TEXTS: list[Ids] = [[1, *range(5, 5 + length), 2] for length in (1, 3, 9, 14)]


@pytest.fixture
def graphs(tiny: Any, tmp_path: Path) -> dict[bool, Path]:
    """The fp32 graphs of a small BERT, by whether they are fused."""
    loaded = model.load(tiny("bert"), Settings())
    paths = {fused: tmp_path / f"{fused}.onnx" for fused in (False, True)}
    graph.to_onnx(loaded.encoder, 17, paths[False])
    fuse.fuse(paths[False], paths[True], loaded.config)
    return paths


def kinds(path: Path) -> Counter[str]:
    return Counter(entry.op_type for entry in onnx.load(path).graph.node)


@pytest.mark.parametrize("fused", [False, True])
def test_every_linear_layer_is_rounded(graphs: dict[bool, Path], fused: bool) -> None:  # noqa: FBT001
    target = graphs[fused].with_name("int8.onnx")
    quantize.quantize(graphs[fused], target, TEXTS)
    found = kinds(target)
    assert found["MatMulIntegerToFloat"] == 2 * 6  # two layers: q, k, v, output, two feed-forward
    assert found["QuantizeLinear"] == 2 * 4  # q, k and v share their input
    assert found["Attention"] == found["SkipLayerNormalization"] == 0


@pytest.mark.parametrize("fused", [False, True])
def test_its_vectors_are_near_those_of_fp32(graphs: dict[bool, Path], fused: bool) -> None:  # noqa: FBT001
    target = graphs[fused].with_name("int8.onnx")
    quantize.quantize(graphs[fused], target, TEXTS)
    batches = tokenizer.sorted_batches(TEXTS, 0)
    exact = session.embed(session.open_session(graphs[fused]), batches)
    rounded = session.embed(session.open_session(target), batches)
    assert (exact * rounded).sum(axis=1).min() > 0.99


def test_ranges_are_those_of_the_texts_alone_and_cut(graphs: dict[bool, Path]) -> None:
    found = calibrate.ranges(graphs[True], TEXTS)
    fewer = calibrate.ranges(graphs[True], TEXTS[:1])
    assert found.low.keys() == fewer.low.keys()
    assert len(found.low) == 2 * 4
    for name, low in found.low.items():
        assert (low <= fewer.low[name]).all()
        assert (found.high[name] >= fewer.high[name]).all()
        assert (low <= found.high[name]).all()


def test_a_text_has_the_same_vector_in_every_batch(minilm: Artifact) -> None:
    running = session.open_session(minilm.path("int8"))
    reading = tokenizer.load(minilm.tokenizer_path, minilm.manifest.max_length)
    texts = ["red shoes", "a cat sleeps on the sofa", "good book " * 40]
    rows = tokenizer.encode(reading, texts)
    alone = session.embed(running, [tokenizer.pad([row], 0) for row in rows])
    together = session.embed(running, [tokenizer.pad(rows, 0)])
    np.testing.assert_allclose(alone, together, atol=2e-3)
    assert (alone * together).sum(axis=1).min() > 0.9999
