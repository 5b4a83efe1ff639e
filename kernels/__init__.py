"""Hot loops and their specification: one folder per family, `ref.py` the equations, a fast twin beside it."""
