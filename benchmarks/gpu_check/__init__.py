"""Correctness, then timings, on a GPU: ``make gpu-check``. Not run on a GPU."""
