"""The one model in the forms that the peers read: all made from the same weights and graphs."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper

from benchmarks.peers.install import Environment
from bertine.artifact import Artifact
from bertine_export.source import resolve

GRAPH = "model_quantized.onnx"
HIDDEN = "last_hidden_state"
_NORMALISATION = ("LayerNormalization", "SkipLayerNormalization")


@dataclass(frozen=True, slots=True)
class PeerModels:
    """Where they are.

    Attributes:
        folder: the source model as Hugging Face lays it out, with the cut graph beside it as
            `GRAPH`, a name that Infinity and optimum look for.
        ctranslate2: the source converted to int8, None where the peer is absent.
    """

    folder: Path
    ctranslate2: Path | None


def prepare(model: Artifact, variant: str, root: Path, ctranslate2: Environment) -> PeerModels:
    """Write what is missing or older than the artifact.

    Args:
        model: the engine's.
        variant: whose graph the peers get, cut before pooling, which they do themselves.
        root: folder to write into.
        ctranslate2: the environment that converts.
    """
    folder = root / f"{model.manifest.name}-{model.manifest.variant(variant).sha256[:12]}"
    cut = folder / GRAPH
    if not cut.exists():
        shutil.copytree(resolve(model.manifest.source).folder, folder, dirs_exist_ok=True)
        onnx.save(cut_before_pooling(onnx.load(str(model.path(variant)))), str(cut))
    converted = folder / "ctranslate2-int8"
    if ctranslate2.absent is None and not converted.exists():
        _convert(folder, converted, ctranslate2)
    return PeerModels(folder, converted if converted.exists() else None)


def cut_before_pooling(model: Any) -> Any:
    """The graph up to the last layer's output, ``last_hidden_state`` ``[batch, length, hidden]``.

    Args:
        model: an ONNX model whose last normalisation ends its last layer, as in BERT.
    """
    graph = model.graph
    last = max(i for i, node in enumerate(graph.node) if node.op_type in _NORMALISATION)
    graph.node[last].output[0] = HIDDEN
    nodes = [graph.node[i] for i in _ancestors(graph.node, last)]
    used = {name for node in nodes for name in node.input}
    weights = [entry for entry in graph.initializer if entry.name in used]
    shape = ["batch", "length", None]
    output = helper.make_tensor_value_info(HIDDEN, TensorProto.FLOAT, shape)
    cut = helper.make_graph(nodes, "hidden", list(graph.input), [output], weights)
    opsets = list(model.opset_import)
    return helper.make_model(cut, opset_imports=opsets, ir_version=model.ir_version)


def _ancestors(nodes: Any, last: int) -> list[int]:
    """Positions of a node and of all that it needs. Nodes are in topological order."""
    wanted, kept = set(nodes[last].input), [last]
    for position in range(last - 1, -1, -1):
        if wanted.intersection(nodes[position].output):
            kept.append(position)
            wanted.update(nodes[position].input)
    return sorted(kept)


def _convert(folder: Path, converted: Path, environment: Environment) -> None:
    command = [
        *(str(environment.program("ct2-transformers-converter")), "--model", str(folder)),
        *("--output_dir", str(converted), "--quantization", "int8", "--force"),
    ]
    subprocess.run(command, check=True, capture_output=True)
