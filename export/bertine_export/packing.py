"""Several texts in one row of a batch, so that a CPU computes next to no padding.

Sequence packing (Krell et al. 2021, "Efficient Sequence Packing without Cross-contamination",
arXiv 2107.02027) for inference: the mask numbers the texts of a row, 1, 2, 3 ..., and 0 stays
padding. Tokens attend to those of the same number, their positions begin anew with each text, and
each text is pooled by itself. A mask of ones and zeros means what it did.

    embedding[row * K + number - 1], K = max(mask)
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto

from bertine.artifact import ATTENTION_MASK, EMBEDDING, INPUT_IDS, Pooling
from bertine_export.operators import Rewrite, node, optional_input
from bertine_export.session import embed, open_session
from bertine_export.tokenizer import Batch, Ids, pad
from bertine_export.verify import cosines

SAME_MEAN, SAME_WORST = 0.9999, 0.999
"""Cosine of a text's vectors alone and beside others in its row. Sums in another order differ in
their last bits; in int8 that may round one input of a layer to the next step, which about one text
in a thousand shows (MiniLM)."""

_PER_ROW = 3
_CHECKED = 48
_MASK, _BIAS = 4, 5
_EMBEDDING_MASK, _POSITIONS = 7, 8
_FORBIDDEN = -1e9
_SMALLEST_NORM = 1e-12


def allow(path: Path, pooling: Pooling | None, texts: Sequence[Ids], pad_token_id: int) -> bool:
    """Let a graph take several texts in a row, where its form is known and its vectors stay.

    Args:
        path: of a graph for the CPU; is rewritten only where True is returned.
        pooling: of the model; None where layers follow it.
        texts: token ids to try it with.
        pad_token_id: fills rows.

    Returns:
        Whether it takes them: attention is fused, absolute positions are counted in a known way,
        the pooling is a sum or the first token, and texts get the vectors that they get alone.
    """
    if pooling is None or pooling == "max":
        return False
    model = onnx.load(path)
    if not _rewrite(model, pooling):
        return False
    rewritten = path.with_suffix(".packing.onnx")
    onnx.save(model, rewritten)
    if _agree(path, rewritten, list(texts[:_CHECKED]), pad_token_id):
        rewritten.replace(path)
        return True
    rewritten.unlink()
    return False


def packed(texts: Sequence[Ids], pad_token_id: int, per_row: int) -> Batch:
    """A batch with several texts in each row, in their order; the last row may have fewer."""
    rows = [texts[start : start + per_row] for start in range(0, len(texts), per_row)]
    numbers = [[number for number, ids in enumerate(row, start=1) for _ in ids] for row in rows]
    joined = pad([list(chain.from_iterable(row)) for row in rows], pad_token_id)
    return {INPUT_IDS: joined[INPUT_IDS], ATTENTION_MASK: pad(numbers, 0)[INPUT_IDS]}


def _agree(plain: Path, rewritten: Path, texts: Sequence[Ids], pad_token_id: int) -> bool:
    alone = [pad([ids], pad_token_id) for ids in texts]
    beside = [packed(texts, pad_token_id, _PER_ROW)]
    expected = embed(open_session(plain), alone)
    try:
        session = open_session(rewritten)
        found = [embed(session, alone), embed(session, beside)[: len(texts)]]
    except Exception:  # noqa: BLE001 - whatever it is, the graph has a form that is not known
        return False
    same = [cosines(expected, vectors) for vectors in found]
    return all(one.mean() >= SAME_MEAN and one.min() >= SAME_WORST for one in same)


def _rewrite(model: onnx.ModelProto, pooling: Pooling) -> bool:
    graph = model.graph
    attention = [entry for entry in graph.node if entry.op_type == "MultiHeadAttention"]
    normalised = [entry for entry in graph.node if entry.op_type == "LayerNormalization"]
    if not attention or any(optional_input(entry, _BIAS) for entry in attention):
        return False
    if not _count_positions(graph):
        return False
    for entry in attention:
        entry.input[:] = [*[*entry.input, ""][:_MASK], "", "packing/bias"]
    rewrite = Rewrite(model)
    before = _same_text(rewrite) + _chosen(rewrite, pooling)
    _keep([*before, *graph.node, *_pooled(rewrite, normalised[-1])], graph)
    rewrite.tidy()
    graph.output[0].type.tensor_type.shape.dim[0].dim_param = "texts"
    return True


def _count_positions(graph: onnx.GraphProto) -> bool:
    """Have positions counted within each text: BERT's from 0, RoBERTa's from its cumulated sum."""
    for number, entry in enumerate(graph.node):
        if entry.op_type == "EmbedLayerNormalization" and not optional_input(entry, _POSITIONS):
            entry.input[:] = [*entry.input[:_EMBEDDING_MASK], "", "packing/positions"]
            return True
        if entry.op_type == "CumSum":
            counted = node("Cast", ["packing/count"], entry.output[0], to=TensorProto.INT32)
            graph.node.remove(entry)
            graph.node.insert(number, counted)
            return True
    return False


def _same_text(rewrite: Rewrite) -> list[onnx.NodeProto]:
    """What attention adds to scores, float32 ``[rows, 1, length, length]``; and positions."""
    second = rewrite.constant("packing/second", np.array([1], np.int64))
    third = rewrite.constant("packing/third", np.array([2], np.int64))
    zero = rewrite.constant("packing/nothing", np.array(0, np.float32))
    one = rewrite.constant("packing/first_count", np.array(1, np.float32))
    forbidden = rewrite.constant("packing/forbidden", np.array(_FORBIDDEN, np.float32))
    whole, real = TensorProto.INT32, TensorProto.FLOAT
    return [
        node("Cast", [ATTENTION_MASK], "packing/numbers", to=whole),
        node("Unsqueeze", ["packing/numbers", third], "packing/query"),
        node("Unsqueeze", ["packing/numbers", second], "packing/key"),
        node("Equal", ["packing/query", "packing/key"], "packing/same"),
        node("Where", ["packing/same", zero, forbidden], "packing/added"),
        node("Unsqueeze", ["packing/added", second], "packing/bias"),
        node("Cast", ["packing/same"], "packing/ones", to=real),
        node("Trilu", ["packing/ones"], "packing/before", upper=0),
        node("ReduceSum", ["packing/before", third], "packing/count", keepdims=0),
        node("Sub", ["packing/count", one], "packing/from_zero"),
        node("Cast", ["packing/from_zero"], "packing/positions", to=whole),
    ]


def _chosen(rewrite: Rewrite, pooling: Pooling) -> list[onnx.NodeProto]:
    """Which tokens make each text's vector, float32 ``[rows, K, length]``."""
    second = "packing/second"
    one = rewrite.constant("packing/step", np.array(1, np.int64))
    nodes = [
        node("ReduceMax", [ATTENTION_MASK], "packing/most", keepdims=0),
        node("Add", ["packing/most", one], "packing/end"),
        node("Range", [one, "packing/end", one], "packing/range"),
        node("Cast", ["packing/range"], "packing/each", to=TensorProto.INT32),
        node("Unsqueeze", ["packing/each", second], "packing/column"),
        node("Equal", ["packing/key", "packing/column"], "packing/of_text"),
    ]
    chosen = "packing/of_text"
    if pooling == "cls":
        begins = rewrite.constant("packing/begins", np.array(0, np.int32))
        nodes += [
            node("Equal", ["packing/positions", begins], "packing/is_first"),
            node("Unsqueeze", ["packing/is_first", second], "packing/first_key"),
            node("And", [chosen, "packing/first_key"], "packing/first_of_text"),
        ]
        chosen = "packing/first_of_text"
    return [*nodes, node("Cast", [chosen], "packing/chosen", to=TensorProto.FLOAT)]


def _pooled(rewrite: Rewrite, last: onnx.NodeProto) -> list[onnx.NodeProto]:
    """Unit vectors. A mean has its sum's direction, whatever the number of tokens."""
    (hidden,), scale = last.output, last.input[1]
    width = rewrite.constant("packing/last", np.array([-1], np.int64))
    lines = rewrite.constant("packing/lines", np.array([-1, rewrite.array(scale).size], np.int64))
    smallest = rewrite.constant("packing/smallest", np.array(_SMALLEST_NORM, np.float32))
    return [
        node("MatMul", ["packing/chosen", hidden], "packing/sums"),
        node("Mul", ["packing/sums", "packing/sums"], "packing/squares"),
        node("ReduceSum", ["packing/squares", width], "packing/squared", keepdims=1),
        node("Sqrt", ["packing/squared"], "packing/norm"),
        node("Max", ["packing/norm", smallest], "packing/divisor"),
        node("Div", ["packing/sums", "packing/divisor"], "packing/units"),
        node("Reshape", ["packing/units", lines], EMBEDDING),
    ]


def _keep(nodes: Sequence[onnx.NodeProto], graph: onnx.GraphProto) -> None:
    """Make a graph of those nodes that its output needs; of two that give the same, the later."""
    wanted, kept = {EMBEDDING}, []
    for entry in reversed(nodes):
        if given := wanted.intersection(entry.output):
            wanted -= given
            wanted.update(entry.input)
            kept.append(entry)
    del graph.node[:]
    graph.node.extend(reversed(kept))
