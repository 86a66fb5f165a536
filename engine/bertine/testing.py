"""A real server in a process of its own, for tests, demonstrations and benchmarks.

with ServerProcess(model, data) as server, server.client() as client:
client.embed(["hello"])
"""

from __future__ import annotations

import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from bertine.client import Client, Tls
from bertine.errors import Unavailable

_ANNOUNCEMENT = "bertine is serving on "
_LINES_KEPT = 200


class ServerProcess:
    """`bertine serve` as a child process on a free port of the loopback interface.

    Args:
        model: artifact folder.
        data: data folder.
        *options: further command line options.
        environment: of the child; None is this process's.
        fake: put a stand-in in the model's place, see `bertine.cli.serve_fake`.
        ready_seconds: how long it may take to start.

    Attributes:
        target: HOST:PORT, once started.
        log: what it wrote to standard error, the last lines of it.
    """

    def __init__(
        self,
        model: Path,
        data: Path,
        *options: str,
        environment: dict[str, str] | None = None,
        fake: bool = False,
        ready_seconds: float = 120.0,
    ) -> None:
        self.command = [
            *(sys.executable, "-m"),
            *(("bertine.cli.serve_fake",) if fake else ("bertine", "serve")),
            *("--model", str(model), "--data", str(data), "--listen", "127.0.0.1:0"),
            *options,
        ]
        self.target = ""
        self.log: list[str] = []
        self._environment = environment
        self._ready_seconds = ready_seconds
        self._process: subprocess.Popen[str] | None = None
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def process(self) -> subprocess.Popen[str]:
        """The child.

        Raises:
            Unavailable: it was not started.
        """
        if self._process is None:
            raise Unavailable("the server process was not started")
        return self._process

    def start(self) -> Self:
        """Start it and wait until it serves.

        Raises:
            Unavailable: it runs already, ended, or did not serve in time; with what it wrote.
        """
        if self._process is not None:
            raise Unavailable("a server process is started once; make another")
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            self.command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self._environment,
        )
        announced: queue.Queue[str] = queue.Queue()
        self._threads = [
            threading.Thread(target=self._read_output, args=(announced,), daemon=True),
            threading.Thread(target=self._read_log, daemon=True),
        ]
        for thread in self._threads:
            thread.start()
        try:
            self.target = announced.get(timeout=self._ready_seconds)
        except queue.Empty:
            self.target = ""
        if not self.target:
            self.kill()
            raise Unavailable("the server did not start:\n" + "".join(self.log))
        return self

    def client(self, timeout: float = 60.0, key: str = "", tls: Tls | None = None) -> Client:
        """A client of it."""
        return Client(self.target, timeout=timeout, key=key, tls=tls)

    def stop(self, timeout: float = 60.0) -> int:
        """Send SIGTERM, wait for the drain; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self._wait(timeout)

    def kill(self) -> int:
        """Send SIGKILL; returns the exit code."""
        self.process.kill()
        return self._wait(60.0)

    def _wait(self, timeout: float) -> int:
        code = self.process.wait(timeout)
        for thread in self._threads:
            thread.join(timeout)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        return code

    def _lines(self, name: str) -> Iterator[str]:
        stream = getattr(self.process, name)
        yield from stream

    def _read_output(self, announced: queue.Queue[str]) -> None:
        for line in self._lines("stdout"):
            if line.startswith(_ANNOUNCEMENT):
                announced.put(line.removeprefix(_ANNOUNCEMENT).strip())
        announced.put("")

    def _read_log(self) -> None:
        for line in self._lines("stderr"):
            self.log.append(line)
            del self.log[:-_LINES_KEPT]
