"""A model in ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from bertine.artifact import ATTENTION_MASK, EMBEDDING, INPUT_IDS, SLOW_ON_CPU
from bertine.encode.cores import usable_cores
from bertine.errors import ArtifactError, ConfigError, EncodeError, Unavailable
from bertine.types import Matrix

_PROVIDERS = {"cpu": "CPUExecutionProvider"}


class OnnxSession:
    """One variant of an artifact, loaded on one device. See `bertine.encode.contract.Session`.

    Args:
        path: of the variant's ONNX file.
        dimensions: what the manifest says of its vectors.
        threads: that share one operator; None is one for each usable core.
        device: ``cpu``.
        spin: threads spin between the operators of a run; they never spin between runs.

    Raises:
        ArtifactError: the file is damaged or is not a graph that Bertine exported.
        ConfigError: no such device, or threads below 1.
        Unavailable: ONNX Runtime would have run on another device than the one asked for.
    """

    def __init__(
        self,
        path: Path,
        *,
        dimensions: int,
        threads: int | None = None,
        device: str = "cpu",
        spin: bool = True,
    ) -> None:
        provider, options = _provider(device), _options(threads, spin=spin)
        try:
            session = onnxruntime.InferenceSession(
                str(path), options, providers=[provider], disabled_optimizers=SLOW_ON_CPU
            )
        except Exception as error:  # a dozen unrelated classes, all straight below Exception
            raise ArtifactError(
                f"{path} cannot be loaded: {error}; export the model again"
            ) from error
        self.dimensions = dimensions
        self.provider = str(session.get_providers()[0])
        if self.provider != provider:
            raise Unavailable(f"ONNX Runtime chose {self.provider} where {provider} was asked for")
        _check_graph(session, path, dimensions)
        self._session: Any = session

    def run(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> Matrix:
        """Encode one batch, see `bertine.encode.contract.Session.run`.

        Raises:
            EncodeError: ONNX Runtime failed, or a vector is not finite.
            Unavailable: the session was closed.
        """
        if self._session is None:
            raise Unavailable("the model's session is closed")
        try:
            (vectors,) = self._session.run([EMBEDDING], {INPUT_IDS: ids, ATTENTION_MASK: mask})
        except Exception as error:  # a dozen unrelated classes, all straight below Exception
            raise EncodeError(f"ONNX Runtime failed on shape {list(ids.shape)}: {error}") from error
        # One NaN or infinity anywhere makes the sum of squares so too.
        if not np.isfinite(np.vdot(vectors, vectors)):
            raise EncodeError("the model gave a vector that is not finite")
        matrix: Matrix = vectors
        return matrix

    def close(self) -> None:
        """Free the model's memory. Closing twice does nothing."""
        self._session = None


def _provider(device: str) -> str:
    if device not in _PROVIDERS:
        raise ConfigError(f"device {device!r} is not known; choose {' or '.join(_PROVIDERS)}")
    return _PROVIDERS[device]


def _options(threads: int | None, *, spin: bool) -> Any:
    if threads is not None and threads < 1:
        raise ConfigError(f"threads must be at least 1, not {threads}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or usable_cores()
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    # Measured with MiniLM int8, 2 cores: without the arena 32 x 24 tokens cost 14 % more, and over
    # 60 random shapes it stopped growing at 200 MB, so it stays. Memory patterns, planned anew for
    # each shape, made no difference, so they go.
    options.enable_mem_pattern = False
    options.enable_cpu_mem_arena = True
    # Threads that sleep between the hundred operators of a run cost 1.8 ms of 4.7 for one text, and
    # a fifth of the throughput of 8 clients; on a machine busy with other programs it is the other
    # way round (docs/LOG.md). They stop when the run ends, so an idle server is idle.
    options.add_session_config_entry("session.intra_op.allow_spinning", "1" if spin else "0")
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return options


def _check_graph(session: Any, path: Path, dimensions: int) -> None:
    inputs = {entry.name for entry in session.get_inputs()}
    outputs = {entry.name: entry.shape for entry in session.get_outputs()}
    if inputs != {INPUT_IDS, ATTENTION_MASK} or EMBEDDING not in outputs:
        raise ArtifactError(
            f"{path} takes {sorted(inputs)} and gives {sorted(outputs)}; Bertine needs a graph "
            f"from {INPUT_IDS} and {ATTENTION_MASK} to {EMBEDDING}: use bertine export"
        )
    width = outputs[EMBEDDING][-1]
    if isinstance(width, int) and width != dimensions:
        raise ArtifactError(f"{path} gives {width} dimensions, the manifest says {dimensions}")
