"""Rows and numbers of the same items, whatever was changed or rebuilt meanwhile."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bertine.index.live import LiveIndex
from bertine.index.view import View
from bertine.recommend.learn.content import Content
from bertine.recommend.learn.learned import Learned
from bertine.recommend.numbering import Numbering
from bertine.types import Item
from tests.recommend.pools import unit

IDS = [f"i{number}" for number in range(12)]
VECTOR = unit(0, 1)
LEARNED = Learned(IDS[:8], (Content(),), np.ones(1))

STEPS = st.lists(
    st.tuples(st.sampled_from(["upsert", "upsert", "delete", "rebuild"]), st.sampled_from(IDS)),
    max_size=25,
)


def check(numbering: Numbering, view: View, learned: Learned = LEARNED) -> None:
    numbers = numbering.numbers(learned, view)
    rows = np.arange(view.count)
    ids = view.ids(rows.tolist())
    assert numbers.of(rows).tolist() == [learned.number(item_id) for item_id in ids]
    latest = numbers.rows(np.arange(len(learned.item_ids))).tolist()
    for number, row in enumerate(latest):
        known = [place for place, item_id in enumerate(ids) if item_id == IDS[number]]
        # A row of a later view is told as such.
        assert row == (known[-1] if known else -1) or row >= view.count


@settings(deadline=None)
@given(steps=STEPS, asked=st.lists(st.booleans(), min_size=25, max_size=25))
def test_numbers_follow_every_change(steps: list[tuple[str, str]], asked: list[bool]) -> None:
    index, numbering = LiveIndex(8), Numbering()
    views = [index.view()]
    for sequence, ((step, item_id), now) in enumerate(zip(steps, asked, strict=False), start=1):
        if step == "upsert":
            index.upsert([Item(item_id)], VECTOR, sequence)
        elif step == "delete":
            index.delete([item_id], sequence)
        else:
            index.rebuild()
        views.append(index.view())
        if now:
            check(numbering, views[-1])
    # Those of old views too, and in any order.
    for view in reversed(views):
        check(numbering, view)
    view = index.view()
    living = [item_id for item_id in IDS[:8] if index.vector(item_id) is not None]
    found = numbering.numbers(LEARNED, view).rows(np.array([IDS.index(one) for one in living], int))
    assert found.tolist() == index.rows_of(living, view).tolist()


def test_what_was_learned_anew_has_numbers_of_its_own() -> None:
    index, numbering = LiveIndex(8), Numbering()
    index.upsert([Item(item_id) for item_id in IDS], np.repeat(VECTOR, 12, axis=0), 1)
    view = index.view()
    other = Learned(IDS[:3], (Content(),), np.ones(1))
    for learned in (LEARNED, other, LEARNED):
        check(numbering, view, learned)
