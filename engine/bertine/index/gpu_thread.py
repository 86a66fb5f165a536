"""One thread that alone touches the indexes of a device.

FAISS's GPU indexes and resources are not safe for two threads, not even to read
(https://github.com/facebookresearch/faiss/wiki/Threads-and-asynchronous-calls). Whoever wants
something of a device puts it in a queue and waits; searches that could be one are run as one.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bertine.errors import Unavailable

_T = TypeVar("_T")

_MOST_TOGETHER = 64


@dataclass(slots=True, eq=False)
class Task:
    """Something to be done by the thread.

    Attributes:
        work: given the loads of some tasks of the same key, makes a result for each.
        load: of this one.
        key: tasks of equal keys that wait one after the other are done together; None is alone.
        future: of the result.
    """

    work: Callable[[Sequence[Any]], Sequence[Any]]
    load: Any = None
    key: Hashable = None
    future: Future[Any] = field(default_factory=Future)


class DeviceThread:
    """Does tasks one after the other.

    Args:
        name: of the device, for messages.
        patience: seconds after which whoever waits gives up.
        clock: monotonic seconds.
    """

    def __init__(
        self, name: str, patience: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = name
        self._patience = patience
        self._clock = clock
        self._tasks: deque[Task] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._since: float | None = None
        self._long_tasks = 0
        self._thread = threading.Thread(target=self._run, name=f"bertine-{name}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End after what it is at; what waits is given up."""
        with self._changed:
            self._closed = True
            waiting, self._tasks = self._tasks, deque()
            self._changed.notify()
        for task in waiting:
            task.future.cancel()
        self._thread.join(self._patience)

    @property
    def stuck(self) -> bool:
        """Whether it has been at one thing for longer than anybody waits."""
        since = self._since
        return since is not None and self._clock() - since > self._patience

    def submit(self, task: Task) -> Future[Any]:
        """Queue a task.

        Raises:
            Unavailable: it is closed.
        """
        with self._changed:
            if self._closed:
                raise Unavailable(f"{self.name} is closed; its index answers no more")
            self._tasks.append(task)
            self._changed.notify()
        return task.future

    def do(self, work: Callable[[], _T]) -> _T:
        """Have something done however long it takes; until then nobody else is let wait for it."""
        with self._changed:
            self._long_tasks += 1
        try:
            result: _T = self.submit(Task(lambda loads: [work() for _ in loads])).result()
            return result
        finally:
            with self._changed:
                self._long_tasks -= 1

    def ask(self, task: Task) -> Any:
        """The result of a task, waited for as long as patience lasts.

        Raises:
            Unavailable: it took longer; then it is not begun any more.
        """
        if self.stuck or self._long_tasks:
            raise Unavailable(f"{self.name} is busy; the search was not sent there")
        future = self.submit(task)
        try:
            return future.result(self._patience)
        except TimeoutError as error:
            future.cancel()
            raise Unavailable(
                f"{self.name} did not answer a search within {self._patience:g} s"
            ) from error
        except CancelledError as error:
            raise Unavailable(f"{self.name} was closed while a search waited") from error

    def _run(self) -> None:
        while tasks := self._next():
            self._since = self._clock()
            # A task that was begun cannot be cancelled: whoever gave it up reads no result.
            _settle([task for task in tasks if task.future.set_running_or_notify_cancel()])
            self._since = None
            del tasks  # what they hold may be waiting to be freed by this thread

    def _next(self) -> list[Task]:
        """The first task, with those of its key that follow it; none once it is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._tasks or self._closed)
            tasks: list[Task] = []
            while self._tasks and len(tasks) < _MOST_TOGETHER:
                task = self._tasks[0]
                if tasks and (task.key is None or task.key != tasks[0].key):
                    break
                tasks.append(self._tasks.popleft())
            return tasks


def _settle(tasks: list[Task]) -> None:
    if not tasks:
        return
    try:
        results = tasks[0].work([task.load for task in tasks])
        settled = list(zip(tasks, results, strict=True))
    except Exception as error:  # noqa: BLE001 - it is whoever waits that deals with it
        for task in tasks:
            task.future.set_exception(error)
        return
    for task, result in settled:
        task.future.set_result(result)
