"""The option `--config` of a command: a file with defaults for its other options."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from bertine.errors import ConfigError


def config_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add it."""
    return click.option(
        "--config",
        type=click.Path(path_type=Path),
        is_eager=True,
        callback=_read_config,
        show_envvar=True,
        help="TOML file whose [serve] table holds any of these options.",
    )(command)


def _read_config(context: click.Context, _: click.Parameter, path: Path | None) -> Path | None:
    """Take the options of a TOML file's [serve] table as defaults."""
    if path is None:
        return None
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    table = tables.pop("serve", {})
    if tables or not isinstance(table, dict):
        name = next(iter(tables), "serve")
        raise ConfigError(f"{path}: {name!r} is not read; put the options into a [serve] table")
    values = {name.replace("-", "_"): value for name, value in table.items()}
    known = {parameter.name for parameter in context.command.params} - {"config"}
    unknown = sorted(set(values) - known)
    if unknown:
        have = ", ".join(sorted(name.replace("_", "-") for name in known if name))
        raise ConfigError(f"{path}: [serve] has no setting {unknown[0]!r}; it has: {have}")
    context.default_map = values
    return path
