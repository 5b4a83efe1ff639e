"""Shock and Policy: what changes between the base year and the counterfactual."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exacthat.economy import Economy, by_country_industry, subsidy_rates
from exacthat.errors import BadInput, BadParameter


@dataclass(frozen=True, eq=False)
class Shock:
    """Changes of fundamentals, as hats (new over old; 1 means no change).

    Parameters
    ----------
    trade_cost : scalar, (K,), (N, N, 1) or (N, N, K)
        tauhat. A scalar or (K,) acts on all foreign trade and leaves domestic trade alone; a full array acts
        where it says. ``numpy.inf`` off the diagonal ends the trade (autarky).
    productivity, entry_cost : scalar, (K,), (N, 1) or (N, K)
        phihat and fhat; positive. Entry costs have no effect under restricted entry.
    labour : scalar or (N,)
        Lhat, the endowment; positive.

    Shapes and values are checked against an economy when the shock is used; errors name the cell.

    >>> Shock(trade_cost=1.1).hats(Economy([[[3.0], [1.0]], [[1.0], [3.0]]], 5.0)).trade_cost[:, :, 0]
    array([[1. , 1.1],
           [1.1, 1. ]])
    """

    trade_cost: np.ndarray | None = None
    productivity: np.ndarray | None = None
    labour: np.ndarray | None = None
    entry_cost: np.ndarray | None = None

    def hats(self, economy: Economy) -> Shock:
        """Return the same shock checked and broadcast to full arrays (None where nothing changes)."""
        problems: list[str] = []
        full = Shock(
            _trade_cost(self.trade_cost, economy, problems),
            _by_cell(self.productivity, economy, "productivity", problems),
            _labour(self.labour, economy, problems),
            _by_cell(self.entry_cost, economy, "entry_cost", problems),
        )
        if problems:
            raise BadInput(problems)
        return full


@dataclass(frozen=True, eq=False)
class Policy:
    """New levels of policy instruments, as rates (0.1 is ten percent, never a power of 1.1).

    Parameters
    ----------
    production_subsidy : scalar, (K,), (N, 1) or (N, K)
        s, paid on producer revenue net of the subsidy and financed lump sum; None keeps the base year's own.

    >>> eco = Economy([[[3.0, 2.0]]], [5.0, 4.0], [0.1, 0.2], countries=["PAK"])
    >>> Policy.corrective(eco).production_subsidy
    array([[0.1, 0.2]])
    """

    production_subsidy: np.ndarray | None = None

    @classmethod
    def corrective(cls, economy: Economy, countries=None) -> Policy:
        """Subsidise production at s = mu in `countries` (all by default); others keep the base year's rates.

        The Pigouvian rate: it restores marginal-cost pricing under restricted entry and pays for the scale
        externality under free entry (Lashkaripour and Lugovskyy 2023). Raises `BadInput` for an unknown
        country. See `corrective` in the class example.
        """
        rates = np.array(economy.production_subsidy)
        chosen = slice(None) if countries is None else economy.country_index(countries)
        rates[chosen] = economy.scale_elasticity
        return cls(production_subsidy=rates)

    def rates(self, economy: Economy) -> np.ndarray:
        """Return production subsidies (N, K) checked against `economy`."""
        if self.production_subsidy is None:
            return economy.production_subsidy
        return subsidy_rates(self.production_subsidy, economy.countries, economy.industries)


def _by_cell(given, economy: Economy, what: str, problems: list[str]):
    if given is None:
        return None
    try:
        hats = by_country_industry(given, economy.countries, economy.industries, what)
    except BadInput as error:
        problems += error.problems
        return None
    for i, k in np.argwhere(~(np.isfinite(hats) & (hats > 0))):
        problems.append(
            f"{what} of country {economy.countries[i]!r} in industry {economy.industries[k]!r} is "
            f"{hats[i, k]:g}; a hat is new over old and must be finite and above 0"
        )
    return None if (hats == 1.0).all() else hats


def _labour(given, economy: Economy, problems: list[str]):
    if given is None:
        return None
    n = len(economy.countries)
    hats = np.array(given, dtype=float)
    if hats.shape not in {(), (n,)}:
        problems.append(f"labour has shape {hats.shape}; give a scalar or ({n},)")
        return None
    hats = np.array(np.broadcast_to(hats, (n,)))
    for i in np.flatnonzero(~(np.isfinite(hats) & (hats > 0))):
        problems.append(
            f"labour of country {economy.countries[i]!r} is {hats[i]:g}; a hat must be finite and above 0"
        )
    return None if (hats == 1.0).all() else hats


def _trade_cost(given, economy: Economy, problems: list[str]):
    if given is None:
        return None
    n, _, k = economy.flows.shape
    hats = np.asarray(given, dtype=float)
    if hats.shape not in {(), (k,), (n, n, 1), (n, n, k)}:
        problems.append(
            f"trade_cost has shape {hats.shape}; give a scalar, ({k},), ({n}, {n}, 1) or ({n}, {n}, {k})"
        )
        return None
    foreign = hats.ndim < 3
    hats = np.array(np.broadcast_to(hats, (n, n, k)))
    home = np.arange(n)
    if foreign:
        hats[home, home] = 1.0
    wrong = np.isnan(hats) | (hats <= 0)
    wrong[home, home] |= np.isinf(hats[home, home])
    for i, j, g in np.argwhere(wrong):
        cure = "finite and above 0" if i == j else "above 0 (numpy.inf ends the trade)"
        problems.append(
            f"trade_cost from {economy.countries[i]!r} to {economy.countries[j]!r} in industry "
            f"{economy.industries[g]!r} is {hats[i, j, g]:g}; it must be {cure}"
        )
    return None if (hats == 1.0).all() else hats


def deficit_levels(given, economy: Economy) -> np.ndarray:
    """Read the `deficits` option: "fixed", "zero" or (N,) levels that sum to zero."""
    if isinstance(given, str):
        if given == "fixed":
            return economy.deficits
        if given == "zero":
            return np.zeros_like(economy.deficits)
        raise BadParameter(f"deficits is {given!r}; it must be 'fixed', 'zero' or one level per country")
    levels = np.array(given, dtype=float)
    if levels.shape != economy.deficits.shape:
        raise BadInput(f"deficits have shape {levels.shape}; they must be ({len(economy.countries)},)")
    if not np.isfinite(levels).all():
        raise BadInput(f"the deficit of {economy.countries[np.argmin(np.isfinite(levels))]!r} is not finite")
    if abs(levels.sum()) > 1e-9 * economy.labour_income.sum():
        raise BadInput(f"deficits sum to {levels.sum():g}; they must sum to zero over the world")
    return levels
