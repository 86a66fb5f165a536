"""ONNX Runtime's transformer optimizer, and without what it makes slower on a CPU."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import onnx

from bertine.errors import ArtifactError
from bertine_export.split import split
from bertine_export.vendors import quiet

STATISTICS = "bertine.fused_operators"


def fuse(unfused: Path, fused: Path, config: Any) -> dict[str, int]:
    """Rewrite a graph with fused operators that pay on a CPU, and record in it which there are.

    Args:
        unfused: graph from `bertine_export.graph.to_onnx`.
        fused: where the rewritten graph goes.
        config: of transformers; gives heads and hidden size.

    Returns:
        How many of each fused operator the graph has, those with none left out.

    Raises:
        ArtifactError: the optimizer failed.
    """
    model = optimize(unfused, config)
    try:
        split(model.model)
        statistics = record(model)
        model.save_model_to_file(str(fused))
    except Exception as error:  # protobuf and onnx have errors of their own
        raise _failed(error) from error
    return statistics


def optimize(unfused: Path, config: Any) -> Any:
    """What ONNX Runtime's transformer optimizer makes of a graph.

    Args:
        unfused: graph from `bertine_export.graph.to_onnx`.
        config: of transformers; gives heads and hidden size.

    Returns:
        Its ``OnnxModel``; the mask is one length for each text (``AttentionMaskFormat`` in
        onnxruntime/transformers/fusion_options.py), so padding must be on the right.

    Raises:
        ArtifactError: the optimizer failed.
    """
    from onnxruntime.transformers.optimizer import optimize_model  # noqa: PLC0415 - slow to import

    with quiet():
        try:
            # The optimizer knows every encoder supported here by the name "bert". Level 0 leaves
            # out what the session does anyway when it loads the file.
            return optimize_model(
                str(unfused),
                model_type="bert",
                num_heads=config.num_attention_heads,
                hidden_size=config.hidden_size,
                opt_level=0,
            )
        except Exception as error:  # the optimizer has no errors of its own
            raise _failed(error) from error


def record(model: Any) -> dict[str, int]:
    """Write into a graph which fused operators it has.

    Args:
        model: of the optimizer; is changed in place.

    Returns:
        How many of each, those with none left out.
    """
    statistics = _present(model.get_fused_operator_statistics())
    onnx.helper.set_model_props(model.model, {STATISTICS: json.dumps(statistics)})
    return statistics


def statistics(path: Path) -> dict[str, int]:
    """The fused operators recorded in a graph; empty where it was not fused."""
    for entry in onnx.load(path).metadata_props:
        if entry.key == STATISTICS:
            return dict(json.loads(entry.value))
    return {}


def _present(counts: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}


def _failed(error: Exception) -> ArtifactError:
    return ArtifactError(f"ONNX Runtime could not fuse the graph: {error}")
