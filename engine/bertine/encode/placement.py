"""How ONNX Runtime is told to use a device: provider options, as pure functions of settings.

Options of the CUDA provider: onnxruntime docs, "CUDA Execution Provider", Configuration Options. Of
TensorRT: onnxruntime docs, "TensorRT Execution Provider", Execution Provider Options.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bertine.artifact import ATTENTION_MASK, INPUT_IDS
from bertine.encode.device import PROVIDERS, Device
from bertine.encode.shapes import Shape, buckets

_PROFILE_TOKENS = 65_536
"""TensorRT reserves memory for the largest shape of a profile: with BERT-base in fp16, and 3,072
hidden units, 0.4 GB for each of a few activations."""


@dataclass(frozen=True, slots=True)
class Placement:
    """A device as ONNX Runtime sees it.

    Attributes:
        providers: names and options, the one that must take the graph first.
        memory: ONNX Runtime's name of the device's memory.
        index: which device of that kind.
        recorded: shapes to run as CUDA graphs, the largest first.
        largest: batches that are larger are cut into parts; None takes any.
    """

    providers: Sequence[tuple[str, Mapping[str, Any]]]
    memory: Literal["cpu", "cuda"]
    index: int = 0
    recorded: tuple[Shape, ...] = ()
    largest: Shape | None = None

    @property
    def provider(self) -> str:
        """Name of the provider that must take the graph."""
        return self.providers[0][0]


def on_cuda(
    device: Device, *, max_length: int, memory_bytes: int = 0, graphs: bool = True
) -> Placement:
    """ONNX Runtime's own kernels on a GPU.

    Args:
        device: which GPU.
        max_length: longest that the model takes, in tokens.
        memory_bytes: for weights and activations of one session; 0 takes what there is.
        graphs: record small shapes. Not for graphs with packed attention, which wait for the
            device to learn how many tokens there are (onnxruntime, ContribOperators.md,
            RemovePadding).
    """
    recorded = buckets(max_length) if graphs else ()
    options = _cuda_options(device, memory_bytes)
    if recorded:
        # onnxruntime docs, CUDA EP, "Using CUDA Graphs": fixed shapes and addresses for each
        # graph, and the thread that records is the one that replays.
        options["enable_cuda_graph"] = "1"
    return Placement([(PROVIDERS["cuda"], options)], "cuda", device.index, recorded)


def on_tensorrt(
    device: Device, *, max_length: int, cache: Path, int8: bool, memory_bytes: int = 0
) -> Placement:
    """TensorRT, which builds an engine for minutes the first time and keeps it in a folder.

    Args:
        device: which GPU.
        max_length: longest that the model takes, in tokens.
        cache: folder of engines and timings, see `engine_cache`.
        int8: the graph is quantized; what it leaves in floating point is then computed in fp16.
        memory_bytes: for what TensorRT leaves to ONNX Runtime; 0 takes what there is.
    """
    largest = Shape(max(1, _PROFILE_TOKENS // max_length), max_length)
    # A profile for every input whose shape is not fixed, or TensorRT EP refuses the graph. What is
    # outside of it would be refused too, so larger batches are cut.
    options: dict[str, Any] = {
        "device_id": str(device.index),
        "trt_engine_cache_enable": True,
        "trt_engine_cache_path": str(cache),
        "trt_timing_cache_enable": True,
        "trt_timing_cache_path": str(cache),
        "trt_profile_min_shapes": _profile(Shape(1, 1)),
        "trt_profile_opt_shapes": _profile(Shape(min(32, largest.rows), min(64, max_length))),
        "trt_profile_max_shapes": _profile(largest),
        "trt_int8_enable": int8,
        "trt_fp16_enable": int8,
    }
    rest = (PROVIDERS["cuda"], _cuda_options(device, memory_bytes))
    return Placement([(PROVIDERS["tensorrt"], options), rest], "cuda", device.index, (), largest)


def engine_cache(folder: Path, sha256: str, versions: Sequence[str], gpu: str) -> Path:
    """Where engines of one graph for one machine are kept.

    TensorRT's engines hold for the exact graph, library versions and GPU that they were built for
    (onnxruntime docs, TensorRT EP, "TensorRT EP Caches").

    Args:
        folder: of all of them.
        sha256: of the graph's file.
        versions: of ONNX Runtime and TensorRT.
        gpu: its name.
    """
    key = hashlib.sha256("\n".join((sha256, *versions, gpu)).encode()).hexdigest()
    return folder / key[:16]


def _cuda_options(device: Device, memory_bytes: int) -> dict[str, Any]:
    options = {
        "device_id": str(device.index),
        # Grows by what is needed, not to the next power of two of it.
        "arena_extend_strategy": "kSameAsRequested",
        # fp32 is fp32: TF32 has 10 bits of mantissa, and is ONNX Runtime's default.
        "use_tf32": "0",
    }
    return options | ({"gpu_mem_limit": str(memory_bytes)} if memory_bytes else {})


def _profile(shape: Shape) -> str:
    names = (INPUT_IDS, ATTENTION_MASK)
    return ",".join(f"{name}:{shape.rows}x{shape.length}" for name in names)
