"""A variant that a model cannot have."""

from bertine.errors import ArtifactError


class Unfit(ArtifactError):
    """A graph lacks the form that a variant needs; the model's other variants are not concerned."""
