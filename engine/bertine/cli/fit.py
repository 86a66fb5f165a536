"""`bertine fit`."""

from __future__ import annotations

import click
from rich.table import Table
from rich.text import Text

from bertine.cli.connection import connected, target_option
from bertine.cli.tables import console
from bertine.v1 import recommendation_pb2
from bertine.wire.learned import MOST_VALIDATION

_TIMEOUT = 4 * 3_600.0


@click.command()
@click.argument("collection")
@click.option(
    "--validation-share",
    type=click.FloatRange(0, MOST_VALIDATION),
    default=0.1,
    show_envvar=True,
    help="The latest share of the events that channels are weighed by.",
)
@click.option(
    "--keep-weights",
    is_flag=True,
    show_envvar=True,
    help="Learn anew with the weights there are.",
)
@target_option
def fit(collection: str, validation_share: float, *, keep_weights: bool, target: str) -> None:
    """Learn from a collection's recorded events, and weigh the channels.

    \b
    bertine fit books
    bertine fit books --validation-share 0.2

    The server learns from the older events what users do, and chooses the weights of the channels
    that would have served users best in the latest part of the events. It does so by itself as
    events come in; this asks for it now, and shows the result.
    """  # noqa: D301 - \b is click's mark for text that is not rewrapped
    with connected(target, _TIMEOUT) as client:
        done = client.fit(collection, validation_share=validation_share, keep_weights=keep_weights)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("channel")
    for name in ("weight", "without what was seen"):
        table.add_column(name, justify="right")
    for channel in done.channels:
        weights = channel.new_weight, channel.weight
        table.add_row(Text(channel.name), *(Text(f"{weight:.4f}") for weight in reversed(weights)))
    console().print(table)
    click.echo(
        f"learned from {done.events:,} events of {done.users:,} users with {done.items:,} items"
    )
    click.echo(_validated(done))
    if done.message:
        click.echo(done.message)


def _validated(done: recommendation_pb2.LearnedStatus) -> str:
    if not done.validation_rows:
        return "the weights were not measured: there is no validation window"
    return (
        f"NDCG@10 on the latest {done.validation_rows:,} events: {done.validation_ndcg:.4f}; "
        f"content alone: {done.content_ndcg:.4f}"
    )
