"""`bertine search`, `bertine similar` and `bertine recommend`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import click

from bertine.cli.conditions import parse_conditions
from bertine.cli.connection import connected, target_option
from bertine.cli.list_options import list_options, read_list_options, read_pairs
from bertine.cli.tables import print_hits, print_json, title_of
from bertine.client import Client, Found, HistoryEntry
from bertine.client.options import RecommendOptions, SearchOptions
from bertine.client.requests import chunks
from bertine.errors import InvalidInput
from bertine.index.filters import Filter

_IDS_PER_CALL = 1_000


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The options that all three commands have."""

    target: str
    top_k: int
    min_score: float | None
    filter: Filter | None
    json: bool
    vector_weights: dict[str, float]

    @property
    def options(self) -> SearchOptions:
        """For a call."""
        return {
            "top_k": self.top_k,
            "min_score": self.min_score,
            "filter": self.filter,
            "include_items": True,
            "vector_weights": self.vector_weights,
        }


def _read_filter(
    _context: click.Context, _parameter: click.Parameter, conditions: tuple[str, ...]
) -> Filter | None:
    try:
        return parse_conditions(conditions)
    except InvalidInput as error:
        raise click.BadParameter(error.problem) from error


def _wanted_options(command: Callable[..., Any]) -> Callable[..., Any]:
    options = (
        target_option,
        click.option(
            "--top-k", type=click.IntRange(min=1), default=10, show_envvar=True, help="How many."
        ),
        click.option(
            "--min-score",
            type=click.FloatRange(-1, 1),
            show_envvar=True,
            help="Leave out what is less similar.",
        ),
        click.option(
            "--filter",
            multiple=True,
            callback=_read_filter,
            metavar="CONDITION",
            help="Only what matches: year>=1900, genre=play|poem, genre!=play; repeat it for "
            "several conditions that must all hold. Quote it for the shell.",
        ),
        click.option(
            "--vector-weight",
            "vector_weights",
            multiple=True,
            callback=read_pairs,
            metavar="NAME=WEIGHT",
            help="Lets a part of the vectors count less, 0 to 1: image=0.5, or text=0; repeatable.",
        ),
        click.option("--json", is_flag=True, show_envvar=True, help="A JSON object a line."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _split(options: dict[str, Any]) -> tuple[_Wanted, dict[str, Any]]:
    """The shared options, and the others."""
    shared = {name: options.pop(name) for name in _Wanted.__slots__}
    return _Wanted(**shared), options


@click.command()
@click.argument("collection")
@click.argument("query", nargs=-1, required=True)
@_wanted_options
def search(collection: str, query: tuple[str, ...], **options: Any) -> None:
    """Show the items most similar to a text.

    \b
    bertine search books a ship and a whale
    bertine search books 'life in Paris' --filter 'year>=1800' --filter 'genre=novel|play'

    The words of QUERY need no quotes. Scores are cosine similarities, 1 is the most.
    """  # noqa: D301 - \b is click's mark for text that is not rewrapped
    wanted, _ = _split(options)
    with connected(wanted.target) as client:
        _show(client.search(collection, " ".join(query), **wanted.options), wanted, collection)


@click.command()
@click.argument("collection")
@click.argument("item_id")
@_wanted_options
def similar(collection: str, item_id: str, **options: Any) -> None:
    """Show the items most similar to an item, which is itself left out.

    \b
    bertine similar books moby-dick --top-k 5
    """  # noqa: D301 - \b is click's mark for text that is not rewrapped
    wanted, _ = _split(options)
    with connected(wanted.target) as client:
        _show(client.similar(collection, item_id, **wanted.options), wanted, collection)


@click.command()
@click.argument("collection")
@click.argument("item_ids", nargs=-1, metavar="[ITEM_ID]...")
@click.option(
    "--user",
    default="",
    show_default=False,
    show_envvar=True,
    help="Whose recorded events go before.",
)
@click.option("--text", "texts", multiple=True, help="Something liked, in words; repeatable.")
@click.option(
    "--explain/--no-explain",
    default=True,
    show_envvar=True,
    help="Say which of the history carried each item.",
)
@click.option(
    "--half-life",
    type=click.FloatRange(min=0, min_open=True),
    show_envvar=True,
    help="Entries back from the latest after which one counts half.  [default: 1]",
)
@click.option(
    "--include-seen", is_flag=True, show_envvar=True, help="Show the history's items too."
)
@list_options
@_wanted_options
def recommend(collection: str, item_ids: tuple[str, ...], **options: Any) -> None:
    """Recommend items for a history: of items, of a user, of texts.

    \b
    bertine recommend books dune hyperion
    bertine recommend books --user ada --text 'something with ships'

    Give the oldest first: the latest counts most. Texts come after the items.
    """  # noqa: D301 - \b is click's mark for text that is not rewrapped
    wanted, own = _split(options)
    texts = own["texts"]
    if not (item_ids or texts or own["user"]):
        raise click.UsageError("Give at least one ITEM_ID, --user or --text to recommend for.")
    history: list[HistoryEntry | str] = [*item_ids, *(HistoryEntry(text=text) for text in texts)]
    with connected(wanted.target) as client:
        titles = _titles(client, collection, item_ids)
        _warn_of_unknown(item_ids, titles, collection)
        hits = client.recommend(
            collection, history=history, user=own["user"], **_recommend_options(wanted, own)
        )
        others = {reason.item_id for hit in hits for reason in hit.reasons} - titles.keys() - {""}
        titles |= _titles(client, collection, others)
    _show(hits, wanted, collection, titles if own["explain"] else None)


def _recommend_options(wanted: _Wanted, own: dict[str, Any]) -> RecommendOptions:
    options = cast("RecommendOptions", wanted.options)
    options["exclude_seen"] = not own["include_seen"] and own["epsilon"] is None
    options["explain"] = own["explain"]
    if own["half_life"] is not None:
        options["position_half_life"] = own["half_life"]
    read_list_options(own, options)
    return options


def _titles(client: Client, collection: str, ids: Iterable[str]) -> dict[str, str]:
    """What those of the items are called that are there."""
    titles: dict[str, str] = {}
    for chunk in chunks(dict.fromkeys(ids), _IDS_PER_CALL):
        items = client.get_items(collection, chunk)
        titles |= {id_: title_of(item) for id_, item in items.items()}
    return titles


def _warn_of_unknown(ids: Sequence[str], titles: dict[str, str], collection: str) -> None:
    for id_ in dict.fromkeys(ids):
        if id_ not in titles:
            click.echo(f"bertine: collection {collection!r} has no item {id_!r}", err=True)


def _show(
    hits: Sequence[Found],
    wanted: _Wanted,
    collection: str,
    titles: dict[str, str] | None = None,
) -> None:
    if wanted.json:
        print_json(hits)
    elif hits:
        print_hits(hits, titles)
    else:
        click.echo(_nothing(wanted, collection))


def _nothing(wanted: _Wanted, collection: str) -> str:
    limits = [
        name
        for name, value in (("--filter", wanted.filter), ("--min-score", wanted.min_score))
        if value is not None
    ]
    ways = f"; loosen {' or '.join(limits)}" if limits else ""
    return f"nothing found in collection {collection!r}{ways}"
