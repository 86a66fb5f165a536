"""What a GPU's trouble means: a batch that was too much, a lost device, work left on the CPU."""

from __future__ import annotations

import re
from collections.abc import Iterable

# ONNX Runtime writes "CUDA failure 700: an illegal memory access ..." where a call of CUDA fails
# (its source, core/providers/cuda/cuda_call.cc), and "CUDA error cudaErrorIllegalAddress:an ..."
# where a kernel does (core/providers/cuda/cuda_kernel.h, `Compute`). Numbers and names are those of
# cudaError (CUDA Runtime API, "Data types used by CUDA Runtime", driver_types.h). After each of
# these the process must be started again, either because every later call fails with the same
# error or because the device is gone.
_LOST = {
    46: "cudaErrorDevicesUnavailable",
    214: "cudaErrorECCUncorrectable",
    220: "cudaErrorNvlinkUncorrectable",
    226: "cudaErrorContained",
    700: "cudaErrorIllegalAddress",
    702: "cudaErrorLaunchTimeout",
    709: "cudaErrorContextIsDestroyed",
    710: "cudaErrorAssert",
    714: "cudaErrorHardwareStackError",
    715: "cudaErrorIllegalInstruction",
    716: "cudaErrorMisalignedAddress",
    717: "cudaErrorInvalidAddressSpace",
    718: "cudaErrorInvalidPc",
    719: "cudaErrorLaunchFailure",
    721: "cudaErrorTensorMemoryLeak",
    810: "cudaErrorMpsClientTerminated",
    999: "cudaErrorUnknown",
}
# ONNX Runtime keeps operators on shapes, a few numbers each, on the CPU on purpose (its source,
# core/framework/fallback_cpu_capability.cc). These are on the texts themselves.
_HEAVY = ("Attention", "Gemm", "Gelu", "MatMul", "LayerNorm", "QuantizeLinear", "Softmax")
_FAILURE = re.compile(r"CUDA failure (\d+)|CUDA error (\w+)")


def lost(message: str) -> str | None:
    """The name of the error by which a device is lost, None if the message tells of no such error.

    Args:
        message: of an error of ONNX Runtime. One that memory ran out (2, cudaErrorMemoryAllocation)
            is none: a smaller batch may succeed.
    """
    for number, name in _FAILURE.findall(message):
        said = _LOST.get(int(number)) if number else name
        if said in _LOST.values():
            return said
    return None


def left_behind(types: Iterable[str]) -> list[str]:
    """Which operators should not be on the CPU while a model runs on a GPU, sorted.

    Args:
        types: of the operators that are.
    """
    return sorted({kind for kind in types if any(word in kind for word in _HEAVY)})


def of_device(message: str) -> bool:
    """Whether an error while a model was loaded is the device's rather than the file's."""
    return any(word in message for word in ("CUDA", "CUBLAS", "cuDNN", "CUDNN", "TensorRT"))
