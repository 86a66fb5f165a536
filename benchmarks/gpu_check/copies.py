"""Copies between host and device that a session makes for a batch, counted where it asks.

Both directions go through two methods of ONNX Runtime's OrtValue, `update_inplace` to the device
and `numpy` from it (onnxruntime_inference_collection.py). What a graph copies in its middle is told
by its profile, as operators MemcpyFromHost and MemcpyToHost (core/optimizer/transformer_memcpy.cc).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import onnxruntime

from benchmarks.gpu_check.batches import Batch
from benchmarks.gpu_check.settings import Settings
from bertine.artifact import ATTENTION_MASK, EMBEDDING, INPUT_IDS
from bertine.encode.cuda import preload
from bertine.encode.device import PROVIDERS

_INSIDE = ("MemcpyFromHost", "MemcpyToHost")


@dataclass(slots=True)
class Copies:
    """What was copied.

    Attributes:
        to_device: how often.
        to_host: how often.
        bytes_to_device: altogether.
        bytes_to_host: altogether.
    """

    to_device: int = 0
    to_host: int = 0
    bytes_to_device: int = 0
    bytes_to_host: int = 0


@contextmanager
def counted() -> Iterator[Copies]:
    """Count what sessions copy meanwhile."""
    found, value = Copies(), onnxruntime.OrtValue
    update, numpy = value.update_inplace, value.numpy

    def counted_update(self: Any, array: Any) -> Any:
        found.to_device += 1
        found.bytes_to_device += array.nbytes
        return update(self, array)

    def counted_numpy(self: Any) -> Any:
        copied = numpy(self)
        found.to_host += 1
        found.bytes_to_host += copied.nbytes
        return copied

    with (
        patch.object(value, "update_inplace", counted_update),
        patch.object(value, "numpy", counted_numpy),
    ):
        yield found


def inside(path: Path, settings: Settings, batch: Batch, folder: Path) -> dict[str, int]:
    """How often the graph copies within one run, by direction.

    Args:
        path: of the ONNX file.
        settings: see `Settings`.
        batch: that is run.
        folder: for the profile.
    """
    preload()
    options: Any = onnxruntime.SessionOptions()
    options.enable_profiling = True
    options.profile_file_prefix = str(folder / "profile")
    place = settings.place
    chosen = {"device_id": str(place.index)} if settings.on_gpu else {}
    session = onnxruntime.InferenceSession(
        str(path), options, providers=[(PROVIDERS[place.kind], chosen)], enable_fallback=False
    )
    session.run([EMBEDDING], dict(zip((INPUT_IDS, ATTENTION_MASK), batch, strict=True)))
    events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    kinds = Counter(
        event["args"].get("op_name")
        for event in events
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time")
    )
    return {kind: kinds[kind] for kind in _INSIDE}
