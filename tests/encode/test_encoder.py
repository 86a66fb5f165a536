from __future__ import annotations

import asyncio
import dataclasses
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bertine.artifact import Artifact, load
from bertine.encode.batching import BatchLimits
from bertine.encode.encoder import Encoder
from bertine.encode.fake import FakeSession
from bertine.encode.pulse import Patience
from bertine.encode.statistics import BatchReport
from bertine.errors import (
    ArtifactError,
    DeadlineExceeded,
    EncodeError,
    InvalidInput,
    NotFound,
    Overloaded,
    Unavailable,
)

OpenEncoder = Callable[..., Encoder]
WAIT = 20.0


def spin(seconds: float) -> None:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


async def started(session: FakeSession) -> None:
    assert await asyncio.to_thread(session.started.wait, WAIT)


async def test_texts_become_vectors_in_order(open_encoder: OpenEncoder) -> None:
    encoder = open_encoder()
    embedded = await encoder.embed(["a b", "c", "a b"])
    assert embedded.vectors.shape == (3, 64)
    assert (embedded.vectors[0] == embedded.vectors[2]).all()
    assert not (embedded.vectors[0] == embedded.vectors[1]).all()
    assert embedded.token_counts.tolist() == [4, 3, 4]
    assert embedded.truncated == ()
    assert embedded.tokenize_seconds > 0
    assert embedded.encode_seconds > 0


async def test_a_large_request_gives_what_its_texts_give_alone(open_encoder: OpenEncoder) -> None:
    encoder = open_encoder()
    texts = [" ".join("abc"[number % 3] * (number % 13 + 1)) for number in range(700)]
    large = await encoder.embed(texts)
    assert large.token_counts.tolist() == [min(number % 13 + 3, 16) for number in range(700)]
    for position in (0, 255, 256, 511, 512, 699):
        alone = await encoder.embed([texts[position]])
        assert (alone.vectors[0] == large.vectors[position]).all()
    assert (encoder.embed_sync(texts).vectors == large.vectors).all()


async def test_token_ids_are_the_same_as_their_text(open_encoder: OpenEncoder) -> None:
    encoder = open_encoder()
    by_text = await encoder.embed(["a b"])
    by_ids = await encoder.embed(token_ids=[[2, 7, 8, 3]])
    assert (by_text.vectors == by_ids.vectors).all()
    many = await encoder.embed(token_ids=[[2, 7, 8, 3]] * 500)
    assert (many.vectors == by_text.vectors).all()


async def test_prompts_apply_to_texts_by_input_type(open_encoder: OpenEncoder) -> None:
    embedded = await open_encoder().embed(["a"], input_type="query")
    assert embedded.token_counts.tolist() == [6]


async def test_truncated_inputs_are_named(open_encoder: OpenEncoder) -> None:
    encoder = open_encoder()
    texts = ["a", "b " * 40] * 200
    assert (await encoder.embed(texts)).truncated == tuple(range(1, 400, 2))
    with pytest.raises(InvalidInput, match=r"^texts\[1\]: has 42 tokens"):
        await encoder.embed(texts, truncate=False)


async def test_no_inputs_are_no_vectors(open_encoder: OpenEncoder) -> None:
    encoder = open_encoder()
    assert (await encoder.embed([])).vectors.shape == (0, 64)
    assert encoder.embed_sync(token_ids=[]).vectors.shape == (0, 64)


async def test_one_bad_text_fails_the_request_and_leaves_nothing(open_encoder: OpenEncoder) -> None:
    encoder = open_encoder()
    texts = ["a"] * 1000
    texts[900] = "\ud800"
    with pytest.raises(InvalidInput, match=r"^texts\[900\]"):
        await encoder.embed(texts)
    with pytest.raises(InvalidInput, match=r"^texts\[900\]"):
        encoder.embed_sync(texts)
    assert encoder.drain(WAIT)
    assert encoder.statistics().waiting_rows == 0


async def test_a_text_the_model_fails_on_is_named(open_encoder: OpenEncoder) -> None:
    encoder = open_encoder(FakeSession(fail_on=[10]))
    texts = ["a"] * 600
    texts[444] = "poison"
    with pytest.raises(EncodeError, match="input 444"):
        await encoder.embed(texts)
    assert (await encoder.embed(["a"])).vectors.shape == (1, 64)


async def test_a_cancelled_task_drops_its_work(open_encoder: OpenEncoder) -> None:
    session = FakeSession(gate=threading.Event())
    encoder = open_encoder(session, limits=BatchLimits(max_rows=2))
    blocker = asyncio.create_task(encoder.embed(["c"]))
    await started(session)
    task = asyncio.create_task(encoder.embed(["a b"] * 10))
    await asyncio.sleep(0)  # short requests are submitted in the task's first step
    assert encoder.statistics().waiting_rows == 10
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert encoder.statistics().waiting_rows == 0
    assert encoder.statistics().cancelled == 1
    assert session.gate is not None
    session.gate.set()
    await blocker
    assert session.shapes == [(1, 3)]


async def test_overload_and_deadlines_are_told_before_tokenizing(
    open_encoder: OpenEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = FakeSession(gate=threading.Event())
    encoder = open_encoder(session, max_waiting_tokens=8)
    running = asyncio.create_task(encoder.embed(["c"]))
    await started(session)
    waiting = asyncio.create_task(encoder.embed(["a"] * 2))
    await asyncio.sleep(0)
    assert encoder.statistics().waiting_tokens == 6
    monkeypatch.setattr(encoder._tokenizer, "encode", None)
    with pytest.raises(Overloaded):
        await encoder.embed(["a"] * 3)
    with pytest.raises(DeadlineExceeded):
        await encoder.embed(["a"], deadline=time.monotonic())
    assert session.gate is not None
    session.gate.set()
    await asyncio.gather(running, waiting)


async def test_draining_finishes_and_closing_refuses(open_encoder: OpenEncoder) -> None:
    session = FakeSession()
    encoder = open_encoder(session)
    await encoder.embed(["a"])
    assert encoder.drain(WAIT)
    with pytest.raises(Unavailable):
        await encoder.embed(["a"])
    encoder.close()
    assert session.closed
    assert not encoder.alive


def test_warming_up_measures_and_sets_the_budget(open_encoder: OpenEncoder) -> None:
    session = FakeSession(before_run=lambda rows, length: spin(2e-4 + rows * length * 2e-6))
    encoder = open_encoder(session)
    assert encoder.statistics().batch_tokens == BatchLimits().max_tokens
    encoder.warm_up()
    assert len({length for _, length in session.shapes}) > 1
    assert max(length for _, length in session.shapes) == 16
    statistics = encoder.statistics()
    assert statistics.batch_tokens >= 256
    assert statistics.predicted_seconds > 0


def test_limits_that_were_given_stay(open_encoder: OpenEncoder) -> None:
    encoder = open_encoder(limits=BatchLimits(max_tokens=100))
    encoder.warm_up()
    assert encoder.statistics().batch_tokens == 100


def test_a_model_that_cannot_run_is_told_at_warm_up(open_encoder: OpenEncoder) -> None:
    with pytest.raises(EncodeError):
        open_encoder(FakeSession(fail_on=[0])).warm_up()


async def test_a_device_that_does_not_respond_refuses_calls(open_encoder: OpenEncoder) -> None:
    session = FakeSession(gate=threading.Event())
    encoder = open_encoder(session, patience=Patience(at_least=0.0, hung=0.0), cache_bytes=1 << 20)

    def state() -> tuple[bool, bool]:
        return encoder.responsive, encoder.hung

    assert state() == (True, False)
    running = asyncio.create_task(encoder.embed(["c"]))
    await started(session)
    assert state() == (False, True)
    assert encoder.alive
    with pytest.raises(Unavailable, match="does not respond"):
        await encoder.embed(["a"])
    assert session.gate is not None
    session.gate.set()
    await running
    assert state() == (True, False)


def test_batches_are_reported(open_encoder: OpenEncoder) -> None:
    reports: list[BatchReport] = []
    open_encoder(on_batch=reports.append).embed_sync(["a", "b"])
    assert [report.rows for report in reports] == [2]


def test_the_fingerprint_is_the_manifest_s(open_encoder: OpenEncoder) -> None:
    encoder = open_encoder()
    assert encoder.fingerprint == encoder.manifest.fingerprint("fp32")
    assert encoder.provider == "FakeExecutionProvider"


def test_the_real_model_knows_what_is_alike(real_encoder: Encoder) -> None:
    assert real_encoder.variant == "int8"
    assert real_encoder.dimensions == 384
    cat, kitten, tax = real_encoder.embed_sync(
        ["A cat sits on the mat.", "A kitten rests on a rug.", "The tax form is due in April."]
    ).vectors
    assert cat @ kitten > 0.5 > cat @ tax


def test_batching_hardly_moves_the_real_model_s_vectors(artifact: Artifact) -> None:
    encoder = Encoder.open(artifact, variant="fp32")
    encoder.warm_up()
    texts = [f"text number {number} " + "and more " * (number % 9) for number in range(40)]
    together = encoder.embed_sync(texts).vectors
    for position in (0, 8, 39):
        alone = encoder.embed_sync([texts[position]]).vectors[0]
        assert np.abs(alone - together[position]).max() < 1e-5
    encoder.close()


@pytest.mark.parametrize("name", ["tokenizer.json", "int8.onnx"])
def test_a_changed_file_is_refused_before_it_is_loaded(
    artifact: Artifact, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "changed"
    shutil.copytree(artifact.folder, folder, ignore=shutil.ignore_patterns("fp32.onnx"))
    with (folder / name).open("ab") as stream:
        stream.write(b" ")
    monkeypatch.setattr("bertine.encode.opening.OnnxSession", None)
    monkeypatch.setattr("bertine.encode.encoder.Tokenizer", None)
    with pytest.raises(ArtifactError, match="is damaged"):
        Encoder.open(load(folder))


def test_variants_are_chosen_or_named(artifact: Artifact) -> None:
    with pytest.raises(NotFound, match="this model has: "):
        Encoder.open(artifact, variant="fp64")
    only_cuda = tuple(
        dataclasses.replace(variant, provider="cuda") for variant in artifact.manifest.variants
    )
    manifest = dataclasses.replace(artifact.manifest, variants=only_cuda)
    with pytest.raises(ArtifactError, match=r"no variant of .* is meant for device 'cpu'"):
        Encoder.open(Artifact(artifact.folder, manifest))
