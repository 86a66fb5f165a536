"""Copies of extreme hidden units: the same network, with smaller parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from hypothesis import given
from hypothesis import strategies as st

from bertine_export import calibrate, fuse, graph, model, session, tokenizer
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


def test_the_network_gives_what_it_gave(tiny: Any, tmp_path: Path) -> None:
    loaded = model.load(tiny("bert"), Settings())
    graph.to_onnx(loaded.encoder, 17, tmp_path / "unfused.onnx")
    fuse.fuse(tmp_path / "unfused.onnx", tmp_path / "fused.onnx", loaded.config)
    rows = [[1, *range(5, 20), 2], [1, 7, 2]]
    measured = calibrate.ranges(tmp_path / "fused.onnx", rows)
    widths = {name: len(low) for name, low in measured.low.items()}
    changed = onnx.load(tmp_path / "fused.onnx")
    spread(changed, measured)
    onnx.save(changed, tmp_path / "spread.onnx")
    wider = [name for name, low in measured.low.items() if len(low) != widths[name]]
    assert len(wider) == 2  # one network in each of two layers
    assert {len(measured.high[name]) - widths[name] for name in wider} == {SPARE_UNITS}
    batch = [tokenizer.pad(rows, 0)]
    before, after = (
        session.embed(session.open_session(tmp_path / f"{name}.onnx"), batch)
        for name in ("fused", "spread")
    )
    np.testing.assert_allclose(before, after, atol=1e-5)
