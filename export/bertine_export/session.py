"""Running a graph with ONNX Runtime on the CPU, to measure and to verify it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertine.artifact import EMBEDDING, SLOW_ON_CPU
from bertine.errors import ArtifactError
from bertine_export.tokenizer import Batch

SILENT = 3  # ONNX Runtime's severity "error"


def cores() -> int:
    """CPU cores this process may use."""
    return len(os.sched_getaffinity(0))


def open_session(path: Path) -> Any:
    """An ONNX Runtime session on all cores, for the graph in a file.

    Raises:
        ArtifactError: ONNX Runtime cannot load the graph.
    """
    return open_graph(str(path), path.name)


def open_graph(graph: str | bytes, name: str) -> Any:
    """An ONNX Runtime session on all cores.

    Args:
        graph: path of a file, or the file's bytes.
        name: for messages.

    Raises:
        ArtifactError: ONNX Runtime cannot load the graph.
    """
    import onnxruntime  # noqa: PLC0415 - slow to import

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = cores()
    options.log_severity_level = SILENT
    # Threads that spin after a run would slow the other session of a comparison.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(
            graph,
            options,
            providers=["CPUExecutionProvider"],
            disabled_optimizers=SLOW_ON_CPU,
        )
    except Exception as error:  # ONNX Runtime's errors share no base of their own
        raise ArtifactError(f"ONNX Runtime cannot load {name}: {error}") from error


def embed(session: Any, batches: Sequence[Batch]) -> NDArray[np.float32]:
    """Vectors of all batches, float32 ``[texts, dimensions]``, in their order."""
    return np.concatenate([session.run([EMBEDDING], batch)[0] for batch in batches])
