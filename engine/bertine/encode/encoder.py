"""The facade of this package: texts in, vectors out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Self

from bertine.artifact import Artifact, Manifest
from bertine.encode.batching import BatchLimits
from bertine.encode.cache import Cache
from bertine.encode.calibration import calibrate
from bertine.encode.coalescing import Flights
from bertine.encode.contract import Session
from bertine.encode.cores import usable_cores
from bertine.encode.costs import attention, best_tokens, fit, free_padding
from bertine.encode.job import Encoded
from bertine.encode.lanes import Lane
from bertine.encode.lengths import Lengths
from bertine.encode.mailbox import Mailbox
from bertine.encode.opening import DEFAULT_DEVICE, DeviceSettings, open_session
from bertine.encode.repeats import Repeats
from bertine.encode.request import Embedded, Request, Tokenized
from bertine.encode.scheduler import Scheduler
from bertine.encode.settings import DEFAULT_SETTINGS, Settings
from bertine.encode.statistics import BatchReport, Statistics
from bertine.encode.tokenizer import Tokenizer
from bertine.encode.tokens import Tokens
from bertine.encode.work import Work
from bertine.types import InputType

# A batch of the shortest texts should be as large as one of longer ones.
_SHORTEST_TEXT = 8


class Encoder:
    """A tokenizer, a model, and the threads that keep them busy.

    Args:
        manifest: of the model.
        variant: which variant of it ``session`` is.
        tokenizer: of the model.
        session: closed with the encoder.
        settings: see `Settings`.
        on_batch: see `Scheduler`.
    """

    def __init__(
        self,
        manifest: Manifest,
        variant: str,
        tokenizer: Tokenizer,
        session: Session,
        *,
        settings: Settings = DEFAULT_SETTINGS,
        on_batch: Callable[[BatchReport], None] | None = None,
    ) -> None:
        self.manifest = manifest
        self.variant = variant
        self.fingerprint = manifest.fingerprint(variant)
        self.dimensions = session.dimensions
        self.provider = session.provider
        self._tokenizer = tokenizer
        self._lengths = Lengths(manifest.max_length)
        self._session = session
        self._settings = settings
        self._scheduler = Scheduler(
            session, pad_token_id=manifest.pad_token_id, settings=settings, on_batch=on_batch
        )
        self._pool = ThreadPoolExecutor(usable_cores(), thread_name_prefix="bertine-tokenizer")
        self._cache = Cache(settings.cache_bytes) if settings.cache_bytes else None
        self._repeats: Repeats | None = None

    @classmethod
    def open(
        cls,
        artifact: Artifact,
        *,
        variant: str = "auto",
        device: DeviceSettings = DEFAULT_DEVICE,
        settings: Settings = DEFAULT_SETTINGS,
        on_batch: Callable[[BatchReport], None] | None = None,
    ) -> Self:
        """Load a model; its hashes are verified before anything is read.

        Args:
            artifact: see `bertine.artifact.load`.
            variant: a name, or ``auto``: the fastest that is meant for the device.
            device: see `DeviceSettings`.
            settings: see `Settings`.
            on_batch: see `Scheduler`.

        Raises:
            ArtifactError: a file is damaged, or nothing fits the device.
            NotFound: no such variant.
            ConfigError: a device that is not there, or a setting that cannot work.
            Unavailable: the device fails.
        """
        manifest = artifact.manifest
        name, session = open_session(artifact, variant, device)
        tokenizer = Tokenizer(
            artifact.tokenizer_path,
            max_length=manifest.max_length,
            vocab_size=manifest.vocab_size,
            prompts=manifest.prompts,
        )
        return cls(manifest, name, tokenizer, session, settings=settings, on_batch=on_batch)

    @property
    def alive(self) -> bool:
        """Whether it can still serve, see `Scheduler.alive`."""
        return self._scheduler.alive

    @property
    def failure(self) -> str:
        """Why it cannot serve any more, "" while it can; a lost GPU, for example."""
        return self._scheduler.failure

    @property
    def responsive(self) -> bool:
        """Whether the device answers; where it does not, it may still come back."""
        return self._scheduler.workers.responsive

    @property
    def hung(self) -> bool:
        """Whether the device has not answered for so long that only a new process may help."""
        return self._scheduler.workers.hung

    def warm_up(self) -> None:
        """Time a few shapes, and set the cost model and the budget of a batch by them.

        The first caller then does not pay for first allocations either. Takes about a second.

        Raises:
            EncodeError: the model failed.
            Unavailable: the device is lost.
        """
        manifest = self.manifest
        measure = partial(calibrate, max_length=manifest.max_length, token_id=manifest.pad_token_id)
        self._scheduler.borrow(lambda session: session.prepare()).result()
        costs = fit(self._scheduler.borrow(measure).result())
        tokens = best_tokens(costs)
        measured = BatchLimits(
            tokens,
            max_rows=tokens // _SHORTEST_TEXT,
            free_padding=free_padding(costs),
            attention=attention(costs) if self._session.sequence_packing else None,
        )
        self._scheduler.tune(costs, self._settings.limits or measured)
        self.embed_sync(["a"])

    async def embed(
        self,
        texts: Sequence[str] | None = None,
        token_ids: Sequence[Sequence[int]] | Sequence[Tokens] | None = None,
        *,
        input_type: InputType = "none",
        truncate: bool = True,
        deadline: float | None = None,
        lane: Lane = "interactive",
    ) -> Embedded:
        """Encode texts, or token ids, for a caller on an event loop.

        Cancelling the awaiting task drops what is not yet dispatched, unless another caller waits
        for the same text.

        Args:
            texts: to tokenize and encode.
            token_ids: instead of texts, special tokens included; prompts do not apply. `Tokens`
                are taken as checked.
            input_type: which of the model's prompts goes before each text.
            truncate: cut at the model's maximum length; otherwise a longer input is refused.
            deadline: reading of `time.monotonic` after which the answer is useless.
            lane: ``interactive`` goes before ``bulk``; bulk work leaves nothing in the cache.

        Returns:
            One vector for each input, in order; the caller's own, to be changed at will.

        Raises:
            InvalidInput: not exactly one of texts and token ids, or one that cannot be encoded.
            Overloaded: too much waits.
            DeadlineExceeded: the deadline passed before all was dispatched, or will have.
            Unavailable: draining, closed or failed, or the device does not respond.
            EncodeError: the model failed on one of the inputs.
        """
        request = Request(self._tokenizer, texts, token_ids, input_type, truncate=truncate)
        start = partial(self._start, deadline=deadline, lane=lane)
        return await self._for_this_loop().embed(request, lane, start)

    def embed_sync(
        self,
        texts: Sequence[str] | None = None,
        token_ids: Sequence[Sequence[int]] | Sequence[Tokens] | None = None,
        *,
        input_type: InputType = "none",
        truncate: bool = True,
        deadline: float | None = None,
    ) -> Embedded:
        """As `embed` in the bulk lane, for a caller without an event loop; blocks.

        Nothing is taken from the cache or shared with other callers.
        """
        request = Request(self._tokenizer, texts, token_ids, input_type, truncate=truncate)
        work = self._start(request, deadline=deadline, lane="bulk")
        try:
            return work.run_sync()
        finally:
            work.cancel()

    def statistics(self) -> Statistics:
        """See `Statistics`."""
        statistics = self._scheduler.statistics()
        if self._cache is not None:
            statistics.cache = self._cache.use()
        statistics.coalesced = self._joined()
        return statistics

    def drain(self, timeout: float | None = None) -> bool:
        """See `Scheduler.drain`."""
        return self._scheduler.drain(timeout)

    def close(self) -> None:
        """Stop all threads and free the model; what waits gets `Unavailable`."""
        self._scheduler.close()
        self._pool.shutdown(cancel_futures=True)
        self._session.close()

    def _joined(self) -> int:
        flights = self._repeats and self._repeats.flights
        return flights.joined if flights else 0

    def _for_this_loop(self) -> Repeats:
        """What is shared is shared within one event loop; a program has seldom more than one."""
        loop = asyncio.get_running_loop()
        if self._repeats is None or self._repeats.mailbox.loop is not loop:
            flights = Flights(self._joined()) if self._settings.coalesce else None
            self._repeats = Repeats(Mailbox(loop), flights, self._cache, self.dimensions)
        return self._repeats

    def _start(self, request: Request, *, deadline: float | None, lane: Lane) -> Work:
        scheduler = self._scheduler
        promise = scheduler.admit(request.load(self._lengths), deadline, lane)

        def submit(part: Tokenized) -> Future[Encoded]:
            if part.size:
                whole = (entry.length for entry in part.tokens if not entry.truncated)
                self._lengths.learn(part.size, sum(whole))
            return scheduler.submit(
                part.tokens, deadline=deadline, lane=lane, first=part.first, promise=promise
            )

        try:
            tasks = self._tokenize(request)
        except BaseException:
            scheduler.release(promise)
            raise
        return Work(tasks, submit, self.dimensions, partial(scheduler.release, promise))

    def _tokenize(self, request: Request) -> list[Future[Tokenized]]:
        if not request.short:
            return [self._pool.submit(request.tokenize, part) for part in request.parts()]
        ready: list[Future[Tokenized]] = []
        for part in request.parts():
            task: Future[Tokenized] = Future()
            task.set_result(request.tokenize(part))
            ready.append(task)
        return ready
