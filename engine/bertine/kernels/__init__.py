"""Hot loops, compiled by numba: one file for the CPU, later one for CUDA of the same signatures."""
