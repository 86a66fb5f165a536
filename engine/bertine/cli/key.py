"""`bertine key`."""

from __future__ import annotations

import click

from bertine.serve.callers.caller import RIGHTS
from bertine.serve.callers.file import is_name
from bertine.serve.callers.keys import digest_of, new_key


def _check_name(_context: click.Context, _parameter: click.Parameter, name: str) -> str:
    if not is_name(name):
        raise click.BadParameter("write 1 to 64 characters of a-z A-Z 0-9 _ - .")
    return name


@click.command()
@click.option(
    "--name",
    default="shop",
    callback=_check_name,
    show_envvar=True,
    help="Of the caller who will have the key.",
)
@click.option(
    "--may",
    type=click.Choice(RIGHTS),
    multiple=True,
    default=("read",),
    show_envvar=True,
    help="What it may do; repeat it for several rights: read sees items, write changes them, "
    "record stores events, admin is about whole collections. None includes another.",
)
def key(name: str, may: tuple[str, ...]) -> None:
    """Make a random key for a caller, and the entry that lets a server know it.

    \b
    bertine key --name shop --may read --may record
    bertine key --name shop --may read >> callers.toml
    BERTINE_KEY=<the key> bertine search books a ship and a whale

    The entry goes to standard output, for the file that `bertine serve --callers FILE` reads. It
    holds the key's SHA-256 only. The key goes to standard error, and nowhere else: give it to the
    caller, who sends it with every call as the metadata `authorization: Bearer KEY`. To change a
    key without a gap, put two hashes into key_sha256, give out the new key, then take the old hash
    away: the server reads the file again when it changes. collections = ["shop-*"] holds a caller
    to some collections, filter = {tenant = "shop"} to items that match.
    """  # noqa: D301 - \b is click's mark for text that is not rewrapped
    made = new_key()
    rights = ", ".join(f'"{right}"' for right in dict.fromkeys(may))
    click.echo(f"key: {made}", err=True)
    click.echo(
        f'[[caller]]\nname = "{name}"\nkey_sha256 = ["{digest_of(made).hex()}"]\nmay = [{rights}]'
    )
