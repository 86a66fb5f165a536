"""Hot loops on the CPU, compiled by numba, and how many threads numpy's own may use."""
