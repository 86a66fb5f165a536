"""sentence-transformers, in fp32 with PyTorch or with the engine's int8 graph in ONNX Runtime."""

from __future__ import annotations

from typing import Any

import torch
from sentence_transformers import SentenceTransformer

from benchmarks.peers.worker import Encode, run


def _make(options: dict[str, Any]) -> Encode:
    torch.set_num_threads(options["threads"])
    arguments: dict[str, Any] = {}
    if options["backend"] == "onnx":
        file = {"file_name": "model_quantized.onnx", "provider": "CPUExecutionProvider"}
        arguments = {"backend": "onnx", "model_kwargs": file}
    model = SentenceTransformer(options["folder"], device="cpu", **arguments)
    return lambda texts, batch: model.encode(texts, batch_size=batch, show_progress_bar=False)


if __name__ == "__main__":
    run(_make, ["sentence-transformers", "torch", "onnxruntime"])
