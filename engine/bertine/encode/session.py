"""A model in ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from bertine.artifact import ATTENTION_MASK, EMBEDDING, INPUT_IDS, SLOW_ON_CPU
from bertine.encode.cores import usable_cores
from bertine.encode.faults import left_behind, of_device
from bertine.errors import ArtifactError, ConfigError, EncodeError, Unavailable
from bertine.types import Matrix

_CPU = "CPUExecutionProvider"
_RECORD = "session.record_ep_graph_assignment_info"  # onnxruntime_session_options_config_keys.h


class OnnxSession:
    """One variant of an artifact on the CPU. See `bertine.encode.contract.Session`.

    Args:
        path: of the variant's ONNX file.
        dimensions: what the manifest says of its vectors.
        threads: that share one operator; None is one for each usable core.
        spin: threads spin between the operators of a run; they never spin between runs.
        sequence_packing: what the manifest says of it.

    Raises:
        ArtifactError: the file is damaged or is not a graph that Bertine exported.
        ConfigError: threads below 1.
        Unavailable: ONNX Runtime would have run on another device than the one asked for.
    """

    def __init__(
        self,
        path: Path,
        *,
        dimensions: int,
        threads: int | None = None,
        spin: bool = True,
        sequence_packing: bool = False,
    ) -> None:
        options = _options(threads, spin=spin)
        session = load(path, dimensions, [(_CPU, {})], options, without=SLOW_ON_CPU)
        self.callers = 1
        self.dimensions = dimensions
        self.provider = _CPU
        self.sequence_packing = sequence_packing
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
        return finite(vectors)

    def prepare(self) -> None:
        """Nothing: first allocations are made by `bertine.encode.calibration`."""

    def close(self) -> None:
        """Free the model's memory. Closing twice does nothing."""
        self._session = None


def load(
    path: Path,
    dimensions: int,
    providers: Sequence[tuple[str, Mapping[str, Any]]],
    options: Any,
    without: Sequence[str] = (),
) -> Any:
    """An `onnxruntime.InferenceSession` of a graph that Bertine exported, where it was asked for.

    Args:
        path: of the ONNX file.
        dimensions: what the manifest says of its vectors.
        providers: ONNX Runtime's names and options; the first must take the graph.
        options: `onnxruntime.SessionOptions`.
        without: names of graph optimizers to leave out.

    Raises:
        ArtifactError: the file is damaged or is not a graph that Bertine exported.
        Unavailable: the device fails, or ONNX Runtime would run on another one.
    """
    wanted = providers[0][0]
    session = _create(path, providers, options, without)
    # A provider whose libraries are missing is left out with a line of log.
    used = str(session.get_providers()[0])
    if used != wanted:
        raise Unavailable(
            f"ONNX Runtime chose {used} where {wanted} was asked for; bertine doctor says what is "
            "missing"
        )
    if wanted != _CPU and (stranded := left_behind(_on_cpu(session))):
        raise Unavailable(
            f"ONNX Runtime would run {', '.join(stranded)} of {path} on the CPU, since {wanted} "
            "cannot; export the model again for it, or choose another variant"
        )
    _check_graph(session, path, dimensions)
    return session


def _create(
    path: Path,
    providers: Sequence[tuple[str, Mapping[str, Any]]],
    options: Any,
    without: Sequence[str],
) -> Any:
    on_gpu = providers[0][0] != _CPU
    if on_gpu:
        options.add_session_config_entry(_RECORD, "1")
    try:
        # Without enable_fallback=False a session that fails on a GPU is made, or goes on, on the
        # CPU (onnxruntime_inference_collection.py, InferenceSession and Session.run).
        return onnxruntime.InferenceSession(
            str(path),
            options,
            providers=[(name, dict(settings)) for name, settings in providers],
            disabled_optimizers=without,
            enable_fallback=False,
        )
    except Exception as error:  # a dozen unrelated classes, all straight below Exception
        if on_gpu and of_device(str(error)):
            raise Unavailable(f"{path} cannot be put on the GPU: {error}") from error
        raise ArtifactError(f"{path} cannot be loaded: {error}; export the model again") from error


def _on_cpu(session: Any) -> list[str]:
    """Types of the operators that a session runs on the CPU, as often as there are any.

    By `get_provider_graph_assignment_info`, see its docstring in ONNX Runtime 1.31.
    """
    return [
        node.op_type
        for subgraph in session.get_provider_graph_assignment_info()
        if subgraph.ep_name == _CPU
        for node in subgraph.get_nodes()
    ]


def finite(vectors: Matrix) -> Matrix:
    """The vectors, if all of their components are finite.

    Raises:
        EncodeError: one is not.
    """
    # One NaN or infinity anywhere makes the sum of squares so too.
    if not np.isfinite(np.vdot(vectors, vectors)):
        raise EncodeError("the model gave a vector that is not finite")
    return vectors


def available_providers() -> list[str]:
    """What this build of ONNX Runtime has kernels for; whether they work here is another matter."""
    return [str(name) for name in onnxruntime.get_available_providers()]


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
