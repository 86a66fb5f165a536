"""Options of `bertine recommend` that say what the list must look like and for where it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click

from bertine.client.options import RecommendOptions

_CONTEXT = ("place", "device")
_SAME_NAME = ("diversity", "interests", "negatives", "exploration", "seed", "backfill")


def read_pairs(
    _context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, float]:
    """``NAME=NUMBER`` values of an option."""
    pairs: dict[str, float] = {}
    for value in values:
        name, equals, number = value.rpartition("=")
        try:
            pairs[name] = float(number)
        except ValueError:
            equals = ""
        if not (name and equals):
            raise click.BadParameter(f"{value!r} is not NAME=NUMBER", param=parameter)
    return pairs


_RULES = (
    click.option(
        "--diversity",
        type=click.FloatRange(0, 1),
        show_envvar=True,
        help="Share of novelty in the choice of each item.  [default: 0]",
    ),
    click.option(
        "--cap",
        "caps",
        multiple=True,
        callback=read_pairs,
        metavar="ATTRIBUTE=N",
        help="At most so many items of one value: author=2; repeatable.",
    ),
    click.option(
        "--exploration",
        type=click.FloatRange(0, 0.5),
        show_envvar=True,
        help="Share of the places for items that nobody has seen yet.  [default: 0]",
    ),
    click.option(
        "--seed", type=click.IntRange(min=0), show_envvar=True, help="Of the exploration."
    ),
    click.option(
        "--backfill/--no-backfill",
        default=True,
        show_envvar=True,
        help="Fill what is left open with popular items.",
    ),
)
"""What the list must look like."""

_USER = (
    click.option(
        "--interests",
        type=click.IntRange(1, 8),
        show_envvar=True,
        help="Split the history into at most so many.  [default: what it shows, up to 4]",
    ),
    click.option(
        "--negatives",
        type=click.Choice(["subtract", "mirror", "best_score"]),
        default="subtract",
        show_envvar=True,
        help="How dislikes count.",
    ),
    click.option(
        "--channel",
        "channels",
        multiple=True,
        callback=read_pairs,
        metavar="NAME=WEIGHT",
        help="Instead of the fitted weights: content=1 is content alone; repeatable.",
    ),
    click.option(
        "--epsilon",
        type=click.FloatRange(min=0, min_open=True),
        show_envvar=True,
        help="Blur the profile, for so much privacy a call: see docs/quality.md.",
    ),
    click.option("--place", show_envvar=True, help="Region of the user."),
    click.option("--device", show_envvar=True, help="Kind of device of the user."),
)
"""How the history counts, and where the user is."""


def list_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command."""
    for option in reversed((*_RULES, *_USER)):
        command = option(command)
    return command


def read_list_options(own: Mapping[str, Any], into: RecommendOptions) -> None:
    """Put what was given into the options of a call."""
    for name in _SAME_NAME:
        if own[name] is not None:
            into[name] = own[name]  # type: ignore[literal-required]
    if own["epsilon"] is not None:
        into["noise"] = own["epsilon"]
    if own["caps"]:
        into["caps"] = {name: int(most) for name, most in own["caps"].items()}
    if own["channels"]:
        into["channel_weights"] = own["channels"]
    into["context"] = {name: own[name] for name in _CONTEXT if own[name]}
