"""The one thread of a device: order, what is done together, and who gives up waiting."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from typing import Any

import pytest

from bertine.errors import Unavailable
from bertine.index.gpu_thread import DeviceThread, Task


@pytest.fixture
def device() -> Iterator[DeviceThread]:
    thread = DeviceThread("cuda:7", patience=30.0)
    yield thread
    thread.close()


class Held:
    """Keeps a thread busy until it is let go."""

    def __init__(self, thread: DeviceThread) -> None:
        self.begun, self.end = threading.Event(), threading.Event()
        self.future: Future[Any] = thread.submit(Task(self._work))
        assert self.begun.wait(10)

    def _work(self, loads: Sequence[Any]) -> Sequence[Any]:
        self.begun.set()
        assert self.end.wait(10)
        return loads


def test_tasks_are_done_in_order_by_one_thread(device: DeviceThread) -> None:
    done: list[tuple[int, str]] = []

    def work(loads: Sequence[Any]) -> Sequence[Any]:
        done.append((loads[0], threading.current_thread().name))
        return loads

    futures = [device.submit(Task(work, number)) for number in range(20)]
    assert [future.result(10) for future in futures] == list(range(20))
    assert done == [(number, "bertine-cuda:7") for number in range(20)]
    assert device.do(lambda: "done") == "done"


def test_what_waits_and_has_one_key_is_done_together(device: DeviceThread) -> None:
    together: list[list[int]] = []

    def work(loads: Sequence[int]) -> list[int]:
        together.append(list(loads))
        return [10 * load for load in loads]

    held = Held(device)
    keys = ["a", "a", "a", "b", "a", None, None]
    tasks = [Task(work, number, key) for number, key in enumerate(keys)]
    futures = [device.submit(task) for task in tasks]
    futures[1].cancel()
    held.end.set()
    results = [future.result(10) for number, future in enumerate(futures) if number != 1]
    assert results == [0, 20, 30, 40, 50, 60]
    assert together == [[0, 2], [3], [4], [5], [6]]


def test_an_error_goes_to_those_who_asked_and_the_thread_lives_on(device: DeviceThread) -> None:
    def work(_: Sequence[Any]) -> Sequence[Any]:
        raise RuntimeError("no memory")

    held = Held(device)
    futures = [device.submit(Task(work, None, "same")) for _ in range(2)]
    held.end.set()
    for future in futures:
        with pytest.raises(RuntimeError, match="no memory"):
            future.result(10)
    with pytest.raises(RuntimeError, match="no memory"):
        device.ask(Task(work))
    assert device.ask(Task(lambda loads: loads, 5)) == 5


def test_who_waited_too_long_gives_up_and_his_task_is_not_begun() -> None:
    device = DeviceThread("cuda:7", patience=0.01)
    held, begun = Held(device), threading.Event()

    def work(loads: Sequence[Any]) -> Sequence[Any]:
        begun.set()
        return loads

    # Either it waits in vain, or the thread has been busy for so long that it is not asked.
    with pytest.raises(Unavailable, match="cuda:7"):
        device.ask(Task(work))
    held.end.set()
    held.future.result(10)
    device.do(lambda: None)
    assert not begun.is_set()
    device.close()


def test_a_thread_that_is_stuck_is_not_asked() -> None:
    now = [0.0]
    device = DeviceThread("cuda:7", patience=5.0, clock=lambda: now[0])
    held = Held(device)
    states = []
    for now[0] in (5.0, 5.1):
        states.append(device.stuck)
    assert states == [False, True]
    with pytest.raises(Unavailable, match="was not sent there"):
        device.ask(Task(lambda loads: loads))
    held.end.set()
    held.future.result(10)
    device.do(lambda: None)
    assert device.ask(Task(lambda loads: loads, 1)) == 1
    device.close()


def test_while_something_long_is_done_nobody_waits(device: DeviceThread) -> None:
    begun, end = threading.Event(), threading.Event()

    def long() -> None:
        begun.set()
        assert end.wait(10)

    doing = threading.Thread(target=device.do, args=(long,))
    doing.start()
    assert begun.wait(10)
    with pytest.raises(Unavailable, match="was not sent there"):
        device.ask(Task(lambda loads: loads))
    end.set()
    doing.join(10)
    assert device.ask(Task(lambda loads: loads, 1)) == 1


def test_closing_gives_up_what_waits() -> None:
    device = DeviceThread("cuda:7", patience=30.0)
    held = Held(device)
    waiting = device.submit(Task(lambda loads: loads))
    closing = threading.Thread(target=device.close)
    closing.start()
    with pytest.raises(BaseException):  # noqa: B017, PT011 - concurrent.futures' own
        waiting.result(10)
    held.end.set()
    closing.join(10)
    assert waiting.cancelled()
    with pytest.raises(Unavailable, match="is closed"):
        device.submit(Task(lambda loads: loads))
