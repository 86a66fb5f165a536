import subprocess
import sys

PROGRAM = """
import numpy as np
from threadpoolctl import threadpool_info
from bertine.kernels.blas import use_one_thread

if use_one_thread():
    numpys = [pool for pool in threadpool_info() if "numpy.libs" in pool["filepath"]]
    assert [pool["num_threads"] for pool in numpys] == [1], numpys
assert np.allclose(np.ones((300, 300)) @ np.ones((300, 300)), 300)
"""


def test_products_run_in_one_thread() -> None:
    # In a process of its own: it holds for a whole process.
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, timeout=60)
