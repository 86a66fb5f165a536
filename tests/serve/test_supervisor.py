"""Fronts that are told what has changed."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from bertine.config import ServeConfig
from bertine.serve.calls import Gate
from bertine.serve.front.answering import Methods
from bertine.serve.front.supervisor import Child, Fronts


def ignore(*_call: object) -> None:
    pass


async def test_a_front_that_is_still_starting_is_not_waited_for() -> None:
    """It is told when it listens; until then its one report is its start's to wait for."""
    gate = Gate[Any](ignore)
    manifest = SimpleNamespace(tokenizer_sha256="0" * 64)
    gate.open(SimpleNamespace(encoder=SimpleNamespace(manifest=manifest)))
    fronts = Fronts(ServeConfig(model=Path(), data=Path(), fronts=1), gate, ignore)
    fronts._children.add(Child(gate, Methods(), ignore, 1.0))
    await fronts.set_serving(serving=True)
