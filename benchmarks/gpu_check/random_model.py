"""A model of BERT-base's or BERT-large's form with random weights, to be timed and not to be used.

    python -m benchmarks.gpu_check.random_model --form bert-base --like build/model --out OUT

Needs the extra ``export`` and no GPU; it takes minutes. What comes out goes to a machine with a GPU
as ``--model``. Its vocabulary is another model's, and its name says that it is random.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import click

from bertine import artifact
from bertine.artifact import Artifact
from bertine_export import export_model

_VARIANTS = "fp32,fp16,fp16-packed"
_POSITIONS = 512


@dataclass(frozen=True, slots=True)
class Form:
    """Sizes of a BERT encoder.

    Attributes:
        layers: of it.
        hidden: width of a token; the feed-forward part is four times as wide.
        heads: of attention.
    """

    layers: int
    hidden: int
    heads: int


FORMS = {
    "bert-tiny": Form(2, 128, 2),
    "bert-base": Form(12, 768, 12),
    "bert-large": Form(24, 1_024, 16),
}
"""Devlin et al. 2019, and Turc et al. 2019 for the tiny one, which tests make."""


@click.command()
@click.option("--form", type=click.Choice(list(FORMS)), required=True, help="Which sizes.")
@click.option(
    "--like", required=True, type=click.Path(path_type=Path), help="Artifact with a tokenizer."
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write.")
@click.option("--variants", default=_VARIANTS, show_default=True, help="Which to make.")
def main(form: str, like: Path, out: Path, variants: str) -> None:
    """Make a model with random weights and export it."""
    made = make(form, like, out, variants.split(","))
    click.echo(f"wrote {made.folder}: random weights, for timings only")


def make(form: str, like: Path, out: Path, variants: list[str]) -> Artifact:
    """Export a model with random weights.

    Args:
        form: a name of `FORMS`.
        like: artifact whose tokenizer it gets.
        out: folder to write; what is there is replaced.
        variants: which to make.

    Raises:
        ArtifactError: no such artifact, or a variant missed its gate.
        ConfigError: the extra ``export`` is not installed.
    """
    tokenizer = artifact.load(like).tokenizer_path
    with tempfile.TemporaryDirectory(prefix="bertine-") as folder:
        _save(FORMS[form], tokenizer, Path(folder))
        name = f"{form}-random"
        return export_model(folder, out, variants=variants, name=name, force=True)


def _save(form: Form, tokenizer: Path, folder: Path) -> None:
    """What transformers would save of it."""
    import torch  # noqa: PLC0415 - slow, and only here
    import transformers  # noqa: PLC0415 - the same

    shutil.copyfile(tokenizer, folder / "tokenizer.json")
    words = transformers.PreTrainedTokenizerFast(
        tokenizer_file=str(tokenizer),
        **{f"{role}_token": f"[{role.upper()}]" for role in ("pad", "unk", "cls", "sep", "mask")},
        model_max_length=_POSITIONS,
    )
    words.save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(words),
        hidden_size=form.hidden,
        num_hidden_layers=form.layers,
        num_attention_heads=form.heads,
        intermediate_size=4 * form.hidden,
        max_position_embeddings=_POSITIONS,
    )
    transformers.BertModel(config).save_pretrained(folder)


if __name__ == "__main__":
    main()
