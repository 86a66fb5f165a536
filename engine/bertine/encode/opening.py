"""From settings to a session: the device is chosen, the variant loaded, its forms put together."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

from bertine.artifact import Artifact
from bertine.encode.calibration import calibrate
from bertine.encode.contract import Session
from bertine.encode.cores import usable_cores
from bertine.encode.costs import CostModel, fit
from bertine.encode.cuda import DeviceSession
from bertine.encode.device import AUTO, CPU, Choice, Device, Machine, choose, packed_form
from bertine.encode.driver import gpus, load_tensorrt
from bertine.encode.paired import PairedSession
from bertine.encode.per_core import PerCoreSession
from bertine.encode.placement import Placement, engine_cache, on_cuda, on_tensorrt
from bertine.encode.replicas import ReplicatedSession
from bertine.encode.session import OnnxSession, available_providers
from bertine.errors import ConfigError, Unavailable

_log = logging.getLogger(__name__)

# Bytes of a graph up to which it is loaded a second time, see `per_core`.
_LARGEST_TWICE = 1 << 29
_ENGINES = "tensorrt"


@dataclass(frozen=True, slots=True)
class DeviceSettings:
    """Where a model runs, and with how much of what is there.

    Attributes:
        device: ``auto``, or what `bertine.encode.device.parse` takes.
        threads: of a CPU that work on one batch; None is one for each usable core.
        spin: see `OnnxSession`.
        memory_bytes: of a GPU for each of the model's sessions; 0 is what there is.
        engines: folder for TensorRT's engines; None is one in the model's folder.
    """

    device: str = AUTO
    threads: int | None = None
    spin: bool = True
    memory_bytes: int = 0
    engines: Path | None = None


DEFAULT_DEVICE = DeviceSettings()


def open_session(
    artifact: Artifact, variant: str = AUTO, settings: DeviceSettings = DEFAULT_DEVICE
) -> tuple[str, Session]:
    """Load a variant; its hash and its tokenizer's are verified before anything is read.

    Args:
        artifact: see `bertine.artifact.load`.
        variant: a name, or ``auto``: the fastest that is meant for the device.
        settings: see `DeviceSettings`.

    Returns:
        The variant's name, and the session.

    Raises:
        ArtifactError: a file is damaged, or nothing fits the device.
        NotFound: no such variant.
        ConfigError: a device that is not there, or a setting that cannot work.
        Unavailable: the device fails.
    """
    choice = choose(settings.device, variant, machine(settings.device), artifact.manifest)
    try:
        session = _open(artifact, choice, settings)
    except Unavailable as error:
        if settings.device != AUTO or choice.devices == (CPU,):
            raise
        choice = replace(
            choose("cpu", variant, machine("cpu"), artifact.manifest),
            reason=f"the GPU fails: {error.message}",
        )
        session = _open(artifact, choice, settings)
        _announce(choice, settings.device, logging.WARNING)
    else:
        _announce(choice, settings.device, logging.INFO)
    return choice.variant, session


def machine(device: str = AUTO) -> Machine:
    """What this machine offers; the driver is only asked where a GPU could be meant."""
    offered = available_providers()
    if device == "cpu" or "CUDAExecutionProvider" not in offered:
        return Machine(offered)
    try:
        return Machine(offered, gpus(), "")
    except ConfigError as error:
        return Machine(offered, (), error.message)


def _announce(choice: Choice, asked: str, level: int) -> None:
    devices = ",".join(map(str, choice.devices))
    told = {"device": devices, "variant": choice.variant, "asked": asked, "reason": choice.reason}
    _log.log(level, "the encoder runs on %s", devices, extra=told)


def _open(artifact: Artifact, choice: Choice, settings: DeviceSettings) -> Session:
    artifact.verify(choice.variant)
    if choice.devices == (CPU,):
        return _on_cpu(artifact, choice.variant, settings)
    sessions = [_on_gpu(artifact, choice.variant, device, settings) for device in choice.devices]
    return sessions[0] if len(sessions) == 1 else ReplicatedSession(sessions)


def _on_cpu(artifact: Artifact, variant: str, settings: DeviceSettings) -> Session:
    manifest = artifact.manifest
    threads = usable_cores() if settings.threads is None else settings.threads
    load = partial(
        OnnxSession,
        artifact.path(variant),
        dimensions=manifest.dimensions,
        sequence_packing=manifest.variant(variant).sequence_packing,
    )
    session = load(threads=threads, spin=settings.spin)
    if threads > 1 and manifest.variant(variant).size_bytes <= _LARGEST_TWICE:
        return PerCoreSession(session, load(threads=1, spin=False), threads)
    return session


def _on_gpu(artifact: Artifact, variant: str, device: Device, settings: DeviceSettings) -> Session:
    load = partial(_load, artifact)
    if device.kind == "tensorrt":
        return load(variant, _tensorrt(artifact, variant, device, settings))
    packed = packed_form(artifact.manifest, variant)
    place = partial(
        on_cuda,
        device,
        max_length=artifact.manifest.max_length,
        memory_bytes=settings.memory_bytes // (2 if packed else 1),
    )
    plain = load(variant, place())
    if packed is None:
        return plain
    artifact.verify(packed)
    return PairedSession(plain, load(packed, place(graphs=False)), _measure(artifact))


def _load(artifact: Artifact, variant: str, placement: Placement) -> Session:
    manifest = artifact.manifest
    return DeviceSession(
        artifact.path(variant),
        dimensions=manifest.dimensions,
        max_length=manifest.max_length,
        placement=placement,
    )


def _tensorrt(
    artifact: Artifact, variant: str, device: Device, settings: DeviceSettings
) -> Placement:
    chosen = artifact.manifest.variant(variant)
    versions = version("onnxruntime-gpu"), load_tensorrt()
    folder = settings.engines or artifact.folder / _ENGINES
    cache = engine_cache(folder, chosen.sha256, versions, gpus()[device.index])
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"TensorRT's engines cannot be kept in {cache}: {error}") from error
    _log.info("TensorRT builds its engine for minutes, unless %s has it", cache)
    return on_tensorrt(
        device,
        max_length=artifact.manifest.max_length,
        cache=cache,
        int8=chosen.precision == "int8",
        memory_bytes=settings.memory_bytes,
    )


def _measure(artifact: Artifact) -> Callable[[Session], CostModel]:
    manifest = artifact.manifest
    timed = partial(calibrate, max_length=manifest.max_length, token_id=manifest.pad_token_id)
    return lambda session: fit(timed(session))
