"""What has been learned of a collection's events: immutable, swapped as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bertine.recommend.learn import storage
from bertine.recommend.learn.channel import View, best_of
from bertine.recommend.learn.content import Content
from bertine.recommend.learn.refined import counting
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
        numbers: of the items, by id.
    """

    item_ids: Sequence[str]
    views: tuple[View, ...]
    weights: NDArray[np.float64]
    status: Status = field(default_factory=Status)
    new_weights: NDArray[np.float64] | None = None
    numbers: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        numbers = {item_id: number for number, item_id in enumerate(self.item_ids)}
        object.__setattr__(self, "numbers", numbers)

    @cached_property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels, in the order of `weights`."""
        return tuple(name for view in self.views for name in view.names)

    @cached_property
    def _spans(self) -> list[tuple[View, slice]]:
        """Where the channels of each view stand."""
        stops = np.cumsum([len(view.names) for view in self.views]).tolist()
        return [
            (view, slice(stop - len(view.names), stop))
            for view, stop in zip(self.views, stops, strict=True)
        ]

    def weights_of(self, *, new_only: bool) -> NDArray[np.float64]:
        """Of lists with or without what the user has seen: float64 ``[channels]``."""
        return self.weights if self.new_weights is None or not new_only else self.new_weights

    def by_name(self) -> dict[str, tuple[float, float]]:
        """Of each channel its weight, and its weight in lists of what is new to the user."""
        pair = self.weights.tolist(), self.weights_of(new_only=True).tolist()
        return dict(zip(self.channels, zip(*pair, strict=True), strict=True))

    def number(self, item_id: str) -> int:
        """Of an item, -1 for one that it does not know."""
        return self.numbers.get(item_id, -1)

    def propose(
        self, taste: Taste, count: int, weights: NDArray[np.float64] | None = None
    ) -> NDArray[np.int64]:
        """The best items of each channel that counts: int64, one channel after the other.

        To somebody of whom nothing is known all channels propose that can, whatever they weigh.

        Args:
            taste: the user's.
            count: at most so many of each channel.
            weights: float64 ``[channels]`` that count instead of the fitted ones.
        """
        counting = [view for view, _ in self.counting(self.weights if weights is None else weights)]
        return best_of(counting if len(taste) else self.views, taste, count)

    def counting(self, weights: NDArray[np.float64]) -> list[tuple[View, NDArray[np.float64]]]:
        """The views of which a channel counts, and the weights of its channels.

        Args:
            weights: float64 ``[channels]``.
        """
        listed = weights.tolist()
        found = [(view, weights[span]) for view, span in self._spans if any(listed[span])]
        return [(counting(view, own), own) for view, own in found]

    def score(self, taste: Taste, candidates: Candidates) -> NDArray[np.float64]:
        """Each channel's value of each candidate: float64 ``[c, channels]``."""
        totals = [view.totals(taste, candidates) for view in self.views]
        return np.concatenate(totals, dtype=np.float64).T

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
