"""Starts the fronts, looks after them, stops them."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from bertine.config import ServeConfig, split_address
from bertine.engine import Engine
from bertine.errors import Unavailable
from bertine.serve import logs
from bertine.serve.calls import Gate, Record
from bertine.serve.front.answering import Answering, Methods
from bertine.serve.front.frames import Frame, Kind, pack_json, unpack_json
from bertine.serve.tls import credentials_of
from bertine.serve.transport import cannot_listen, library

_log = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0  # between two questions whether a front is still there
_HANG_UP_SECONDS = 5.0  # beyond the time for draining, until a front is killed


class Child:
    """One front process, from its start to its end.

    Args:
        gate: of the engine.
        methods: that fronts pass on.
        record: told of the calls that ended in the front.
        patience: seconds until a front that does not do what it is told is killed.

    Attributes:
        answering: the engine's end of its socket.
        listens: it has started.
    """

    def __init__(
        self, gate: Gate[Engine], methods: Methods, record: Record, patience: float
    ) -> None:
        self.listens = False
        self.answering = Answering(gate, methods, self._on_order, self._on_lost)
        self._record = record
        self._patience = patience
        self._reports: asyncio.Queue[bool | None] = asyncio.Queue()  # serving or not; None is lost
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, settings: bytes) -> None:
        """Start it and wait until it listens.

        Raises:
            Unavailable: it ended instead; it has logged why.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bertine.serve.front.process", str(theirs.fileno())),
                pass_fds=(theirs.fileno(),),
                stdin=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
        await self.answering.link.open(ours)
        self._send(Kind.SETTINGS, settings)
        await self._report()
        self.listens = True

    async def follow(self, state: bytes = b"") -> None:
        """Have its health say what the engine's says, and wait until it does.

        Args:
            state: of the engine; without one it only says that it is still there.

        Raises:
            Unavailable: it ended instead, or it hangs and is killed.
        """
        self._send(Kind.SERVING, state)
        try:
            await asyncio.wait_for(self._report(), self._patience)
        except TimeoutError:
            _log.error("a front process has not answered for %g s; it is killed", self._patience)
            self._kill()
            raise Unavailable("a front process hangs") from None

    async def stop(self, seconds: float) -> None:
        """Have it drain and end; kill it if it takes much longer than it may."""
        self._send(Kind.STOP, pack_json({"seconds": seconds}))
        with suppress(TimeoutError):
            await asyncio.wait_for(self.ended(), seconds + _HANG_UP_SECONDS)
        self._kill()
        await self.ended()

    async def ended(self) -> None:
        """Return when it has ended, whatever the reason."""
        if self._process is not None:
            await self._process.wait()

    async def watch(self) -> None:
        """Return when it has ended; one that hangs is killed."""
        end = asyncio.ensure_future(self.ended())
        while not (await asyncio.wait({end}, timeout=_LOOK_SECONDS))[0]:
            with suppress(Unavailable):
                await self.follow()

    async def _report(self) -> None:
        if await self._reports.get() is None:
            self._on_lost()  # for others who wait
            raise Unavailable("a front process ended while it started; the log says why")

    def _kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    def _send(self, kind: Kind, body: bytes) -> None:
        self.answering.link.send(Frame(kind, body=body))

    def _on_order(self, frame: Frame) -> None:
        value = unpack_json(frame.body)
        if frame.kind == Kind.READY:
            self._reports.put_nowait(value["serving"])
        for ended in value if frame.kind == Kind.ENDED else ():
            self._record(*ended)

    def _on_lost(self) -> None:
        self._reports.put_nowait(None)


class Fronts:
    """All fronts of an engine; to `Server` they are what `Edge` is.

    Args:
        config: see `ServeConfig`.
        gate: of the engine.
        record: told of the calls that ended in a front.

    Attributes:
        grpc: servicers are added to it before it starts.
    """

    def __init__(self, config: ServeConfig, gate: Gate[Engine], record: Record) -> None:
        self.grpc = Methods()
        self._config = config
        self._gate = gate
        self._record = record
        self._address = ""
        self._holder: socket.socket | None = None
        self._state = b""
        self._children: set[Child] = set()
        self._keepers: list[asyncio.Task[None]] = []
        self._failed = False

    @property
    def healthy(self) -> bool:
        """Whether every front that ended could be replaced."""
        return not self._failed

    @property
    def in_flight(self) -> int:
        """Calls of EmbeddingService that wait for the engine."""
        return sum(child.answering.embeds_in_flight for child in self._children)

    def listen(self, address: str) -> int:
        """Take ``HOST:PORT`` for the fronts; returns the port.

        Raises:
            ConfigError: it is in use, or not this machine's; the transport is not installed; or the
                certificate is broken.
        """
        library(self._config.transport)
        credentials_of(self._config)  # each front opens its own
        host, port = split_address(address, "listen")
        try:
            self._holder = _hold(host.strip("[]"), port)
        except OSError as error:
            raise cannot_listen(address) from error
        taken: int = self._holder.getsockname()[1]
        self._address = f"{host}:{taken}"
        return taken

    async def start(self) -> None:
        """Start them; health says NOT_SERVING.

        Raises:
            Unavailable: one ended at once.
        """
        children = [await self._start_child() for _ in range(self._config.fronts)]
        self._keepers = [asyncio.create_task(self._keep(child)) for child in children]

    async def set_serving(self, *, serving: bool) -> None:
        """What health says of the server and of each service, and what new fronts begin with."""
        sha256 = self._gate.engine.encoder.manifest.tokenizer_sha256
        callers = self._gate.admission.callers
        rights = None if callers is None else callers.rights()
        self._state = pack_json({"serving": serving, "tokenizer_sha256": sha256, "callers": rights})
        # The others are told once they listen: each report has one who waits for it.
        told = (child.follow(self._state) for child in self._children if child.listens)
        await asyncio.gather(*told, return_exceptions=True)  # one that ended is replaced

    async def stop(self, seconds: float) -> None:
        """Take no new calls, and let those under way go on for some time.

        Args:
            seconds: after which they are cancelled.
        """
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        await asyncio.gather(*(child.stop(seconds) for child in self._children))
        if self._holder is not None:
            self._holder.close()

    async def _start_child(self) -> Child:
        child = Child(self._gate, self.grpc, self._record, self._config.hung_seconds)
        self._children.add(child)
        await child.start(self._settings())
        if self._state:
            await child.follow(self._state)
        return child

    async def _keep(self, child: Child) -> None:
        """Replace a front that ends. One that ends before it serves would do so again."""
        try:
            while True:
                await child.watch()
                self._children.discard(child)
                _log.warning("a front process ended; another one is started")
                child = await self._start_child()
        except (Unavailable, OSError):
            self._failed = True

    def _settings(self) -> bytes:
        config = self._config
        return pack_json(
            {
                "model": str(config.model),
                "listen": self._address,
                "transport": config.transport,
                "limits": asdict(config.limits),
                "tls": {name: str(path) for name, path in _tls(config).items() if path},
                "logs": logs.configured(),
            }
        )


def _tls(config: ServeConfig) -> dict[str, Path | None]:
    return {
        "tls_cert": config.tls_cert,
        "tls_key": config.tls_key,
        "tls_client_ca": config.tls_client_ca,
    }


def _hold(host: str, port: int) -> socket.socket:
    """A socket that keeps a port for sockets that share it, and takes no connections itself.

    Raises:
        OSError: somebody has the port, whether or not he would share it.
    """
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # of connections that lingered
        probe.bind(address)
        free = (*address[:1], probe.getsockname()[1], *address[2:])
    holder = socket.socket(family, kind)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        holder.bind(free)
    except OSError:
        holder.close()
        raise
    return holder
