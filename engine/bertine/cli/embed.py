"""`bertine embed`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias, cast

import click
import numpy as np

from bertine import artifact
from bertine.cli.connection import PATIENT_TIMEOUT, access_options, connected
from bertine.cli.lines import read_lines
from bertine.cli.progress import Report, progress
from bertine.client import CallError
from bertine.client.requests import chunks
from bertine.encode.encoder import Encoder
from bertine.encode.opening import DeviceSettings
from bertine.errors import ConfigError, Overloaded
from bertine.types import InputType, Matrix

_CHUNK = 256

_Embed: TypeAlias = Callable[[list[str]], Matrix]


@click.command()
@click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    show_envvar=True,
    help="Where the vectors go: .npy, float32, a row for each line.",
)
@click.option(
    "--model",
    type=click.Path(path_type=Path),
    show_envvar=True,
    help="Encode here, with a model that `bertine export` wrote.",
)
@click.option(
    "--variant",
    default="auto",
    show_envvar=True,
    help="Which graph of --model: auto, fp32, int8, fp16 ...",
)
@click.option(
    "--device",
    default="auto",
    show_envvar=True,
    help="What computes with --model: auto, cpu, cuda, cuda:N, tensorrt or tensorrt:N.",
)
@click.option(
    "--target",
    metavar="HOST:PORT",
    show_envvar=True,
    help="Let a server encode, instead of --model.",
)
@access_options
@click.option(
    "--input-type",
    type=click.Choice(["query", "document", "none"]),
    default="none",
    show_envvar=True,
    help="Which of the model's prompts goes before each text.",
)
def embed(file: Path, output: Path, input_type: str, **source: Any) -> None:
    """Encode the lines of a text file into vectors of length 1.

    \b
    bertine embed sentences.txt --output vectors.npy --model model
    cut -f 2 table.tsv | bertine embed - --output vectors.npy --target 127.0.0.1:50051

    FILE holds one text a line; - is standard input. Texts longer than the model's maximum are cut.
    In Python, numpy.load("vectors.npy") reads the result.
    """  # noqa: D301 - \b is click's mark for text that is not rewrapped
    if (source["model"] is None) == (source["target"] is None):
        raise click.UsageError("Give either --model, to encode here, or --target, a server.")
    texts = read_lines(file)
    with (
        _replaced(output) as temporary,
        _opened(cast("InputType", input_type), **source) as embed_some,
        progress(len(texts), "texts") as report,
    ):
        started = time.perf_counter()
        vectors = _embed_all(embed_some, texts, report)
        seconds = time.perf_counter() - started
        with temporary.open("wb") as stream:
            np.save(stream, vectors)
    rows, dimensions = vectors.shape
    click.echo(
        f"{output}: float32 [{rows}, {dimensions}] in {seconds:,.1f} s, "
        f"{rows / seconds:,.0f} texts/s"
    )


@contextmanager
def _opened(
    input_type: InputType, model: Path | None, target: str | None, variant: str, device: str
) -> Iterator[_Embed]:
    """What encodes a list of texts."""
    if model is None:
        with connected(target or "", PATIENT_TIMEOUT) as client:
            yield lambda texts: client.embed(texts, input_type=input_type)
        return
    encoder = Encoder.open(
        artifact.load(model), variant=variant, device=DeviceSettings(device=device)
    )
    try:
        yield lambda texts: encoder.embed_sync(texts, input_type=input_type).vectors
    finally:
        encoder.close()


def _embed_all(embed_some: _Embed, texts: list[str], report: Report) -> Matrix:
    # Two at a time: one is tokenized, or on its way, while the other is encoded.
    pool = ThreadPoolExecutor(2, thread_name_prefix="bertine-embed")
    parts: list[Matrix] = []
    done = 0
    try:
        for part in pool.map(partial(_patiently, embed_some), chunks(texts, _CHUNK)):
            parts.append(part)
            done += len(part)
            report(done, done)
    finally:
        pool.shutdown(cancel_futures=True)
    return np.concatenate(parts)


def _patiently(embed_some: _Embed, texts: list[str]) -> Matrix:
    """Encode when there is room: a full queue is no failure, others use the encoder too."""
    while True:
        try:
            return embed_some(texts)
        except (CallError, Overloaded) as error:
            if error.retry_after is None:
                raise
            time.sleep(error.retry_after)


@contextmanager
def _replaced(path: Path) -> Iterator[Path]:
    """A temporary file beside the path that takes its place if all goes well.

    Raises:
        ConfigError: it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        # At once: not after an hour of encoding.
        temporary.touch()
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)
