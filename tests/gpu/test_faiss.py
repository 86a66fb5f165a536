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
def test_a_search_by_address_is_that_of_numpy(kind: str, vectors: Matrix) -> None:
    index, queries = trained(kind, vectors), vectors[:9] + np.float32(0.1)
    bits = np.packbits(np.arange(2_000) % 3 == 0, bitorder="little")
    lists = kind.startswith("IVF")
    for allowed in (None, bits):
        nprobe = 5 if lists else 0
        rows, scores = search(index, queries.ctypes.data, (9, 20), nprobe, allowed)
        given = {} if allowed is None else {"sel": faiss.IDSelectorBitmap(allowed)}  # type: ignore[call-arg,arg-type]
        params: Any = (
            faiss.SearchParametersIVF(nprobe=5, **given)  # type: ignore[call-arg]
            if lists
            else faiss.SearchParameters(**given)
        )
        expected = index.search(queries, 20, params=params)
        np.testing.assert_array_equal(rows, expected[1])
        np.testing.assert_array_equal(scores, expected[0])
