"""sentence-transformers: in PyTorch, with its own int8 export, or with the engine's graph."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer, export_dynamic_quantized_onnx_model

from benchmarks.peers.worker import Encode, run

_QUANTIZED = "onnx/model_quint8_avx2.onnx"
_CPU = {"provider": "CPUExecutionProvider"}


def _make(options: dict[str, Any]) -> Encode:
    torch.set_num_threads(options["threads"])
    model = _load(options["backend"], Path(options["folder"]))
    return lambda texts, batch: model.encode(texts, batch_size=batch, show_progress_bar=False)


def _load(backend: str, folder: Path) -> SentenceTransformer:
    if backend == "torch":
        return SentenceTransformer(str(folder), device="cpu")
    if backend == "onnx":
        return _onnx(_own_export(folder), _QUANTIZED)
    return _onnx(folder, "model_quantized.onnx")


def _onnx(folder: Path, file: str) -> SentenceTransformer:
    arguments = {"file_name": file, **_CPU}
    return SentenceTransformer(str(folder), device="cpu", backend="onnx", model_kwargs=arguments)


def _own_export(folder: Path) -> Path:
    """The model as sentence-transformers itself exports and quantizes it, made once."""
    own = folder / "own"
    if not (own / _QUANTIZED).exists():
        shutil.rmtree(own, ignore_errors=True)
        shutil.copytree(
            folder, own, ignore=lambda *_: ["own", "ctranslate2-int8", *_graphs(folder)]
        )
        model = SentenceTransformer(str(own), device="cpu", backend="onnx", model_kwargs=_CPU)
        model.save_pretrained(str(own))
        export_dynamic_quantized_onnx_model(model, "avx2", str(own))
    return own


def _graphs(folder: Path) -> list[str]:
    return [path.name for path in folder.glob("*.onnx")]


if __name__ == "__main__":
    run(_make, ["sentence-transformers", "torch", "onnxruntime"])
