"""`python -m bertine` is `bertine`."""

from bertine.cli import main

main()
