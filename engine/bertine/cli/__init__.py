"""The command line: `bertine COMMAND`. Each command is one module, imported when it is called."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.metadata import entry_points

import click

from bertine import __version__
from bertine.errors import BertineError

COMMANDS = {
    "alias": "bertine.cli.alias:alias",
    "backup": "bertine.cli.backup:backup",
    "doctor": "bertine.cli.doctor:doctor",
    "embed": "bertine.cli.embed:embed",
    "import": "bertine.cli.imports:import_items",
    "recommend": "bertine.cli.query:recommend",
    "fit": "bertine.cli.fit:fit",
    "key": "bertine.cli.key:key",
    "restore": "bertine.cli.backup:restore",
    "search": "bertine.cli.query:search",
    "rotate-key": "bertine.cli.rotate_key:rotate_key",
    "serve": "bertine.cli.serve:serve",
    "similar": "bertine.cli.query:similar",
    "tune": "bertine.cli.tune:tune",
    "verify": "bertine.cli.verify:verify",
}
ENTRY_POINTS = "bertine.commands"


class LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for.

    Commands of other packages come from the entry points of the group `ENTRY_POINTS`.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Names of all commands."""
        return sorted([*COMMANDS, *entry_points(group=ENTRY_POINTS).names])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of that name, imported now."""
        target = COMMANDS.get(cmd_name)
        if target is not None:
            module, _, attribute = target.partition(":")
            command: click.Command = getattr(import_module(module), attribute)
            return command
        for entry_point in entry_points(group=ENTRY_POINTS, name=cmd_name):
            loaded: click.Command = entry_point.load()
            return loaded
        return None


@click.group(
    cls=LazyGroup,
    context_settings={
        "auto_envvar_prefix": "BERTINE",
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
        "show_default": True,
    },
)
@click.version_option(__version__, prog_name="bertine")
def bertine() -> None:
    """Retrieval and recommendation with BERT encoders.

    \b
    The usual way from a model to recommendations:
      bertine export all-MiniLM-L6-v2 --out model
      bertine serve --model model --data data
      bertine import books.jsonl --collection books --template '{title}. {blurb}'
      bertine search books 'a ship and a whale'

    Every option is also an environment variable: --top-k of search is BERTINE_SEARCH_TOP_K.
    """  # noqa: D301 - \b is click's mark for text that is not rewrapped


def main() -> None:
    """Run the command line; an error of ours is one line on standard error and exit code 1."""
    try:
        bertine()
    except BertineError as error:
        click.echo(f"bertine: {error}", err=True)
        sys.exit(1)
