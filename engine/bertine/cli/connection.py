"""How commands reach a server, and what they say when there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from bertine.client import CallError, Client
from bertine.config import ServeConfig, split_address
from bertine.errors import Unavailable
from bertine.serve.status import DETAILS_KEY

PATIENT_TIMEOUT = 600.0
"""Seconds for calls that encode much: a large model on a small machine takes its time."""

DEFAULT_TARGET = ServeConfig.__dataclass_fields__["listen"].default


def target_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option `--target`, one environment variable for all commands."""
    return click.option(
        "--target",
        default=DEFAULT_TARGET,
        envvar="BERTINE_TARGET",
        show_envvar=True,
        metavar="HOST:PORT",
        help="The server.",
    )(command)


@contextmanager
def connected(target: str, timeout: float = 60.0) -> Iterator[Client]:
    """A client; if no server answers, the error says how to start one.

    Args:
        target: HOST:PORT.
        timeout: seconds for each call.

    Raises:
        ConfigError: the target is not HOST:PORT.
        Unavailable: no server answers.
        CallError: a server answered with an error.
    """
    with reachable(target), Client(target, timeout=timeout) as client:
        yield client


@contextmanager
def reachable(target: str) -> Iterator[None]:
    """Raise `Unavailable`, with what to do, where no server answers at the target."""
    split_address(target, "target")
    try:
        yield
    except CallError as error:
        if not is_away(error):
            raise
        raise Unavailable(
            f"no server answers at {target}; start one with: "
            f"bertine serve --model MODEL --data DATA --listen {target}"
        ) from error


def is_away(error: CallError) -> bool:
    """Whether the connection failed, rather than a server that says it cannot serve now."""
    if error.code != "UNAVAILABLE":
        return False
    metadata: Any = getattr(error.__cause__, "trailing_metadata", tuple)() or ()
    return all(key != DETAILS_KEY for key, _ in metadata)
