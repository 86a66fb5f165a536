"""The channels of a collection as one score: score(i) = sum_k weight_k x_k(i)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bertine.errors import InvalidInput
from bertine.recommend.learn.channel import Numbers, Totals, View, best_of
from bertine.recommend.learn.learned import Learned
from bertine.recommend.learn.taste import Candidates, Taste
from bertine.recommend.user import User

CONTENT = "content"
"""Name of the channel of the similarity to the profile."""


@dataclass(frozen=True)
class Blend:
    """What has been learned, and how much each channel counts in this call.

    Attributes:
        learned: of the collection's events.
        weights: float64 ``[channels]``, at least 0.
    """

    learned: Learned
    weights: NDArray[np.float64]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Channels that count."""
        pairs = zip(self.learned.channels, self.weights.tolist(), strict=True)
        return tuple(name for name, weight in pairs if weight > 0.0)

    @property
    def alone(self) -> bool:
        """Whether the content is all that counts."""
        return self.names == (CONTENT,)

    @cached_property
    def counting(self) -> list[tuple[View, NDArray[np.float64]]]:
        """See `Learned.counting`."""
        return self.learned.counting(self.weights)

    @property
    def compares(self) -> bool:
        """Whether the similarity to the profile counts."""
        return bool(self.weights[self._content] > 0.0)

    @cached_property
    def _content(self) -> int:
        return self.learned.channels.index(CONTENT)

    def propose(self, taste: Taste, count: int) -> Numbers:
        """The best items of each channel that counts: int64, one channel after the other.

        Args:
            taste: of somebody of whom something is known.
            count: at most so many of each channel.
        """
        return best_of((view for view, _ in self.counting), taste, count)

    def scores(
        self, user: User, candidates: Candidates, content: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """The score of every candidate: float64 ``[c]``.

        Args:
            user: whose history.
            candidates: of the collection.
            content: float32 ``[c]``, their similarity to the profile or to the nearest interest;
                anything finite where that does not count.
        """
        weights = [self.weights[[self._content]]]
        totals: list[Totals] = [content[None, :]]
        for view, own in self.counting:
            if view.names != (CONTENT,):
                weights.append(own)
                totals.append(view.totals(user.taste, candidates))
        return np.asarray(np.concatenate(weights) @ np.concatenate(totals), np.float64)

    def parts(self, user: User, candidates: Candidates) -> NDArray[np.float64]:
        """What every entry and every channel adds to the scores: float64 ``[c, channels, h + 1]``.

        The last column does not depend on the history.
        """
        count, entries = len(candidates), len(user.taste)
        if self.alone:
            parts = np.zeros((count, len(self.weights), entries + 1))
        else:
            parts = self.learned.parts(user.taste, candidates)
        parts[:, self._content, :] = content_parts(user, candidates)
        return parts * self.weights[:, None]


def blend(learned: Learned, weights: Mapping[str, float], *, new_only: bool = False) -> Blend:
    """Weigh the channels as they were fitted, or as a request says.

    Args:
        learned: of the collection's events.
        weights: by channel; empty is the fitted ones.
        new_only: the list has nothing that the user has seen.

    Raises:
        InvalidInput: a name that no channel has, or nothing above 0.
    """
    if not weights:
        return Blend(learned, learned.weights_of(new_only=new_only))
    known = learned.channels
    for name in weights:
        if name not in known:
            raise InvalidInput(
                f"channel_weights[{name}]", f"is no channel; there are: {', '.join(known)}"
            )
    if not any(weights.values()):
        raise InvalidInput("channel_weights", "are all 0; give at least one channel a weight")
    return Blend(learned, np.array([weights.get(name, 0.0) for name in known], np.float64))


def content_parts(user: User, candidates: Candidates) -> NDArray[np.float64]:
    """The content channel's values split over the history: float64 ``[c, h + 1]``.

    Of the interest that speaks for a candidate, w_h <v_h, v_c> / |sum_h w_h v_h| times its say.
    """
    parts = np.zeros((len(candidates), len(user.taste) + 1))
    if user.interests is None or not len(candidates):
        return parts
    profiles = user.interests.profiles
    nearest = user.interests.similarities(candidates.vectors).argmax(axis=0)
    scaled = np.stack([profile.weights / profile.norm for profile in profiles])
    scaled *= user.interests.says[:, None]
    vectors = candidates.vectors.astype(np.float64)
    parts[:, :-1] = (vectors @ user.taste.vectors.T) * scaled[nearest]
    return parts
