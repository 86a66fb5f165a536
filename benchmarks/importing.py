"""`bertine import` as a process, watched through the server that it fills."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.data import Gloss
from bertine.client import CallError, Client
from bertine.testing import ServerProcess

COLLECTION = "glosses"

Watch = Callable[[int], None]
_POLL_SECONDS = 0.25
_QUIET_SECONDS = 600.0


class ImportFailedError(Exception):
    """`bertine import` ended with an error; the message is what it wrote."""


@dataclass(frozen=True, slots=True)
class Crash:
    """What came of killing server and importer half-way.

    Attributes:
        stored_before: items that the server had acknowledged when last asked before the kill.
        stored_after: items there when it was up again.
        start_seconds: from its start until it served.
        passed_seconds: from the second import's start until it stored something new.
        resume_seconds: of the whole second import.
        repeat_seconds: of a third import, that finds everything there.
        lost: ids of the file that are not stored in the end.
        alien: ids stored that are not in the file.
        doubled: ids that are listed more than once.
    """

    stored_before: int
    stored_after: int
    start_seconds: float
    passed_seconds: float
    resume_seconds: float
    repeat_seconds: float
    lost: int
    alien: int
    doubled: int

    @property
    def forgotten(self) -> int:
        """Items that had been acknowledged and were gone after the restart."""
        return max(0, self.stored_before - self.stored_after)

    @property
    def damage(self) -> int:
        """By how many items the collection differs from the file in the end."""
        return self.lost + self.alien + self.doubled


def write_rows(glosses: Sequence[Gloss], path: Path) -> None:
    """Glosses as the JSON Lines file that is imported."""
    with path.open("w", encoding="utf-8") as stream:
        for gloss in glosses:
            row = {"id": gloss.id, "text": gloss.text, "lemmas": gloss.lemmas}
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")


def run_import(server: ServerProcess, file: Path, watch: Watch) -> float:
    """Import a file; seconds from the start of the process to its end.

    Args:
        server: to fill.
        file: JSON Lines.
        watch: told now and then how many items are stored.

    Raises:
        ImportFailedError: it ended with an error.
    """
    started = time.perf_counter()
    with _importer(server, file) as process:
        for stored in _stored_while_running(server, process):
            watch(stored)
    return time.perf_counter() - started


def crash_and_resume(make: Callable[[], ServerProcess], file: Path, watch: Watch) -> Crash:
    """Kill server and importer half-way with SIGKILL, start again on the same data, import again.

    Args:
        make: makes a server that is not started, on the same data each time.
        file: JSON Lines.
        watch: told now and then how many items are stored.
    """
    expected = _ids(file)
    with make() as server:
        stored_before = _import_half(server, file, len(expected) // 2, watch)
    restarted = time.perf_counter()
    with make() as server:
        start_seconds = time.perf_counter() - restarted
        stored_after = stored_items(server)
        passed, resumed = _resume(server, file, stored_after, watch)
        repeated = run_import(server, file, watch)
        stored = _stored_ids(server)
    return Crash(
        stored_before=stored_before,
        stored_after=stored_after,
        start_seconds=start_seconds,
        passed_seconds=passed,
        resume_seconds=resumed,
        repeat_seconds=repeated,
        lost=len(set(expected) - set(stored)),
        alien=len(set(stored) - set(expected)),
        doubled=len(stored) - len(set(stored)),
    )


def stored_items(server: ServerProcess) -> int:
    """How many items the collection holds, 0 before there is one."""
    with server.client() as client:
        return _count(client)


def _count(client: Client) -> int:
    try:
        return client.get_collection(COLLECTION).item_count
    except CallError as error:
        if error.code == "NOT_FOUND":
            return 0
        raise


def _import_half(server: ServerProcess, file: Path, half: int, watch: Watch) -> int:
    """Items that were acknowledged when both were killed."""
    stored = 0
    with _importer(server, file, expect_failure=True) as process:
        for stored in _stored_while_running(server, process):
            watch(stored)
            if stored >= half:
                break
        server.kill()
        process.kill()
    return stored


def _resume(server: ServerProcess, file: Path, before: int, watch: Watch) -> tuple[float, float]:
    """Seconds until something new was stored, and until the end."""
    passed: list[float] = []
    started = time.perf_counter()

    def note(stored: int) -> None:
        if stored > before and not passed:
            passed.append(time.perf_counter() - started)
        watch(stored)

    seconds = run_import(server, file, note)
    return (passed or [seconds])[0], seconds


@contextmanager
def _importer(
    server: ServerProcess, file: Path, *, expect_failure: bool = False
) -> Iterator[subprocess.Popen[bytes]]:
    """The importer's process, waited for at the end."""
    command = [
        *(sys.executable, "-m", "bertine", "import", str(file)),
        *("--collection", COLLECTION, "--target", server.target),
    ]
    with tempfile.TemporaryFile() as output:
        with subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT) as process:
            try:
                yield process
            except BaseException:
                process.kill()
                raise
        if process.returncode and not expect_failure:
            output.seek(0)
            raise ImportFailedError(output.read().decode(errors="replace")[-2_000:])


def _stored_while_running(server: ServerProcess, process: subprocess.Popen[bytes]) -> Iterator[int]:
    """How many items are stored, now and then until the process ends.

    A thread waits for the process, so that its end is seen at once and not at the next look.
    """
    ended = threading.Event()

    def wait() -> None:
        process.wait()
        ended.set()

    threading.Thread(target=wait, daemon=True).start()
    with server.client(_QUIET_SECONDS) as client:
        while not ended.wait(_POLL_SECONDS):
            yield _count(client)


def _ids(file: Path) -> list[str]:
    with file.open(encoding="utf-8") as stream:
        return [json.loads(line)["id"] for line in stream]


def _stored_ids(server: ServerProcess) -> list[str]:
    with server.client(_QUIET_SECONDS) as client:
        return [item.id for item in client.list_items(COLLECTION, page_size=1_000)]
