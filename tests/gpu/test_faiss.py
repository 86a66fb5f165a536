"""The GPU build of FAISS has what `index.gpu_faiss` calls, by those names and with those arguments.

Without a GPU every call is made as far as FAISS's own look at the device.
"""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np
import pytest

from bertine.errors import ConfigError
from bertine.index.gpu import open_gpu
from bertine.index.gpu_faiss import TEMPORARY_BYTES, FaissDevice, search
from bertine.types import Matrix

pytestmark = pytest.mark.skipif(
    not hasattr(faiss, "StandardGpuResources"),
    reason="FAISS IS BUILT FOR CPUS: install faiss-gpu-cuvs to check its calls (bertine[gpu])",
)

NO_GPU = "Invalid GPU device"


@pytest.fixture
def vectors() -> Matrix:
    return np.random.default_rng(0).normal(size=(2_000, 32)).astype(np.float32)


def trained(kind: str, vectors: Matrix) -> Any:
    index: Any = faiss.index_factory(vectors.shape[1], kind, faiss.METRIC_INNER_PRODUCT)
    index.train(vectors)
    index.add(vectors)
    return index


def test_options_are_those_that_are_set() -> None:
    options: Any = faiss.GpuClonerOptions()
    options.use_cuvs, options.useFloat16 = False, True
    assert (options.use_cuvs, options.useFloat16) == (False, True)
    config: Any = faiss.GpuIndexFlatConfig()
    config.device, config.useFloat16, config.use_cuvs = 3, True, False
    assert (config.device, config.useFloat16, config.use_cuvs) == (3, True, False)
    # SWIG objects take any attribute: these must be the struct's own.
    for one, names in (
        (faiss.GpuClonerOptions, ("use_cuvs", "useFloat16")),
        (faiss.GpuIndexFlatConfig, ("device", "useFloat16", "use_cuvs")),
    ):
        assert all(isinstance(getattr(one, name), property) for name in names)


def test_the_build_says_whether_it_has_cuvs() -> None:
    assert "GPU" in faiss.get_compile_options().split()
    assert FaissDevice(0).cuvs == ("NVIDIA_CUVS" in faiss.get_compile_options().split())


@pytest.mark.skipif(
    hasattr(faiss, "StandardGpuResources") and faiss.get_num_gpus() > 0, reason="there is a GPU"
)
class TestWithoutAGpu:
    def test_it_is_not_opened(self) -> None:
        with pytest.raises(ConfigError, match="FAISS sees 0 GPUs"):
            open_gpu("cuda")

    @pytest.mark.parametrize("kind", ["IVF16,SQfp16", "IVF16,PQ8np"])
    def test_a_clone_comes_as_far_as_the_device(self, kind: str, vectors: Matrix) -> None:
        with pytest.raises(RuntimeError, match=NO_GPU):
            FaissDevice(0, TEMPORARY_BYTES).clone(trained(kind, vectors))

    def test_a_flat_index_does_too(self, vectors: Matrix) -> None:
        with pytest.raises(RuntimeError, match=NO_GPU):
            FaissDevice(0).flat(vectors)


@pytest.mark.parametrize("kind", ["IVF16,SQfp16", "IVF16,PQ8np", "SQfp16"])
def test_a_search_visits_lists_and_heeds_bits(kind: str, vectors: Matrix) -> None:
    index, queries = trained(kind, vectors), vectors[:9] + np.float32(0.1)
    nprobe = 5 if kind.startswith("IVF") else 0
    allowed = np.arange(2_000) % 3 == 0
    rows, scores = search(index, queries, 20, nprobe, np.packbits(allowed, bitorder="little"))
    assert rows.shape == scores.shape == (9, 20)
    assert allowed[rows].all()
    everything, _ = search(index, queries, 2_000, nprobe, None)
    visited = (everything >= 0).sum(axis=1)
    assert (visited < 2_000).all() == bool(nprobe)
    for line, kept in zip(everything, rows, strict=True):
        seen = line[line >= 0]
        assert kept.tolist() == seen[allowed[seen]][:20].tolist()
