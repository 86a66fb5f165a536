"""Gaussian noise on a user's profile, and what it promises.

Everything that reads the history is given the blurred profile in its place, so what is answered is
computed from that alone. A mechanism is (epsilon, delta)-differentially private if for any two
inputs that differ in what is protected, here one user's whole history, and every set S of outputs

    P(M(a) in S) <= e^epsilon P(M(b) in S) + delta

(Dwork and Roth, The Algorithmic Foundations of Differential Privacy, 2014, definition 2.4). Adding
N(0, sigma^2) to each component of a vector that differs by at most D in L2 norm satisfies it if and
only if

    delta >= Phi(D / 2 sigma - epsilon sigma / D) - e^epsilon Phi(-D / 2 sigma - epsilon sigma / D)

(Balle and Wang, Improving the Gaussian Mechanism for Differential Privacy, ICML 2018, theorem 8).
Two unit vectors differ by at most 2, and from the zero vector of somebody without a history by 1.
To normalise afterwards changes nothing: it is computed from the output alone. The promise is for
one call; k calls with new noise are k releases, and what was learned of everybody's events is not
covered.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bertine.recommend.history import Usable
from bertine.recommend.profile import ProfileOptions, build, combined, decay, strengths
from bertine.types import HistoryEntry, Matrix, Vector

SENSITIVITY = 2.0
"""By how much two unit vectors can differ in L2 norm."""

DELTA = 1e-5
BLURRED = "blurred profile"
"""What an explanation calls the one entry that is left of a history."""

_FAR = -30.0
_STEPS = 200
_TINY = 1e-12
_LOG_SIGMAS = (math.log(1e-6), math.log(1e9))


@dataclass(frozen=True, slots=True)
class Noise:
    """What is promised of one call.

    Attributes:
        epsilon: above 0; less promises more.
        delta: above 0 and below 1.
    """

    epsilon: float
    delta: float = DELTA

    @property
    def sigma(self) -> float:
        """Standard deviation of each component's noise."""
        return sigma_of(self.epsilon, self.delta)


def blurred(
    known: Usable, options: ProfileOptions, noise: Noise, dimensions: int, seed: int | None = None
) -> Usable:
    """A history of one entry that is no item: the profile with noise.

    Args:
        known: the history.
        options: how its entries are weighted.
        noise: how much.
        dimensions: d, of the collection's vectors.
        seed: see `noisy`.

    Raises:
        InvalidInput: decay is by age and an entry has no time.
    """
    weights = strengths(known.entries, options) * decay(known.entries, options)
    vectors = known.vectors if len(weights) else np.empty((0, dimensions), np.float32)
    vector = blurred_profile(vectors, combined(weights, options.negatives), noise.sigma, seed)
    return Usable((HistoryEntry(text=BLURRED),), vector[None, :], (-1,), ())


def blurred_profile(
    vectors: Matrix, weights: NDArray[np.float64], sigma: float, seed: int | None = None
) -> Vector:
    """The profile of weighted entries with noise; nothing but noise if there is none.

    Args:
        vectors: float32 ``[h, d]``, unit rows.
        weights: float64 ``[h]``.
        sigma: see `noisy`.
        seed: see `noisy`.

    Returns:
        float32 ``[d]``, of length 1.
    """
    profile = build(vectors, weights)
    clean = np.zeros(vectors.shape[1], np.float32) if profile is None else profile.vector
    return noisy(clean, sigma, seed)


def noisy(vector: Vector, sigma: float, seed: int | None = None) -> Vector:
    """A unit vector with noise, of length 1 again.

    Args:
        vector: float32 ``[d]``, of length 1.
        sigma: standard deviation of the noise of each component, >= 0; 0 changes nothing.
        seed: for tests; None draws from the operating system, without which there is no privacy.

    Returns:
        float32 ``[d]``.
    """
    if sigma == 0.0:
        return vector
    drawn = np.random.default_rng(seed).normal(0.0, sigma, vector.shape)
    moved = vector.astype(np.float64) + drawn
    return np.asarray(moved / max(float(np.linalg.norm(moved)), _TINY), np.float32)


def delta_of(epsilon: float, sigma: float, sensitivity: float = SENSITIVITY) -> float:
    """The least delta for an epsilon: theorem 8 of Balle and Wang (2018).

    Args:
        epsilon: >= 0.
        sigma: > 0.
        sensitivity: L2, > 0.
    """
    half, shift = sensitivity / (2 * sigma), epsilon * sigma / sensitivity
    first = math.exp(_log_phi(half - shift))
    return max(0.0, first - math.exp(min(0.0, epsilon + _log_phi(-half - shift))))


@lru_cache(maxsize=256)
def sigma_of(epsilon: float, delta: float = DELTA, sensitivity: float = SENSITIVITY) -> float:
    """The least noise that satisfies epsilon and delta, to nine digits and never too little.

    Args:
        epsilon: above 0.
        delta: above 0 and below 1.
        sensitivity: L2, > 0.
    """
    low, high = _LOG_SIGMAS
    for _ in range(_STEPS):  # delta falls as sigma rises
        middle = (low + high) / 2
        enough = delta_of(epsilon, sensitivity * math.exp(middle), sensitivity) <= delta
        low, high = (low, middle) if enough else (middle, high)
    return sensitivity * math.exp(high)


def _log_phi(x: float) -> float:
    """Logarithm of the standard normal distribution's value, also far below 0.

    There by the asymptotic series phi(x) / -x (1 - 1/x^2 + 3/x^4) of Abramowitz and Stegun (1964),
    26.2.12.
    """
    if x > _FAR:
        return math.log(0.5 * math.erfc(-x / math.sqrt(2.0)))
    series = 1.0 - x**-2 + 3.0 * x**-4
    return -x * x / 2 - math.log(-x * math.sqrt(2 * math.pi)) + math.log(series)
