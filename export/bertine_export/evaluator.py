"""Running a packed graph in numpy, to verify it where there is no GPU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bertine.artifact import EMBEDDING
from bertine.errors import ArtifactError
from bertine_export.numpy_operators import OPERATORS
from bertine_export.tokenizer import Batch


def evaluate(path: Path, batches: Sequence[Batch]) -> NDArray[np.float32]:
    """Vectors of all batches, float32 ``[texts, dimensions]``, in their order.

    Args:
        path: of a graph whose operators are standard or in `bertine_export.numpy_operators`.
        batches: right-padded; every text has at least one token.

    Raises:
        ArtifactError: the graph has another operator, or cannot be run.
    """
    from onnx.reference import ReferenceEvaluator  # noqa: PLC0415 - slow to import

    try:
        running = ReferenceEvaluator(str(path), new_ops=list(OPERATORS))
        return np.concatenate([running.run([EMBEDDING], batch)[0] for batch in batches])
    except Exception as error:  # the evaluator lets through whatever its operators raise
        raise ArtifactError(f"numpy cannot run {path.name}: {error}") from error
