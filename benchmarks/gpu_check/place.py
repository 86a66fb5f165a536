"""Where a part puts its model and its vectors: on the GPU, or in the same lines on the CPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from benchmarks.gpu_check.findings import AbsentError
from benchmarks.gpu_check.host_device import HostDevice
from benchmarks.gpu_check.settings import Settings
from bertine.artifact import Artifact, Variant
from bertine.encode.contract import Session
from bertine.encode.cuda import DeviceSession
from bertine.encode.device import PROVIDERS, unfit
from bertine.encode.opening import DeviceSettings, open_session
from bertine.encode.placement import Placement, on_cuda
from bertine.encode.shapes import buckets
from bertine.errors import ConfigError
from bertine.index.gpu import Gpu, open_gpu

_PATIENCE_SECONDS = 60.0

_GRAPH_TOKENS_OF_CPU = 128


@contextmanager
def opened(
    model: Artifact, variant: Variant, settings: Settings, *, graphs: bool
) -> Iterator[Session]:
    """A session of one variant, closed in the end.

    Args:
        model: its artifact.
        variant: of it.
        settings: see `Settings`.
        graphs: small shapes are recorded; on a CPU they are padded as if they were.

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
            placement=_placement(variant, settings, model.manifest.max_length, graphs=graphs),
        )
    with closing(session):
        yield session


def _placement(variant: Variant, settings: Settings, max_length: int, *, graphs: bool) -> Placement:
    if settings.on_gpu:
        problem = unfit(variant, settings.place.kind)
        if problem and not variant.packed:
            raise AbsentError(problem)
        return on_cuda(
            settings.place,
            max_length=max_length,
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
        gpu = Gpu(HostDevice(), "cpu", _PATIENCE_SECONDS)
    if gpu is None:
        raise AbsentError(f"{settings.device} holds no index")
    with closing(gpu):
        yield gpu
