"""A trained index on a GPU, beside the same one on the CPU.

    LiveIndex ── Placement: which kind, when        gpu_placement, gpu_memory
        └─ Mirror: a `Coarse`                       this module, gpu_candidates
             └─ Gpu: one thread of one device       gpu_thread
                  └─ FAISS                          gpu_faiss

The CPU's index is kept: it is what a snapshot holds, and it answers where the GPU cannot. Rows that
either proposes are scored exactly and verified on the host, see `search`.
"""

from __future__ import annotations

import logging
import math
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bertine.errors import ConfigError, Unavailable
from bertine.index.generation import Ivf
from bertine.index.gpu_candidates import allowed_rows, at_once, sieve, wanted
from bertine.index.gpu_faiss import FaissDevice, Placed, require, search
from bertine.index.gpu_thread import DeviceThread, Task
from bertine.types import Matrix

_log = logging.getLogger(__name__)

_Found: TypeAlias = tuple[NDArray[np.int64], Matrix]

PATIENCE_SECONDS = 2.0
"""A search that a device has not answered by then is answered by the CPU."""

FLAT_REFINE = 2
"""Candidates for each row wanted of a flat index: float16 changes the order of near equals only."""

_FASTER = 100
"""Codes that a GPU looks at in the time in which a core looks at one: 3.35 TB/s against some 20 to
30 GB/s, by data sheets. It only decides where few matches are scored on the host. Not measured."""


class Device(Protocol):
    """What holds indexes; see `gpu_faiss.FaissDevice`."""

    temporary: int

    def free(self) -> int:
        """Bytes of its memory that nobody uses."""
        ...

    def clone(self, index: Any) -> Placed:
        """A copy of a trained index."""
        ...

    def flat(self, vectors: Matrix) -> Placed:
        """An index of all vectors."""
        ...


class Gpu:
    """An opened GPU and the thread that uses it.

    Args:
        device: what holds the indexes.
        name: of the device, for messages.
        patience: seconds that a search waits.
    """

    def __init__(
        self, device: Device, name: str = "host", patience: float = PATIENCE_SECONDS
    ) -> None:
        self.name = name
        self.device = device
        self.thread = DeviceThread(name, patience)

    def close(self) -> None:
        """End the thread; what is searched from now on is searched on the CPU."""
        self.thread.close()


def open_gpu(setting: str) -> Gpu | None:
    """Open a GPU for indexes.

    Args:
        setting: ``cuda:N``, or ``cuda`` for the first; ``cpu`` is none.

    Raises:
        ConfigError: it is none of these, or that GPU is not there, or the FAISS that is installed
            has no code for one.
    """
    if setting == "cpu":
        return None
    kind, _, number = setting.partition(":")
    if kind != "cuda" or not (number or "0").isdecimal():
        raise ConfigError(f"index_device is {setting!r}; write cpu, cuda or cuda:N")
    require(int(number or 0))
    return Gpu(FaissDevice(int(number or 0)), f"cuda:{number or 0}")


class Clone:
    """An index that a device holds, until nobody refers to this object.

    Args:
        gpu: that holds it.
        placed: by it, in a list that nobody else refers to.
        size: bytes of it.

    Attributes:
        failing: the latest search of it failed, and the CPU answered.
    """

    def __init__(self, gpu: Gpu, placed: list[Placed], size: int) -> None:
        self._box = placed
        self.gpu = gpu
        self.size = size
        self.lists, self.limit = placed[0].lists, placed[0].limit
        self.cuvs, self.rows = placed[0].cuvs, int(placed[0].index.ntotal)
        self.dimensions = int(placed[0].index.d)
        self.failing = False
        # Freeing memory changes FAISS's tables as a search does: the same thread must do both.
        self._end = weakref.finalize(self, _free, gpu.thread, placed)
        self._end.atexit = False

    def find(
        self,
        queries: Matrix,
        count: int,
        nprobe: int,
        allowed: NDArray[np.uint8] | None = None,
    ) -> _Found:
        """Search, together with whoever asks the same of it at this time.

        Args:
            queries: float32 ``[n, d]``, C-contiguous.
            count: rows for each, at most `limit` and `rows`.
            nprobe: lists, at most `limit` and `lists`.
            allowed: see `gpu_faiss.search`.

        Raises:
            Unavailable: the device is slow, closed, or short of memory.
        """
        key = (id(self), count, nprobe) if allowed is None else None

        def work(loads: Sequence[Any]) -> list[_Found]:
            return self._search(loads, count, nprobe, allowed)

        try:
            found: _Found = self.gpu.thread.ask(Task(work, queries, key))
        except RuntimeError as error:
            self._note(failing=True, reason=str(error))
            raise Unavailable(f"{self.gpu.name} cannot search: {error}") from error
        except Unavailable as error:
            self._note(failing=True, reason=error.message)
            raise
        self._note(failing=False)
        return found

    def _note(self, *, failing: bool, reason: str = "") -> None:
        """Log when searches begin to fail, and when they are answered again."""
        if failing and not self.failing:
            _log.warning("searched on the CPU", extra={"gpu": self.gpu.name, "reason": reason})
        elif self.failing and not failing:
            _log.info("searched on the GPU again", extra={"gpu": self.gpu.name})
        self.failing = failing

    def _search(
        self, loads: Sequence[Matrix], count: int, nprobe: int, allowed: NDArray[np.uint8] | None
    ) -> list[_Found]:
        """Search for several loads at once. By the device's thread."""
        matching = None if allowed is None else allowed_rows(allowed)
        most = at_once(self.gpu.device.temporary, self.dimensions, count, nprobe, matching)
        load = loads[0] if len(loads) == 1 else np.concatenate(loads)
        index = self._box[0].index
        parts = [
            search(index, load[start : start + most], count, nprobe, allowed)
            for start in range(0, len(load), most)
        ]
        rows, scores = (np.concatenate(found) for found in zip(*parts, strict=True))
        stops = np.cumsum([len(one) for one in loads])[:-1]
        return list(zip(np.split(rows, stops), np.split(scores, stops), strict=True))


def _free(thread: DeviceThread, placed: list[Placed]) -> None:
    """Let go of an index in the thread of its device; if that has ended, in this one."""

    def work(loads: Sequence[Any]) -> Sequence[Any]:
        placed.clear()
        return loads

    try:
        thread.submit(Task(work))
    except Unavailable:
        placed.clear()


@dataclass(frozen=True, slots=True)
class Mirror:
    """A trained index whose searches a GPU answers: a `Coarse`, see `search`.

    Attributes:
        ivf: the same rows on the CPU.
        clone: of it, or a flat index of the rows.
        nprobe: lists visited for each query.
    """

    ivf: Ivf
    clone: Clone
    nprobe: int

    @property
    def kind(self) -> str:
        """What answers, and where."""
        if self.clone.failing:
            return self.ivf.kind
        return f"{self.ivf.kind if self.clone.lists else 'Flat,fp16'} on {self.clone.gpu.name}"

    @property
    def refine(self) -> int:
        """Candidates to ask for, for each result wanted."""
        return self.ivf.refine if self.clone.lists else FLAT_REFINE

    def visiting(self, nprobe: int) -> Mirror:
        """The same index, searched in so many lists."""
        return replace(self, ivf=self.ivf.visiting(nprobe), nprobe=nprobe)

    def effort_at(self, depth: float) -> float:
        """See `reach.effort`; a flat index has no lists, but the CPU may answer in its place."""
        return self.ivf.effort_at(depth)

    def share(self, effort: float) -> float:
        """Part of the rows that a query looks at, in the time that a CPU takes for as many."""
        if self._lists(effort) is None:
            return self.ivf.share(effort)
        return min(1.0, self.nprobe * effort / max(self.clone.lists, 1)) / _FASTER

    def candidates(
        self,
        queries: Matrix,
        count: int,
        effort: float = 1,
        allowed: NDArray[np.uint8] | None = None,
    ) -> NDArray[np.int64]:
        """The rows whose codes are nearest to each query.

        The CPU's index answers where so many rows, or lists, cannot be asked for, and where the
        device fails; that is logged.

        Args:
            queries: float32 ``[n, d]``, unit rows, C-contiguous.
            count: rows wanted for each.
            effort: times the usual number of lists to visit.
            allowed: a bit for each row, the least significant of a byte first; the others are
                passed over. None allows all.

        Returns:
            int64 ``[n, count]``, or more if the CPU answers; -1 where fewer rows were found.
        """
        clone = self.clone
        asked, nprobe = self._asked(count, allowed), self._lists(effort)
        if asked is not None and nprobe is not None:
            heeded = allowed if clone.cuvs else None
            try:
                found = clone.find(queries, asked, nprobe, heeded)
                return sieve(*found, count, clone.rows, allowed)
            except Unavailable:
                pass  # it has been logged
        # Its codes may be coarser than those on the device, and more of them must be looked at.
        return self.ivf.candidates(queries, count * self.ivf.refine // self.refine, effort, allowed)

    def _lists(self, effort: float) -> int | None:
        """Lists to visit, 0 of a flat index; None if they are too many for the device."""
        lists = min(math.ceil(self.nprobe * effort), self.clone.lists)
        return lists if lists <= self.clone.limit else None

    def _asked(self, count: int, allowed: NDArray[np.uint8] | None) -> int | None:
        """Rows to ask the device for; None if they are too many for it."""
        rows, limit = self.clone.rows, self.clone.limit
        matching = rows if allowed is None or self.clone.cuvs else allowed_rows(allowed)
        if matching < rows:
            return wanted(count, rows, matching, limit)
        return min(count, rows) if min(count, rows) <= limit else None
