"""Appraisal: is a policy worth its cost? One view over all models.

Two paths, or two plain streams of welfare, give present values, critical discount rates, break-even and
overtaking dates, consumption equivalents and the tests of Bastable and Mill.
"""

from .comparison import Appraisal, CriticalRate, compare
from .infant import InfantIndustry, infant_industry, pigouvian_subsidy
from .mill import MillTest, mill_test, supported_industries
from .streams import Stream

__all__ = [
    "Appraisal",
    "CriticalRate",
    "InfantIndustry",
    "MillTest",
    "Stream",
    "compare",
    "infant_industry",
    "mill_test",
    "pigouvian_subsidy",
    "supported_industries",
]
