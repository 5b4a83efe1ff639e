"""Exact accounting of base years: gains from trade, corrective policy, what lies behind productivity.

Changes between two equilibria are the matter of `exacthat.decomposition`.
"""

from exacthat.accounting.closed import closed_economy_gain
from exacthat.accounting.firms import firm_mass, productivity_levels
from exacthat.accounting.gains import (
    GainsFromTrade,
    GainsTable,
    autarky_spending,
    gains_from_trade,
    gains_table,
    single_industry_gains,
)
from exacthat.accounting.immiserizing import Immiserization, elasticity_correlation, immiserization

__all__ = [
    "GainsFromTrade",
    "GainsTable",
    "Immiserization",
    "autarky_spending",
    "closed_economy_gain",
    "elasticity_correlation",
    "firm_mass",
    "gains_from_trade",
    "gains_table",
    "immiserization",
    "productivity_levels",
    "single_industry_gains",
]
