"""Exact accounting of base years: gains from trade, corrective policy, what lies behind productivity.

Changes between two equilibria are the matter of `exacthat.decomposition`.
"""

from exacthat.accounting.closed import closed_economy_gain
from exacthat.accounting.gains import (
    GainsFromTrade,
    GainsTable,
    gains_from_trade,
    gains_table,
    single_industry_gains,
)

__all__ = [
    "GainsFromTrade",
    "GainsTable",
    "closed_economy_gain",
    "gains_from_trade",
    "gains_table",
    "single_industry_gains",
]
