"""The whole way from a model to an artifact, one step after the other."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bertine.artifact import MANIFEST, Artifact, Manifest, Variant, load, sha256_file
from bertine.errors import ArtifactError
from bertine_export import folder, source, texts, vendors, verify
from bertine_export.settings import ALL, DEFAULT_VARIANTS, Settings, chosen_variants
from bertine_export.source import Source
from bertine_export.tokenizer import encode
from bertine_export.unfit import Unfit

if TYPE_CHECKING:  # these import torch, which must not happen before the extra is checked
    from bertine_export.model import Model
    from bertine_export.variant import Workshop

Say = Callable[[str], None]
TOKENIZER = "tokenizer.json"


class GateMissed(ArtifactError):
    """Variants are not faithful enough to the model, or it cannot have them; others were written.

    Args:
        reasons: by the name of each variant that was not written.
        artifact: with the other variants, None where there are none.
    """

    def __init__(self, reasons: dict[str, str], artifact: Artifact | None) -> None:
        missed = "; ".join(f"{name} was not written: {why}" for name, why in reasons.items())
        super().__init__(missed if artifact else f"{missed}; no model was written")
        self.reasons = reasons
        self.artifact = artifact


def _silent(_: str) -> None:
    """Say nothing."""


def export_model(
    source_name: str,
    out: Path,
    *,
    variants: Sequence[str] = DEFAULT_VARIANTS,
    name: str | None = None,
    force: bool = False,
    settings: Settings | None = None,
    say: Say = _silent,
) -> Artifact:
    """Export a model and write it as an artifact.

    Args:
        source_name: ``all-MiniLM-L6-v2``, a folder, or a Hugging Face id.
        out: the artifact's folder.
        variants: which to make, of `bertine_export.settings.VARIANTS`; ``all`` alone is every one
            that the model can have, and `say` is told why it cannot have another.
        name: display name; the model's own where None.
        force: replace an artifact that is there.
        settings: see `Settings`.
        say: called with one line before each step.

    Returns:
        The artifact, with each variant's measured parity in its manifest, and the speed of those
        for a CPU.

    Raises:
        GateMissed: a variant is not faithful enough, or one that was named cannot be had; the
            others were written.
        ArtifactError: the model cannot be found, read, exported or written.
        ConfigError: a library is not installed, or an option has no such value.
    """
    wanted = chosen_variants(variants)
    out = out.resolve()
    folder.check_free(out, force=force)
    vendors.require()
    found = source.resolve(source_name)
    with folder.replacing(out) as temporary:
        run = _Export(found, name or found.name, temporary, settings or Settings(), say)
        reasons = run.write(wanted, named=ALL not in variants)
    if reasons:
        raise GateMissed(reasons, load(out))
    return load(out)


@dataclass(frozen=True, slots=True)
class _Export:
    """One run: what it makes, and where.

    Attributes:
        source: of the model.
        name: of the artifact.
        out: folder that becomes the artifact.
        settings: of the run.
        say: tells the user.
    """

    source: Source
    name: str
    out: Path
    settings: Settings
    say: Say

    def write(self, variants: Sequence[str], *, named: bool) -> dict[str, str]:
        """Write everything; the manifest last.

        Args:
            variants: to make.
            named: each was asked for; otherwise one that the model cannot have is left out.

        Returns:
            Why each variant that was not written and not left out was not.

        Raises:
            GateMissed: none was written.
        """
        model = self._load()
        with self._workshop(model) as workshop:
            passed, reasons = self._make_all(workshop, variants, named=named)
        if not passed:
            raise GateMissed(reasons, None)
        text = self._manifest(model, tuple(passed)).to_json()
        (self.out / MANIFEST).write_text(text, encoding="utf-8")
        return reasons

    def _make_all(
        self, workshop: Workshop, variants: Sequence[str], *, named: bool
    ) -> tuple[list[Variant], dict[str, str]]:
        """Variants that passed, and why others did not, see `write`."""
        passed: list[Variant] = []
        reasons: dict[str, str] = {}
        for name in variants:
            self.say(f"Making and verifying {name}")
            try:
                variant, problem = workshop.make(name)
            except Unfit as error:
                self.say(f"Note: {name} is left out: {error.message}")
                reasons |= {name: error.message} if named else {}
                continue
            if problem is None:
                passed.append(variant)
            else:
                reasons[name] = problem
        return passed, reasons

    def _load(self) -> Model:
        from bertine_export import model  # noqa: PLC0415 - imports torch

        self.say(f"Loading {self.source.origin}")
        loaded = model.load(self.source.folder, self.settings)
        for note in loaded.notes:
            self.say(f"Note: {note}")
        return loaded

    @contextmanager
    def _workshop(self, model: Model) -> Iterator[Workshop]:
        from bertine_export import reference, variant  # noqa: PLC0415 - imports torch

        prompted = _apply(model.prompts, texts.load(self.settings.verification))
        pairs = verify.read_pairs(self.settings.sts) if self.settings.sts else None
        tokenizer = model.save_tokenizer(self.out / TOKENIZER, prompted)
        with tempfile.TemporaryDirectory(prefix="bertine-export-") as scratch:
            unfused = Path(scratch) / "unfused.onnx"
            graphs = self._graphs(model, unfused)
            seen, unseen = _halves(prompted)
            self.say(f"Computing the PyTorch reference on {len(unseen)} texts")
            expected = reference.make(model.encoder, tokenizer, unseen, pairs, model.pad_token_id)
            yield variant.Workshop(
                unfused=unfused,
                graphs=graphs,
                folder=Path(scratch),
                out=self.out,
                calibration=encode(tokenizer, seen),
                reference=expected,
                config=model.config,
                pooling=None if model.metadata.dense else model.metadata.pooling,
                pad_token_id=model.pad_token_id,
            )

    def _graphs(self, model: Model, unfused: Path) -> dict[bool, Path]:
        """The fp32 graphs to choose from, keyed by whether they are fused."""
        from bertine_export import fuse, graph  # noqa: PLC0415 - imports torch

        self.say(f"Exporting to ONNX, opset {self.settings.opset}")
        graph.to_onnx(model.encoder, self.settings.opset, unfused)
        if self.settings.fusion == "off":
            return {False: unfused}
        fused = unfused.with_name("fused.onnx")
        counts = fuse.fuse(unfused, fused, model.config)
        listed = ", ".join(f"{count} {kind}" for kind, count in counts.items())
        self.say(f"Fused {listed or 'nothing'}")
        return {True: fused} if self.settings.fusion == "on" else {False: unfused, True: fused}

    def _manifest(self, model: Model, variants: tuple[Variant, ...]) -> Manifest:
        return Manifest(
            name=self.name,
            architecture=model.architecture,
            source=self.source.origin,
            source_sha256=source.weights_sha256(model.metadata.encoder),
            dimensions=model.encoder.dimensions,
            max_length=model.max_length,
            vocab_size=model.config.vocab_size,
            pad_token_id=model.pad_token_id,
            pooling=model.metadata.pooling,
            prompts=model.prompts,
            opset=self.settings.opset,
            tokenizer_sha256=sha256_file(self.out / TOKENIZER),
            variants=variants,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            versions=vendors.versions(),
        )


def _apply(prompts: dict[str, str], verification: Sequence[str]) -> list[str]:
    """Half of the texts as queries and half as documents, each with its prompt."""
    turns = (prompts["query"], prompts["document"])
    return [turns[index % 2] + text for index, text in enumerate(verification)]


def _halves(verification: list[str]) -> tuple[list[str], list[str]]:
    """Texts to calibrate on, and others to verify on, with as many queries in each.

    Too few texts to divide are used for both.
    """
    seen = [text for index, text in enumerate(verification) if index % 4 < 2]  # noqa: PLR2004
    unseen = [text for index, text in enumerate(verification) if index % 4 >= 2]  # noqa: PLR2004
    return seen, unseen or seen
