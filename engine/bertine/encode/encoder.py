"""The facade of this package: texts in, vectors out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Self

from bertine.artifact import Artifact, Manifest
from bertine.encode.batching import BatchLimits
from bertine.encode.contract import Session
from bertine.encode.cores import usable_cores
from bertine.encode.job import Encoded
from bertine.encode.request import Embedded, Request, Tokenized, answer
from bertine.encode.scheduler import Scheduler
from bertine.encode.session import OnnxSession
from bertine.encode.statistics import BatchReport, Statistics
from bertine.encode.tokenizer import Tokenizer
from bertine.errors import ArtifactError
from bertine.types import InputType

# Precisions by device, the preferred first. On a CPU int8 is 1.6 times as fast as fp32 and costs
# 0.3 points of Spearman.
_PREFERENCE = {"cpu": ("int8", "fp32")}

DEFAULT_LIMITS = BatchLimits()
DEFAULT_MAX_WAITING_TOKENS = 262_144


class Encoder:
    """A tokenizer, a model, and the threads that keep them busy.

    Args:
        manifest: of the model.
        variant: which variant of it ``session`` is.
        tokenizer: of the model.
        session: closed with the encoder.
        limits: of a batch.
        max_waiting_tokens: see `Scheduler`.
        on_batch: see `Scheduler`.
    """

    def __init__(
        self,
        manifest: Manifest,
        variant: str,
        tokenizer: Tokenizer,
        session: Session,
        *,
        limits: BatchLimits = DEFAULT_LIMITS,
        max_waiting_tokens: int = DEFAULT_MAX_WAITING_TOKENS,
        on_batch: Callable[[BatchReport], None] | None = None,
    ) -> None:
        self.manifest = manifest
        self.variant = variant
        self.fingerprint = manifest.fingerprint(variant)
        self.dimensions = session.dimensions
        self.provider = session.provider
        self._tokenizer = tokenizer
        self._session = session
        self._scheduler = Scheduler(
            session,
            pad_token_id=manifest.pad_token_id,
            limits=limits,
            max_waiting_tokens=max_waiting_tokens,
            on_batch=on_batch,
        )
        self._pool = ThreadPoolExecutor(usable_cores(), thread_name_prefix="bertine-tokenizer")

    @classmethod
    def open(
        cls,
        artifact: Artifact,
        *,
        variant: str = "auto",
        device: str = "cpu",
        threads: int | None = None,
        limits: BatchLimits = DEFAULT_LIMITS,
        max_waiting_tokens: int = DEFAULT_MAX_WAITING_TOKENS,
        on_batch: Callable[[BatchReport], None] | None = None,
    ) -> Self:
        """Load a model; its hashes are verified before anything is read.

        Args:
            artifact: see `bertine.artifact.load`.
            variant: a name, or ``auto``: the fastest that is meant for the device.
            device: ``cpu``.
            threads: of one operator; None is one for each usable core.
            limits: of a batch.
            max_waiting_tokens: see `Scheduler`.
            on_batch: see `Scheduler`.

        Raises:
            ArtifactError: a file is damaged, or nothing fits the device.
            NotFound: no such variant.
            ConfigError: a setting that cannot work.
        """
        manifest = artifact.manifest
        name = _choose_variant(manifest, device) if variant == "auto" else variant
        path = artifact.path(name)
        artifact.verify(name)
        tokenizer = Tokenizer(
            artifact.tokenizer_path,
            max_length=manifest.max_length,
            vocab_size=manifest.vocab_size,
            prompts=manifest.prompts,
        )
        session = OnnxSession(path, dimensions=manifest.dimensions, threads=threads, device=device)
        return cls(
            manifest,
            name,
            tokenizer,
            session,
            limits=limits,
            max_waiting_tokens=max_waiting_tokens,
            on_batch=on_batch,
        )

    @property
    def alive(self) -> bool:
        """Whether it can still serve, see `Scheduler.alive`."""
        return self._scheduler.alive

    def warm_up(self) -> None:
        """Run a few shapes, so that the first caller does not pay for first allocations."""
        for words, rows in ((8, 1), (16, 8), (self.manifest.max_length, 4)):
            self.embed_sync(["a " * words] * rows)

    async def embed(
        self,
        texts: Sequence[str] | None = None,
        token_ids: Sequence[Sequence[int]] | None = None,
        *,
        input_type: InputType = "none",
        truncate: bool = True,
        deadline: float | None = None,
    ) -> Embedded:
        """Encode texts, or token ids, for a caller on an event loop.

        Cancelling the awaiting task drops what is not yet dispatched.

        Args:
            texts: to tokenize and encode.
            token_ids: instead of texts, special tokens included; prompts do not apply.
            input_type: which of the model's prompts goes before each text.
            truncate: cut at the model's maximum length; otherwise a longer input is refused.
            deadline: reading of `time.monotonic` after which the answer is useless.

        Returns:
            One vector for each input, in order.

        Raises:
            InvalidInput: not exactly one of texts and token ids, or one that cannot be encoded.
            Overloaded: too much waits.
            DeadlineExceeded: the deadline passed before all was dispatched.
            Unavailable: draining, closed or failed.
            EncodeError: the model failed on one of the inputs.
        """
        request = Request(self._tokenizer, texts, token_ids, input_type, truncate=truncate)
        self._scheduler.admit(request.inputs, deadline)
        tasks = self._tokenize(request, inline=request.short)
        jobs: list[Future[Encoded]] = []
        try:
            for task in tasks:
                part = task.result() if task.done() else await asyncio.wrap_future(task)
                jobs.append(self._submit(part, deadline))
            encoded = [await asyncio.wrap_future(job) for job in jobs]
        finally:
            _cancel(tasks, jobs)
        return answer([task.result() for task in tasks], encoded, self.dimensions)

    def embed_sync(
        self,
        texts: Sequence[str] | None = None,
        token_ids: Sequence[Sequence[int]] | None = None,
        *,
        input_type: InputType = "none",
        truncate: bool = True,
        deadline: float | None = None,
    ) -> Embedded:
        """As `embed`, for a caller without an event loop; blocks."""
        request = Request(self._tokenizer, texts, token_ids, input_type, truncate=truncate)
        self._scheduler.admit(request.inputs, deadline)
        tasks = self._tokenize(request, inline=request.short)
        jobs: list[Future[Encoded]] = []
        try:
            for task in tasks:
                jobs.append(self._submit(task.result(), deadline))  # noqa: PERF401  may raise midway
            encoded = [job.result() for job in jobs]
        finally:
            _cancel(tasks, jobs)
        return answer([task.result() for task in tasks], encoded, self.dimensions)

    def statistics(self) -> Statistics:
        """See `Scheduler.statistics`."""
        return self._scheduler.statistics()

    def drain(self, timeout: float | None = None) -> bool:
        """See `Scheduler.drain`."""
        return self._scheduler.drain(timeout)

    def close(self) -> None:
        """Stop all threads and free the model; what waits gets `Unavailable`."""
        self._scheduler.close()
        self._pool.shutdown(cancel_futures=True)
        self._session.close()

    def _tokenize(self, request: Request, *, inline: bool) -> list[Future[Tokenized]]:
        if not inline:
            return [self._pool.submit(request.tokenize, part) for part in request.parts()]
        ready: list[Future[Tokenized]] = []
        for part in request.parts():
            task: Future[Tokenized] = Future()
            task.set_result(request.tokenize(part))
            ready.append(task)
        return ready

    def _submit(self, part: Tokenized, deadline: float | None) -> Future[Encoded]:
        return self._scheduler.submit(part.tokens, deadline=deadline, first=part.first)


def _cancel(tasks: Sequence[Future[Tokenized]], jobs: Sequence[Future[Encoded]]) -> None:
    """Drop what is still under way; what is done stays as it is."""
    for task in tasks:
        task.cancel()
    for job in jobs:
        job.cancel()


def _choose_variant(manifest: Manifest, device: str) -> str:
    for precision in _PREFERENCE.get(device, ()):
        for variant in manifest.variants:
            if variant.precision == precision and variant.provider == device:
                return variant.name
    have = ", ".join(variant.name for variant in manifest.variants)
    raise ArtifactError(
        f"no variant of {manifest.name} is meant for device {device!r}, it has: {have}; "
        "export one or name a variant"
    )
