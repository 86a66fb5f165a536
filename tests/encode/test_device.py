from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertine.artifact import Manifest, Parity, Variant
from bertine.encode.device import (
    CPU,
    Device,
    Machine,
    best_variant,
    choose,
    packed_form,
    parse,
    unfit,
)
from bertine.errors import ArtifactError, ConfigError, NotFound

CPU_PROVIDER = "CPUExecutionProvider"
ALL = ("TensorrtExecutionProvider", "CUDAExecutionProvider", CPU_PROVIDER)
HERE = Machine((CPU_PROVIDER,))
TWO_GPUS = Machine(ALL, ("NVIDIA H100", "NVIDIA L4"), "")
NO_DRIVER = Machine(ALL, (), "libcuda.so.1 cannot be loaded; install driver 580")


def variant(name: str, precision: Any, provider: Any, *, packed: bool = False) -> Variant:
    parity = Parity(1.0, 1.0, 1)
    return Variant(
        name, f"{name}.onnx", "0" * 64, precision, provider, True, 1, 1.0, parity, packed
    )


FP32, INT8 = variant("fp32", "fp32", "cpu"), variant("int8", "int8", "cpu")
FP16 = variant("fp16", "fp16", "cuda")
PACKED = variant("fp16-packed", "fp16", "cuda", packed=True)
QDQ = variant("int8-qdq", "int8", "tensorrt")


@pytest.fixture
def full(manifest: Manifest) -> Manifest:
    # The packed one first: it must never be taken for the plain one.
    return replace(manifest, variants=(PACKED, FP32, INT8, FP16, QDQ))


@pytest.fixture
def old(manifest: Manifest) -> Manifest:
    return replace(manifest, variants=(FP32, INT8))


@pytest.mark.parametrize(
    ("setting", "devices"),
    [
        ("cpu", [CPU]),
        ("cuda", [Device("cuda", 0)]),
        ("cuda:3", [Device("cuda", 3)]),
        ("tensorrt:1", [Device("tensorrt", 1)]),
        ("cuda:0, cuda:1", [Device("cuda", 0), Device("cuda", 1)]),
        ("cuda:0,cuda:0", [Device("cuda", 0), Device("cuda", 0)]),
    ],
)
def test_settings_that_mean_devices(setting: str, devices: list[Device]) -> None:
    assert list(parse(setting)) == devices


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("gpu", "write auto, cpu, cuda"),
        ("cuda:", "write auto, cpu, cuda"),
        ("cuda:x", "write auto, cpu, cuda"),
        ("cuda:-1", "write auto, cpu, cuda"),
        ("cuda:²", "write auto, cpu, cuda"),
        ("cpu:0", "write auto, cpu, cuda"),
        ("", "write auto, cpu, cuda"),
        ("cuda,", "write auto, cpu, cuda"),
        ("cuda,auto", "write auto, cpu, cuda"),
        ("cuda,tensorrt", "mixes kinds"),
        ("cpu,cpu", "has no replicas"),
    ],
)
def test_settings_that_mean_nothing_are_refused(setting: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        parse(setting)


@given(st.lists(st.builds(Device, st.just("cuda"), st.integers(0, 99)), min_size=1, max_size=4))
def test_devices_are_written_as_they_are_read(devices: list[Device]) -> None:
    assert list(parse(",".join(map(str, devices)))) == devices


def test_auto_takes_a_gpu_where_everything_for_it_is_there(full: Manifest) -> None:
    choice = choose("auto", "auto", TWO_GPUS, full)
    assert (choice.devices, choice.variant) == ((Device("cuda", 0),), "fp16")
    assert choice.reason == "NVIDIA H100 is there, and the model has fp16 for it"


@pytest.mark.parametrize(
    ("machine", "reason"),
    [(HERE, "has no CUDAExecutionProvider"), (NO_DRIVER, "libcuda.so.1 cannot be loaded")],
)
def test_auto_takes_the_cpu_otherwise_and_says_why(
    full: Manifest, machine: Machine, reason: str
) -> None:
    choice = choose("auto", "auto", machine, full)
    assert (choice.devices, choice.variant) == ((CPU,), "int8")
    assert reason in choice.reason


def test_auto_takes_the_cpu_for_a_model_without_a_variant_for_gpus(old: Manifest) -> None:
    choice = choose("auto", "auto", TWO_GPUS, old)
    assert choice.devices == (CPU,)
    assert "bertine export --variants fp16" in choice.reason


def test_auto_follows_the_variant(full: Manifest) -> None:
    assert choose("auto", "int8", TWO_GPUS, full).devices == (CPU,)
    assert choose("auto", "fp32", TWO_GPUS, full).devices == (Device("cuda"),)
    with pytest.raises(ConfigError, match="name that one"):
        choose("auto", "fp16-packed", HERE, full)


def test_what_was_asked_for_is_what_there_is(full: Manifest) -> None:
    assert choose("cpu", "auto", TWO_GPUS, full).variant == "int8"
    assert choose("cuda:1", "auto", TWO_GPUS, full).variant == "fp16"
    assert choose("tensorrt", "auto", TWO_GPUS, full).variant == "int8-qdq"
    assert choose("cuda", "fp32", TWO_GPUS, full).variant == "fp32"


@pytest.mark.parametrize(
    ("setting", "name", "machine", "told"),
    [
        ("cuda", "auto", HERE, r"pip uninstall -y onnxruntime .* pip install 'bertine\[gpu\]'"),
        ("cuda", "auto", NO_DRIVER, "install driver 580"),
        ("cuda:0,cuda:2", "auto", TWO_GPUS, "no GPU 2; 0 is NVIDIA H100, 1 is NVIDIA L4"),
        ("cuda", "int8", TWO_GPUS, "'int8' is made for cpu"),
        ("tensorrt", "fp16", TWO_GPUS, "'fp16' is made for cuda"),
        ("cuda", "fp16-packed", TWO_GPUS, "name that one"),
        ("cpu", "fp16-packed", HERE, "name that one"),
    ],
)
def test_what_was_asked_for_and_cannot_be_had_is_an_error(
    full: Manifest, setting: str, name: str, machine: Machine, told: str
) -> None:
    with pytest.raises(ConfigError, match=told):
        choose(setting, name, machine, full)


def test_a_model_without_a_variant_says_how_to_make_one(old: Manifest) -> None:
    with pytest.raises(ArtifactError, match="bertine export --variants int8-qdq"):
        choose("tensorrt", "auto", TWO_GPUS, old)
    with pytest.raises(NotFound, match="'fp64' does not exist"):
        choose("cuda", "fp64", TWO_GPUS, old)


def test_every_variant_but_the_packed_one_runs_on_a_cpu(full: Manifest) -> None:
    fit = [entry.name for entry in full.variants if not unfit(entry, "cpu")]
    assert fit == ["fp32", "int8", "fp16", "int8-qdq"]


def test_the_packed_form_belongs_to_its_plain_one(full: Manifest, old: Manifest) -> None:
    assert packed_form(full, "fp16") == "fp16-packed"
    assert packed_form(full, "fp32") is None
    assert packed_form(old, "int8") is None
    assert best_variant(full, "cuda") == "fp16"
