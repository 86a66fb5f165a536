"""A model on a GPU: buffers that stay where they are, and recorded launches for small batches.

Sources of what the calls mean: onnxruntime docs, "I/O Binding" and "CUDA Execution Provider, Using
CUDA Graphs"; its Python sources, onnxruntime_inference_collection.py (`OrtValue.update_inplace`,
`IOBinding`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from bertine.artifact import ATTENTION_MASK, EMBEDDING, INPUT_IDS
from bertine.encode.faults import lost
from bertine.encode.libraries import open_cuda
from bertine.encode.padding import SAME_COSINE, probe
from bertine.encode.placement import Placement
from bertine.encode.session import finite, load
from bertine.encode.shapes import Shape, bucket_for, capacity, rounded
from bertine.errors import ArtifactError, EncodeError, Unavailable
from bertine.types import Matrix

_log = logging.getLogger(__name__)

_INT64_BYTES = 8
# TensorRT takes an input only where a multiple of 256 bytes begins (NvInferRuntime.h,
# IExecutionContext::setTensorAddress).
_ALIGNED = 256 // _INT64_BYTES
_GRAPH_KEY = "gpu_graph_id"  # onnxruntime_run_options_config_keys.h
_NO_GRAPH = -1
_REFUSED = "cannot use the graph capture feature"  # inference_session.cc


class DeviceSession:
    """One variant of an artifact on one device. See `bertine.encode.contract.Session`.

    Inputs are copied into buffers on the device that are made once for each size, and the vectors
    alone come back. `run` and `prepare` are the same thread's: ONNX Runtime keeps what it recorded
    by thread (cuda_execution_provider.cc, PerThreadContext).

    Host memory is pageable: ONNX Runtime has no pinned memory for Python unless its CUDA provider
    is registered as a plug-in library (`OrtValue.ortvalue_from_shape_and_type`, memory_info), and
    16,384 tokens are 256 KB.

    Args:
        path: of the variant's ONNX file.
        dimensions: what the manifest says of its vectors.
        max_length: longest that the model takes, in tokens.
        placement: see `Placement`.

    Raises:
        ArtifactError: the file is damaged or is not a graph that Bertine exported.
        Unavailable: the device fails, or ONNX Runtime would run on another one.
    """

    def __init__(
        self, path: Path, *, dimensions: int, max_length: int, placement: Placement
    ) -> None:
        preload()
        self.callers = 1
        self.dimensions = dimensions
        self.provider = placement.provider
        self.sequence_packing = False
        self._path = path
        self._max_length = max_length
        self._placement = placement
        self._recorded = placement.recorded
        self._session: Any = self._load(path)
        self._buffers: dict[tuple[Shape, int], _Buffers] = {}

    def run(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> Matrix:
        """Encode one batch, see `bertine.encode.contract.Session.run`.

        Raises:
            EncodeError: memory ran out, ONNX Runtime failed, or a vector is not finite.
            Unavailable: the device is lost, or the session was closed.
        """
        parts = _parts(len(ids), self._placement.largest)
        vectors = [self._encode(ids[rows], mask[rows]) for rows in parts]
        return finite(vectors[0] if len(vectors) == 1 else np.concatenate(vectors))

    def prepare(self) -> None:
        """Record the small shapes, the largest first, so that later ones find memory free.

        Raises:
            EncodeError: see `run`.
            Unavailable: see `run`; or padding changes vectors, so that none can be believed.
        """
        for shape in self._recorded:
            full = np.ones((shape.rows, shape.length), dtype=np.int64)
            self._encode(full, full)
        alone, padded = probe(self._max_length)
        cosine = float(np.vdot(self.run(*alone)[0], self.run(*padded)[0]))
        if cosine < SAME_COSINE:
            raise Unavailable(
                f"{self._path} gives a text another vector in a padded batch than alone: their "
                f"cosine is {cosine:.4f}, not {SAME_COSINE} or more. {self.provider} misreads its "
                "mask here; choose another variant or another device"
            )

    def close(self) -> None:
        """Free the device's memory. Closing twice does nothing."""
        self._buffers.clear()
        self._session = None

    def _load(self, path: Path) -> Any:
        placement = self._placement
        try:
            return load(path, self.dimensions, placement.providers, _options())
        except (ArtifactError, Unavailable) as error:
            if _REFUSED not in error.message:
                raise
        # Some operator runs on the CPU, so launches cannot be recorded; it is slower, not wrong.
        _log.warning("%s runs without CUDA graphs: ONNX Runtime cannot record all of it", path)
        self._recorded = ()
        providers = [
            (name, {key: value for key, value in options.items() if key != "enable_cuda_graph"})
            for name, options in placement.providers
        ]
        return load(path, self.dimensions, providers, _options())

    def _encode(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> Matrix:
        with _translated(ids):
            return self._execute(ids, mask).vectors(len(ids))

    def _execute(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> _Buffers:
        if self._session is None:
            raise Unavailable("the model's session is closed")
        given = Shape(*ids.shape)
        bucket = bucket_for(given, self._recorded)
        shape = bucket or rounded(given, self._max_length)
        buffers = self._buffers_for(shape, self._recorded.index(bucket) if bucket else _NO_GRAPH)
        buffers.fill(shape, ids, mask)
        self._session.run_with_iobinding(buffers.binding, buffers.run_options)
        return buffers

    def _buffers_for(self, shape: Shape, graph: int) -> _Buffers:
        room = capacity(shape) if graph == _NO_GRAPH else shape
        if (room, graph) not in self._buffers:
            self._buffers[room, graph] = _Buffers(
                self._session, room, self.dimensions, self._placement, graph
            )
        return self._buffers[room, graph]


class _Buffers:
    """Memory on the device for batches of one size, and what binds them to the graph.

    Args:
        session: of ONNX Runtime.
        room: rows of the output, and tokens of the inputs.
        dimensions: of a vector.
        placement: where.
        graph: number of the recorded launches that belong to these buffers, -1 if none do.
    """

    def __init__(
        self, session: Any, room: Shape, dimensions: int, placement: Placement, graph: int
    ) -> None:
        self._device = placement.memory, placement.index
        self._dimensions = dimensions
        tokens = -(-room.tokens // _ALIGNED) * _ALIGNED
        self._host = np.zeros((2, tokens), dtype=np.int64)
        self._inputs = _on_device([2, tokens], np.int64, *self._device)
        self.output = _on_device([room.rows, dimensions], np.float32, *self._device)
        self.binding = session.io_binding()
        self._bound: Shape | None = None
        self.run_options = onnxruntime.RunOptions()
        self.run_options.add_run_config_entry(_GRAPH_KEY, str(graph))

    def fill(self, shape: Shape, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> None:
        """Copy a batch to the device, padded to a shape, in one copy.

        A row that is only padding has one token, for a mean over none is not a number.
        """
        rows, length = ids.shape
        for half, values in zip(self._host, (ids, mask), strict=True):
            padded = half[: shape.tokens].reshape(shape.rows, shape.length)
            padded[:rows, :length] = values
            padded[:rows, length:] = padded[rows:] = 0
        padded[rows:, :1] = 1
        self._inputs.update_inplace(self._host)
        if shape != self._bound:
            self._bind(shape)

    def vectors(self, rows: int) -> Matrix:
        """The first rows of the output, copied to the host."""
        copied: Matrix = np.array(self.output.numpy()[:rows])
        return copied

    def _bind(self, shape: Shape) -> None:
        address = self._inputs.data_ptr()
        second = address + self._host.shape[1] * _INT64_BYTES
        size = [shape.rows, shape.length]
        self.binding.bind_input(INPUT_IDS, *self._device, np.int64, size, address)
        self.binding.bind_input(ATTENTION_MASK, *self._device, np.int64, size, second)
        result = [shape.rows, self._dimensions]
        output = self.output.data_ptr()
        self.binding.bind_output(EMBEDDING, *self._device, np.float32, result, output)
        self._bound = shape


@cache
def preload() -> None:
    """Open the CUDA libraries that came as packages, where ONNX Runtime would not look for them."""
    for line in open_cuda():
        _log.warning("ONNX Runtime: %s", line)


def _on_device(shape: list[int], kind: Any, memory: str, index: int) -> Any:
    return onnxruntime.OrtValue.ortvalue_from_shape_and_type(shape, kind, memory, index)


def _options() -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # for operators on shapes, which stay on the CPU
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    return options


def _parts(rows: int, largest: Shape | None) -> list[slice]:
    step = largest.rows if largest else rows
    return [slice(start, min(start + step, rows)) for start in range(0, rows, step)]


@contextmanager
def _translated(ids: NDArray[np.int64]) -> Iterator[None]:
    try:
        yield
    except Unavailable:
        raise
    except Exception as error:  # a dozen unrelated classes, all straight below Exception
        if name := lost(str(error)):
            raise Unavailable(f"the GPU is lost ({name}): {error}") from error
        raise EncodeError(f"ONNX Runtime failed on shape {list(ids.shape)}: {error}") from error
