"""What a part found, kept on disk as it goes: a process that a driver ends loses one section."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from benchmarks.report import Bar, Figure


class AbsentError(Exception):
    """Something cannot be checked here; the message says why."""


@dataclass(slots=True)
class Findings:
    """Of one part, or of all.

    Attributes:
        figures: in the order of the table.
        absent: why something could not be checked, by its name.
        failed: what went wrong, by its name.
        details: more than a table has room for.
        running: the section that is being done, "" between them.
        file: where they are kept; None is nowhere.
    """

    figures: list[Figure] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    running: str = ""
    file: Path | None = None

    def add(
        self, key: str, label: str, value: float, unit: str = "", bar: Bar | None = None
    ) -> None:
        """Note a figure, see `Figure`."""
        self.figures.append(Figure(key, label, float(value), unit, bar))

    @contextmanager
    def section(self, name: str) -> Iterator[None]:
        """Do something whose failure concerns nothing else."""
        self.running = name
        self.save()
        try:
            yield
        except AbsentError as error:
            self.absent[name] = str(error)
        except Exception as error:  # noqa: BLE001 - reported, whatever it is
            self.failed[name] = f"{type(error).__name__}: {error}"
        self.running = ""
        self.save()

    def take(self, other: Findings) -> None:
        """All that another part found, behind what is there."""
        self.figures += other.figures
        self.absent |= other.absent
        self.failed |= other.failed
        self.details |= other.details

    def save(self) -> None:
        """Write them where they are kept, whole or not at all."""
        if self.file is not None:
            fresh = self.file.with_suffix(".new")
            content = asdict(self) | {"file": None}
            fresh.write_text(json.dumps(content), encoding="utf-8")
            fresh.replace(self.file)

    @classmethod
    def load(cls, file: Path) -> Self:
        """What was kept last; nothing if there is no such file."""
        if not file.exists():
            return cls()
        content = json.loads(file.read_text(encoding="utf-8"))
        return cls(**content | {"figures": [_figure(entry) for entry in content["figures"]]})


def _figure(entry: dict[str, Any]) -> Figure:
    bar = entry["bar"]
    return Figure(**entry | {"bar": None if bar is None else Bar(**bar)})
