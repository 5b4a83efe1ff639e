"""Exact accounting: gains from trade and their parts, and the gain from correcting scale distortions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exacthat.economy import ENTRY, Economy
from exacthat.errors import BadInput, BadParameter


@dataclass(frozen=True, eq=False)
class GainsFromTrade:
    """Gains from trade relative to autarky, and what they are made of; arrays (N,) in country order.

    ``ln(1 - percent/100) = trade_term + scale_term + income_term`` exactly, for any size:

    trade_term       sum_k (beta/epsilon) ln lambda_nn: below 0, what a country would lose without scale effects
    scale_term       sum_k mu beta ln(y_autarky / y): the move of employment across industries, 0 without scale
    covariance_term  its part Cov_beta(mu, ln(y_autarky / y)): specialisation in industries with low or high returns
    divergence_term  its part E_beta[mu] E_beta[ln(y_autarky / y)]; the mean is a Kullback-Leibler divergence
                     where there are no subsidies and no intermediate goods
    income_term      profits and taxes: national income per unit of labour income, autarky over trade

    `balanced` tells whether every deficit is zero. With deficits the formula is not a counterfactual: call
    `exacthat.purge_deficits` first. Where a country cannot supply an industry it spends on, the gains are
    100 percent and the terms of that industry are left out of `scale_term`; `unsupplied` lists the cells.
    """

    percent: np.ndarray
    trade_term: np.ndarray
    scale_term: np.ndarray
    covariance_term: np.ndarray
    divergence_term: np.ndarray
    income_term: np.ndarray
    balanced: bool
    unsupplied: tuple[tuple[str, str], ...]


def gains_from_trade(economy: Economy) -> GainsFromTrade:
    """Compute every country's gains from trade, with their exact parts (closed form, no solve).

    GT_n = 1 - (income factor) prod_k (y_autarky/y)^(mu_k beta_nk) prod_k lambda_nnk^(beta_nk/epsilon_k) [L];
    y_autarky = kappa b (1+s) / sum_k kappa b (1+s) with b the spending shares of the flows. Under restricted
    entry there is no scale factor. Exponents are `economy.expenditure_shares`: final-demand shares where the
    data contain intermediate goods. Any mu*epsilon is allowed.

    >>> world = Economy([[[8.0], [2.0]], [[2.0], [8.0]]], trade_elasticity=4.0)
    >>> float(round(gains_from_trade(world).percent[0], 6)), round(100 * (1 - 0.8 ** 0.25), 6)
    (5.425839, 5.425839)
    """
    beta, epsilon, mu = economy.expenditure_shares, economy.trade_elasticity, economy.scale_elasticity
    domestic, share = economy.domestic_shares, economy.output_shares
    unsupplied = (beta > 0) & (domestic == 0)
    autarky_bill = economy.cost_share * economy.spending_shares * (1.0 + economy.production_subsidy)
    per_spending = autarky_bill.sum(axis=1)  # labour income per unit of spending in autarky
    autarky_share = autarky_bill / per_spending[:, None]
    counted = (beta > 0) & ~unsupplied & (share > 0)
    move = np.log(np.divide(autarky_share, share, out=np.ones_like(share), where=counted))
    trade = (beta / epsilon * np.log(np.where(unsupplied | (beta == 0), 1.0, domestic))).sum(axis=1)
    mean_mu = (beta * mu).sum(axis=1)
    scale = (beta * mu * move).sum(axis=1)
    divergence = mean_mu * (beta * move).sum(axis=1)
    if economy.entry == "restricted":
        scale, divergence = np.zeros_like(scale), np.zeros_like(divergence)
    income = np.log(economy.labour_income / (economy.expenditure - economy.deficits) / per_spending)
    percent = np.where(unsupplied.any(axis=1), 100.0, -100.0 * np.expm1(trade + scale + income))
    cells = tuple((economy.countries[n], economy.industries[k]) for n, k in np.argwhere(unsupplied))
    arrays = percent, trade, scale, scale - divergence, divergence, income
    for array in arrays:
        array.flags.writeable = False
    return GainsFromTrade(*arrays, balanced=not economy.deficits.any(), unsupplied=cells)


def single_industry_gains(economy: Economy, trade_elasticity: float) -> np.ndarray:
    """Gains from trade (N,), in percent, as if all industries were one: 1 - lambda_nn^(1/epsilon) [ACR].

    lambda_nn is the share of domestic goods in total spending. Raises `BadParameter` unless epsilon > 0.

    >>> world = Economy([[[8.0], [2.0]], [[2.0], [8.0]]], trade_elasticity=4.0)
    >>> single_industry_gains(world, 4.0).round(3)
    array([5.426, 5.426])
    """
    if not (np.ndim(trade_elasticity) == 0 and trade_elasticity > 0):
        raise BadParameter(f"trade_elasticity is {trade_elasticity!r}; it must be one number above 0")
    domestic = np.einsum("nnk->n", economy.flows) / economy.expenditure
    return -100.0 * np.expm1(np.log(domestic) / trade_elasticity)


def closed_economy_gain(shares, scale_elasticity, entry: str = "free"):
    """Log welfare gain of the corrective policy s = mu in a closed economy, or coordinated in a symmetric world.

    Parameters
    ----------
    shares : (K,) or (N, K)
        Spending shares, summing to one over industries.
    scale_elasticity : scalar or (K,)
        mu >= 0; m = 1 + mu.
    entry : "free" or "restricted"
        Free: E[m ln m] - E[m] ln E[m], a Bregman distance (E over employment shares, which equal spending
        shares there). Restricted: E[ln m] + ln E[1/m].

    Returns a float or (N,); 0 where mu does not vary. The lecture's first formula, E[m ln m] - E[m] E[ln m],
    is about twice the gain and is not used.

    >>> round(float(closed_economy_gain([0.4, 0.3, 0.2, 0.1], [0.375, 0.1875, 0.125, 0.09375])), 6)
    0.005176
    """
    shares = np.asarray(shares, dtype=float)
    mu = np.asarray(scale_elasticity, dtype=float)
    if shares.ndim not in (1, 2) or mu.shape not in {(), shares.shape[-1:]}:
        raise BadInput(
            f"shares {shares.shape} and scale_elasticity {mu.shape} must be (K,) or (N, K) and () or (K,)"
        )
    if not ((shares >= 0).all() and np.allclose(shares.sum(axis=-1), 1.0, rtol=0, atol=1e-8)):
        raise BadInput("shares must be at least 0 and sum to 1 over industries: normalise them")
    if not (np.isfinite(mu) & (mu >= 0)).all():
        raise BadParameter("scale_elasticity must be finite and at least 0 in every industry")
    if entry not in ENTRY:
        raise BadParameter(f"entry is {entry!r}; it must be one of {ENTRY}")
    m = np.broadcast_to(1.0 + mu, shares.shape)
    if entry == "restricted":
        return (shares * np.log(m)).sum(axis=-1) + np.log((shares / m).sum(axis=-1))
    mean = (shares * m).sum(axis=-1)
    return (shares * m * np.log(m)).sum(axis=-1) - mean * np.log(mean)
