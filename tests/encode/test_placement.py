from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from bertine.encode.device import Device
from bertine.encode.placement import engine_cache, on_cuda, on_tensorrt
from bertine.encode.shapes import buckets

GPU = Device("cuda", 1)


def test_options_of_cuda() -> None:
    placed = on_cuda(GPU, max_length=256, memory_bytes=3 << 30)
    assert (placed.provider, placed.memory, placed.index) == ("CUDAExecutionProvider", "cuda", 1)
    [(_, options)] = placed.providers
    assert options == {
        "device_id": "1",
        "arena_extend_strategy": "kSameAsRequested",
        "use_tf32": "0",
        "gpu_mem_limit": str(3 << 30),
        "enable_cuda_graph": "1",
    }
    assert placed.recorded == buckets(256)


def test_packed_graphs_are_not_recorded() -> None:
    placed = on_cuda(GPU, max_length=256, graphs=False)
    [(_, options)] = placed.providers
    assert "enable_cuda_graph" not in options
    assert "gpu_mem_limit" not in options
    assert placed.recorded == ()


@given(st.integers(1, 100_000))
def test_tensorrt_has_a_profile_of_every_input(max_length: int) -> None:
    device = Device("tensorrt", 2)
    placed = on_tensorrt(device, max_length=max_length, cache=Path("/c"), int8=True)
    (name, options), (rest, cuda) = placed.providers
    assert (name, rest) == ("TensorrtExecutionProvider", "CUDAExecutionProvider")
    assert (options["device_id"], cuda["device_id"]) == ("2", "2")
    sizes = [sizes_of(options[f"trt_profile_{part}_shapes"]) for part in ("min", "opt", "max")]
    for smaller, larger in pairwise(sizes):
        assert smaller[0] <= larger[0]
        assert smaller[1] <= larger[1]
    assert placed.largest is not None
    assert sizes[2] == (placed.largest.rows, placed.largest.length)
    assert placed.largest.length == max_length


def test_an_unquantized_graph_keeps_its_precision(tmp_path: Path) -> None:
    placed = on_tensorrt(Device("tensorrt"), max_length=256, cache=tmp_path, int8=False)
    options = placed.providers[0][1]
    assert not options["trt_int8_enable"]
    assert not options["trt_fp16_enable"]
    assert options["trt_engine_cache_path"] == options["trt_timing_cache_path"] == str(tmp_path)


@given(st.lists(st.tuples(st.text(), st.text(), st.text(), st.text()), unique=True, min_size=2))
def test_engines_of_other_graphs_versions_and_gpus_lie_elsewhere(
    keys: list[tuple[str, str, str, str]],
) -> None:
    lines = {"\n".join(key) for key in keys}
    folders = {engine_cache(Path("e"), sha, (ort, trt), gpu) for sha, ort, trt, gpu in keys}
    assert len(folders) == len(lines)


def sizes_of(profile: str) -> tuple[int, int]:
    first, second = (part.split(":") for part in profile.split(","))
    assert (first[0], second[0]) == ("input_ids", "attention_mask")
    assert first[1] == second[1]
    rows, length = map(int, first[1].split("x"))
    return rows, length
