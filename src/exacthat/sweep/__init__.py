"""Many scenarios at a time: a batch compiled end to end, and the rows that need more."""

from exacthat.sweep.batch import Batch, BatchStopped, Interrupted, counterfactuals
from exacthat.sweep.draws import Draws, elasticity_draws

__all__ = ["Batch", "BatchStopped", "Draws", "Interrupted", "counterfactuals", "elasticity_draws"]
