"""Exact hat algebra and spillover dynamics in compiled kernels.

Counterfactuals for trade and industrial policy when industries have scale economies. Names load on
first use, so that importing the package costs little more than numpy.
"""

import importlib

_HOMES = {
    "errors": (
        "ExacthatError",
        "BadInput",
        "BadParameter",
        "NoEquilibrium",
        "NotConverged",
        "NotCertified",
        "MissingLibrary",
    ),
    "economy": ("Economy",),
    "scenario": ("Shock", "Policy", "Scenario"),
    "certificate": ("Certificate",),
    "accounting": (
        "GainsFromTrade",
        "GainsTable",
        "gains_from_trade",
        "gains_table",
        "single_industry_gains",
        "closed_economy_gain",
        "Immiserization",
        "immiserization",
        "elasticity_correlation",
        "firm_mass",
        "productivity_levels",
    ),
    "decomposition": ("Decomposition", "caliendo_parro_terms", "first_order_growth"),
    "primitives": ("from_primitives",),
    "local_stability": ("Stability", "stability"),
    "proposals": ("certify",),
    "gradient": ("WelfareGradient", "welfare_gradient"),
    "sensitivity": ("welfare_sensitivity",),
    "equilibrium": ("Equilibrium", "counterfactual", "purge_deficits", "rebalance"),
    "policy": ("OptimalPolicy", "optimal_policy", "nash_policy", "cooperative_policy"),
    "sweep": ("Batch", "BatchStopped", "Interrupted", "counterfactuals", "elasticity_draws"),
    "appraisal": (
        "Appraisal",
        "Stream",
        "compare",
        "infant_industry",
        "mill_test",
        "pigouvian_subsidy",
        "supported_industries",
    ),
}
_MODULES = ("errors", "datasets", "elasticities", "clusters", "dynamics", "growth", "appraisal")
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [*_HOME, *_MODULES]


def __getattr__(name):
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _HOME:
        value = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
        globals()[name] = value
        return value
    if name == "__version__":
        from importlib.metadata import version

        return version(__name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__, "__version__"})
