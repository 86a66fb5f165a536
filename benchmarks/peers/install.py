"""Makes each peer's environment: ``python -m benchmarks.peers.install [NAME ...]``.

A peer whose packages cannot be installed is noted as absent, with the reason; that is no failure.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.progress import say

ROOT = Path(__file__).resolve().parents[2] / "build" / "peers"
_REQUIREMENTS = Path(__file__).parent
_SECONDS = 1_800
_REASON_CHARACTERS = 400


@dataclass(frozen=True, slots=True)
class Environment:
    """A peer's own virtual environment, made or not.

    Attributes:
        name: of the peer; its pinned packages are in ``NAME.txt``.
        root: folder of all environments.
        lists: folder of the lists of packages.
        command: that makes it.
    """

    name: str
    root: Path = ROOT
    lists: Path = _REQUIREMENTS
    command: str = "make bench-peers"

    @property
    def folder(self) -> Path:
        """Of the environment."""
        return self.root / self.name

    @property
    def requirements(self) -> Path:
        """Its pinned packages."""
        return self.lists / f"{self.name}.txt"

    @property
    def absent(self) -> str | None:
        """Why it cannot be used, None where it can."""
        if self._stamp.exists() and self._stamp.read_text(encoding="utf-8") == self._digest:
            return None
        if self._failure.exists():
            return self._failure.read_text(encoding="utf-8")
        return f"not installed; run {self.command}"

    def program(self, name: str) -> Path:
        """An installed program."""
        return self.folder / "bin" / name

    def install(self) -> None:
        """Make it if it is not there or has other packages than asked for; never raises."""
        if self.absent is None:
            return
        try:
            self._make()
        except subprocess.CalledProcessError as error:
            self._note_failure(_last_lines(error.stderr or ""))
        except subprocess.TimeoutExpired:
            self._note_failure(f"was not installed within {_SECONDS} s")

    @property
    def _stamp(self) -> Path:
        return self.folder / ".installed"

    @property
    def _failure(self) -> Path:
        return self.root / f"{self.name}.absent"

    @property
    def _digest(self) -> str:
        return hashlib.sha256(self.requirements.read_bytes()).hexdigest()

    def _make(self) -> None:
        self._failure.unlink(missing_ok=True)
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        _run(sys.executable, "-m", "venv", str(self.folder))
        pip = (str(self.program("python")), "-m", "pip", "install", "--quiet")
        _run(*pip, "--requirement", str(self.requirements))
        self._stamp.write_text(self._digest, encoding="utf-8")

    def _note_failure(self, reason: str) -> None:
        self._failure.write_text(reason, encoding="utf-8")


def names() -> list[str]:
    """All peers that have a list of packages."""
    return sorted(path.stem for path in _REQUIREMENTS.glob("*.txt"))


def main() -> None:
    """Install the peers that are named, or all."""
    install(map(Environment, sys.argv[1:] or names()))


def install(environments: Iterable[Environment]) -> None:
    """Make those that are not there, and say so."""
    for environment in environments:
        say(f"{environment.name}: installing into {environment.folder} ...")
        environment.install()
        say(f"{environment.name}: {environment.absent or 'installed'}")


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=_SECONDS)


def _last_lines(output: str) -> str:
    lines = [line for line in output.splitlines() if line and not line.startswith("WARNING")]
    return "pip failed: " + " ".join(lines)[-_REASON_CHARACTERS:]


if __name__ == "__main__":
    main()
