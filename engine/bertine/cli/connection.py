"""How commands reach a server, and what they say when there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypedDict

import click

from bertine.client import CallError, Client, Tls
from bertine.config import ServeConfig, split_address
from bertine.errors import BertineError, Unavailable
from bertine.serve.status import DETAILS_KEY

PATIENT_TIMEOUT = 600.0
"""Seconds for calls that encode much: a large model on a small machine takes its time."""

DEFAULT_TARGET = ServeConfig.__dataclass_fields__["listen"].default


_PREFIX = "bertine."
_FILE = click.Path(path_type=Path)


class Access(TypedDict):
    """How a client comes to a server, beside its address."""

    key: str
    tls: Tls | None


def target_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--target` and `access_options`, one environment variable each for all commands."""
    return click.option(
        "--target",
        default=DEFAULT_TARGET,
        envvar="BERTINE_TARGET",
        show_envvar=True,
        metavar="HOST:PORT",
        help="The server.",
    )(access_options(command))


def access_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--key` and those of TLS; `given_access` has their values."""
    options = (
        _option(
            "--key",
            help="The caller's key, where the server was started with --callers; better in the "
            "environment, since a command line is seen by others.",
        ),
        _option("--tls", is_flag=True, help="The server has TLS."),
        _option("--ca", type=_FILE, help="PEM of authorities to know it by; means --tls too."),
        _option("--cert", type=_FILE, help="PEM of this client's certificate, if it needs one."),
        _option("--cert-key", type=_FILE, help="PEM of that certificate's key."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _option(name: str, **settings: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    variable = "BERTINE_" + name.strip("-").replace("-", "_").upper()
    return click.option(
        name, envvar=variable, show_envvar=True, expose_value=False, callback=_keep, **settings
    )


def _keep(context: click.Context, parameter: click.Parameter, value: object) -> None:
    context.meta[f"{_PREFIX}{parameter.name}"] = value


def given_access() -> Access:
    """What the command was given of `access_options`."""
    meta = click.get_current_context().meta
    key, tls, *files = (
        meta.get(_PREFIX + name) for name in ("key", "tls", "ca", "cert", "cert_key")
    )
    return {"key": key or "", "tls": Tls(*files) if tls or any(files) else None}


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
    with reachable(target), Client(target, timeout=timeout, **given_access()) as client:
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
            f"no server answers at {target} ({_asked()}); start one with: "
            f"bertine serve --model MODEL --data DATA --listen {target}"
        ) from error


def _asked() -> str:
    return "by TLS" if given_access()["tls"] else "without TLS, see --ca"


def is_away(error: CallError) -> bool:
    """Whether the connection failed, rather than a server that says it cannot serve now."""
    if error.code != "UNAVAILABLE":
        return False
    metadata: Any = getattr(error.__cause__, "trailing_metadata", tuple)() or ()
    return all(key != DETAILS_KEY for key, _ in metadata)
