"""Options of `bertine serve` that say who may call, and how calls are kept from others' eyes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

_FILE = click.Path(path_type=Path)
_OPTIONS = (
    click.option(
        "--tls-cert",
        type=_FILE,
        show_envvar=True,
        help="PEM of the server's certificate, those of authorities in between after it; read "
        "again when it changes. The grpc transport only.  [default: no TLS]",
    ),
    click.option("--tls-key", type=_FILE, show_envvar=True, help="PEM of its key, not encrypted."),
    click.option(
        "--tls-client-ca",
        type=_FILE,
        show_envvar=True,
        help="PEM of authorities: only who has a certificate of one of them may connect.  "
        "[default: everybody may]",
    ),
    click.option(
        "--callers",
        type=_FILE,
        show_envvar=True,
        help="TOML file of those who may call, with the hashes of their keys, and of what each "
        "may; read again when it changes. `bertine key` makes an entry. Keys travel as they are "
        "sent: beyond this machine, use TLS.  [default: everybody may do everything]",
    ),
)


def access_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add them."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
