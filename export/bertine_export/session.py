"""Running a graph with ONNX Runtime on the CPU, to measure and to verify it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertine.artifact import EMBEDDING
from bertine.errors import ArtifactError
from bertine_export.tokenizer import Batch

SILENT = 3  # ONNX Runtime's severity "error"


def cores() -> int:
    """CPU cores this process may use."""
    return len(os.sched_getaffinity(0))


def open_session(path: Path) -> Any:
    """An ONNX Runtime session on all cores.

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
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors share no base of their own
        raise ArtifactError(f"ONNX Runtime cannot load {path.name}: {error}") from error


def embed(session: Any, batches: Sequence[Batch]) -> NDArray[np.float32]:
    """Vectors of all batches, float32 ``[texts, dimensions]``, in their order."""
    return np.concatenate([session.run([EMBEDDING], batch)[0] for batch in batches])
