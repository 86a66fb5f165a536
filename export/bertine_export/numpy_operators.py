"""ONNX Runtime's fused operators in numpy, to check a packed graph where there is no GPU.

The CPU provider has no kernel for packing mode. So `onnx.reference` walks the graph, with these in
the place of the vendor's operators. Their semantics are those of onnxruntime
docs/ContribOperators.md, under the operator's name; of padding also those of
contrib_ops/cuda/bert/bert_padding.cu. Each computes in fp32 and rounds its result to its input's
type, and so do the two standard operators that numpy would sum up in fp16.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx.reference.op_run import OpRun
from scipy.special import erf

from bertine_export.operators import VENDOR

Floats = NDArray[np.floating[Any]]
Integers = NDArray[np.int32]


class RemovePadding(OpRun):  # type: ignore[misc]
    """``[batch, length, hidden]`` to the real tokens, ``[tokens, hidden]``, and where they were."""

    op_domain = VENDOR

    def _run(self, values: Floats, lengths: Integers) -> tuple[Any, ...]:
        batch, length, hidden = values.shape
        places = np.arange(batch * length, dtype=np.int32)
        padding = (np.arange(length) >= lengths[:, None]).ravel()
        token_offset = np.concatenate([places[~padding], places[padding]])
        packed = values.reshape(-1, hidden)[~padding]
        cumulative = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
        longest = np.array([lengths.max()], np.int32)
        return packed, token_offset.reshape(batch, length), cumulative, longest


class RestorePadding(OpRun):  # type: ignore[misc]
    """The inverse of `RemovePadding`: zeros where padding was."""

    op_domain = VENDOR

    def _run(self, packed: Floats, token_offset: Integers) -> tuple[Any, ...]:
        values = np.zeros((token_offset.size, packed.shape[1]), packed.dtype)
        values[token_offset.ravel()[: len(packed)]] = packed
        return (values.reshape(*token_offset.shape, -1),)


class PackedAttention(OpRun):  # type: ignore[misc]
    """Each text's tokens attend to one another, ``[tokens, hidden]``."""

    op_domain = VENDOR

    def _run(
        self,
        packed: Floats,
        weights: Floats,
        bias: Floats,
        _token_offset: Integers,
        cumulative: Integers,
        *_nothing: Any,
        num_heads: int = 0,
        scale: float | None = None,
        **_unused: Any,
    ) -> tuple[Any, ...]:
        projected = _round(_full(packed) @ _full(weights) + _full(bias), packed.dtype)
        texts = np.split(projected, cumulative[1:-1])
        return (np.concatenate([attend(text, num_heads, scale) for text in texts]),)


class Attention(OpRun):  # type: ignore[misc]
    """Each text's tokens attend to those within its length, ``[batch, length, hidden]``."""

    op_domain = VENDOR

    def _run(
        self,
        values: Floats,
        weights: Floats,
        bias: Floats,
        mask: Integers,
        *_nothing: Any,
        num_heads: int = 0,
        scale: float | None = None,
        **_unused: Any,
    ) -> tuple[Any, ...]:
        projected = _round(_full(values) @ _full(weights) + _full(bias), values.dtype)
        rows = zip(projected, mask[: len(values)], strict=True)  # starts follow the lengths
        return (np.stack([attend(row, num_heads, scale, length) for row, length in rows]),)


def attend(projected: Floats, heads: int, scale: float | None, length: int | None = None) -> Floats:
    """Scaled dot-product attention within one text.

    Args:
        projected: ``[tokens, 3 * hidden]``, queries, keys and values side by side.
        heads: of attention.
        scale: of the products; 1 / sqrt(hidden / heads) where None or 0.
        length: how many tokens, from the first on, are attended to; all where None.

    Returns:
        ``[tokens, hidden]``, of the same type.
    """
    tokens = len(projected)
    split = _full(projected).reshape(tokens, 3, heads, -1).transpose(1, 2, 0, 3)
    queries, keys, values = split[0], split[1, :, :length], split[2, :, :length]
    scores = queries @ keys.transpose(0, 2, 1) * (scale or keys.shape[-1] ** -0.5)
    likely = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares = _round(likely / likely.sum(axis=-1, keepdims=True), projected.dtype)
    attended = (_full(shares) @ values).transpose(1, 0, 2).reshape(tokens, -1)
    return _round(attended, projected.dtype)


class EmbedLayerNormalization(OpRun):  # type: ignore[misc]
    """Sum of the embeddings, normalised, ``[batch, length, hidden]``; and each text's length."""

    op_domain = VENDOR

    def _run(  # noqa: PLR0913, PLR0917 - its inputs
        self,
        ids: Integers,
        types: Integers | None,
        words: Floats,
        positions: Floats,
        type_table: Floats | None,
        gamma: Floats,
        beta: Floats,
        mask: Integers | None = None,
        places: Integers | None = None,
        epsilon: float = 1e-12,
        **_unused: Any,
    ) -> tuple[Any, ...]:
        where = np.arange(ids.shape[1]) if places is None else places
        total = _full(words)[ids] + _full(positions)[where]
        if types is not None and type_table is not None:
            total = total + _full(type_table)[types]
        lengths = np.zeros(len(ids)) if mask is None else mask.sum(axis=1)
        return _normalise(total, gamma, beta, epsilon), lengths.astype(np.int32)


class SkipLayerNormalization(OpRun):  # type: ignore[misc]
    """Addition, with a bias perhaps, and normalisation."""

    op_domain = VENDOR

    def _run(
        self,
        values: Floats,
        skip: Floats,
        gamma: Floats,
        beta: Floats,
        bias: Floats | None = None,
        epsilon: float = 1e-12,
    ) -> tuple[Any, ...]:
        total = _full(values) + _full(skip) + (0 if bias is None else _full(bias))
        return (_normalise(total, gamma, beta, epsilon),)


class BiasGelu(OpRun):  # type: ignore[misc]
    """GELU of a sum, by the error function."""

    op_domain = VENDOR

    def _run(self, values: Floats, bias: Floats) -> tuple[Any, ...]:
        return (_round(gelu(_full(values) + _full(bias)), values.dtype),)


class Gelu(OpRun):  # type: ignore[misc]
    """GELU by the error function."""

    op_domain = VENDOR

    def _run(self, values: Floats, **_unused: Any) -> tuple[Any, ...]:
        return (_round(gelu(_full(values)), values.dtype),)


class LayerNormalization(OpRun):  # type: ignore[misc]
    """The standard operator over the last axis, summed up in fp32."""

    op_domain = ""

    def _run(
        self, values: Floats, gamma: Floats, beta: Floats, epsilon: float = 1e-5, **_unused: Any
    ) -> tuple[Any, ...]:
        return (_normalise(_full(values), gamma, beta, epsilon),)


class MatMul(OpRun):  # type: ignore[misc]
    """The standard operator, summed up in fp32."""

    op_domain = ""

    def _run(self, left: Floats, right: Floats) -> tuple[Any, ...]:
        return (_round(_full(left) @ _full(right), left.dtype),)


OPERATORS: Sequence[type[OpRun]] = (
    Attention,
    BiasGelu,
    EmbedLayerNormalization,
    Gelu,
    LayerNormalization,
    MatMul,
    PackedAttention,
    RemovePadding,
    RestorePadding,
    SkipLayerNormalization,
)


def gelu(values: Floats) -> Floats:
    """Hendrycks and Gimpel, 2016, arXiv 1606.08415: x times the normal distribution function."""
    result: Floats = values * 0.5 * (1 + erf(values * np.float32(0.5**0.5)))
    return result


def _normalise(total: Floats, gamma: Floats, beta: Floats, epsilon: float) -> Floats:
    centred = total - total.mean(axis=-1, keepdims=True)
    variance = (centred**2).mean(axis=-1, keepdims=True)
    scaled = centred / np.sqrt(variance + epsilon)
    return _round(scaled * _full(gamma) + _full(beta), gamma.dtype)


def _full(values: Floats) -> NDArray[np.float32]:
    return values.astype(np.float32)


def _round(values: Floats, kind: np.dtype[Any]) -> Floats:
    result: Floats = values.astype(kind)
    return result
