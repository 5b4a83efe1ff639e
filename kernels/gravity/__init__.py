"""Multi-industry gravity with scale effects: the exact hat system and its solution."""

import os as _os

# Threads that wait must sleep: spinning ones take a core from other work, this process's own included. The
# OpenMP runtime reads this once, when the compiled module first loads it; the environment is left as found.
_found = _os.environ.get("OMP_WAIT_POLICY")
_os.environ.setdefault("OMP_WAIT_POLICY", "passive")
from exacthat.kernels.gravity import cy as cy  # noqa: E402

if _found is None:
    del _os.environ["OMP_WAIT_POLICY"]
