"""Lengths of time on the command line: ``90s``, ``30m``, ``12h``, ``365d``."""

from __future__ import annotations

import re

import click

_UNITS = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_FORM = re.compile(r"(\d+(?:\.\d+)?)([smhd])", re.ASCII)


def duration(value: str) -> float:
    """Seconds of a number with a unit; the type of an option.

    Raises:
        click.BadParameter: it has another form, or is 0.
    """
    found = _FORM.fullmatch(value.strip())
    if found is None or float(found[1]) == 0.0:
        raise click.BadParameter(f"{value!r} is no length of time; write 90s, 30m, 12h or 365d")
    return float(found[1]) * _UNITS[found[2]]
