"""One request under way: tokenized part by part, each part a job of the scheduler."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future

from bertine.encode.job import Encoded
from bertine.encode.mailbox import Mailbox
from bertine.encode.request import Embedded, Tokenized, answer


class Work:
    """A request's parts and what has become of them.

    Args:
        parts: of the request, being tokenized.
        submit: hands a tokenized part to the scheduler.
        dimensions: of a vector.
        release: gives back what is kept for parts that were not submitted.
    """

    def __init__(
        self,
        parts: Sequence[Future[Tokenized]],
        submit: Callable[[Tokenized], Future[Encoded]],
        dimensions: int,
        release: Callable[[], None],
    ) -> None:
        self._parts = parts
        self._submit = submit
        self._dimensions = dimensions
        self._release = release
        self._jobs: list[Future[Encoded]] = []

    async def run(self, mailbox: Mailbox) -> Embedded:
        """See it through. Cancelled meanwhile, it can be called again, and goes on where it was."""
        for part in self._parts[len(self._jobs) :]:
            tokenized = part.result() if part.done() else await mailbox.promise(part)
            self._jobs.append(self._submit(tokenized))
        encoded = [job.result() if job.done() else await mailbox.promise(job) for job in self._jobs]
        return self._answer(encoded)

    def run_sync(self) -> Embedded:
        """See it through; blocks."""
        for part in self._parts[len(self._jobs) :]:
            self._jobs.append(self._submit(part.result()))
        return self._answer([job.result() for job in self._jobs])

    def cancel(self) -> None:
        """Drop what is still under way; what is done stays as it is."""
        for part in self._parts:
            part.cancel()
        for job in self._jobs:
            job.cancel()
        self._release()

    def _answer(self, encoded: Sequence[Encoded]) -> Embedded:
        return answer([part.result() for part in self._parts], encoded, self._dimensions)
