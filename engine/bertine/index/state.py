"""What an index consists of at one time: a trained part, and the rows added since."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from bertine.index.balance import Balance
from bertine.index.generation import Ivf
from bertine.index.gpu import Mirror
from bertine.index.lifecycle import Shape
from bertine.index.places import Places
from bertine.index.quality import Quality
from bertine.index.request import Request, Scope
from bertine.index.segment import ALIVE, Segment
from bertine.index.view import Rows, View
from bertine.types import IndexStatus


@dataclass(slots=True)
class State:
    """Segments, and the trained index over the first of them.

    Attributes:
        main: rows of the trained part; none without one.
        delta: rows added since, or all.
        known: where the living row of each item is; kept up by the owner.
        ivf: covers `main`.
        sequence: catalog sequence number of the last change.
        balance: of the trained index's lists.
        mirror: of it on a GPU.
    """

    main: Segment
    delta: Segment
    known: Places
    ivf: Ivf | None = None
    sequence: int = 0
    balance: Balance = field(default_factory=Balance)
    mirror: Mirror | None = None

    @classmethod
    def exact(cls, rows: Segment, sequence: int = 0) -> State:
        """Rows without a trained part."""
        main = Segment(rows.vectors.shape[1])
        return cls(main, rows, Places(main, rows), None, sequence)

    @property
    def coarse(self) -> Ivf | Mirror | None:
        """What proposes rows of `main`."""
        return self.mirror or self.ivf

    def view(self) -> View:
        """What a search that begins now sees."""
        # The sequence is read before the count: rows that it covers are then counted.
        sequence = self.sequence
        return View(self.main, self.delta, self.main.count, self.delta.count, sequence)

    def shape(
        self, dead: int, quiet_seconds: float, *, misses_recall: bool, misplaced: bool
    ) -> Shape:
        """What a decision to rebuild stands on."""
        uneven = self.balance.ratio(self.main.died)
        counts = self.main.count, self.delta.count, dead
        return Shape(*counts, quiet_seconds, uneven, misses_recall, misplaced)

    def status(self, dead: int, quality: Quality, *, rebuilding: bool) -> IndexStatus:
        """What the index consists of, in numbers."""
        rows = self.main.count, self.delta.count, dead
        if self.ivf is None or self.coarse is None:
            return IndexStatus("exact", *rows, rebuilding=rebuilding)
        tuning = self.ivf.tuning
        return IndexStatus(
            self.coarse.kind,
            *rows,
            rebuilding=rebuilding,
            nprobe=self.ivf.nprobe,
            refine=self.coarse.refine,
            target=tuning.target,
            tuned_on=tuning.queries if tuning.source == "queries" else 0,
            plain=quality.plain,
            filtered=quality.filtered,
        )


class Merged:
    """The living rows of a view, copied into one new segment.

    Args:
        view: of an index that may go on changing.

    Attributes:
        segment: the copy, with the columns that the view's segments have.
    """

    def __init__(self, view: View) -> None:
        self._view = view
        main, delta = view.main, view.delta
        self._main = np.flatnonzero(main.alive(view.sequence)[: view.main_count])
        self._delta = np.flatnonzero(delta.alive(view.sequence)[: view.delta_count])
        rows = len(self._main) + len(self._delta)
        self.segment = Segment(main.vectors.shape[1], rows)
        self.segment.adopt(main, self._main)
        self.segment.adopt(delta, self._delta)
        names = {*main.columns.names(), *delta.columns.names()}
        self.segment.columns.prepare(names, self.segment.attributes, rows)

    def catch_up(self) -> Segment:
        """Take over the deaths since; call it while nothing changes.

        Returns:
            A second segment: living rows that were born since.
        """
        view, fresh = self._view, self.segment
        fresh.died[: fresh.count] = np.concatenate(
            [view.main.died[self._main], view.delta.died[self._delta]]
        )
        late = np.arange(view.delta_count, view.delta.count)
        delta = Segment(fresh.vectors.shape[1])
        delta.adopt(view.delta, late[view.delta.died[late] == ALIVE])
        return delta


def scope_of(places: Places, request: Request, view: View) -> Scope:
    """Rows of the items that a request names, as far as they are known.

    Where one that it allows has just moved to a row that the view does not show, all are to be
    searched for: its old row is there.
    """
    return Scope(
        None if request.only is None else _shown(places.rows_of(request.only, view), view),
        _within(places.rows_of(request.exclude, view), view) if request.exclude else None,
    )


def _within(rows: Rows, view: View) -> Rows:
    return rows[(rows >= 0) & (rows < view.count)]


def _shown(rows: Rows, view: View) -> Rows | None:
    """Those of the rows that are some; None if the view lacks one, or one was born after it."""
    found, border = _within(rows, view), view.main_count
    if len(found) < np.count_nonzero(rows >= 0):
        return None
    old, fresh = found[found < border], found[found >= border] - border
    born = np.concatenate([view.main.born[old], view.delta.born[fresh]])
    return None if (born > view.sequence).any() else found
