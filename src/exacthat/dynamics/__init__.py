"""Dynamics: productivity that grows with employment, on top of the exact counterfactual.

learning = dynamics.Learning(spillovers, diffusion)
path = dynamics.simulate(economy, learning, [dynamics.Phase(policy=..., until=10.0), dynamics.Phase()], horizon=50.0)
path.at([0.0, 10.0, 50.0]).welfare_hat
"""

from .learning import Learning, scale_to_growth, starting_growth
from .paths import Event, Path, PathStopped, States, simulate
from .schedule import Phase
from .shadow import LearningValue, learning_value

__all__ = [
    "Event",
    "Learning",
    "LearningValue",
    "Path",
    "PathStopped",
    "Phase",
    "States",
    "learning_value",
    "scale_to_growth",
    "simulate",
    "starting_growth",
]
