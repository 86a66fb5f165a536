import click
import pytest
from click.testing import CliRunner

from bertine.cli import COMMANDS, bertine

NAMES = sorted(set(COMMANDS) - {"alias", "serve"})


@pytest.mark.parametrize("name", NAMES)
def test_help_teaches_with_an_example(name: str) -> None:
    result = CliRunner().invoke(bertine, [name, "--help"])
    assert result.exit_code == 0
    assert f"bertine {name} " in result.output.partition("Options:")[0].partition("\n")[2]
    assert f"env var: BERTINE_{name.upper().replace('-', '_')}_" in " ".join(result.output.split())


@pytest.mark.parametrize("name", NAMES)
def test_every_option_says_what_it_does(name: str) -> None:
    command = bertine.get_command(click.Context(bertine), name)
    assert command is not None
    options = [option for option in command.params if isinstance(option, click.Option)]
    assert all(option.help for option in options)
    assert all(option.show_envvar or option.multiple for option in options)


def test_one_variable_tells_all_commands_the_server() -> None:
    for name in ("import", "recommend", "search", "similar"):
        output = CliRunner().invoke(bertine, [name, "--help"]).output
        assert "env var: BERTINE_TARGET" in output


def test_options_come_from_the_environment() -> None:
    result = CliRunner(env={"BERTINE_SEARCH_TOP_K": "none"}).invoke(bertine, ["search", "a", "b"])
    assert result.exit_code == 2
    assert "--top-k" in result.output


@pytest.mark.parametrize("name", NAMES)
def test_variables_are_named_like_their_options(name: str) -> None:
    output = " ".join(CliRunner().invoke(bertine, [name, "--help"]).output.split())
    command = bertine.get_command(click.Context(bertine), name)
    assert command is not None
    for option in command.params:
        if isinstance(option, click.Option) and option.show_envvar and not option.envvar:
            flag = option.opts[0].removeprefix("--").replace("-", "_").upper()
            assert f"BERTINE_{name.upper().replace('-', '_')}_{flag}" in output
