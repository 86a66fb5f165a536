"""The fused operators in numpy, against ONNX Runtime's CPU kernels and against each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import helper
from onnx.reference import ReferenceEvaluator

from bertine_export import session
from bertine_export.numpy_operators import OPERATORS, attend
from bertine_export.operators import VENDOR

Feeds = dict[str, NDArray[Any]]
LENGTHS = st.lists(st.integers(1, 9), min_size=1, max_size=6)
HIDDEN, HEADS = 8, 2
RANDOM = np.random.default_rng(3)


def floats(*shape: int) -> NDArray[np.float32]:
    return RANDOM.standard_normal(shape).astype(np.float32)


def model(kind: str, feeds: Feeds, outputs: int, **attributes: Any) -> onnx.ModelProto:
    """A graph of one operator; an input whose name begins with "_" is left out."""
    names = ["" if name.startswith("_") else name for name in feeds]
    results = [f"output{index}" for index in range(outputs)]
    of = helper.make_node(kind, names, results, domain=VENDOR, **attributes)
    given_values = [
        helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(feeds[name].dtype), feeds[name].shape
        )
        for name in names
        if name
    ]
    made = [onnx.ValueInfoProto(name=name) for name in results]
    graph = helper.make_graph([of], "one", given_values, made)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(VENDOR, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def in_numpy(kind: str, feeds: Feeds, outputs: int = 1, **attributes: Any) -> list[NDArray[Any]]:
    running = ReferenceEvaluator(model(kind, feeds, outputs, **attributes), new_ops=list(OPERATORS))
    results: list[NDArray[Any]] = running.run(None, _present(feeds))
    return results


def in_onnxruntime(
    kind: str, feeds: Feeds, outputs: int = 1, **attributes: Any
) -> list[NDArray[Any]]:
    graph = model(kind, feeds, outputs, **attributes).SerializeToString()
    results: list[NDArray[Any]] = session.open_graph(graph, kind).run(None, _present(feeds))
    return results


def _present(feeds: Feeds) -> Feeds:
    return {name: values for name, values in feeds.items() if not name.startswith("_")}


def attention(lengths: NDArray[np.int32], length: int) -> Feeds:
    return {
        "values": floats(len(lengths), length, HIDDEN),
        "weights": floats(HIDDEN, 3 * HIDDEN),
        "bias": floats(3 * HIDDEN),
        "mask": lengths,
    }


def test_padding_is_removed_as_the_documentation_shows() -> None:
    values = np.arange(12, dtype=np.float32).reshape(3, 4, 1)
    feeds: Feeds = {"values": values, "lengths": np.array([1, 2, 4], np.int32)}
    packed, offset, cumulative, longest = in_numpy("RemovePadding", feeds, 4)
    assert packed.ravel().tolist() == [0, 4, 5, 8, 9, 10, 11]
    assert offset.ravel().tolist() == [0, 4, 5, 8, 9, 10, 11, 1, 2, 3, 6, 7]
    assert cumulative.tolist() == [0, 1, 3, 7]
    assert longest.tolist() == [4]


@settings(deadline=None, max_examples=40)
@given(LENGTHS)
def test_restored_padding_is_zero_and_the_rest_is_as_it_was(lengths: list[int]) -> None:
    counts = np.array(lengths, np.int32)
    values = floats(len(lengths), max(lengths), HIDDEN)
    packed, offset, *_ = in_numpy("RemovePadding", {"values": values, "lengths": counts}, 4)
    assert len(packed) == sum(lengths)
    (restored,) = in_numpy("RestorePadding", {"packed": packed, "offset": offset})
    real = np.arange(max(lengths)) < counts[:, None]
    np.testing.assert_array_equal(restored, np.where(real[..., None], values, 0))


@settings(deadline=None, max_examples=40)
@given(LENGTHS)
def test_packed_attention_is_attention_without_the_padding(lengths: list[int]) -> None:
    counts = np.array(lengths, np.int32)
    feeds = attention(counts, max(lengths))
    (padded,) = in_onnxruntime("Attention", feeds, num_heads=HEADS)
    removed = {"values": feeds["values"], "lengths": counts}
    packed, offset, cumulative, _ = in_numpy("RemovePadding", removed, 4)
    inputs: Feeds = {
        "packed": packed,
        "weights": feeds["weights"],
        "bias": feeds["bias"],
        "offset": offset,
        "cumulative": cumulative,
    }
    (result,) = in_numpy("PackedAttention", inputs, num_heads=HEADS)
    real = np.arange(max(lengths)) < counts[:, None]
    np.testing.assert_allclose(result, padded[real], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("scale", [None, 0.7])
def test_attention_is_that_of_onnxruntime(scale: float | None) -> None:
    counts = np.array([5, 1, 3], np.int32)
    options: dict[str, Any] = {"num_heads": HEADS} | ({} if scale is None else {"scale": scale})
    feeds = attention(counts, 5)
    (expected,) = in_onnxruntime("Attention", feeds, **options)
    (result,) = in_numpy("Attention", feeds, **options)
    real = np.arange(5) < counts[:, None]
    np.testing.assert_allclose(result[real], expected[real], rtol=1e-4, atol=1e-4)


def test_starts_after_the_lengths_change_nothing() -> None:
    counts = np.array([5, 1, 3], np.int32)
    starts = np.array([0, 5, 10, 15], np.int32)
    feeds = attention(counts, 5)
    wide = feeds | {"mask": np.concatenate([counts, starts, starts])}
    real = np.arange(5) < counts[:, None]
    for run in (in_numpy, in_onnxruntime):
        (expected,) = run("Attention", feeds, num_heads=HEADS)
        (result,) = run("Attention", wide, num_heads=HEADS)
        np.testing.assert_array_equal(result[real], expected[real])


@pytest.mark.parametrize("bias", ["bias", "_bias"])
def test_a_normalised_sum_is_that_of_onnxruntime(bias: str) -> None:
    vectors = {name: floats(HIDDEN) for name in ("gamma", "beta", bias)}
    feeds = {"values": floats(2, 3, HIDDEN), "skip": floats(2, 3, HIDDEN), **vectors}
    expected = in_onnxruntime("SkipLayerNormalization", feeds, epsilon=1e-6)
    result = in_numpy("SkipLayerNormalization", feeds, epsilon=1e-6)
    np.testing.assert_allclose(result, expected, atol=1e-5)


def test_the_activations_are_those_of_onnxruntime() -> None:
    feeds: Feeds = {"values": floats(2, 3, HIDDEN) * 3}
    for kind, inputs in (("Gelu", feeds), ("BiasGelu", feeds | {"bias": floats(HIDDEN)})):
        np.testing.assert_allclose(in_numpy(kind, inputs), in_onnxruntime(kind, inputs), atol=1e-5)


@pytest.mark.parametrize("typed", [True, False])
@pytest.mark.parametrize("placed", [True, False])
def test_embeddings_are_those_of_onnxruntime(typed: bool, placed: bool) -> None:  # noqa: FBT001
    left_out = "" if typed else "_"
    ids = RANDOM.integers(0, 11, (2, 4), dtype=np.int32)
    feeds: Feeds = {
        "ids": ids,
        f"{left_out}types": ids % 2,
        "words": floats(11, HIDDEN),
        "positions": floats(9, HIDDEN),
        f"{left_out}type_table": floats(2, HIDDEN),
        "gamma": floats(HIDDEN),
        "beta": floats(HIDDEN),
        "mask": np.array([[1, 1, 1, 1], [1, 1, 0, 0]], np.int32),
    }
    if placed:
        feeds["places"] = np.array([[1, 2, 3, 4], [1, 2, 0, 0]], np.int32)
    expected = in_onnxruntime("EmbedLayerNormalization", feeds, 2)
    result = in_numpy("EmbedLayerNormalization", feeds, 2)
    np.testing.assert_allclose(result[0], expected[0], atol=1e-5)
    assert result[1].tolist() == expected[1].tolist() == [4, 2]


def test_what_is_given_in_fp16_comes_back_in_fp16() -> None:
    projected = floats(4, 3 * HIDDEN).astype(np.float16)
    assert attend(projected, HEADS, None).dtype == np.float16
