"""The check of a GPU, in pieces: arithmetic, isolation, bars."""

from __future__ import annotations

import math
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.gpu_check import part_served, part_tests, targets
from benchmarks.gpu_check.__main__ import slug
from benchmarks.gpu_check.arithmetic import BASE, LARGE, MINILM, Architecture, recognise
from benchmarks.gpu_check.batches import cut, in_batches, ragged_texts, spread
from benchmarks.gpu_check.findings import AbsentError, Findings
from benchmarks.gpu_check.parts import Part, _run, run_part
from benchmarks.gpu_check.settings import QUICK, Settings
from benchmarks.graph import Product
from benchmarks.html.gpu import gpu_section
from benchmarks.load.servers import ServerOptions
from benchmarks.report import Figure, at_least
from bertine import artifact
from bertine.artifact import Parity, Precision, Variant
from bertine.encode.device import Device

ON_CPU = Settings("model", "cpu", quick=True)
ON_GPU = Settings("model", "cuda:0", quick=False)


def variant(name: str, precision: Precision) -> Variant:
    return Variant(name, "f", "0", precision, "cuda", True, 1, 0.0, Parity(1.0, 1.0, 1))


class TestArithmetic:
    def test_minilm_costs_21_mflop_a_token_beside_attention(self) -> None:
        assert MINILM.token_flops(0) == 21_233_664
        assert MINILM.token_flops(256) - MINILM.token_flops(0) == 6 * 4 * 384 * 256

    @pytest.mark.parametrize(
        ("kind", "length", "bound"), [(BASE, 512, 5.24e6), (BASE, 50, 5.76e6), (LARGE, 384, 1.54e6)]
    )
    def test_bounds_are_those_of_the_documentation(
        self, kind: Architecture, length: int, bound: float
    ) -> None:
        assert kind.bound(length) == pytest.approx(bound, rel=2e-3)

    def test_memory_bounds_small_models_and_operations_large_ones(self) -> None:
        assert MINILM.memory_bound < MINILM.bound(128)
        assert LARGE.memory_bound > LARGE.bound(128)

    @given(st.integers(1, 48), st.sampled_from([64, 128, 384, 768, 1_024]), st.booleans())
    def test_a_form_is_recognised_by_its_products(
        self,
        layers: int,
        hidden: int,
        fused: bool,  # noqa: FBT001 - hypothesis gives it
    ) -> None:
        attention = [Product(hidden, 3 * hidden)] if fused else [Product(hidden, hidden)] * 3
        feed_forward = [Product(hidden, 4 * hidden), Product(4 * hidden, hidden)]
        found = recognise([*attention, Product(hidden, hidden), *feed_forward] * layers)
        assert found == Architecture(layers, hidden)

    def test_what_has_another_form_is_not(self) -> None:
        assert recognise([]) is None
        assert recognise([Product(8, 8), Product(8, 16)]) is None


class TestTargets:
    def test_they_hold_on_a_gpu_for_models_of_the_class(self) -> None:
        fp16, int8 = variant("fp16", "fp16"), variant("int8-qdq", "int8")
        assert targets.even(BASE, fp16, ON_GPU, 512) == at_least(1.6e6)
        assert targets.ragged(BASE, fp16, ON_GPU, 50)[0] == at_least(1.2e6)
        assert targets.ragged(LARGE, int8, ON_GPU, 177)[1] == at_least(9_081)
        assert targets.ragged(LARGE, fp16, ON_GPU, 177)[1] == at_least(0.8 * 9_081)
        assert targets.search(ON_GPU) is not None

    def test_elsewhere_they_say_nothing(self) -> None:
        fp16 = variant("fp16", "fp16")
        assert targets.even(BASE, fp16, ON_CPU, 512) is None
        assert targets.even(MINILM, fp16, ON_GPU, 512) is None
        assert targets.even(None, fp16, ON_GPU, 512) is None
        assert targets.ragged(BASE, variant("fp32", "fp32"), ON_GPU, 50) == (None, None)
        assert targets.ragged(LARGE, fp16, ON_CPU, 177) == (None, None)
        assert targets.search(ON_CPU) is None


def raise_broken() -> None:
    raise OSError("broken")


def raise_absent() -> None:
    raise AbsentError("not here")


class TestFindings:
    def test_a_section_that_fails_leaves_the_others(self, tmp_path: Path) -> None:
        found = Findings(file=tmp_path / "found.json")
        with found.section("one"):
            found.add("a", "A", float(np.float32(1.5)), "ms", at_least(2))
            raise_broken()
        with found.section("two"):
            raise_absent()
        with found.section("three"):
            found.add("b", "B", 2)
        kept = Findings.load(tmp_path / "found.json")
        assert kept.figures == [Figure("a", "A", 1.5, "ms", at_least(2)), Figure("b", "B", 2.0)]
        assert kept.failed == {"one": "OSError: broken"}
        assert kept.absent == {"two": "not here"}
        assert kept.running == ""

    def test_what_is_running_is_kept_before_it_ends(self, tmp_path: Path) -> None:
        found = Findings(file=tmp_path / "found.json")
        with found.section("one"):
            assert Findings.load(tmp_path / "found.json").running == "one"

    def test_nothing_is_found_where_nothing_was_kept(self, tmp_path: Path) -> None:
        assert Findings.load(tmp_path / "none.json") == Findings()


class TestProcesses:
    def test_a_part_whose_process_fails_is_told_with_what_it_wrote(self) -> None:
        found = run_part(Part("nothing", "is no part", 60), ON_CPU, 60)
        assert list(found.failed) == ["nothing"]
        assert "the process ended with 1" in found.failed["nothing"]
        assert "ValueError" in found.failed["nothing"]

    def test_a_part_for_which_no_time_is_left_is_absent(self) -> None:
        found = run_part(Part("vectors", "", 60), ON_CPU, 1.0)
        assert found.absent == {"vectors": "the time was over before it was begun"}

    def test_a_process_that_aborts_is_seen(self, tmp_path: Path) -> None:
        command = [sys.executable, "-c", "import os; os.abort()"]
        assert _run(command, tmp_path / "log", 30) == -6

    def test_what_takes_too_long_ends_with_all_that_it_started(self, tmp_path: Path) -> None:
        told = tmp_path / "pid"
        script = (
            "import pathlib, subprocess, sys, time\n"
            "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
            f"pathlib.Path({str(told)!r}).write_text(str(child.pid))\n"
            "time.sleep(600)\n"
        )
        assert _run([sys.executable, "-c", script], tmp_path / "log", 2.0) is None
        assert ends(int(told.read_text("utf-8")))


def ends(number: int) -> bool:
    """Whether a process that was killed is gone soon; what nobody reaps stays as a zombie."""
    pause = threading.Event()
    for _ in range(200):
        try:
            if psutil.Process(number).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        pause.wait(0.05)
    return False


def test_settings_survive_the_way_to_a_part() -> None:
    assert Settings.from_json(ON_GPU.to_json()) == ON_GPU
    assert (ON_GPU.on_gpu, ON_GPU.place) == (True, Device("cuda", 0))
    assert (ON_CPU.on_gpu, ON_CPU.effort) == (False, QUICK)


def test_vectors_of_two_seeds_are_of_one_kind() -> None:
    one, other = spread(300, 64, 0), spread(300, 64, 1)
    assert np.abs(np.linalg.norm(one, axis=1) - 1).max() < 1e-5
    assert not (one == other).any()
    # Nearer to one another than directions without any preference, whose cosines spread by 1 / 8.
    assert (one @ other.T).std() > 1.5 / math.sqrt(64)


def test_texts_have_all_lengths_and_each_is_in_one_batch(model: Path) -> None:
    found = artifact.load(model)
    texts = ragged_texts(found, 60)
    batches = in_batches(texts, 0)
    lengths = [int(row.sum()) for _, mask in batches for row in mask]
    assert lengths == [len(text) for text in texts]
    assert min(lengths) < 12
    assert max(lengths) == found.manifest.max_length


def test_texts_are_cut_into_given_lengths() -> None:
    rows = [np.array([1, 2, 3], np.int32), np.array([4, 5], np.int32)]
    found = cut(rows, np.array([2, 1, 4]))
    assert [piece.tolist() for piece in found] == [[1, 2], [3], [4, 5, 1, 2]]


def test_tests_are_counted_and_what_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Findings()
    monkeypatch.setattr(part_tests, "_ON_CPU", ("tests/encode/test_shapes.py",))
    part_tests.measure(ON_CPU, found)
    figures = {figure.key: figure for figure in found.figures}
    assert figures["tests_passed"].value > 0 == figures["tests_failed"].value
    assert not any(figure.missed for figure in found.figures)
    monkeypatch.setattr(part_tests, "_ON_CPU", ("tests/encode/no_such_test.py",))
    with pytest.raises(RuntimeError, match=r"pytest ended with 4: .*no_such_test"):
        part_tests.measure(ON_CPU, Findings())


def test_load_without_data_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BERTINE_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(AbsentError, match="REAL DATA ABSENT"):
        part_served.load_test(ON_CPU, Findings())


def test_a_server_is_started_on_the_device_that_is_measured() -> None:
    assert "--device=cuda:1" in ServerOptions(Path("model"), device="cuda:1").flags()


def test_a_gpus_name_is_that_of_a_file() -> None:
    assert slug("NVIDIA H100 80GB HBM3") == "nvidia-h100-80gb-hbm3"


def test_the_page_names_the_device_and_what_is_missing() -> None:
    result: dict[str, Any] = {
        "device": "Some <GPU>",
        "on_gpu": True,
        "figures": {"tokens_512_fp16": 2e6, "share_512_fp16": 0.41, "tokens_16_fp32": 1e5},
        "failed": {"index: pq": "RuntimeError: <bad>"},
        "absent": {"tensorrt": "not installed"},
    }
    page = gpu_section(result)
    assert "Measured on Some &lt;GPU&gt;." in page
    assert "fp16: 512 tokens" in page
    assert "0.41 of the ceiling" in page
    assert "<b>index: pq</b> failed: RuntimeError: &lt;bad&gt;" in page
    assert "<b>tensorrt</b> was not checked: not installed" in page
