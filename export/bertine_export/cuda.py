"""The graphs for ONNX Runtime's CUDA provider: fused attention in fp16, padded and packed.

Which attention kernel runs depends on the mask's form (onnxruntime
contrib_ops/cuda/bert/attention.cc). With one length for each text, TensorRT's fused kernels run,
but only before Hopper (tensorrt_fused_multihead_attention/mha_runner.cu), where three separate
kernels are the fallback. With lengths and starts, the memory-efficient kernel runs on every GPU
that has fp16. So the padded graph gives starts. The three separate kernels would misread them
(attention_impl.cu takes what follows the lengths for starts of left-padded texts), so a session
must not turn memory-efficient attention off: neither ORT_DISABLE_MEMORY_EFFICIENT_ATTENTION nor the
provider's option ``sdpa_kernel``.

In every batch each text has at least one token: a softmax over none is not a number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from bertine.artifact import ATTENTION_MASK
from bertine.errors import ArtifactError
from bertine_export import fuse
from bertine_export.half import halve
from bertine_export.operators import VENDOR, Rewrite, node, optional_input
from bertine_export.unfit import Unfit
from bertine_export.vendors import quiet

_UNFUSED = ("Softmax", "Erf", "Tanh", "Relu", "ReduceMean", "Transpose")
"""What a pattern leaves in the graph where it was not fused."""

_HEAD_SIZES = range(8, 1025, 8)
"""What the memory-efficient kernel takes (``has_memory_efficient_attention`` in onnxruntime
contrib_ops/cuda/bert/cutlass_fmha/memory_efficient_attention.h); other models keep lengths."""

_MASK = 3
"""Position of the mask among the inputs of Attention."""


def to_fp16(unfused: Path, target: Path, config: Any) -> None:
    """Write the fused graph in fp16.

    Args:
        unfused: fp32 graph from `bertine_export.graph.to_onnx`.
        target: of the fp16 graph.
        config: of transformers; gives layers, heads and hidden size.

    Raises:
        Unfit: not every layer's attention was fused, or a weight exceeds fp16.
    """
    model = _fused(unfused, config)
    if config.hidden_size // config.num_attention_heads in _HEAD_SIZES:
        give_starts(model)
    _save(model, target)


def to_packed_fp16(unfused: Path, target: Path, config: Any) -> None:
    """Write the fused graph in fp16 and in packing mode: padding is removed before the first layer.

    Args:
        unfused: as for `to_fp16`.
        target: of the packed graph.
        config: as for `to_fp16`.

    Raises:
        Unfit: attention was not fused or not packed in every layer, or a weight exceeds fp16.
    """
    model = pack(_fused(unfused, config), config)
    check_packed(model, config.num_hidden_layers)
    _save(model, target)


def _fused(unfused: Path, config: Any) -> onnx.ModelProto:
    """The fp16 graph with one length for each text as its mask."""
    model = fuse.optimize(unfused, config)
    check_fused(model, config.num_hidden_layers)
    fuse.record(model)
    graph: onnx.ModelProto = model.model
    drop_token_types(graph)
    halve(graph)
    return graph


def check_fused(model: Any, layers: int) -> None:
    """Check that attention is one operator in every layer.

    Args:
        model: of ONNX Runtime's optimizer.
        layers: of the encoder.

    Raises:
        Unfit: it is not; the message says what was fused and what was left.
    """
    counts = model.get_fused_operator_statistics()
    if counts["Attention"] == layers:
        return
    left = Counter(entry.op_type for entry in model.model.graph.node)
    raise Unfit(
        f"the CUDA provider needs one Attention operator in each of {layers} layers, but ONNX "
        f"Runtime's optimizer fused {counts['Attention']}: fused are {_list(counts)}; left apart "
        f"are {_list({kind: left[kind] for kind in _UNFUSED})}. Its pattern of attention does not "
        "match this architecture or opset; it matches BERT, DistilBERT, RoBERTa and XLM-R at 17"
    )


def _list(counts: dict[str, int]) -> str:
    present = [f"{count} {kind}" for kind, count in counts.items() if count]
    return ", ".join(present) or "none"


def drop_token_types(model: onnx.ModelProto) -> None:
    """Add the embedding of token type 0 to each position's, in place.

    Token types are always 0 here, and without them the graph need not make zeros of the inputs'
    shape, which is computed on the CPU.
    """
    rewrite = Rewrite(model)
    for entry in model.graph.node:
        if entry.op_type == "EmbedLayerNormalization" and optional_input(entry, 4):
            table = rewrite.array(entry.input[3]) + rewrite.array(entry.input[4])[0]
            entry.input[3] = rewrite.constant(f"{entry.input[3]}/typed", table)
            entry.input[1] = entry.input[4] = ""
    rewrite.apply(_used_in(model))


def _used_in(model: onnx.ModelProto) -> Callable[[onnx.NodeProto], Sequence[onnx.NodeProto]]:
    """Keeps a node where something uses it."""
    used = {value.name for value in model.graph.output}
    for entry in reversed(model.graph.node):
        if used.intersection(entry.output):
            used.update(entry.input)
    return lambda entry: [entry] if used.intersection(entry.output) else []


def give_starts(model: onnx.ModelProto) -> None:
    """Give attention lengths and starts instead of lengths alone, in place.

    The mask becomes int32 ``[3 * batch + 2]``: lengths, starts of queries and their end, starts of
    keys and their end (``MASK_1D_KEY_SEQ_LEN_START`` in onnxruntime
    contrib_ops/cpu/bert/attention_common.h). In a padded batch both starts are multiples of the
    padded length. They are computed from the mask's values, not from its shape: a shape is known on
    the CPU only, and a copy to the device would rule out CUDA graphs (onnxruntime docs, CUDA
    provider, "Using CUDA Graphs").
    """
    rewrite = Rewrite(model)
    lengths = _lengths(model)
    nodes = _starts(rewrite, lengths)

    def replace(entry: onnx.NodeProto) -> Sequence[onnx.NodeProto]:
        if entry.op_type != "Attention":
            return [entry]
        entry.input[_MASK] = "mask/lengths_and_starts"
        before, nodes[:] = list(nodes), []
        return [*before, entry]

    rewrite.apply(replace)


def _lengths(model: onnx.ModelProto) -> str:
    """The one tensor that all layers have as their mask."""
    found = {entry.input[_MASK] for entry in model.graph.node if entry.op_type == "Attention"}
    if len(found) != 1:
        raise ArtifactError(f"attention has {len(found)} masks ({sorted(found)}), one is expected")
    return str(found.pop())


def _starts(rewrite: Rewrite, lengths: str) -> list[onnx.NodeProto]:
    zero = rewrite.constant("mask/zero", np.zeros(1, np.int32))
    axes = rewrite.constant("mask/axes", np.ones(1, np.int64))
    axis = rewrite.constant("mask/axis", np.zeros((), np.int64))
    parts = [lengths, zero, "mask/ends", zero, "mask/ends"]
    return [
        node("Equal", [ATTENTION_MASK, ATTENTION_MASK], "mask/true"),
        node("Cast", ["mask/true"], "mask/ones", to=onnx.TensorProto.INT32),
        node("ReduceSum", ["mask/ones", axes], "mask/padded_lengths", keepdims=0),
        node("CumSum", ["mask/padded_lengths", axis], "mask/ends"),
        node("Concat", parts, "mask/lengths_and_starts", axis=0),
    ]


def pack(model: onnx.ModelProto, config: Any) -> onnx.ModelProto:
    """Remove padding before the first layer and restore it after the last.

    Pooling sees zeros where padding was (onnxruntime contrib_ops/cuda/bert/bert_padding.cu), which
    the mask leaves out as it does in the padded graph.

    Args:
        model: fused, the mask one length for each text.
        config: of transformers.

    Raises:
        ArtifactError: the converter failed.
    """
    from onnxruntime.transformers.onnx_model_bert import BertOnnxModel  # noqa: PLC0415 - slow

    with quiet():
        try:
            packed = BertOnnxModel(model, config.num_attention_heads, config.hidden_size)
            packed.convert_to_packing_mode()
            packed.topological_sort()
        except Exception as error:  # the converter has no errors of its own
            raise ArtifactError(f"ONNX Runtime could not pack the graph: {error}") from error
    result: onnx.ModelProto = packed.model
    return result


def check_packed(model: onnx.ModelProto, layers: int) -> None:
    """Check that every layer is packed, between one removal of padding and one restoration.

    Raises:
        Unfit: it is not; the converter leaves alone what it does not know.
    """
    counts = Counter(entry.op_type for entry in model.graph.node)
    expected = {"RemovePadding": 1, "PackedAttention": layers, "RestorePadding": 1, "Attention": 0}
    found = {kind: counts[kind] for kind in expected}
    if found != expected:
        raise Unfit(
            f"packing mode needs {_list(expected)}; ONNX Runtime's converter made {_list(found)}"
        )


def _save(model: onnx.ModelProto, target: Path) -> None:
    if not any(entry.domain == VENDOR for entry in model.opset_import):
        model.opset_import.append(onnx.helper.make_opsetid(VENDOR, 1))
    onnx.save(model, target)
