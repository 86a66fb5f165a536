"""How fast the device multiplies matrices in fp16: what an encoder is held against.

One MatMul through ONNX Runtime, with both sides on the device, as a model's are: cuBLAS's rate, not
the data sheet's. Sources: onnxruntime docs, "I/O Binding"; onnx docs, Operators, MatMul.
"""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import numpy as np
import onnxruntime

from benchmarks.gpu_check.settings import Settings
from benchmarks.timing import durations
from bertine.encode.cuda import preload
from bertine.encode.device import PROVIDERS
from bertine.errors import Unavailable

# onnx.helper, opset 17, IR 8: product[n, m] = left[n, k] @ right[k, m], float16, all sizes free.
# As bytes, so that a machine with a GPU needs no package for it.
_GRAPH = b64decode(
    "CAg6ewoeCgRsZWZ0CgVyaWdodBIHcHJvZHVjdCIGTWF0TXVsEgdwcm9kdWN0WhgKBGxlZnQSEAoOCAoSCgoDEgFuCg"
    "MSAWtaGQoFcmlnaHQSEAoOCAoSCgoDEgFrCgMSAW1iGwoHcHJvZHVjdBIQCg4IChIKCgMSAW4KAxIBbUIECgAQEQ=="
)
_MEMORY = {"cpu": "cpu", "cuda": "cuda", "tensorrt": "cuda"}


def rate(settings: Settings, rows: int, inner: int, columns: int) -> float:
    """Operations a second of one product.

    Args:
        settings: see `Settings`.
        rows: of the left matrix and of the product.
        inner: columns of the left matrix, rows of the right.
        columns: of the right matrix and of the product.

    Raises:
        Unavailable: ONNX Runtime would multiply on another device.
    """
    session, memory, index = _session(settings)
    binding = session.io_binding()
    sides = {"left": (rows, inner), "right": (inner, columns)}
    held = [_random(shape, seed, memory, index) for seed, shape in enumerate(sides.values())]
    for name, value in zip(sides, held, strict=True):
        binding.bind_ortvalue_input(name, value)
    product = onnxruntime.OrtValue.ortvalue_from_shape_and_type(
        [rows, columns], np.float16, memory, index
    )
    binding.bind_ortvalue_output("product", product)
    # A run waits for its stream at its end.
    taken = min(durations(lambda: session.run_with_iobinding(binding)))
    return 2 * rows * inner * columns / taken


def _session(settings: Settings) -> tuple[Any, str, int]:
    preload()
    place = settings.place
    name, memory = PROVIDERS[place.kind], _MEMORY[place.kind]
    options = {"device_id": str(place.index)} if settings.on_gpu else {}
    session = onnxruntime.InferenceSession(
        _GRAPH, providers=[(name, options)], enable_fallback=False
    )
    if (used := session.get_providers()[0]) != name:
        raise Unavailable(f"ONNX Runtime multiplies on {used}, not {name}")
    return session, memory, place.index


def _random(shape: tuple[int, int], seed: int, memory: str, index: int) -> Any:
    values = np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)
    scaled = (values / np.sqrt(shape[0])).astype(np.float16)
    return onnxruntime.OrtValue.ortvalue_from_numpy(scaled, memory, index)
