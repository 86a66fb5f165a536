"""The generator in processes of its own, against a real server."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.load import schedule
from benchmarks.load.contract import Outcome, TargetSpec
from benchmarks.load.recorder import Call, Recorder
from benchmarks.load.remote import RemoteError
from benchmarks.load.runner import Generator, warnings
from benchmarks.load.schedule import ClosedLoop, OpenLoop
from benchmarks.load.worker import Load
from bertine.client import Client
from bertine.testing import ServerProcess

CALLS = [["a whale"], ["a ship"], ["the sea"]]


def test_loads_are_shared_by_processes(server: ServerProcess, client: Client) -> None:
    spec = TargetSpec("bertine", server.target, priority="interactive", connections=2)
    with Generator(spec, processes=2) as generator:
        opened = generator.run(Load(CALLS, OpenLoop(schedule.poisson(100, 0.3, seed=0))))
        closed = generator.run(Load(CALLS, ClosedLoop(4, 0.3)))
        served = generator.vectors(CALLS)
    assert opened.count(Outcome.OK) == 30
    assert closed.count(Outcome.OK) > 4
    assert len(closed.generator_cores) == 2
    assert not math.isnan(opened.stages[:, -1].max())
    similar = np.einsum("nd,nd->n", served, client.embed([text for [text] in CALLS]))
    assert similar.min() > 0.9


def test_nobody_to_speak_to_is_told() -> None:
    with (
        Generator(TargetSpec("openai", "127.0.0.1:1")) as generator,
        pytest.raises(RemoteError, match="FAILED"),
    ):
        generator.vectors(CALLS)


def test_a_busy_or_late_generator_is_warned_about() -> None:
    recorder = Recorder()
    recorder.add(Call(1.0, 1.1, 1.2, Outcome.OK, 1, None))
    recording = recorder.recording(0.0, 2.0, cpu_seconds=0.95)
    busy, late = warnings({"knee": recording})
    assert busy.startswith("knee: a process of the generator used 0.95 of one core")
    assert late.startswith("knee: 1 % of the calls were sent 100 ms late or more")
    calm = replace(recording, generator_cores=[0.2], sent=recording.intended)
    assert warnings({"knee": calm}) == []
