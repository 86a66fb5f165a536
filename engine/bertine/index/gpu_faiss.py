"""The calls of FAISS that concern a GPU, and nothing else. Not run on a GPU.

All of them must be made by one thread, see `gpu_thread`. An error of CUDA inside FAISS ends the
process (``CUDA_VERIFY``, faiss/gpu/utils/DeviceUtils.h, calls abort); only a lack of memory is
raised, as RuntimeError (faiss/gpu/StandardGpuResources.cpp, ``allocMemory``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from bertine.errors import ConfigError
from bertine.index.gpu_candidates import CLASSIC_LIMIT, CUVS_LIMIT
from bertine.types import Matrix

TEMPORARY_BYTES = 1_536 << 20
"""FAISS takes no more, whatever it is told (``kMaxTempMem``, StandardGpuResources.cpp)."""

_INSTALL = "pip uninstall faiss-cpu, then pip install 'bertine[gpu]'"


def require(number: int) -> None:
    """Look whether FAISS can use the GPU of that number.

    Raises:
        ConfigError: it was built without, or there is none of that number.
    """
    if not hasattr(faiss, "StandardGpuResources"):
        raise ConfigError(f"the index cannot be on a GPU: faiss is built for CPUs; {_INSTALL}")
    count = faiss.get_num_gpus()
    if not 0 <= number < count:
        raise ConfigError(
            f"the index cannot be on cuda:{number}: FAISS sees {count} GPUs; give a number below "
            "that, and see whether nvidia-smi lists the GPU"
        )


@dataclass(frozen=True, slots=True)
class Placed:
    """An index that can be searched.

    Attributes:
        index: FAISS's.
        lists: inverted lists; 0 is a flat index.
        cuvs: it is searched by cuVS, so it heeds a selector. Without, it ignores one and says
            nothing (faiss/gpu/impl/FlatIndex.cu and IVFFlat.cu take it and leave it).
    """

    index: Any
    lists: int
    cuvs: bool

    @property
    def limit(self) -> int:
        """Most rows, and most lists, of one search."""
        return CUVS_LIMIT if self.cuvs else CLASSIC_LIMIT


class FaissDevice:
    """A GPU as FAISS sees it.

    Args:
        number: of the GPU, from 0.
        temporary: bytes that are reserved for searches.

    Attributes:
        cuvs: whether cuVS is built in; it heeds filters and returns more rows at once.
    """

    def __init__(self, number: int, temporary: int = TEMPORARY_BYTES) -> None:
        self.number = number
        self.temporary = temporary
        # "NVIDIA_CUVS" is put there by faiss/gpu/GpuIndex.cu, InitGpuCompileOptions.
        self.cuvs = "NVIDIA_CUVS" in faiss.get_compile_options()
        # One for the device: faiss/gpu/StandardGpuResources.h.
        self._resources = faiss.StandardGpuResources()
        self._resources.setTempMemory(temporary)

    def clone(self, index: Any) -> Placed:
        """A copy on the device of lists of float16 or PQ codes: faiss/gpu/GpuCloner.cpp."""
        options = faiss.GpuClonerOptions()
        # Scalar codes of 16 bits never use cuVS (GpuIndexIVFScalarQuantizer.cu, shouldUseCuvs_);
        # told that they did, the index would let through what then aborts in IVFFlat::search.
        options.use_cuvs = self.cuvs and isinstance(index, faiss.IndexIVFPQ)
        # PQ's lookup tables only (GpuClonerOptions.h); 96 bytes of code do not fit otherwise.
        options.useFloat16 = True
        copy = faiss.index_cpu_to_gpu(self._resources, self.number, index, options)
        return Placed(copy, int(index.nlist), options.use_cuvs)

    def flat(self, vectors: Matrix) -> Placed:
        """All vectors as float16: faiss/gpu/GpuIndexFlat.h.

        They are added at once: each further call would copy what is there.
        """
        config = faiss.GpuIndexFlatConfig()
        config.device, config.useFloat16, config.use_cuvs = self.number, True, self.cuvs
        index = faiss.GpuIndexFlatIP(self._resources, vectors.shape[1], config)
        index.add(vectors)
        return Placed(index, 0, self.cuvs)

    def free(self) -> int:
        """Bytes of its memory that nobody uses."""
        from bertine.kernels.cuda import free_bytes  # noqa: PLC0415 - only where there is a GPU

        return free_bytes(self.number)


def clonable(index: Any) -> bool:
    """Whether a trained index has codes that a GPU reads: FastScan's and RaBitQ's it does not."""
    return isinstance(index, (faiss.IndexIVFScalarQuantizer, faiss.IndexIVFPQ))


def search(
    index: Any,
    queries: Matrix,
    count: int,
    nprobe: int,
    allowed: NDArray[np.uint8] | None,
) -> tuple[NDArray[np.int64], Matrix]:
    """Search an index of a device or of the host.

    The results lie on the host and are there on return (``fromDevice``,
    faiss/gpu/utils/CopyUtils.cuh, waits for the stream).

    Args:
        index: FAISS's.
        queries: float32 ``[n, d]``, C-contiguous.
        count: rows wanted for each, at most those of the index: cuVS writes shorter lines where
            there are fewer (faiss/gpu/impl/CuvsIVFPQ.cu, ``search``).
        nprobe: lists visited; 0 for an index without lists.
        allowed: a bit for each row, the least significant of a byte first.

    Returns:
        Rows, int64, and scores, float32, ``[n, count]`` both.
    """
    given: dict[str, Any] = {}
    if allowed is not None:
        given["sel"] = faiss.IDSelectorBitmap(allowed)  # type: ignore[call-arg,arg-type]
    if nprobe:
        # Lists take no other class of parameters: GpuIndexIVF.cu, getCurrentNProbe_.
        parameters: Any = faiss.SearchParametersIVF(nprobe=nprobe, **given)  # type: ignore[call-arg]
    else:
        parameters = faiss.SearchParameters(**given) if given else None
    scores, rows = index.search(queries, count, params=parameters)
    return rows, scores
