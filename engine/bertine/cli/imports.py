"""`bertine import`."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, cast

import click

from bertine.cli.connection import PATIENT_TIMEOUT, given_access, is_away, reachable, target_option
from bertine.cli.progress import progress
from bertine.cli.row_items import Columns
from bertine.cli.rows import BadRow, FileFormat, Rows, format_of, open_rows
from bertine.cli.sending import Sender, batches
from bertine.cli.vector_columns import columns_of, named_vectors_option, vectors_option
from bertine.client import AsyncClient, CallError, UpsertCounts
from bertine.client.requests import UPSERT_CHUNK
from bertine.errors import BertineError
from bertine.types import NamedVector
from bertine.v1.catalog_pb2 import Collection
from bertine.wire.items import named_vectors_from_wire

AGAIN = "run the same command again to go on: what is there already is not encoded again"
EXIT_INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class _Job:
    """The command line."""

    file: Path
    file_format: FileFormat
    collection: str
    target: str
    template: str | None
    id_column: str
    text_column: str | None
    batch: int
    in_flight: int
    limit: int | None
    named_vectors: tuple[NamedVector, ...]
    vectors: dict[str, str]


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--collection", required=True, show_envvar=True, help="Made if it is not there.")
@target_option
@click.option(
    "--template",
    show_envvar=True,
    help="Composes the text that is encoded from the columns: '{title}. {blurb}'.  "
    "[default: that of the collection]",
)
@click.option("--id-column", default="id", show_envvar=True, help="Holds the items' ids.")
@click.option(
    "--text-column",
    show_envvar=True,
    help="Holds the text that is encoded.  [default: text, unless the collection has a template]",
)
@named_vectors_option
@vectors_option
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["auto", "jsonl", "csv", "parquet"]),
    default="auto",
    envvar="BERTINE_IMPORT_FORMAT",
    show_envvar=True,
    help="auto goes by the file's name.",
)
@click.option(
    "--batch",
    type=click.IntRange(1, UPSERT_CHUNK),
    default=256,
    show_envvar=True,
    help="Items in one request.",
)
@click.option(
    "--in-flight",
    type=click.IntRange(min=1),
    default=3,
    show_envvar=True,
    help="Requests at a time, so that the encoder never waits for the next.",
)
@click.option(
    "--limit", type=click.IntRange(min=1), show_envvar=True, help="Only so many rows, to try out."
)
def import_items(file: Path, file_format: str, **options: Any) -> None:
    """Store the items of a file in a collection: JSON Lines, CSV (both also .gz) or Parquet.

    \b
    bertine import books.jsonl --collection books --template '{title}. {blurb}'
    bertine import films.csv.gz --collection films --id-column imdb --text-column plot
    bertine import shoes.parquet --collection shoes --named-vector image:512:0.3 --vector image=clip

    Every column is an attribute, to filter by and to show, except the id, the text, `vector` (a
    list of numbers, used instead of encoding the text), the named vectors, `available_from` and
    `available_until` (seconds since 1970 or ISO 8601 times between which the item is found) and
    `expire_time` (when it is deleted). A list of strings is several values. In a CSV an empty value
    is none, and 7, 0.5, true and false are a number and truth values, while 007 stays text; a
    vector is written as "[0.5, -1]".

    An import may be interrupted at any time and run again: what is there already, unchanged, is
    not encoded again. If an id comes twice, the later row counts.
    """  # noqa: D301 - \b is click's mark for text that is not rewrapped
    chosen = format_of(file) if file_format == "auto" else cast("FileFormat", file_format)
    job = _Job(file=file, file_format=chosen, **options)
    started = time.perf_counter()
    with reachable(job.target):
        counts, finished = asyncio.run(_import(job))
    if not finished:
        click.echo(f"interrupted: {counts.total:,} items are acknowledged; {AGAIN}", err=True)
        sys.exit(EXIT_INTERRUPTED)
    seconds = time.perf_counter() - started
    click.echo(
        f"{counts.total:,} items in {seconds:,.1f} s, {counts.total / seconds:,.0f}/s: "
        f"{counts.inserted:,} inserted, {counts.updated:,} updated, {counts.unchanged:,} unchanged"
    )


async def _import(job: _Job) -> tuple[UpsertCounts, bool]:
    """What is acknowledged, and whether it is all."""
    async with AsyncClient(job.target, timeout=PATIENT_TIMEOUT, **given_access()) as client:
        columns = await _columns(client, job)
        with (
            open_rows(job.file, job.file_format, columns.verbatim) as source,
            progress(source.total, "items") as report,
        ):
            sender = Sender(client, job.collection, job.in_flight, report)
            with _stopping(sender):
                await _run(sender, source, columns, job)
            return sender.counts, not sender.stop.is_set()


async def _columns(client: AsyncClient, job: _Job) -> Columns:
    """Which columns are no attributes; makes the collection if need be.

    A template composes the text unless a column of texts was named: were a column `text` to win
    over a template by chance, the template would silently do nothing.
    """
    made = await _collection(client, job)
    text = job.text_column or ("" if made.text_template else "text")
    return Columns(job.id_column, text, columns_of([v.name for v in made.vectors], job.vectors))


async def _collection(client: AsyncClient, job: _Job) -> Collection:
    """The collection, made if need be; one that is there with other settings is refused."""
    try:
        there = await client.get_collection(job.collection)
    except CallError as error:
        if error.code != "NOT_FOUND":
            raise
        there = None
    given = job.template is not None or job.named_vectors
    if there is not None and not given:
        return there
    template, vectors = job.template, job.named_vectors
    if there is not None:  # what is not given is as it is
        template = there.text_template if template is None else template
        vectors = vectors or named_vectors_from_wire(there.vectors)
    return await client.create_collection(
        job.collection, text_template=template or "", vectors=vectors, exist_ok=True
    )


async def _run(sender: Sender, source: Rows, columns: Columns, job: _Job) -> None:
    rows = islice(source.rows, job.limit)
    try:
        await sender.run(batches(rows, columns, job.batch))
    except BadRow as error:
        raise BertineError(
            f"{job.file}, {error}; {sender.counts.total:,} items are acknowledged; "
            f"mend it and {AGAIN}"
        ) from error
    except CallError as error:
        problem = f"the server at {job.target} went away" if is_away(error) else str(error)
        raise BertineError(
            f"{problem}; {sender.counts.total:,} items are acknowledged; {AGAIN}"
        ) from error


@contextmanager
def _stopping(sender: Sender) -> Iterator[None]:
    """Stop sending at the first signal; a second one ends the process as usual."""
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM)

    def restore() -> None:
        for number in numbers:
            loop.remove_signal_handler(number)

    def stop() -> None:
        restore()
        click.echo("stopping: waiting for the requests under way", err=True)
        sender.stop.set()

    for number in numbers:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        restore()
