"""The command `bertine export`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bertine.artifact import Artifact, Variant
from bertine.errors import BertineError
from bertine_export.settings import DEFAULT_OPSET, DEFAULT_VARIANTS, Settings

if TYPE_CHECKING:
    from rich.console import Console

EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("source")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write.")
@click.option(
    "--variants",
    default=",".join(DEFAULT_VARIANTS),
    show_default=True,
    help="Which to make, see above; all is every one that the model can have.",
)
@click.option("--name", help="Name that requests use.  [default: the model's own]")
@click.option("--query-prompt", help="Text put before each query.  [default: the model's own]")
@click.option(
    "--document-prompt", help="Text put before each document.  [default: the model's own]"
)
@click.option(
    "--sts",
    type=EXISTING_FILE,
    help="Sentence pairs with gold scores, in the STS Benchmark's tab-separated form. "
    "Without it the STS gate is not checked.",
)
@click.option(
    "--verification",
    type=EXISTING_FILE,
    help="Texts to verify on, one per line.  [default: those shipped with Bertine]",
)
@click.option("--opset", type=int, default=DEFAULT_OPSET, show_default=True, help="ONNX opset.")
@click.option(
    "--fusion",
    type=click.Choice(["auto", "on", "off"]),
    default="auto",
    show_default=True,
    help="Whether ONNX Runtime's transformer optimizer rewrites fp32 and int8; auto measures both.",
)
@click.option("--force", is_flag=True, help="Replace a model that is already in --out.")
def export(source: str, out: Path, variants: str, **options: Any) -> None:
    """Export a BERT encoder to ONNX, for `bertine serve`.

    SOURCE is all-MiniLM-L6-v2, a local folder of transformers or sentence-transformers, or a
    Hugging Face id. BERT, DistilBERT, RoBERTa, XLM-R and MPNet can be exported.

    Pooling and normalisation become part of the graph. Each variant is compared with the PyTorch
    model and written only where it is faithful: a mean cosine of 0.99999 for fp32, of 0.9999 for
    fp16, of 0.99 for int8, and with --sts a loss of at most 0.5 points of Spearman, 0.05 for fp16.

    \b
    Variants:
      fp32         CPU       exact
      int8         CPU       smaller and faster
      fp16         CUDA      fused attention; for small batches and those of even lengths
      fp16-packed  CUDA      computes without padding; for batches of uneven lengths
      int8-qdq     TensorRT  explicit quantization, calibrated on real texts

    Those for a GPU are made and verified without one; how fast they are is not measured here.
    fp16 needs BERT, DistilBERT, RoBERTa or XLM-R. A variant that the model cannot have is an error
    where it was named; with --variants all it is left out, and the output says why.

    \b
    Examples:
      bertine export all-MiniLM-L6-v2 --out models/minilm
      bertine export intfloat/e5-small-v2 --out models/e5 \\
          --query-prompt "query: " --document-prompt "passage: "
      bertine export all-MiniLM-L6-v2 --out models/gpu --variants all
    """  # noqa: D301 - \b is click's mark for text that is not rewrapped
    from rich.console import Console  # noqa: PLC0415 - keeps --help fast

    console = Console(soft_wrap=True)
    try:
        _run(console, source, out, variants, options)
    except BertineError as error:
        click.echo(f"Error: {error.message}", err=True)
        sys.exit(1)


def _run(console: Console, source: str, out: Path, variants: str, options: dict[str, Any]) -> None:
    from bertine_export.export import GateMissed, export_model  # noqa: PLC0415 - keeps --help fast

    name, force = options.pop("name"), options.pop("force")
    names = [part.strip() for part in variants.split(",") if part.strip()]
    settings = Settings(**options)
    try:
        with console.status("Starting") as status:

            def say(line: str) -> None:
                status.update(line)
                console.print(line, markup=False, highlight=False)

            artifact = export_model(
                source, out, variants=names, name=name, force=force, settings=settings, say=say
            )
    except GateMissed as error:
        if error.artifact is not None:
            _report(console, error.artifact)
        raise
    _report(console, artifact)


def _report(console: Console, artifact: Artifact) -> None:
    from rich.table import Table  # noqa: PLC0415 - keeps --help fast

    table = Table("variant", "cosine mean", "cosine min", "STS (PyTorch)", "MB", "texts/s", "fused")
    for variant in artifact.manifest.variants:
        table.add_row(*_row(variant))
    console.print(table)
    if all(variant.parity.sts_spearman is None for variant in artifact.manifest.variants):
        console.print("The STS gate was not checked: give sentence pairs with --sts.")
    console.print(f"Wrote {artifact.folder}", markup=False, highlight=False)


def _row(variant: Variant) -> tuple[str, ...]:
    parity = variant.parity
    sts = (
        "not checked"
        if parity.sts_spearman is None
        else f"{parity.sts_spearman:.2f} ({parity.sts_reference:.2f})"
    )
    return (
        variant.name,
        f"{parity.cosine_mean:.5f}",
        f"{parity.cosine_min:.5f}",
        sts,
        f"{variant.size_bytes / 1e6:.1f}",
        f"{variant.texts_per_second:.0f}" if variant.texts_per_second else "-",
        "yes" if variant.fused else "no",
    )
