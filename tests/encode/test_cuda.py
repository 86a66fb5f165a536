"""The session of GPUs on ONNX Runtime's CPU provider: the same lines, other names of devices.

What only a GPU has, recorded launches and copies to another memory, is not seen here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bertine.artifact import Artifact
from bertine.encode.contract import Session
from bertine.encode.costs import CostModel
from bertine.encode.cuda import DeviceSession, _Buffers
from bertine.encode.encoder import Encoder
from bertine.encode.padding import pad
from bertine.encode.paired import PairedSession
from bertine.encode.placement import Placement
from bertine.encode.session import OnnxSession, available_providers, load
from bertine.encode.shapes import Shape, buckets
from bertine.encode.tokenizer import Tokenizer
from bertine.errors import EncodeError, Unavailable

PROVIDERS: list[tuple[str, dict[str, str]]] = [("CPUExecutionProvider", {})]
PLAIN = Placement(PROVIDERS, "cpu")
RECORDED = Placement(PROVIDERS, "cpu", recorded=buckets(64, 256))
MAX_LENGTH = 64


@pytest.fixture(scope="module")
def reference(artifact: Artifact) -> Iterator[OnnxSession]:
    with closing(OnnxSession(artifact.path("fp32"), dimensions=384, threads=1)) as session:
        yield session


@pytest.fixture(scope="module", params=[PLAIN, RECORDED], ids=["plain", "recorded"])
def session(artifact: Artifact, request: pytest.FixtureRequest) -> Iterator[DeviceSession]:
    with closing(open_on(artifact.path("fp32"), request.param)) as opened:
        yield opened


def open_on(path: Path, placement: Placement, dimensions: int = 384) -> DeviceSession:
    return DeviceSession(path, dimensions=dimensions, max_length=MAX_LENGTH, placement=placement)


def ragged(lengths: list[int], seed: int = 0) -> tuple[Any, Any]:
    random = np.random.default_rng(seed)
    return pad([random.integers(1000, 20_000, n).astype(np.int32) for n in lengths], 0)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, MAX_LENGTH), min_size=1, max_size=6), st.integers(0, 3))
def test_vectors_are_those_of_the_cpu_session(
    session: DeviceSession, reference: OnnxSession, lengths: list[int], seed: int
) -> None:
    batch = ragged(lengths, seed)
    vectors = session.run(*batch)
    assert vectors.dtype == np.float32
    assert np.abs(vectors - reference.run(*batch)).max() < 1e-5


def test_vectors_outlive_the_next_run(session: DeviceSession) -> None:
    first = session.run(*ragged([5, 3], 1))
    kept = first.copy()
    session.run(*ragged([5, 3], 2))
    assert (first == kept).all()


def test_a_batch_is_one_copy_there_and_its_vectors_one_back(
    session: DeviceSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the two methods through which both go, onnxruntime_inference_collection.py."""
    batch, copied = ragged([16] * 4), list[tuple[str, int]]()
    session.run(*batch)
    update, numpy = onnxruntime.OrtValue.update_inplace, onnxruntime.OrtValue.numpy

    def there(self: Any, array: Any) -> Any:
        copied.append(("there", array.nbytes))
        return update(self, array)

    def back(self: Any) -> Any:
        copied.append(("back", numpy(self).nbytes))
        return numpy(self)

    monkeypatch.setattr(onnxruntime.OrtValue, "update_inplace", there)
    monkeypatch.setattr(onnxruntime.OrtValue, "numpy", back)
    session.run(*batch)
    # Ids and mask of 4 x 16 tokens, and 4 vectors of 384 numbers.
    assert copied == [("there", 2 * 64 * 8), ("back", 4 * 384 * 4)]


@pytest.mark.parametrize("lengths", [[1], [7], [24], [40, 3], [9] * 5])
def test_both_inputs_begin_where_tensorrt_takes_them(
    session: DeviceSession, monkeypatch: pytest.MonkeyPatch, lengths: list[int]
) -> None:
    """At multiples of 256 bytes from where the memory begins, which is at one on a GPU."""
    session._buffers.clear()
    starts: list[int] = []
    bind = onnxruntime.IOBinding.bind_input

    def noted(self: Any, name: str, *given: Any) -> None:
        starts.append(given[-1])
        bind(self, name, *given)

    monkeypatch.setattr(onnxruntime.IOBinding, "bind_input", noted)
    session.run(*ragged(lengths))
    (buffers,) = session._buffers.values()
    base = buffers._inputs.data_ptr()
    assert starts[0] == base
    assert starts[1] - base >= 8 * sum(lengths)
    assert (starts[1] - base) % 256 == 0


def test_shapes_are_prepared_once_and_their_buffers_stay(artifact: Artifact) -> None:
    shapes = (Shape(2, 16), Shape(1, 16))
    with closing(open_on(artifact.path("fp32"), Placement(PROVIDERS, "cpu", recorded=shapes))) as (
        session
    ):
        session.prepare()
        before = {room: one.output.data_ptr() for (room, _), one in session._buffers.items()}
        assert list(before)[:2] == list(shapes)
        session.run(*ragged([16, 7]))
        session.run(*ragged([3]))
        after = {room: one.output.data_ptr() for (room, _), one in session._buffers.items()}
        assert before == after
        # One of the same size that is not recorded has buffers of its own.
        session.run(*ragged([40] * 8))
        assert len(session._buffers) == len(before) + 1


def test_a_session_in_which_padding_shows_is_not_served(
    artifact: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(open_on(artifact.path("fp32"), RECORDED)) as session:
        session.prepare()
        fill = _Buffers.fill

        def heedless(self: _Buffers, shape: Shape, ids: Any, mask: Any) -> None:
            fill(self, shape, ids, np.ones_like(mask))

        monkeypatch.setattr(_Buffers, "fill", heedless)
        with pytest.raises(Unavailable, match=r"fp32.onnx gives a text another vector in a padded"):
            session.prepare()


def test_an_encoder_over_both_forms_gives_the_models_vectors(
    artifact: Artifact, real_encoder: Encoder
) -> None:
    """Small batches by recorded shapes, large ragged ones by the other form; all in one thread."""
    manifest = artifact.manifest
    small, large = (open_on(artifact.path("int8"), place) for place in (RECORDED, PLAIN))
    threads: set[int] = set()

    def measured(session: Session) -> CostModel:
        threads.add(threading.get_ident())
        return CostModel(1e-4 if session is small else 3e-4, 1e-7)

    tokenizer = Tokenizer(
        artifact.tokenizer_path,
        max_length=MAX_LENGTH,
        vocab_size=manifest.vocab_size,
        prompts=manifest.prompts,
    )
    paired = PairedSession(small, large, measured)
    with closing(Encoder(manifest, "int8", tokenizer, paired)) as encoder:
        encoder.warm_up()
        assert len(threads) == 1
        assert len(small._buffers) >= len(RECORDED.recorded)
        for texts in (["a cat"], ["short text", "x " * 40] * 40):
            found = encoder.embed_sync(texts).vectors
            assert np.abs(found - real_encoder.embed_sync(texts).vectors).max() < 1e-4


def test_batches_above_the_largest_are_cut(artifact: Artifact, reference: OnnxSession) -> None:
    placement = Placement(PROVIDERS, "cpu", largest=Shape(2, MAX_LENGTH))
    with closing(open_on(artifact.path("fp32"), placement)) as session:
        batch = ragged([4, 6, 2, 9, 5])
        assert np.abs(session.run(*batch) - reference.run(*batch)).max() < 1e-5
        assert {room.rows for room, _ in session._buffers} == {1, 2}


def test_a_graph_that_cannot_be_recorded_runs_without_and_says_so(
    artifact: Artifact, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tried: list[dict[str, str]] = []

    def refusing(path: Path, dimensions: int, providers: Any, options: Any) -> Any:
        tried.append(dict(providers[0][1]))
        if "enable_cuda_graph" in tried[-1]:
            raise Unavailable("This session cannot use the graph capture feature as requested ...")
        return load(path, dimensions, providers, options)

    monkeypatch.setattr("bertine.encode.cuda.load", refusing)
    providers = [("CPUExecutionProvider", {"enable_cuda_graph": "1"})]
    placement = Placement(providers, "cpu", recorded=buckets(64, 256))
    with closing(open_on(artifact.path("fp32"), placement)) as session:
        session.prepare()
        assert session.run(*ragged([3])).shape == (1, 384)
        assert {graph for _, graph in session._buffers} == {-1}
    assert tried == [{"enable_cuda_graph": "1"}, {}]
    assert "runs without CUDA graphs" in caplog.text


def test_a_closed_session_says_so(artifact: Artifact) -> None:
    session = open_on(artifact.path("fp32"), PLAIN)
    session.close()
    session.close()
    with pytest.raises(Unavailable, match="closed"):
        session.run(*ragged([3]))


def test_a_failure_of_the_runtime_is_translated(session: DeviceSession) -> None:
    ids, mask = ragged([3, 2])
    with pytest.raises(EncodeError, match=r"failed on shape \[2, 3\]"):
        session.run(ids + 10_000_000, mask)  # no such token
    assert session.run(ids, mask).shape == (2, 384)


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ("CUDA failure 700: an illegal memory access was encountered", Unavailable),
        ("CUDA failure 2: out of memory", EncodeError),
        ("BFCArena: Failed to allocate memory for requested buffer of size 99", EncodeError),
    ],
)
def test_what_a_gpu_says_decides_who_is_at_fault(
    artifact: Artifact, monkeypatch: pytest.MonkeyPatch, told: str, kind: type[Exception]
) -> None:
    with closing(open_on(artifact.path("fp32"), PLAIN)) as session:
        session.run(*ragged([3]))
        monkeypatch.setattr(session._session, "run_with_iobinding", raising(told))
        with pytest.raises(kind, match=told):
            session.run(*ragged([3]))


def test_a_provider_that_takes_nothing_of_the_graph_is_refused(artifact: Artifact) -> None:
    if "AzureExecutionProvider" not in available_providers():
        pytest.skip("this build of ONNX Runtime has no provider that loads and has no kernels")
    placement = Placement([("AzureExecutionProvider", {}), *PROVIDERS], "cpu")
    with pytest.raises(Unavailable, match=r"would run .*MatMul.* on the CPU"):
        open_on(artifact.path("fp32"), placement)


def raising(told: str) -> Callable[..., None]:
    def run(*_: object) -> None:
        raise RuntimeError(told)

    return run
