"""Copies of extreme hidden units: the same network, with smaller parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertine_export import calibrate, fuse, graph, model, session, tokenizer
from bertine_export.operators import node
from bertine_export.settings import Settings
from bertine_export.spread import SPARE_UNITS, share_out, spread


@given(st.lists(st.floats(0, 1e6, width=32), min_size=1, max_size=40), st.integers(0, 20))
def test_the_parts_of_a_unit_make_it_whole(extremes: list[float], spare: int) -> None:
    units, parts = share_out(np.array(extremes, np.float32), spare)
    assert len(units) == len(parts) == len(extremes) + spare
    assert units[: len(extremes)].tolist() == list(range(len(extremes)))
    whole = np.bincount(units, weights=parts, minlength=len(extremes))
    np.testing.assert_allclose(whole, 1, rtol=1e-5)


@given(st.lists(st.floats(0, 1e6, width=32), min_size=1, max_size=40), st.integers(0, 20))
def test_no_other_sharing_has_a_smaller_largest_part(extremes: list[float], spare: int) -> None:
    """A bound below the largest part would need more copies than there are."""
    values = np.array(extremes, np.float64)
    units, parts = share_out(values.astype(np.float32), spare)
    bound = float((values[units] * parts).max()) * 0.999
    if bound > 0:
        assert np.maximum(np.ceil(values / bound), 1).sum() > len(units)


ROWS = [[1, *range(5, 20), 2], [1, 7, 2]]


@pytest.fixture
def folder(tiny: Any, tmp_path: Path) -> Path:
    """Has `unfused.onnx` and `fused.onnx`, of a model whose biases differ."""
    loaded = model.load(tiny("bert"), Settings())
    for vector in (weight for weight in loaded.encoder.parameters() if weight.ndim == 1):
        vector.data += vector.data.clone().normal_(std=0.1)  # new biases are all 0
    graph.to_onnx(loaded.encoder, 17, tmp_path / "unfused.onnx")
    fuse.fuse(tmp_path / "unfused.onnx", tmp_path / "fused.onnx", loaded.config)
    return tmp_path


@pytest.mark.parametrize("name", ["fused", "unfused"])
def test_the_network_gives_what_it_gave(name: str, folder: Path) -> None:
    measured = calibrate.ranges(folder / f"{name}.onnx", ROWS)
    widths = {tensor: len(low) for tensor, low in measured.low.items()}
    changed = onnx.load(folder / f"{name}.onnx")
    spread(changed, measured)
    onnx.save(changed, folder / "spread.onnx")
    wider = [tensor for tensor, low in measured.low.items() if len(low) != widths[tensor]]
    assert len(wider) == 2  # one network in each of two layers
    assert {len(measured.high[tensor]) - widths[tensor] for tensor in wider} == {SPARE_UNITS}
    before, after = (
        session.embed(session.open_session(folder / f"{each}.onnx"), [tokenizer.pad(ROWS, 0)])
        for each in (name, "spread")
    )
    np.testing.assert_allclose(before, after, atol=1e-5)


@pytest.mark.parametrize("kind", ["Gelu", "Add"])
def test_a_network_whose_inside_is_used_elsewhere_is_left_alone(kind: str, folder: Path) -> None:
    """`Gelu` names the activation, `Add` the bias before it."""
    changed = onnx.load(folder / "fused.onnx")
    for entry in [entry for entry in changed.graph.node if entry.op_type == "Gelu"]:
        name = entry.output[0] if kind == "Gelu" else entry.input[0]
        changed.graph.node.append(node("ReduceMax", [name], f"{name}/largest", keepdims=0))
    measured = calibrate.ranges(folder / "fused.onnx", ROWS)
    widths = {tensor: len(low) for tensor, low in measured.low.items()}
    spread(changed, measured)
    assert {tensor: len(low) for tensor, low in measured.low.items()} == widths
