import threading

import pytest

from bertine.index.crew import ALONE, Crew


def test_every_part_is_done_once_and_in_order() -> None:
    crew = Crew(3)
    assert crew.map(lambda part: part * part, 100) == [part * part for part in range(100)]
    assert crew.map(str, 0) == []
    assert ALONE.map(str, 3) == ["0", "1", "2"]
    crew.close()


def test_helpers_work_beside_the_caller() -> None:
    crew, together = Crew(1), threading.Barrier(2)
    # Neither part ends before the other has begun.
    assert sorted(crew.map(lambda _: together.wait(30), 2)) == [0, 1]
    crew.close()


def test_a_second_batch_does_its_work_alone() -> None:
    crew = Crew(1)
    threads: set[str] = set()

    def work(_: int) -> None:
        crew.map(lambda _: threads.add(threading.current_thread().name), 8)

    crew.map(work, 1)
    inner: list[list[int]] = crew.map(lambda part: crew.map(lambda one: part * one, 3), 2)
    assert inner == [[0, 0, 0], [0, 1, 2]]
    crew.close()


def test_what_a_part_raises_is_raised() -> None:
    crew = Crew(2)

    def work(part: int) -> int:
        if part == 5:
            raise ValueError("part 5")
        return part

    with pytest.raises(ValueError, match="part 5"):
        crew.map(work, 10)
    assert crew.map(str, 2) == ["0", "1"]
    crew.close()
