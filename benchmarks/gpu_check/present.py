"""Is there a GPU at all? Asked before gigabytes of packages for one are installed.

    python -m benchmarks.gpu_check.present

Exit code 2 says that there is none; needs nothing but the driver's own library.
"""

from __future__ import annotations

import sys
from typing import NoReturn

import click
from rich.markup import escape

from benchmarks.progress import say
from bertine.cli.check_gpu import check_gpu
from bertine.cli.checks import installed
from bertine.cli.doctor import line_of
from bertine.encode.driver import gpus
from bertine.errors import ConfigError


def main() -> None:
    """Name the GPUs that the driver sees.

    Raises:
        SystemExit: 2, if there are none.
    """
    try:
        say(f"GPUs: {', '.join(gpus())}")
    except ConfigError as error:
        refuse(error.message)


def refuse(problem: str) -> NoReturn:
    """Say why nothing can be measured, and what `bertine doctor` finds.

    Raises:
        SystemExit: 2.
    """
    say(f"[bold red]{escape(problem)}[/]")
    for finding in check_gpu(installed()):
        if finding.status != "ok":
            say(escape(click.unstyle(line_of(finding))))
    say("Nothing was measured. python -m benchmarks.gpu_check --device cpu --quick --model DIR")
    say("tries the program without a GPU.")
    sys.exit(2)


if __name__ == "__main__":
    main()
