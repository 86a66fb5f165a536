"""Results as one page: ``python -m benchmarks.html RESULT.json ... --out report.html``."""
