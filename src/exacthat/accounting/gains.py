"""Gains from trade and their exact parts, for any base year; the same with one industry; a table of both."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from exacthat import tabular
from exacthat.checks import frozen
from exacthat.decomposition import SHOWN, exposure, leontief, scale_effects
from exacthat.economy import Economy, require_economy
from exacthat.errors import BadParameter, NoEquilibrium
from exacthat.read_only import ReadOnly

UNBALANCED = (
    "deficits as observed: formulas, not counterfactuals; call exacthat.purge_deficits(economy) first"
)


@dataclass(frozen=True, eq=False, repr=False)
class GainsFromTrade(ReadOnly):
    """Gains from trade relative to autarky, and what they are made of; arrays (N,) in the order of `countries`.

    ``ln(1 - percent/100) = trade_term + scale_term + income_term`` exactly, for any size:

    trade_term       sum_k (e/epsilon) ln lambda_nn: below 0, what a country would lose without scale effects
    scale_term       sum_k mu e ln(y_autarky / y): the move of employment across industries, 0 without scale
    covariance_term  its part Cov_e(mu, ln(y_autarky / y)): specialisation in industries with low or high returns
    divergence_term  its part E_e[mu] sum_k e ln(y_autarky / y); the mean is a Kullback-Leibler divergence
                     where there are no subsidies and no intermediate goods
    income_term      profits and taxes: national income per unit of labour income, autarky over trade

    e are the expenditure shares or, with input-output links, what a price weighs in the price index through
    inputs of inputs. `balanced` tells whether every deficit is zero. With deficits the formula is not a
    counterfactual: call `exacthat.purge_deficits` first. Where a country cannot supply an industry that it
    or its industries buy, the gains are 100 percent and the terms of that industry are left out; `unsupplied`
    lists the cells.
    """

    countries: tuple[str, ...]
    percent: np.ndarray
    trade_term: np.ndarray
    scale_term: np.ndarray
    covariance_term: np.ndarray
    divergence_term: np.ndarray
    income_term: np.ndarray
    balanced: bool
    unsupplied: tuple[tuple[str, str], ...]

    def to_frame(self):
        """Return a pandas frame, one row per country: percent, then the terms in logs."""
        return tabular.frame(
            {name: getattr(self, name) for name in ("percent", *TERMS)}, country=self.countries
        )

    def __repr__(self):
        span = f"{self.percent.min():.3g} to {self.percent.max():.3g} percent"
        warning = "" if self.balanced else "; deficits as observed, no counterfactual: purge them first"
        return f"GainsFromTrade({len(self.countries)} countries, {span}{warning})"

    def __str__(self):
        columns = {"percent": self.percent}
        terms = {name: getattr(self, name) for name in TERMS}
        columns |= {name: 100.0 * term for name, term in terms.items() if np.abs(term).max() >= SHOWN}
        rows = tabular.highest_and_lowest(self.percent)
        lines = ["gains from trade, percent of welfare; terms in 100 log points"]
        lines += [] if self.balanced else [UNBALANCED]
        lines += tabular.text(self.countries, columns, 3, rows)
        lines += [f"simple mean {self.percent.mean():.3f} percent"]
        lines += [f"no domestic supply: {country}, {industry}" for country, industry in self.unsupplied[:5]]
        lines += (
            [f"... and {len(self.unsupplied) - 5} more (see .unsupplied)"] if len(self.unsupplied) > 5 else []
        )
        return "\n".join(lines)


TERMS = ("trade_term", "scale_term", "covariance_term", "divergence_term", "income_term")


def gains_from_trade(economy: Economy) -> GainsFromTrade:
    """Compute every country's gains from trade, with their exact parts (closed form, no solve).

    GT_n = 1 - (income factor) prod_k (y_autarky/y)^(mu_k e_nk) prod_k lambda_nnk^(e_nk/epsilon_k) [L, LL], for
    either entry regime, the base year's own taxes (production subsidies stay in autarky, bilateral taxes
    have no base there) and input-output links:

    e_k = beta_k + sum_g a_kg (1 + mu_g) e_g         weight of a price, beta without links
    X_k = beta_k + sum_g a_kg kappa_g (1+s_g) X_g    autarky spending per unit of final spending
    y_autarky proportional to l_k kappa_k (1+s_k) X_k, income factor (Y/(E-D)) / sum_k l_k kappa_k (1+s_k) X_k

    Under restricted entry mu = 0 in all but kappa. Without `input_shares`, X are the spending shares of the
    flows and beta `economy.expenditure_shares`, which may be final-demand shares of data with intermediate
    goods. Any mu*epsilon is allowed.

    Raises `BadInput` where scale effects grow without bound through inputs of inputs, and `NoEquilibrium` where
    subsidies exceed what a country alone can produce.

    >>> world = Economy([[[8.0], [2.0]], [[2.0], [8.0]]], trade_elasticity=4.0)
    >>> float(round(gains_from_trade(world).percent[0], 6)), round(100 * (1 - 0.8 ** 0.25), 6)
    (5.425839, 5.425839)
    """
    require_economy(economy)
    weight, epsilon, mu = exposure(economy), economy.trade_elasticity, scale_effects(economy)
    domestic, sales = economy.domestic_shares, economy.sales
    unsupplied = (weight > 0) & (domestic == 0)
    sold = (1.0 + economy.production_subsidy) * autarky_spending(economy)
    per_spending = (economy.labour_share * economy.cost_share * sold).sum(axis=1)
    counted = (weight > 0) & ~unsupplied
    base = np.where(counted, sales / economy.labour_income[:, None], 1.0)
    move = np.log(np.where(counted, sold / per_spending[:, None], 1.0) / base)
    trade = (weight / epsilon * np.log(np.where(counted, domestic, 1.0))).sum(axis=1)
    scale = (weight * mu * move).sum(axis=1)
    divergence = (weight * mu).sum(axis=1) / weight.sum(axis=1) * (weight * move).sum(axis=1)
    income = np.log(economy.labour_income / (economy.expenditure - economy.deficits) / per_spending)
    percent = np.where(unsupplied.any(axis=1), 100.0, -100.0 * np.expm1(trade + scale + income))
    cells = tuple((economy.countries[n], economy.industries[k]) for n, k in np.argwhere(unsupplied))
    arrays = percent, trade, scale, scale - divergence, divergence, income
    return GainsFromTrade(
        economy.countries, *map(frozen, arrays), balanced=not economy.deficits.any(), unsupplied=cells
    )


def autarky_spending(economy: Economy) -> np.ndarray:
    """Spending (N, K) per unit of final spending where a country makes all it buys."""
    if economy.input_shares is None:
        return economy.spending_shares
    use = economy.input_shares * (economy.cost_share * (1.0 + economy.production_subsidy))[:, None, :]
    spending, dies_out = leontief(use, economy.expenditure_shares)
    if not dies_out.all():
        raise NoEquilibrium(
            [
                f"country {economy.countries[n]!r} alone would use more than it makes: its production subsidies "
                "exceed labour's share of cost; lower them"
                for n in np.flatnonzero(~dies_out)
            ]
        )
    return spending


def single_industry_gains(economy: Economy, trade_elasticity: float) -> np.ndarray:
    """Gains from trade (N,), in percent, as if all industries were one: 1 - lambda_nn^(1/(epsilon l_n)) [ACR].

    lambda_nn is the share of domestic goods in total spending, l_n labour's share in the cost of all
    industries: 1 without input-output links. Raises `BadParameter` unless epsilon > 0.

    >>> world = Economy([[[8.0], [2.0]], [[2.0], [8.0]]], trade_elasticity=4.0)
    >>> single_industry_gains(world, 4.0).round(3)
    array([5.426, 5.426])
    """
    require_economy(economy)
    if not (isinstance(trade_elasticity, (int, float, np.number)) and 0 < trade_elasticity < np.inf):
        raise BadParameter(f"trade_elasticity is {trade_elasticity!r}; it must be one number above 0")
    labour = economy.labour_income / (economy.cost_share * economy.sales).sum(axis=1)
    with np.errstate(divide="ignore"):  # all is lost where nothing is bought at home
        return -100.0 * np.expm1(np.log(_domestic_share(economy)) / (trade_elasticity * labour))


@dataclass(frozen=True, eq=False, repr=False)
class GainsTable(ReadOnly):
    """Gains from trade by country (N,), in percent, in models of one and of many industries.

    countries             labels
    single_industry       as if all industries were one, with `single_elasticity`
    no_scale              many industries, every scale elasticity zero
    with_scale            many industries with the economy's scale elasticities
    effective_elasticity  eps~: the trade elasticity with which one industry gives `no_scale`; a number, nan in a
                          country that does not trade
    domestic_share        domestic goods in total spending
    single_elasticity     of the first column
    balanced              whether deficits are zero; otherwise no column is a counterfactual
    """

    countries: tuple[str, ...]
    single_industry: np.ndarray
    no_scale: np.ndarray
    with_scale: np.ndarray
    effective_elasticity: np.ndarray
    domestic_share: np.ndarray
    single_elasticity: float
    balanced: bool

    def to_frame(self):
        """Return a pandas frame: one row per country."""
        return tabular.frame({name: getattr(self, name) for name in COLUMNS}, country=self.countries)

    def __repr__(self):
        return f"GainsTable({len(self.countries)} countries, single-industry elasticity {self.single_elasticity:g})"

    def __str__(self):
        head = f"gains from trade, percent; single-industry elasticity {self.single_elasticity:g}"
        columns = {name: getattr(self, name) for name in COLUMNS}
        warning = [] if self.balanced else [UNBALANCED]
        return "\n".join([head, *warning, *tabular.text(self.countries, columns, 2)])


COLUMNS = ("single_industry", "no_scale", "with_scale", "effective_elasticity", "domestic_share")


def gains_table(economy: Economy, single_elasticity: float | None = None) -> GainsTable:
    """Tabulate gains from trade with one industry and with many, without and with scale economies.

    Parameters
    ----------
    economy : Economy
        Balanced, or the gains are formulas and no counterfactuals.
    single_elasticity : float, optional
        Trade elasticity of the single-industry model; by default the mean over industries, weighted with world
        spending, which is what aggregate data are thought to show.

    The effective elasticity solves 1 - lambda_nn^(1/(eps~ l_n)) = `no_scale` of an untaxed economy:
    l_n / eps~_n = sum_k (e_nk/epsilon_k) ln lambda_nnk / ln lambda_nn [L], l_n labour's share in all cost and e the
    weights of `gains_from_trade` at mu = 0: 1 and the expenditure shares without links. It is near a
    harmonic mean and not one (its weights sum to more than one), so many industries usually give larger
    gains than one, not always. Raises as `gains_from_trade` and `single_industry_gains` do.

    >>> world = Economy([[[8.0, 3.0], [2.0, 2.0]], [[2.0, 2.0], [8.0, 3.0]]], [5.0, 2.0], [0.1, 0.2])
    >>> table = gains_table(world)
    >>> [float(getattr(table, name)[0].round(2)) for name in COLUMNS]
    [7.46, 10.85, 10.85, 2.7, 73.33]
    """
    require_economy(economy)
    spent = economy.spending.sum(axis=0)
    if single_elasticity is None:
        single_elasticity = float((spent * economy.trade_elasticity).sum() / spent.sum())
    single = single_industry_gains(economy, single_elasticity)
    flat = replace(economy, scale_elasticity=0.0, expenditure_shares=economy.expenditure_shares)
    without, share = gains_from_trade(flat), _domestic_share(economy)
    labour = economy.labour_income / (economy.cost_share * economy.sales).sum(axis=1)
    unsupplied = np.isin(economy.countries, [country for country, _ in without.unsupplied])
    slope = np.where(unsupplied, -np.inf, without.trade_term) * labour
    trades = (share > 0.0) & (share < 1.0)
    effective = np.divide(
        np.log(np.where(trades, share, 1.0)), slope, out=np.full_like(slope, np.nan), where=trades
    )
    return GainsTable(
        economy.countries,
        *map(frozen, (single, without.percent, gains_from_trade(economy).percent, effective, 100.0 * share)),
        single_elasticity=float(single_elasticity),
        balanced=without.balanced,
    )


def _domestic_share(economy: Economy) -> np.ndarray:
    """Domestic goods (N,) in total spending, intermediate goods included."""
    return np.einsum("nnk->n", economy.flows) / economy.spending.sum(axis=1)
