"""What has been learned of a collection's events: immutable, swapped as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bertine.recommend.learn import storage
from bertine.recommend.learn.channel import NOTHING, View
from bertine.recommend.learn.content import Content
from bertine.recommend.learn.taste import Candidates, Taste


@dataclass(frozen=True, slots=True)
class Status:
    """How it was learned.

    Attributes:
        events: that it was learned from.
        users: with an event.
        items: with an event.
        validation_ndcg: NDCG@10 on the validation window with the fitted weights.
        content_ndcg: the same of the content alone.
        validation_rows: 0 if the weights are the defaults.
        time: of the latest event, seconds since the epoch; 0 if there is none.
        message: what stood in the way of a channel, "" if nothing.
    """

    events: int = 0
    users: int = 0
    items: int = 0
    validation_ndcg: float = 0.0
    content_ndcg: float = 0.0
    validation_rows: int = 0
    time: float = 0.0
    message: str = ""


@dataclass(frozen=True)
class Learned:
    """Channels and their weights.

    Attributes:
        item_ids: of the items that it knows, by number.
        views: what its channels are computed by, in order.
        weights: float64 ``[channels]``, at least 0, in the order of `channels`, for lists that may
            have what the user has seen.
        status: how it was learned.
        new_weights: the same for lists of what is new to the user; None: `weights`.
    """

    item_ids: Sequence[str]
    views: tuple[View, ...]
    weights: NDArray[np.float64]
    status: Status = field(default_factory=Status)
    new_weights: NDArray[np.float64] | None = None
    _numbers: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        numbers = {item_id: number for number, item_id in enumerate(self.item_ids)}
        object.__setattr__(self, "_numbers", numbers)

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels, in the order of `weights`."""
        return tuple(name for view in self.views for name in view.names)

    def weights_of(self, *, new_only: bool) -> NDArray[np.float64]:
        """Of lists with or without what the user has seen: float64 ``[channels]``."""
        return self.weights if self.new_weights is None or not new_only else self.new_weights

    def by_name(self) -> dict[str, tuple[float, float]]:
        """Of each channel its weight, and its weight in lists of what is new to the user."""
        pair = self.weights.tolist(), self.weights_of(new_only=True).tolist()
        return dict(zip(self.channels, zip(*pair, strict=True), strict=True))

    def number(self, item_id: str) -> int:
        """Of an item, -1 for one that it does not know."""
        return self._numbers.get(item_id, -1)

    def propose(
        self, taste: Taste, count: int, weights: NDArray[np.float64] | None = None
    ) -> NDArray[np.int64]:
        """The best items of each channel that counts: int64, ascending, no number twice.

        To somebody of whom nothing is known all channels propose that can, whatever they weigh.

        Args:
            taste: the user's.
            count: at most so many of each channel.
            weights: float64 ``[channels]`` that count instead of the fitted ones.
        """
        counting = self.weights if weights is None else weights
        everything = not len(taste)
        found, first = [NOTHING], 0
        for view in self.views:
            stop = first + len(view.names)
            if everything or counting[first:stop].any():
                found.append(view.best(taste, count))
            first = stop
        return np.unique(np.concatenate(found))

    def score(self, taste: Taste, candidates: Candidates) -> NDArray[np.float64]:
        """Each channel's value of each candidate: float64 ``[c, channels]``."""
        return np.concatenate(
            [view.shares(taste, candidates).sum(axis=2) for view in self.views], axis=1
        )

    def parts(self, taste: Taste, candidates: Candidates) -> NDArray[np.float64]:
        """Each entry's exact share in each value: float64 ``[c, channels, h + 1]``.

        The last column does not depend on the history. Sums over the last axis equal `score`.
        """
        return np.concatenate([view.shares(taste, candidates) for view in self.views], axis=1)

    def save(self, folder: Path) -> None:
        """Write it into a folder that exists and is empty."""
        rest = {
            "item_ids": list(self.item_ids),
            "weights": self.weights.tolist(),
            "new_weights": None if self.new_weights is None else self.new_weights.tolist(),
            "status": asdict(self.status),
        }
        storage.write(folder, self.views, rest)

    @classmethod
    def load(cls, folder: Path) -> Learned:
        """Read what `save` wrote.

        Raises:
            OSError: a file is not there.
            ValueError: what is there was written by another version.
        """
        views, rest = storage.read(folder)
        return cls(
            tuple(rest["item_ids"]),
            views,
            np.array(rest["weights"], np.float64),
            Status(**rest["status"]),
            None if rest["new_weights"] is None else np.array(rest["new_weights"], np.float64),
        )


UNTRAINED = Learned((), (Content(),), np.ones(1))
"""Nothing has been learned: the score is the similarity to the profile."""
