"""Measurements of a real server: ``python -m benchmarks.NAME --help``. Not part of the package.

Each prints a table and then one JSON object on the last line. Speed is never shown without the
quality that it was bought with. The data lies beside the project, see `benchmarks.data`.
"""
