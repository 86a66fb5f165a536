"""What is known of the events' ages finds every old event, and none where there is none."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bertine.catalog.event_ages import EventAges
from bertine.catalog.event_tables import BLOCK, create_events_table, erase_events, oldest_events

TIMES = st.floats(0, 9)


class Events(RuleBasedStateMachine):
    """A table that grows and is erased from, by the purger and by others, beside a list."""

    def __init__(self) -> None:
        super().__init__()
        self.connection = sqlite3.connect(":memory:")
        create_events_table(self.connection, 1)
        self.times: list[float | None] = []
        self.ages = EventAges()

    def teardown(self) -> None:
        self.connection.close()

    @rule(times=st.lists(TIMES, min_size=1, max_size=9), repeats=st.sampled_from([1, 40, 90]))
    def record(self, times: list[float], repeats: int) -> None:
        self.times += times * repeats
        rows = [(time,) for time in times * repeats]
        self.connection.executemany("INSERT INTO events_1 (time) VALUES (?)", rows)

    @rule(row=st.integers(0, 2_000))
    def erase(self, row: int) -> None:
        """As a user's events are."""
        if row < len(self.times):
            self._erase(row)

    @rule(limit=st.sampled_from([1, 100, BLOCK, 1_000]), until=TIMES)
    def purge(self, limit: int, until: float) -> None:
        while self.ages.last < len(self.times):
            self.ages.follow(oldest_events(self.connection, 1, self.ages.last, limit * 10))
        while (block := self.ages.due(until)) is not None:
            for row in range(block * BLOCK, min((block + 1) * BLOCK, len(self.times))):
                time = self.times[row]
                if time is not None and time <= until:
                    self._erase(row)
            read = oldest_events(self.connection, 1, block * BLOCK, BLOCK)
            self.ages.correct(block, read)
        assert all(time is None or time > until for time in self.times)

    @invariant()
    def the_table_is_the_list(self) -> None:
        (count,) = self.connection.execute("SELECT count(time) FROM events_1").fetchone()
        assert count == sum(time is not None for time in self.times)

    def _erase(self, row: int) -> None:
        self.times[row] = None
        self.connection.execute("UPDATE events_1 SET time = NULL WHERE key = ?", (row + 1,))


TestEvents = Events.TestCase
TestEvents.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)


def test_there_are_none() -> None:
    ages = EventAges()
    assert ages.due(1e12) is None
    ages.follow([])
    assert (ages.last, ages.due(1e12)) == (0, None)


@given(st.integers(1, 700))
def test_only_rows_that_were_not_read_are_read(after: int) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        create_events_table(connection, 1)
        rows = [(float(time),) for time in range(700)]
        connection.executemany("INSERT INTO events_1 (time) VALUES (?)", rows)
        found = oldest_events(connection, 1, after, 100)
    assert [time for _, time, _ in found][:1] == [after][: 700 - after]
    assert [last for *_, last in found][-1:] == [min(after + 100, 700)][: 700 - after]


def test_erasing_all_passes_over_what_is_erased() -> None:
    """Or a deleted collection would take time in the square of its events."""
    statements: list[str] = []
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE collections (key INTEGER PRIMARY KEY)")
        connection.execute("CREATE TABLE users (key INTEGER PRIMARY KEY, digest BLOB)")
        create_events_table(connection, 1)
        connection.set_trace_callback(statements.append)
        assert erase_events(connection, 1, 9) == 0
        connection.set_trace_callback(None)
        [query] = [one for one in statements if "FROM events_1" in one]
        plan = str(connection.execute(f"EXPLAIN QUERY PLAN {query}").fetchall())
    assert "COVERING INDEX events_1_by_user" in plan
