"""What every training process has in common, so that equal inputs give equal bytes.

The variables are read by an interpreter and its libraries when they start, so whoever starts a
training sets them before: SageMaker from the job's request, the local cloud from the same request,
and the launcher for the process that it becomes. Only the standard library is needed here: the
launcher runs before anything is installed.
"""

from __future__ import annotations

import random

# Sums in another order round otherwise, so the count is the same on every machine: the virtual
# processors of the default instance, ml.m5.large. Code that asks for more itself gets more.
THREADS = "2"
VARIABLES = {
    "PYTHONHASHSEED": "0",
    "OMP_NUM_THREADS": THREADS,  # LightGBM, XGBoost, scikit-learn
    "OMP_DYNAMIC": "FALSE",
    "OPENBLAS_NUM_THREADS": THREADS,  # numpy, scipy
    "MKL_NUM_THREADS": THREADS,
    "MKL_DYNAMIC": "FALSE",
    "NUMEXPR_NUM_THREADS": THREADS,  # pandas
    "VECLIB_MAXIMUM_THREADS": THREADS,  # numpy on macOS
    "LOKY_MAX_CPU_COUNT": THREADS,  # joblib: what n_jobs=-1 means
    "TZ": "UTC",
}


def seed_everything(seed: int) -> None:
    """Seed the generators that code uses without being handed one: `random`, numpy's legacy one.

    A `seed` beyond 32 bits is cut for numpy, which takes no more.
    """
    import numpy as np  # the launcher has none

    random.seed(seed)
    np.random.seed(seed % 2**32)
