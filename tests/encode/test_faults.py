from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertine.encode.faults import left_behind, lost, of_device


@pytest.mark.parametrize(
    ("message", "name"),
    [
        (
            "Non-zero status code ... CUDA failure 700: an illegal memory access ; GPU=0",
            "cudaErrorIllegalAddress",
        ),
        ("CUDA failure 719: unspecified launch failure ; GPU=1", "cudaErrorLaunchFailure"),
        ("CUDA failure 214: uncorrectable ECC error encountered", "cudaErrorECCUncorrectable"),
        ("CUDA failure 46: all CUDA-capable devices are busy", "cudaErrorDevicesUnavailable"),
        ("CUBLAS failure 13: ...; CUDA failure 999: unknown error", "cudaErrorUnknown"),
        (
            "Non-zero status code ... CUDA error cudaErrorIllegalAddress:an illegal memory access",
            "cudaErrorIllegalAddress",
        ),
    ],
)
def test_a_lost_device_is_known_by_its_number_or_name(message: str, name: str) -> None:
    assert lost(message) == name


@pytest.mark.parametrize(
    "message",
    [
        "CUDA failure 2: out of memory",
        "CUDA error cudaErrorMemoryAllocation:out of memory",
        "CUDA error cudaErrorInvalidConfiguration:invalid configuration argument",
        "CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED",
        "Failed to allocate memory for requested buffer of size 700",
        "the input has 719 tokens",
        "",
    ],
)
def test_anything_else_is_the_batchs_fault(message: str) -> None:
    assert lost(message) is None


@given(st.integers(0, 1100))
def test_a_number_is_read_whole(number: int) -> None:
    assert lost(f"CUDA failure {number}7000: ...") is None


def test_work_on_texts_must_not_be_left_to_the_cpu() -> None:
    shapes = ["Shape", "Gather", "Concat", "Unsqueeze", "Cast"]
    assert left_behind(shapes) == []
    heavy = ["PackedAttention", "MatMul", "DynamicQuantizeLinear", "MatMul"]
    assert left_behind([*shapes, *heavy]) == ["DynamicQuantizeLinear", "MatMul", "PackedAttention"]


def test_a_devices_failure_at_loading_is_not_the_files() -> None:
    assert of_device("CUDA failure 2: out of memory")
    assert not of_device("[ONNXRuntimeError] : 7 : INVALID_PROTOBUF : Protobuf parsing failed")
