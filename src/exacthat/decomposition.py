"""What a change of welfare is made of: exact identities of any size, and the first-order formulas beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from exacthat.checks import frozen


@dataclass(frozen=True, eq=False, repr=False)
class Decomposition:
    """Terms of a log change of welfare, country by country.

    kind        what was decomposed, and how
    countries   labels of the country axis
    terms       name -> (N,) log points; they add up to `total`
    exact       ln What (N,) of the equilibrium; `error` is `total` less this

    For exact kinds `error` is rounding and the solver's residual; for first-order formulas it is what they miss.
    """

    kind: str
    countries: tuple[str, ...]
    terms: Mapping[str, np.ndarray]
    exact: np.ndarray

    @property
    def total(self) -> np.ndarray:
        """Sum of the terms (N,)."""
        return frozen(np.sum(list(self.terms.values()), axis=0))

    @property
    def error(self) -> np.ndarray:
        """Total less the exact log change of welfare (N,)."""
        return frozen(self.total - self.exact)

    def to_frame(self):
        """Return a pandas frame in 100 log points: one row per country, the terms, total, exact."""
        import pandas as pd

        columns = {**self.terms, "total": self.total, "exact": self.exact}
        index = pd.Index(self.countries, name="country")
        return pd.DataFrame({name: 100.0 * values for name, values in columns.items()}, index=index)

    def __repr__(self):
        return f"Decomposition({self.kind}: {', '.join(self.terms)}; {len(self.countries)} countries)"

    def __str__(self):
        columns = {**self.terms, "total": self.total, "exact": self.exact}
        first = max(len(name) for name in (*self.countries, "country"))
        widths = {name: max(len(name), 9) for name in columns}
        lines = [
            f"{self.kind}, 100 log points",
            "  ".join([f"{'country':{first}}", *(f"{name:>{widths[name]}}" for name in columns)]),
        ]
        for n, country in enumerate(self.countries):
            cells = (f"{100.0 * values[n]:z{widths[name]}.3f}" for name, values in columns.items())
            lines.append("  ".join([f"{country:{first}}", *cells]))
        lines.append(f"largest |total - exact| {100.0 * np.abs(self.error).max():.1e}")
        return "\n".join(lines)


def caliendo_parro_terms(eq) -> Decomposition:
    """Compute terms of trade and volume of trade as Caliendo and Parro (2015) define them: first order.

    Parameters
    ----------
    eq : Equilibrium
        Of a change of tariffs.

    Returns
    -------
    Decomposition with the terms (N,)

        terms_of_trade  = sum_ik (exports_nik dc_nk - imports_ink dc_ik) / I_n
        volume_of_trade = sum_ik t_ink imports_ink (dM_ink - dc_ik) / I_n

    over foreign partners i; trade at the border (without tariffs), tariffs t and final spending I of the base
    year; dc and dM are rates of change (hat less one) of the price at the factory gate, net of subsidies,
    and of the value of imports. `error` is what the sum misses of ln What: second-order terms of the
    tariffs, which are large where tariffs change much, and first-order terms of whatever else changed
    (trade costs, productivity, profits, scale effects, deficits). With deficits the first term depends
    on the numeraire, world labour income.

    >>> import numpy as np, exacthat as eh
    >>> world = eh.Economy(np.ones((2, 2, 1)) + 2 * np.eye(2)[:, :, None], 4.0, tariff=0.02)
    >>> terms = caliendo_parro_terms(eh.counterfactual(world, policy=eh.Policy(tariff=0.0)))
    >>> list(terms.terms), bool(abs(terms.error).max() < 1e-3)
    (['terms_of_trade', 'volume_of_trade'], True)
    """
    economy = eq.economy
    abroad = ~np.eye(len(economy.countries), dtype=bool)[:, :, None]
    trade = np.where(abroad, economy.border_flows, 0.0)
    dc = eq.factory_price_hat - 1.0
    earned = np.einsum("nik,nk->n", trade, dc)
    paid = np.einsum("ink,ik->n", trade, dc)
    volume = np.zeros_like(earned)
    if economy.tariff is not None:
        change = np.where(abroad, eq.border_flows - trade - trade * dc[:, None, :], 0.0)
        volume = (economy.tariff * change).sum(axis=(0, 2))
    return _decomposition(
        "Caliendo-Parro terms, first order",
        eq,
        terms_of_trade=(earned - paid) / economy.expenditure,
        volume_of_trade=volume / economy.expenditure,
    )


def _decomposition(kind: str, eq, **terms) -> Decomposition:
    shown = MappingProxyType({name: frozen(np.array(values)) for name, values in terms.items()})
    return Decomposition(kind, eq.countries, shown, frozen(np.log(eq.welfare_hat)))
