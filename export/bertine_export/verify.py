"""Is a variant still the model? Its vectors against the fp32 PyTorch reference, and the gates."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bertine.artifact import Parity, Precision
from bertine.errors import ArtifactError


@dataclass(frozen=True, slots=True)
class Gate:
    """What a variant must reach to be written.

    Attributes:
        cosine_mean: at least, to the reference.
        sts_drop: at most, in points of Spearman x 100 below the reference.
    """

    cosine_mean: float
    sts_drop: float


# fp32 may lose no STS at all; 0.02 covers pairs whose order flips in the last bit.
GATES: dict[Precision, Gate] = {
    "fp32": Gate(0.99999, 0.02),
    "fp16": Gate(0.9999, 0.05),
    "int8": Gate(0.99, 0.5),
}


def failure(parity: Parity, gate: Gate) -> str | None:
    """Why the variant misses its gate, or None where it passes."""
    if not parity.cosine_mean >= gate.cosine_mean:  # also true of NaN
        return (
            f"its mean cosine to the fp32 reference is {parity.cosine_mean:.5f}, "
            f"the gate is {gate.cosine_mean}"
        )
    if parity.sts_spearman is None or parity.sts_reference is None:
        return None
    drop = parity.sts_reference - parity.sts_spearman
    if not drop <= gate.sts_drop:
        return f"it loses {drop:.2f} points of STS Spearman, the gate is {gate.sts_drop}"
    return None


def cosines(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float64]:
    """Cosine of each row of one ``[texts, dimensions]`` array with the same row of the other."""
    a, b = left.astype(np.float64), right.astype(np.float64)
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    products: NDArray[np.float64] = (a * b).sum(axis=1) / norms
    return products


def spearman(left: NDArray[np.float64], right: NDArray[np.float64]) -> float:
    """Spearman's rank correlation x 100, ties given their mean rank."""
    return float(100 * np.corrcoef(_ranks(left), _ranks(right))[0, 1])


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    means: NDArray[np.float64] = (last - (counts - 1) / 2)[inverse]
    return means


@dataclass(frozen=True, slots=True)
class Pairs:
    """Sentence pairs with gold scores.

    Attributes:
        left: sentences.
        right: the sentences beside them.
        scores: float64 ``[pairs]``, 0 (unrelated) to 5 (the same meaning).
    """

    left: Sequence[str]
    right: Sequence[str]
    scores: NDArray[np.float64]


def read_pairs(path: Path) -> Pairs:
    """Read pairs as STS Benchmark has them: seven tab-separated columns, never quoted.

    The columns are genre, file, year, id, score, sentence 1 and sentence 2; further ones are
    ignored. A name that ends in ``.gz`` is decompressed.

    Raises:
        ArtifactError: the file cannot be read, or a line has other columns.
    """
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        rows = [line.split("\t") for line in content.decode().rstrip("\n").split("\n")]
        scores = np.array([float(row[4]) for row in rows])
        return Pairs([row[5] for row in rows], [row[6] for row in rows], scores)
    except (OSError, EOFError, zlib.error) as error:
        raise ArtifactError(f"{path} cannot be read: {error}") from error
    except (ValueError, IndexError) as error:
        raise ArtifactError(
            f"{path} is not in the STS Benchmark's form (genre, file, year, id, score, sentence 1, "
            f"sentence 2, separated by tabs): {error}"
        ) from error
