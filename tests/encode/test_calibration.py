from __future__ import annotations

import pytest

from bertine.encode.calibration import calibrate
from bertine.encode.costs import CostModel, fit
from bertine.encode.fake import FakeSession


class Device:
    """A session whose time passes on its own clock only."""

    def __init__(self, costs: CostModel) -> None:
        self.now = 0.0
        self.costs = costs
        self.session = FakeSession(before_run=self.take)

    def take(self, rows: int, length: int) -> None:
        self.now += self.costs.seconds(rows, length)


def test_a_session_is_timed_and_fitted() -> None:
    device = Device(CostModel(0.0005, 0.0001, 1e-8))
    timings = calibrate(device.session, max_length=256, token_id=0, clock=lambda: device.now)
    assert len(timings) == len({(timing.rows, timing.length) for timing in timings})
    assert (4, 256) in {(timing.rows, timing.length) for timing in timings}
    fitted = fit(timings)
    assert fitted.seconds(12, 20) == pytest.approx(device.costs.seconds(12, 20), rel=1e-3)
    assert device.now < 1.5


def test_a_slow_model_is_timed_on_small_shapes_only() -> None:
    device = Device(CostModel(token=1.0))
    timings = calibrate(device.session, max_length=256, token_id=0, clock=lambda: device.now)
    assert [(timing.rows, timing.length) for timing in timings] == [(2, 8), (4, 16), (2, 32)]
    assert len(device.session.shapes) == 3


def test_no_shape_is_longer_than_the_model_takes() -> None:
    device = Device(CostModel(0.0001))
    calibrate(device.session, max_length=16, token_id=0, clock=lambda: device.now)
    assert max(length for _, length in device.session.shapes) == 16


def test_the_first_run_of_a_shape_does_not_count() -> None:
    device = Device(CostModel(0.001))
    seen: set[tuple[int, int]] = set()

    def take(rows: int, length: int) -> None:
        device.now += 0.001 if (rows, length) in seen else 0.01
        seen.add((rows, length))

    session = FakeSession(before_run=take)
    timings = calibrate(session, max_length=64, token_id=0, clock=lambda: device.now)
    assert [timing.seconds for timing in timings] == pytest.approx([0.001] * len(timings))
