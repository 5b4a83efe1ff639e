"""Closed forms of optimal policy: exact for two countries without inputs, first guesses elsewhere."""

from __future__ import annotations

import numpy as np

from exacthat.economy import Economy
from exacthat.equilibrium import Equilibrium
from exacthat.gradient import over

ALONE = 1e-6  # least share of others in a market: an only seller would tax its exports without bound


def formula_rates(eq: Equilibrium, at: int, instruments) -> dict[str, np.ndarray]:
    """Logs of 1 + rate (K,) that closed forms give country `at`, their right-hand sides read at `eq`.

    Lashkaripour and Lugovskyy (2023), i the country, lambda_ij its mean share in its markets:

        with subsidies    1 + s = 1 + mu,    c = 1;    without    c = (1 + mu) / (1 + mubar)
        export subsidies  1 + x = c e / (1 + e),    e = epsilon (1 - lambda_ij),    T = 0
        without them      1 + T = 1 + 1 / sum_jk chi_ijk epsilon_k (1 - lambda_ijk)
        tariffs           1 + t = (1 + T) (1 + epsilon lambda_ii) / (1 + epsilon lambda_ii / c)

    mubar is the mean of mu by sales, chi are shares in the country's exports. With all three instruments, two
    countries and no inputs the exact forms of `two_countries` take their place.
    """
    economy, home = eq.economy, np.arange(len(eq.countries)) == at
    epsilon, mu = economy.trade_elasticity, economy.scale_elasticity
    if len(instruments) == 3 and len(home) == 2 and economy.input_shares is None:
        return two_countries(eq, at)
    exports = eq.border_flows[at, ~home]
    share = over((exports * eq.trade_shares[at, ~home]).sum(axis=0), exports.sum(axis=0))
    mean = 1.0 + np.average(mu, weights=eq.sales[at])
    c = np.ones_like(mu) if "production_subsidy" in instruments else (1.0 + mu) / mean
    e, own = epsilon * np.maximum(1.0 - share, ALONE), epsilon * eq.trade_shares[at, at]
    T = 0.0
    if "export_subsidy" not in instruments and exports.any():
        T = exports.sum() / (exports.sum(axis=0) * e).sum()
    return {
        "tariff": np.log1p(T) + np.log1p(own) - np.log1p(own / c),
        "export_subsidy": np.log(c * e / (1.0 + e)),
        "production_subsidy": np.log1p(mu),
    }


def two_countries(eq: Equilibrium, at: int) -> dict[str, np.ndarray]:
    """Exact first-best forms: logs of 1 + rate (K,) where `eq` is the optimum; elsewhere a step of an iteration.

    i acts, j has no taxes; V values at the border, r sales shares of j, q = mu / (1 + mu), e = epsilon lambda_jj:

        free        den = 1 - q r_jj (1 + epsilon lambda_ij),  xi = -q r_ji / den
                    zeta = -q r_jj epsilon lambda_ij / den,  L = e (1 - zeta)
                    1 + x = (L + zeta V_ji / V_ij) / (1 + L),  1 + t = 1 + xi + (V_ij / V_ji) e xi x
        restricted  A = 1 - sum_k q lambda_jj beta_j,  h = (q / A) e lambda_ij beta_j E_j / (V_ij (1 + e))
                    1 + x = e / (1 + e) - psi h,  1 + t = 1 - psi q / A
                    psi = -sum_k x lambda_ij beta_j = sum_k lambda_ij beta_j / (1 + e) / (1 - sum_k h lambda_ij beta_j)
        both        1 + s = 1 + mu

    Where trade does not go both ways, rates are those of a small country.
    """
    economy, j = eq.economy, 1 - at
    epsilon, mu = economy.trade_elasticity, economy.scale_elasticity
    share, border = eq.trade_shares, eq.border_flows
    q, e, foreign = mu / (1.0 + mu), epsilon * share[j, j], share[at, j]
    out, home_sales, back = border[at, j], border[j, j], border[j, at]
    if economy.entry == "free":
        r = over(home_sales, home_sales + back)
        den = 1.0 - q * r * (1.0 + epsilon * foreign)
        xi, zeta = -q * (1.0 - r) / den, -q * r * epsilon * foreign / den
        L = e * (1.0 - zeta)
        export = (L + zeta * over(back, out)) / (1.0 + L)
        tariff = 1.0 + xi + over(out, back) * e * xi * (export - 1.0)
    else:
        weights = economy.expenditure_shares[j]
        A = 1.0 - (q * share[j, j] * weights).sum()
        h = q / A * over(eq.flows[:, j].sum(axis=0), out) * e * foreign / (1.0 + e)
        psi = (foreign * weights / (1.0 + e)).sum() / (1.0 - (h * foreign * weights).sum())
        export = e / (1.0 + e) - psi * h
        tariff = 1.0 - psi * q / A
    both_ways = (out > 0) & (back > 0) & (export > 0) & (tariff > 0)
    export, tariff = np.where(both_ways, export, epsilon / (1.0 + epsilon)), np.where(both_ways, tariff, 1.0)
    return {
        "tariff": np.log(tariff),
        "export_subsidy": np.log(export),
        "production_subsidy": np.log1p(mu),
    }


def corrective(economy: Economy) -> dict[str, np.ndarray]:
    """Logs of 1 + rate (K,) of the efficient policy: s = mu, no tariffs, no export subsidies."""
    none = np.zeros_like(economy.scale_elasticity)
    return {
        "tariff": none,
        "export_subsidy": none,
        "production_subsidy": np.log1p(economy.scale_elasticity),
    }
