"""How commands reach a server, and what they say when there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from bertine.client import CallError, Client
from bertine.config import ServeConfig, split_address
from bertine.errors import BertineError, Unavailable
from bertine.serve.status import DETAILS_KEY

PATIENT_TIMEOUT = 600.0
"""Seconds for calls that encode much: a large model on a small machine takes its time."""

DEFAULT_TARGET = ServeConfig.__dataclass_fields__["listen"].default


_KEY = "bertine.key"


def target_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options `--target` and `--key`, one environment variable each for all commands."""
    return click.option(
        "--target",
        default=DEFAULT_TARGET,
        envvar="BERTINE_TARGET",
        show_envvar=True,
        metavar="HOST:PORT",
        help="The server.",
    )(key_option(command))


def key_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option `--key`; `given_key` has its value."""
    return click.option(
        "--key",
        envvar="BERTINE_KEY",
        show_envvar=True,
        expose_value=False,
        callback=_keep_key,
        help="The caller's key, where the server was started with --callers; better in the "
        "environment, since a command line is seen by others.",
    )(command)


def _keep_key(context: click.Context, _: click.Parameter, key: str | None) -> None:
    context.meta[_KEY] = key or ""


def given_key() -> str:
    """The key that the command was given, "" for none."""
    return str(click.get_current_context().meta.get(_KEY, ""))


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
    with reachable(target), Client(target, timeout=timeout, key=given_key()) as client:
        yield client


@contextmanager
def reachable(target: str) -> Iterator[None]:
    """Say what to do where no server answers at the target, or where it does not know the key.

    Raises:
        ConfigError: the target is not HOST:PORT.
        Unavailable: no server answers.
        BertineError: the key is missing or unknown.
    """
    split_address(target, "target")
    try:
        yield
    except CallError as error:
        if error.code == "UNAUTHENTICATED":
            raise BertineError(f"{error}; give the key with BERTINE_KEY or --key") from error
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
