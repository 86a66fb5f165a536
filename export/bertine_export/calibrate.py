"""Which values flow into a graph's linear layers, measured on real texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from bertine.artifact import ATTENTION_MASK, INPUT_IDS
from bertine_export import session
from bertine_export.operators import Rewrite, products
from bertine_export.tokenizer import Ids

BEGINNINGS = (1, 3, 7)
"""Lengths in tokens at which each text is cut as well: short texts have ranges of their own."""


class Ranges:
    """The least and the greatest value of each channel of some tensors.

    Attributes:
        low: float32 ``[channels]`` by tensor.
        high: the same.
    """

    def __init__(self) -> None:
        self.low: dict[str, NDArray[np.float32]] = {}
        self.high: dict[str, NDArray[np.float32]] = {}

    def update(self, name: str, values: NDArray[np.float32]) -> None:
        """Widen a tensor's ranges by values ``[..., channels]``."""
        rows = values.reshape(-1, values.shape[-1])
        low, high = rows.min(axis=0), rows.max(axis=0)
        self.low[name] = np.minimum(self.low.get(name, low), low)
        self.high[name] = np.maximum(self.high.get(name, high), high)

    def take(self, name: str, channels: NDArray[np.int64]) -> None:
        """Replace a tensor's channels by a choice of them."""
        self.low[name], self.high[name] = self.low[name][channels], self.high[name][channels]


def ranges(path: Path, texts: Sequence[Ids]) -> Ranges:
    """Run a graph and watch what its linear layers are given.

    Args:
        path: of the fp32 graph.
        texts: token ids, special tokens included. Each is run alone, so that no padding counts,
            whole and cut after `BEGINNINGS`.

    Raises:
        ArtifactError: ONNX Runtime cannot load the graph.
    """
    model = onnx.load(path)
    names = _expose(model)
    running = session.open_graph(model.SerializeToString(), path.name)
    found = Ranges()
    for ids in _cut(texts):
        for name, values in zip(names, running.run(names, _alone(ids)), strict=True):
            found.update(name, values)
    return found


def _expose(model: onnx.ModelProto) -> list[str]:
    """Make every linear layer's input an output of the graph; returns their names."""
    rewrite = Rewrite(model)
    found = products(rewrite, model.graph.node)
    names = list(dict.fromkeys(entry.input[0] for entry in found))
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    return names


def _cut(texts: Sequence[Ids]) -> Iterator[Ids]:
    shortened = (
        [*ids[: length + 1], ids[-1]]  # the first and the last are special tokens
        for length in BEGINNINGS
        for ids in texts
        if len(ids) > length + 2
    )
    unique = dict.fromkeys(map(tuple, [*texts, *shortened]))
    return map(list, unique)


def _alone(ids: Ids) -> dict[str, Any]:
    row = np.array([ids], np.int64)
    return {INPUT_IDS: row, ATTENTION_MASK: np.ones_like(row)}
