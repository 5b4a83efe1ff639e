"""Growth: the Malthusian trap, Schumpeterian growth with knowledge diffusion, and targets.

The models of the annexure of SDPI working paper 213, corrected where it slips: its (4) and (5) are one
equation, its alpha and R carry two meanings each, its (8) does not follow from its (4), and it states no
law of population.
"""

from .malthusian import MalthusPath, malthus, malthus_income, malthus_output, malthus_population
from .schumpeter import (
    LongRunGrowth,
    MarketEffects,
    effective_market,
    growth_rates,
    knowledge_path,
    long_run_growth,
    market_effects,
    output,
    quality,
    spectral_radius,
)
from .targets import distance_to_frontier, required_growth, years_to_reach

__all__ = [
    "LongRunGrowth",
    "MalthusPath",
    "MarketEffects",
    "distance_to_frontier",
    "effective_market",
    "growth_rates",
    "knowledge_path",
    "long_run_growth",
    "malthus",
    "malthus_income",
    "malthus_output",
    "malthus_population",
    "market_effects",
    "output",
    "quality",
    "required_growth",
    "spectral_radius",
    "years_to_reach",
]
