"""The libraries an export stands on: are they there, which versions, and how to keep them quiet.

Torch's tracer, optimum and ONNX Runtime's optimizer warn about things an export cannot change and
that verification would catch; their warnings would bury the lines a user must read.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from bertine.errors import ConfigError

LIBRARIES = ("torch", "transformers", "optimum", "optimum-onnx", "onnx", "onnxruntime")
IMPORTS = ("torch", "transformers", "optimum.exporters.onnx", "onnx", "onnxruntime", "safetensors")
INSTALL = "pip install 'bertine[cpu,export]'"


def require() -> None:
    """Check that every library of the export extra is installed, without importing torch.

    Raises:
        ConfigError: one is missing; the message says how to install it.
    """
    for name in IMPORTS:
        if not _installed(name):
            raise ConfigError(f"exporting a model needs {name.split('.')[0]}; {INSTALL}")


def _installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def versions() -> dict[str, str]:
    """Version by distribution name, of those installed."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


@contextmanager
def quiet() -> Iterator[None]:
    """Hold back the vendors' warnings and logs, errors excepted, and restore them afterwards."""
    previous = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(previous)
