"""The encoder of the model that a configuration names."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from bertine import artifact
from bertine.config import ServeConfig
from bertine.encode.encoder import Encoder
from bertine.encode.opening import DeviceSettings
from bertine.encode.pulse import Patience
from bertine.encode.settings import Settings
from bertine.observer import Observer

ENGINES_FOLDER = "tensorrt"
"""In the data folder: what TensorRT built, and can build again."""

MakeEncoder: TypeAlias = Callable[[ServeConfig, Observer], Encoder]


def open_encoder(config: ServeConfig, observer: Observer) -> Encoder:
    """The encoder of the model folder that the configuration names.

    Raises:
        ArtifactError: the model folder is damaged or not one.
        NotFound: no such variant.
        ConfigError: a device that is not there, or cannot run the variant.
        Unavailable: the device fails.
    """
    return Encoder.open(
        artifact.load(config.model),
        variant=config.variant,
        device=device_settings(config),
        settings=encoder_settings(config),
        on_batch=observer.on_batch,
    )


def device_settings(config: ServeConfig) -> DeviceSettings:
    """What the configuration says of the device."""
    return DeviceSettings(
        device=config.device,
        threads=config.threads or None,
        spin=config.spin,
        memory_bytes=config.gpu_memory_mb << 20,
        engines=config.data / ENGINES_FOLDER,
    )


def encoder_settings(config: ServeConfig) -> Settings:
    """What the configuration says of batching, sharing and refusing."""
    return Settings(
        patience=Patience(at_least=config.unresponsive_seconds, hung=config.hung_seconds),
        max_waiting_tokens=config.limits.max_waiting_tokens,
        cache_bytes=config.cache_mb << 20,
        coalesce=config.coalesce,
    )
