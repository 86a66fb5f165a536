"""`bertine tune`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from bertine.cli.connection import connected, target_option
from bertine.cli.lines import read_lines
from bertine.cli.tables import console
from bertine.client import Client
from bertine.index.queries import CAPACITY
from bertine.types import Matrix
from bertine.v1 import index_pb2
from bertine.wire.indexes import LEAST_RECALL, MOST_RECALL

_TIMEOUT = 4 * 3_600.0
_COLUMNS = ("index", "nprobe", "refine", "recall", "at least", "queries/s", "bytes/vector", "")


@click.command()
@click.argument("collection")
@click.option(
    "--recall",
    type=click.FloatRange(LEAST_RECALL, MOST_RECALL),
    show_default=False,
    show_envvar=True,
    help="Part of the ten best items that must be found.  [default: as it was tuned before]",
)
@click.option(
    "--queries",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    show_envvar=True,
    help="Texts such as users ask, one a line; - is standard input.  "
    "[default: the latest searches]",
)
@target_option
def tune(collection: str, recall: float | None, queries: Path | None, target: str) -> None:
    """Choose a collection's trained index by measurement.

    \b
    bertine tune books --recall 0.95
    bertine tune books --recall 0.95 --queries queries.txt

    The server tries several kinds of index on the collection, each with the least effort that
    surely finds enough: the lower bound of recall must reach --recall. It keeps the fastest, for
    later rebuilds too. Searches and changes go on meanwhile. A thousand queries are enough; of a
    longer file, the first lines are taken.
    """  # noqa: D301 - \b is click's mark for text that is not rewrapped
    with connected(target, _TIMEOUT) as client:
        vectors = None if queries is None else _vectors(client, queries)
        _show(client.tune(collection, recall=recall, queries=vectors), collection)


def _vectors(client: Client, file: Path) -> Matrix:
    texts = list(islice(dict.fromkeys(read_lines(file)), CAPACITY))
    return client.embed(texts, input_type="query")


def _show(done: index_pb2.TuneCollectionResponse, collection: str) -> None:
    if not done.trials:
        click.echo(f"collection {collection!r} is small: it is searched exactly")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in _COLUMNS:
        table.add_column(column, justify="left" if column in {"index", ""} else "right")
    for trial in done.trials:
        table.add_row(*map(Text, _cells(trial)))
    console().print(table)
    click.echo(_conclusion(done))


def _cells(trial: index_pb2.IndexTrial) -> Iterator[str]:
    searched = bool(trial.nprobe)
    yield trial.kind
    yield str(trial.nprobe) if searched else ""
    yield str(trial.refine) if searched else ""
    yield f"{trial.recall:.4f}"
    yield f"{trial.recall_lower:.4f}"
    yield f"{1 / trial.seconds:,.0f}" if trial.seconds else ""
    yield f"{trial.bytes_per_vector:,.0f}"
    yield "chosen" if trial.chosen else ""


def _conclusion(done: index_pb2.TuneCollectionResponse) -> str:
    who = "queries" if done.source == "queries" else "items that stood in for queries"
    measured = f"measured with {done.queries:,} {who}, for a recall of {done.recall:g}"
    if done.source == "queries" or not done.index.nprobe:
        return measured
    return f"{measured}; users' queries are harder, so searches visit {done.index.nprobe} lists"
