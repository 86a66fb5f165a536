"""A peer's environment and process, with a stand-in for the peer."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.peers.child import Peer, PeerFailedError
from benchmarks.peers.install import Environment
from benchmarks.peers.offline import Offline, compete, report_offline
from benchmarks.peers.roster import Entry
from benchmarks.report import Report

WORKER = """
import numpy as np
from benchmarks.peers.worker import run

def make(options):
    print("libraries print")
    if options["broken"]:
        raise OSError("no such model")
    return lambda texts, batch: np.array([[len(text), batch] for text in texts])

if __name__ == "__main__":
    run(make, ["numpy"])
"""


@pytest.fixture
def peer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Peer:
    return stand_in(tmp_path, monkeypatch, broken=False)


def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, broken: bool) -> Peer:
    program = tmp_path / "stand_in.py"
    program.write_text(WORKER, "utf-8")
    made = Peer("engine", Path(sys.executable), {"broken": broken})
    root = str(Path(__file__).resolve().parents[2])
    monkeypatch.setenv("PYTHONPATH", root)
    made._command = [sys.executable, str(program), json.dumps({"broken": broken})]
    return made


def test_a_peer_encodes_and_tells_what_it_is(peer: Peer, tmp_path: Path) -> None:
    texts = tmp_path / "texts.json"
    texts.write_text(json.dumps(["a", "bb", "ccc"]), "utf-8")
    with peer:
        assert peer.versions == {"numpy": np.__version__}
        peer.give(texts)
        peer.tune((8, 16), 2, rounds=1)
        assert peer.batch in (8, 16)
        assert peer.rate(3) > 0
        assert peer.vectors(2).tolist() == [[1, peer.batch], [2, peer.batch]]


def test_a_peer_that_fails_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = stand_in(tmp_path, monkeypatch, broken=True)
    with pytest.raises(PeerFailedError, match="no such model"):
        made.__enter__()


def test_what_is_not_installed_is_absent_with_a_reason(tmp_path: Path) -> None:
    environment = Environment("ctranslate2", tmp_path)
    assert environment.absent == "not installed; run make bench-peers"
    (tmp_path / "ctranslate2.absent").write_text("pip failed: no wheel", "utf-8")
    assert environment.absent == "pip failed: no wheel"


def test_an_environment_with_other_packages_is_not_used(tmp_path: Path) -> None:
    environment = Environment("ctranslate2", tmp_path)
    environment.folder.mkdir()
    (environment.folder / ".installed").write_text("of another list", "utf-8")
    assert environment.absent is not None


def test_an_absent_peer_takes_no_part_and_is_not_beaten(tmp_path: Path) -> None:
    entry = Entry("ctranslate2_1x2", "CTranslate2", "x", Environment("ctranslate2", tmp_path), {})
    found = compete([entry], tmp_path / "t", np.ones((1, 2), np.float32), 1, lambda: None)
    assert found.absent == {"ctranslate2_1x2": "not installed; run make bench-peers"}
    assert found.rates == {}


def test_the_faster_configuration_of_a_peer_counts() -> None:
    names = ("bertine", "ctranslate2_1x2", "ctranslate2_2x1")
    entries = [Entry(name, name, "x", None, {}) for name in names]
    rates = {names[0]: [100.0, 120.0], names[1]: [90.0, 90.0], names[2]: [100.0, 100.0]}
    found = Offline(rates=rates, cosine=dict.fromkeys(names, 0.993))
    report = Report("peers", {})
    report_offline(report, entries, found)
    figures = {figure.key: figure for figure in report.figures}
    assert figures["ratio_ctranslate2"].value == pytest.approx(1.1)
    assert not figures["ratio_ctranslate2"].missed
    assert "ratio_sentence_transformers_onnx" not in figures
