"""Many scenarios at a time: a batch compiled end to end, and the rows that need more."""

from exacthat.sweep.batch import Batch, Interrupted, counterfactuals

__all__ = ["Batch", "Interrupted", "counterfactuals"]
