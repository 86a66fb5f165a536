"""The texts a variant is verified on: sentences, titles, queries, paragraphs; shipped as data."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from bertine.errors import ArtifactError


def load(path: Path | None = None) -> list[str]:
    """One text per line, empty lines left out.

    Args:
        path: a file of the user's; the shipped texts where None.

    Raises:
        ArtifactError: the file cannot be read or has no text.
    """
    where = path or resources.files("bertine_export") / "verification.txt"
    try:
        lines = where.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ArtifactError(f"{where} cannot be read: {error}") from error
    texts = [line.strip() for line in lines if line.strip()]
    if not texts:
        raise ArtifactError(f"{where} has no texts; one text per line is expected")
    return texts
