"""What of an index fits on a GPU: pure decisions over counts and bytes.

A rebuild puts the new index beside the one that answers, so an index counts twice. What searches
need while they run counts too: FAISS's temporary memory, and beside it as much that cuVS takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from bertine.index.tuning import Recipe

Kind: TypeAlias = Literal["flat", "ivf", "pq"]
"""``flat`` is all vectors as float16, ``ivf`` inverted lists of them, ``pq`` lists of PQ codes."""

FLAT_BYTES = 1 << 30
"""Codes of so many bytes are looked through whole: an H100 reads them in 0.3 ms at the 3.35 TB/s of
its data sheet. Arithmetic, not measured."""

_WARP = 32
_CODE_LENGTHS = (96, 64, 56, 48, 40, 32, 28, 24, 20, 16, 12, 8, 4, 3, 2, 1)
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Demand:
    """Bytes of device memory that an index needs.

    Attributes:
        index: it and its ids, once.
        making: more than that while it is made.
        searching: while it is searched.
    """

    index: int
    making: int
    searching: int

    @property
    def total(self) -> int:
        """With a second copy beside it, as a rebuild makes."""
        return 2 * self.index + self.making + self.searching


@dataclass(frozen=True, slots=True)
class Preflight:
    """What came of looking whether an index fits.

    Attributes:
        kind: of the index; None if none fits.
        figures: what is needed and what is there, for a log.
    """

    kind: Kind | None
    figures: str


def code_bytes(dimensions: int) -> int:
    """Bytes of a PQ code: at most one for four components, of a length that every build takes.

    The lengths are those of ``IVFPQ::isSupportedPQCodeLength``, faiss/gpu/impl/IVFPQ.cu, with
    lookup tables of float16.
    """
    fits = (n for n in _CODE_LENGTHS if 4 * n <= max(dimensions, 4) and dimensions % n == 0)
    return next(fits)


def recipe(kind: Kind, dimensions: int) -> Recipe | None:
    """What to train on the CPU for it; None is whatever is best there."""
    if kind == "flat":
        return None
    # Without "np" the factory would train polysemous codes, which no GPU index reads.
    return Recipe("SQfp16" if kind == "ivf" else f"PQ{code_bytes(dimensions)}np")


def demand(kind: Kind, rows: int, dimensions: int, temporary: int) -> Demand:
    """What an index of that kind needs.

    Flat vectors come as float32 and are converted on the device, and a norm of four bytes is kept
    of each (faiss/gpu/impl/FlatIndex.cu, ``add``). A list is filled up to whole warps
    (faiss/gpu/impl/IVFFlat.cu, ``getGpuVectorsEncodingSize_``), and its ids have eight bytes each.

    Args:
        kind: of the index.
        rows: in it.
        dimensions: of its vectors.
        temporary: bytes that FAISS reserves for searches.
    """
    if kind == "flat":
        return Demand(rows * (2 * dimensions + 4), rows * 6 * dimensions, 2 * temporary)
    lists = Recipe("").list_count(rows)
    code = 2 * dimensions if kind == "ivf" else code_bytes(dimensions)
    codes = (rows + lists * (_WARP - 1)) * code
    return Demand(codes + rows * 8 + lists * 4 * dimensions, 0, 2 * temporary)


def preflight(
    rows: int, dimensions: int, free: int, temporary: int, resident: int = 0
) -> Preflight:
    """Choose the most exact kind that is quick enough and fits.

    Args:
        rows: of the index.
        dimensions: of its vectors.
        free: bytes of device memory that nobody uses.
        temporary: bytes that FAISS reserves for searches.
        resident: bytes that the index has which this one replaces.
    """
    small = 2 * rows * dimensions <= FLAT_BYTES
    kinds: list[Kind] = ["flat", "ivf", "pq"] if small else ["ivf", "pq"]
    demands = {kind: demand(kind, rows, dimensions, temporary) for kind in kinds}
    there = free + resident
    kind = next((kind for kind in kinds if demands[kind].total <= there), None)
    shown = demands[kind or kinds[-1]]
    return Preflight(kind, _figures(kind or kinds[-1], shown, rows, there))


def _figures(kind: Kind, needed: Demand, rows: int, there: int) -> str:
    return (
        f"{rows:,} rows as {kind} need {_mib(needed.total)} MiB: twice {_mib(needed.index)} "
        f"for the index and its rebuild, {_mib(needed.making)} to make it, "
        f"{_mib(needed.searching)} for searches; {_mib(there)} MiB are there"
    )


def _mib(count: int) -> str:
    return f"{-(-count // _MIB):,}"
