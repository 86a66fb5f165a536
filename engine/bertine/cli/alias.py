"""`bertine alias set`, `bertine alias delete` and `bertine alias list`."""

from __future__ import annotations

import json

import click

from bertine.cli.connection import connected, target_option


@click.group()
def alias() -> None:
    """Give a collection another name, which can be moved to another collection.

    \b
    bertine import books.jsonl --collection books-2
    bertine alias set books books-2

    Calls that name the alias see the collection that it stands for. So a collection is built anew
    beside the one in use, and takes its place at once.
    """  # noqa: D301 - \b is click's mark for text that is not rewrapped


@alias.command("set")
@click.argument("name")
@click.argument("collection")
@target_option
def set_(name: str, collection: str, target: str) -> None:
    """Let an alias stand for a collection, instead of another if it stood for one.

    \b
    bertine alias set books books-2
    """  # noqa: D301 - as above
    with connected(target) as client:
        previous = client.set_alias(name, collection)
    before = f" instead of {previous}" if previous not in {"", collection} else ""
    click.echo(f"{name} stands for collection {collection}{before}")


@alias.command()
@click.argument("name")
@target_option
def delete(name: str, target: str) -> None:
    """Delete an alias; its collection stays.

    \b
    bertine alias delete books
    """  # noqa: D301 - as above
    with connected(target) as client:
        collection = client.delete_alias(name)
    click.echo(f"{name} is deleted; it stood for collection {collection}, which stays")


@alias.command("list")
@click.option(
    "--collection",
    default="",
    show_default=False,
    show_envvar=True,
    help="Only the aliases of this one.",
)
@click.option("--json", "as_json", is_flag=True, show_envvar=True, help="A JSON object a line.")
@target_option
def list_(collection: str, target: str, *, as_json: bool) -> None:
    """Show the aliases and the collections that they stand for.

    \b
    bertine alias list --collection books-2
    """  # noqa: D301 - as above
    with connected(target) as client:
        aliases = client.list_aliases(collection)
    for name, stands_for in aliases.items():
        if as_json:
            click.echo(json.dumps({"alias": name, "collection": stands_for}, ensure_ascii=False))
        else:
            click.echo(f"{name}  {stands_for}")
    if not aliases and not as_json:
        click.echo("there are no aliases; make one with: bertine alias set NAME COLLECTION")
