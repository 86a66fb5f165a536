"""Hot loops compiled by numba, `cuda` for a GPU, and how many threads numpy's own may use."""
