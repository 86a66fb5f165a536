from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from bertine.encode.batching import BatchLimits
from bertine.encode.costs import CostModel
from bertine.encode.lanes import Lane, LanePolicy, Lanes, Load, Turn

COSTS = CostModel(batch=0.001, token=0.0001)
POLICY = LanePolicy(bulk_wait=0.05, recent=5.0, bulk_seconds=0.004, bulk_texts=2.0)
# Of bulk rows: a full batch of 6 rows of 16 tokens may be a tenth of all that runs.
LONGEST_WAIT = COSTS.seconds(6, 16) / POLICY.bulk_share


def lanes(**limits: int) -> Lanes:
    made = Lanes(BatchLimits(**limits), POLICY)
    made.costs = COSTS
    return made


def rows(turn: Turn) -> int:
    return sum(len(part.rows) for part in turn.batch)


def test_interactive_goes_first_and_bulk_fills_what_it_leaves() -> None:
    queue = lanes()
    queue.add("bulk", [10] * 3, 0.0)
    queue.add("interactive", [10], 0.0)
    assert [queue.plan(0.0).lane for _ in range(2)] == ["interactive", "bulk"]


def test_bulk_that_waited_long_goes_between_two_interactive_batches() -> None:
    queue = lanes(max_rows=1)
    queue.add("bulk", [10] * 9, 0.0)
    for _ in range(9):
        queue.add("interactive", [10], 0.0)
    readings = (0.0, 0.049, 0.05, 0.06, 0.1, 0.12, 0.16, 0.17)
    order = [queue.plan(now).lane for now in readings]
    assert [n for n, lane in enumerate(order) if lane == "bulk"] == [2, 5]


def test_bulk_batches_are_short_while_interactive_calls_come_in() -> None:
    queue = lanes(max_rows=32)
    queue.add("bulk", [10] * 200, 0.0)
    assert rows(queue.plan(0.0)) == 32
    queue.add("interactive", [5], 1.0)
    assert queue.plan(1.0).lane == "interactive"
    # One text of 16 tokens takes 2.6 ms, twice that 5.2 ms, so 4.2 rows of 1 ms fit.
    assert rows(queue.plan(1.1)) == 4
    assert rows(queue.plan(5.9)) == 4
    assert rows(queue.plan(6.0)) == 32


def test_bulk_batches_are_longer_and_rarer_where_interactive_calls_wait_for_long() -> None:
    queue = lanes(max_rows=32)
    queue.add("bulk", [10] * 200, 0.0)
    queue.add("interactive", [10] * 300, 0.0)  # 310 ms, of which a tenth is 31
    assert [queue.plan(now).lane for now in (0.0, 0.05, 0.2)] == ["interactive"] * 3
    turn = queue.plan(0.3)  # 204 rows wait for 211 ms
    assert (turn.lane, rows(turn)) == ("bulk", 20)
    assert [queue.plan(now).lane for now in (0.31, 0.45)] == ["interactive"] * 2
    turn = queue.plan(0.46)  # 140 rows wait for 145 ms
    assert (turn.lane, rows(turn)) == ("bulk", 13)


def test_an_unknown_model_bounds_nothing() -> None:
    queue = lanes(max_rows=8)
    queue.costs = CostModel()
    queue.add("interactive", [5], 0.0)
    queue.add("bulk", [10] * 20, 0.0)
    assert [rows(queue.plan(0.0)) for _ in range(2)] == [1, 8]


def test_a_job_finds_before_it_what_goes_before_it() -> None:
    queue = lanes()
    queue.add("bulk", [10, 20], 0.0)
    queue.add("interactive", [5], 0.0)
    assert queue.ahead_of("interactive") == Load(1, 5)
    assert queue.ahead_of("bulk") == Load(3, 35)
    assert (queue.rows, queue.tokens) == (3, 35)


def test_numbers_are_unique_and_discarding_finds_the_lane() -> None:
    queue = lanes()
    first, second = queue.add("bulk", [10], 0.0), queue.add("interactive", [5], 0.0)
    assert first < second
    assert first in queue
    assert queue.discard(first)
    assert not queue.discard(first)
    assert queue.load("bulk") == Load()


def test_other_limits_hold_from_the_next_plan_on() -> None:
    queue = lanes(max_rows=2)
    queue.add("interactive", [5] * 20, 0.0)
    assert rows(queue.plan(0.0)) == 2
    queue.limits = BatchLimits(max_rows=7)
    assert rows(queue.plan(0.0)) == 7


@dataclass
class Model:
    """What must hold of two lanes, kept the slow and obvious way."""

    waiting: dict[int, tuple[Lane, set[int], list[int], float | None]] = field(default_factory=dict)
    bulk_since: float = 0.0
    last: Lane = "interactive"

    def lane_waits(self, lane: Lane) -> bool:
        return any(entry[0] == lane for entry in self.waiting.values())

    def check(self, turn: Turn, now: float, limits: BatchLimits) -> None:
        due = {n for n, entry in self.waiting.items() if entry[3] is not None and entry[3] <= now}
        assert set(turn.expired) == due, "the expired are named, once, and never dispatched"
        assert len(turn.expired) == len(due)
        for number in due:
            del self.waiting[number]
        assert bool(turn.batch) == bool(self.waiting), "work-conserving"
        if not turn.batch:
            return
        self._check_turn(turn.lane, now)
        lengths = []
        for part in turn.batch:
            lane, left, every, _ = self.waiting[part.job]
            assert lane == turn.lane, "a batch is of one lane"
            left.difference_update(part.rows)
            lengths += [every[row] for row in part.rows]
            if not left:
                del self.waiting[part.job]
        assert len(lengths) == 1 or len(lengths) * max(lengths) <= limits.max_tokens
        assert len(lengths) <= limits.max_rows

    def _check_turn(self, lane: Lane, now: float) -> None:
        if lane == "bulk" and self.lane_waits("interactive"):
            assert self.last == "interactive", "bulk never goes twice while somebody waits"
            assert now - self.bulk_since >= POLICY.bulk_wait
        if lane == "interactive" and self.lane_waits("bulk") and self.last == "interactive":
            assert now - self.bulk_since < LONGEST_WAIT, "bulk never starves"


_steps = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from(["interactive", "bulk"]),
            st.lists(st.integers(1, 40), min_size=1, max_size=6),
            st.none() | st.floats(0, 2),
        ),
        st.tuples(st.just("plan"), st.floats(0, 0.2)),
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(_steps, st.integers(1, 100), st.integers(1, 6))
def test_every_turn_keeps_every_promise(
    steps: list[tuple[object, ...]], max_tokens: int, max_rows: int
) -> None:
    limits = BatchLimits(max_tokens=max_tokens, max_rows=max_rows)
    queue, model, now = Lanes(limits, POLICY), Model(), 0.0
    queue.costs = COSTS
    for step in [*steps, *[("plan", 0.01)] * 400]:
        match step:
            case ("interactive" | "bulk" as lane, list(lengths), latest):
                if lane == "bulk" and not model.lane_waits("bulk"):
                    model.bulk_since = now
                assert latest is None or isinstance(latest, float)
                number = queue.add(lane, lengths, now, latest)
                model.waiting[number] = (lane, set(range(len(lengths))), lengths, latest)
            case ("plan", float(seconds)):
                now += seconds
                if model.last == "bulk":
                    model.bulk_since = now
                turn = queue.plan(now)
                model.check(turn, now, limits)
                model.last = turn.lane
    assert not model.waiting, "nothing starves"
