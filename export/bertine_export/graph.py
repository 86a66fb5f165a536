"""PyTorch to ONNX, through optimum: ids and mask in, one unit vector per text out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx

from bertine.artifact import ATTENTION_MASK, EMBEDDING, INPUT_IDS
from bertine.errors import ArtifactError
from bertine_export.encoder import SentenceEncoder
from bertine_export.vendors import quiet

# An ONNX file is one protobuf message, which cannot be larger.
LARGEST_FILE = 2**31 - 1

AXES = {0: "batch", 1: "length"}


def to_onnx(model: SentenceEncoder, opset: int, path: Path) -> None:
    """Write the model's graph.

    Inputs are `input_ids` and `attention_mask`, int64 ``[batch, length]``, both axes free; the
    output is `embedding`, float32 ``[batch, dimensions]``.

    Args:
        model: what to trace.
        opset: of the graph.
        path: of the file.

    Raises:
        ArtifactError: the model is too large for one ONNX file, or cannot be traced.
    """
    _check_size(model)
    from optimum.exporters.onnx.convert import export_pytorch  # noqa: PLC0415 - slow to import

    with quiet():
        try:
            export_pytorch(model, _export_config(model.config), opset, path)
        except Exception as error:  # torch's tracer raises whatever the model does
            raise ArtifactError(f"the model cannot be written as ONNX: {error}") from error
    _complete(path, model.dimensions)


def _export_config(config: Any) -> Any:
    from optimum.exporters.onnx.config import TextEncoderOnnxConfig  # noqa: PLC0415 - slow
    from optimum.utils import NormalizedTextConfig  # noqa: PLC0415 - slow

    class SentenceEncoderConfig(TextEncoderOnnxConfig):  # type: ignore[misc]
        """Tells optimum the names and free axes of a sentence encoder."""

        NORMALIZED_CONFIG_CLASS = NormalizedTextConfig
        inputs = {INPUT_IDS: AXES, ATTENTION_MASK: AXES}  # noqa: RUF012 - optimum's interface
        outputs = {EMBEDDING: {0: AXES[0]}}  # noqa: RUF012 - the same

    return SentenceEncoderConfig(config, task="feature-extraction")


def _check_size(model: SentenceEncoder) -> None:
    size = sum(weight.numel() * weight.element_size() for weight in model.parameters())
    if size > LARGEST_FILE:
        raise ArtifactError(
            f"the model's weights take {size / 2**30:.1f} GiB in fp32; an artifact's ONNX file "
            "holds at most 2 GiB, so choose a smaller model"
        )


def _complete(path: Path, dimensions: int) -> None:
    """Check the names of inputs and output, and fix the output's width, which tracing left free."""
    model = onnx.load(path)
    names = [value.name for value in (*model.graph.input, *model.graph.output)]
    if names != [INPUT_IDS, ATTENTION_MASK, EMBEDDING]:
        raise ArtifactError(f"the exported graph has inputs and outputs {names}; please report it")
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = dimensions
    onnx.save(model, path)
