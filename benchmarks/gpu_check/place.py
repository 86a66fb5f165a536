"""Where a part puts its model and its vectors: on the GPU, or in the same lines on the CPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import faiss

from benchmarks.gpu_check.findings import AbsentError
from benchmarks.gpu_check.settings import Settings
from bertine.artifact import Artifact, Variant
from bertine.encode.contract import Session
from bertine.encode.cuda import DeviceSession
from bertine.encode.device import PROVIDERS, unfit
from bertine.encode.opening import DeviceSettings, open_session
from bertine.encode.placement import Placement, on_cuda
from bertine.encode.shapes import buckets
from bertine.errors import ConfigError
from bertine.index.gpu import Device, Gpu, open_gpu
from bertine.index.gpu_faiss import Placed
from bertine.types import Matrix

PATIENCE_SECONDS = 60.0
"""A first search may wait for libraries that are loaded then."""

_GRAPH_TOKENS_OF_CPU = 128


@contextmanager
def opened(
    model: Artifact, variant: Variant, settings: Settings, *, graphs: bool, memory_bytes: int = 0
) -> Iterator[Session]:
    """A session of one variant, closed in the end.

    Args:
        model: its artifact.
        variant: of it.
        settings: see `Settings`.
        graphs: small shapes are recorded; on a CPU they are padded as if they were.
        memory_bytes: of a GPU that it may take; 0 is what there is.

    Raises:
        AbsentError: it has no form on this device.
        Unavailable: the device fails.
    """
    if settings.on_gpu and variant.provider == "tensorrt":
        session = _on_tensorrt(model, variant, settings)
    else:
        session = DeviceSession(
            model.path(variant.name),
            dimensions=model.manifest.dimensions,
            max_length=model.manifest.max_length,
            placement=_placement(
                variant, settings, model.manifest.max_length, memory_bytes, graphs=graphs
            ),
        )
    with closing(session):
        yield session


def _placement(
    variant: Variant, settings: Settings, max_length: int, memory_bytes: int, *, graphs: bool
) -> Placement:
    if settings.on_gpu:
        problem = unfit(variant, settings.place.kind)
        if problem and not variant.packed:
            raise AbsentError(problem)
        return on_cuda(
            settings.place,
            max_length=max_length,
            memory_bytes=memory_bytes,
            graphs=graphs and not variant.packed,
        )
    if variant.packed:
        raise AbsentError("ONNX Runtime's CPU provider has no kernel for packed attention")
    recorded = buckets(max_length, _GRAPH_TOKENS_OF_CPU) if graphs else ()
    return Placement([(PROVIDERS["cpu"], {})], "cpu", recorded=recorded)


def device_of(variant: Variant, settings: Settings) -> str:
    """The device that a variant runs on, as a server is told it."""
    there = settings.on_gpu and variant.provider == "tensorrt"
    return f"tensorrt:{settings.place.index}" if there else settings.device


def _on_tensorrt(model: Artifact, variant: Variant, settings: Settings) -> Session:
    device = device_of(variant, settings)
    try:
        return open_session(model, variant.name, DeviceSettings(device))[1]
    except ConfigError as error:
        raise AbsentError(error.message) from error


class HostDevice:
    """Stands where a GPU does: FAISS's own indexes on the host, behind the same calls.

    Attributes:
        temporary: see `FaissDevice`.
    """

    temporary = 1 << 28

    def free(self) -> int:
        """More than any index needs."""
        return 1 << 50

    def clone(self, index: Any) -> Placed:
        """The index itself."""
        return Placed(index, int(index.nlist), cuvs=True)

    def flat(self, vectors: Matrix) -> Placed:
        """All vectors as float16."""
        index: Any = faiss.index_factory(vectors.shape[1], "SQfp16", faiss.METRIC_INNER_PRODUCT)
        index.train(vectors)
        index.add(vectors)
        return Placed(index, 0, cuvs=True)


class Bounded:
    """A device with less free memory than it has, so that a preflight chooses or refuses.

    Args:
        device: whose calls these are.
        most: bytes that are free at most.
    """

    def __init__(self, device: Device, most: int) -> None:
        self.temporary = device.temporary
        self.clone = device.clone
        self.flat = device.flat
        self._device, self._most = device, most

    def free(self) -> int:
        """At most so many bytes."""
        return min(self._most, self._device.free())


@contextmanager
def index_device(settings: Settings) -> Iterator[Gpu]:
    """What holds indexes, and its thread.

    Raises:
        AbsentError: FAISS sees no GPU, or is built without.
    """
    if settings.on_gpu:
        try:
            gpu = open_gpu(settings.device)
        except ConfigError as error:
            raise AbsentError(error.message) from error
    else:
        gpu = Gpu(HostDevice(), "cpu", PATIENCE_SECONDS)
    if gpu is None:
        raise AbsentError(f"{settings.device} holds no index")
    with closing(gpu):
        yield gpu
