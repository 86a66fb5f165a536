"""Bertine: retrieval and recommendation with BERT encoders.

Start at `bertine.client` to call a server, at `bertine.cli` to run one.
"""

from importlib.metadata import version

__version__ = version("bertine")
