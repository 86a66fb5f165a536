"""Copies between host and device in the middle of a graph, told by ONNX Runtime's profile.

They are operators MemcpyFromHost and MemcpyToHost (core/optimizer/transformer_memcpy.cc). What a
session copies before and after a run is the same on every device, and seen by its tests.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import onnxruntime

from benchmarks.gpu_check.batches import Batch
from benchmarks.gpu_check.settings import Settings
from bertine.artifact import ATTENTION_MASK, EMBEDDING, INPUT_IDS
from bertine.encode.cuda import preload
from bertine.encode.device import PROVIDERS

_COPIES = ("MemcpyFromHost", "MemcpyToHost")


def inside(path: Path, settings: Settings, batch: Batch) -> int:
    """How often the graph copies within one run.

    Args:
        path: of the ONNX file.
        settings: see `Settings`.
        batch: that is run.
    """
    preload()
    place = settings.place
    chosen = {"device_id": str(place.index)} if settings.on_gpu else {}
    with tempfile.TemporaryDirectory() as folder:
        options: Any = onnxruntime.SessionOptions()
        options.enable_profiling = True
        options.profile_file_prefix = f"{folder}/profile"
        session = onnxruntime.InferenceSession(
            str(path), options, providers=[(PROVIDERS[place.kind], chosen)], enable_fallback=False
        )
        session.run([EMBEDDING], dict(zip((INPUT_IDS, ATTENTION_MASK), batch, strict=True)))
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    return sum(
        event.get("cat") == "Node"
        and event["name"].endswith("_kernel_time")
        and event["args"].get("op_name") in _COPIES
        for event in events
    )
