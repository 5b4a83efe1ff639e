"""Corrective policy of one country alone: what the correlation of elasticities predicts, and what happens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np

from exacthat import tabular
from exacthat.certificate import Certificate
from exacthat.checks import frozen, numbers
from exacthat.economy import Economy, require_economy
from exacthat.equilibrium import counterfactual
from exacthat.errors import BadInput
from exacthat.read_only import ReadOnly
from exacthat.scenario import Policy

STEP = 1e-3  # of the way to the corrective policy, either side: the error of a slope is of order STEP squared
TOLERANCE = 1e-12  # a slope divides residuals by 2 STEP
DOUBTFUL = 1e6  # tolerances of a solve within which the sign of a change asks for the certified error bound
PARTS = ("efficiency", "transfer_abroad", "gains_from_trade", "other_income")


def elasticity_correlation(trade_elasticity, scale_elasticity, weights=None) -> tuple[float, float]:
    """Return covariance and correlation of mu and epsilon over industries.

    trade_elasticity, scale_elasticity (K,); weights (K,), equal by default. The covariance is the weighted mean
    of the products of deviations (divisor K, not K - 1); the correlation is nan where either does not
    vary. The lecture prints "Cov = -0.65": over the fourteen rows of Table 3 of Lashkaripour and Lugovskyy (2023) the
    correlation is -0.70 and the covariance -0.38 (-0.41 with divisor 13). Raises `BadInput`.

    >>> [round(value, 6) for value in elasticity_correlation([1.0, 3.0], [0.4, 0.2])]
    [-0.1, -1.0]
    """
    epsilon, mu = numbers(trade_elasticity, "trade_elasticity"), numbers(scale_elasticity, "scale_elasticity")
    weights = np.ones_like(epsilon) if weights is None else numbers(weights, "weights")
    if epsilon.ndim != 1 or mu.shape != epsilon.shape or weights.shape != epsilon.shape or not epsilon.size:
        raise BadInput(
            f"trade_elasticity {epsilon.shape}, scale_elasticity {mu.shape} and weights {weights.shape} must be "
            "of one length, and not empty"
        )
    if not (np.isfinite(weights) & (weights >= 0)).all() or not weights.sum() > 0:
        raise BadInput("weights must be finite, at least 0, and not all 0")
    share, seen = weights / weights.sum(), weights > 0
    constant = np.ptp(epsilon[seen]) == 0 or np.ptp(mu[seen]) == 0
    epsilon, mu = epsilon - (share * epsilon).sum(), mu - (share * mu).sum()
    covariance = float((share * epsilon * mu).sum())
    spread = np.sqrt((share * epsilon**2).sum() * (share * mu**2).sum())
    return covariance, float("nan") if constant else float(covariance / spread)


@dataclass(frozen=True, eq=False, repr=False)
class Immiserization(ReadOnly):
    """Corrective policy s = mu of each country alone: elasticities, prediction and outcome.

    countries                                 labels
    covariance, correlation                   of mu and epsilon over the industries with mu > 0, equal weights
    covariance_by_output, correlation_by_output    (N,) over all industries, weighted with the country's sales
    first_order   name -> (N,)  derivative of each term of `decompose(kind="corrective")` along the way from the
                                base year's subsidies to s = mu, per whole way, log points
    outcome       name -> (N,)  the same terms at s = mu; they add up to `gain`
    gain          (N,)          ln What of the country that acts, from the counterfactual; `direction` is its sign where
                                it exceeds its certified `error`, 0 elsewhere
    certificates                name of an equilibrium -> its certificate

    Terms: `efficiency`, `transfer_abroad`, `gains_from_trade`, `other_income`.

    The lecture's proposition: where Cov(mu, epsilon) is negative enough, corrective policy worsens the terms
    of trade, so that welfare may fall. It gives no threshold. What is computed as its prediction is its
    first-order terms of trade, `predicted_terms_of_trade`; `predicted_gain` adds the other first-order terms.
    """

    countries: tuple[str, ...]
    covariance: float
    correlation: float
    covariance_by_output: np.ndarray
    correlation_by_output: np.ndarray
    first_order: Mapping[str, np.ndarray]
    outcome: Mapping[str, np.ndarray]
    gain: np.ndarray
    certificates: Mapping[str, Certificate]

    @property
    def predicted_terms_of_trade(self) -> np.ndarray:
        """First-order transfer abroad and gains from trade (N,); below 0 means worse terms of trade."""
        return frozen(self.first_order["transfer_abroad"] + self.first_order["gains_from_trade"])

    @property
    def predicted_gain(self) -> np.ndarray:
        """First-order change of ln W (N,)."""
        return frozen(np.sum(list(self.first_order.values()), axis=0))

    @property
    def terms_of_trade(self) -> np.ndarray:
        """Transfer abroad and gains from trade (N,) as they turn out."""
        return frozen(self.outcome["transfer_abroad"] + self.outcome["gains_from_trade"])

    @cached_property
    def error(self) -> np.ndarray:
        """Bound (N,) on the error of `gain`, from the certificates; 0 where gain and terms of trade are far from zero.

        Far is `DOUBTFUL` tolerances: there no sign hangs on it, and a bound costs more than its solve.
        """
        near = np.minimum(np.abs(self.gain), np.abs(self.terms_of_trade))
        held = [self.certificates[f"{country} alone"] for country in self.countries]
        return frozen(
            [one.error_bound[n] if near[n] <= DOUBTFUL * one.tolerance else 0.0 for n, one in enumerate(held)]
        )

    @property
    def direction(self) -> np.ndarray:
        """Where (N,) a country gains (1) or loses (-1) by more than `error`; 0 where it sees no change."""
        return frozen(_sign(self.gain, self.error))

    def to_frame(self):
        """Return a pandas frame, one row per country: correlation by output, then 100 log points."""
        return tabular.frame(self._columns(), country=self.countries)

    def _columns(self) -> dict[str, np.ndarray]:
        return {
            "correlation_by_output": self.correlation_by_output,
            "predicted_terms_of_trade": 100.0 * self.predicted_terms_of_trade,
            "terms_of_trade": 100.0 * self.terms_of_trade,
            "predicted_gain": 100.0 * self.predicted_gain,
            "gain": 100.0 * self.gain,
        }

    def __repr__(self):
        return f"Immiserization({len(self.countries)} countries, correlation {self.correlation:.2f})"

    def __str__(self):
        lines = [
            f"corrective policy of one country alone; correlation of mu and epsilon {self.correlation:.2f}, "
            f"covariance {self.covariance:.2f}",
            "100 log points; predicted: first order",
            *tabular.text(self.countries, self._columns(), 2),
        ]
        steps = self.error / STEP  # what it makes of an error in a slope
        right = (_sign(self.predicted_terms_of_trade, steps) == _sign(self.terms_of_trade, self.error)).sum()
        whole = (_sign(self.predicted_gain, steps) == self.direction).sum()
        still = (self.direction == 0).sum()
        lines.append(
            f"{(self.direction < 0).sum()} of {len(self.gain)} countries lose"
            + f", {still} see no change" * bool(still)
            + "; the sign of the terms of trade is as "
            f"predicted in {right}, the sign of the whole gain in {whole}: a first step says little about all of it"
        )
        return "\n".join(lines)


def _sign(values, error) -> np.ndarray:
    """Sign of what exceeds its error; 0 for the rest."""
    return np.where(np.abs(values) > error, np.sign(values), 0.0).astype(int)


def immiserization(
    economy: Economy,
    *,
    tol: float = 1e-10,
    threads: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> Immiserization:
    """Let each country alone subsidise production at s = mu; compare the lecture's prediction with the outcome.

    Parameters
    ----------
    economy : Economy
        Without input-output links; either entry regime, mu*epsilon < 1 under free entry. Tariffs, export
        subsidies and deficits are allowed and show as `other_income`.
    tol : float
        Of the counterfactuals; the small ones that give the slopes are solved to 1e-12.
    threads : int, optional
        For the compiled kernel.
    progress : callable, optional
        Is told the name of each equilibrium before its solve.

    Returns
    -------
    Immiserization. Slopes are central differences over a thousandth of the way, with a relative error of about
    a millionth of their curvature.

    Raises `BadInput` for links, `NotConverged` where an equilibrium misses its tolerance. Cost: three
    counterfactuals per country.

    >>> import numpy as np
    >>> share = np.full((3, 3), 0.2) + 0.4 * np.eye(3)
    >>> epsilon = np.array([2.0, 4.0, 6.0, 8.0])
    >>> world = Economy(share[:, :, None] * [0.4, 0.3, 0.2, 0.1], epsilon, 0.75 / epsilon)
    >>> result = immiserization(world)
    >>> print(f"{result.correlation:.2f} {100 * result.gain[0]:.2f} {100 * result.predicted_gain[0]:.2f}")
    -0.93 -2.88 2.07
    """
    require_economy(economy)
    if economy.input_shares is not None:
        raise BadInput("corrective policy is split without input-output links only: drop input_shares")
    n, mu = len(economy.countries), economy.scale_elasticity
    first_order, outcome = (np.zeros((len(PARTS), n)) for _ in range(2))
    gain, certificates = np.zeros(n), {}

    def terms(name: str, at: int, way: float, tolerance: float) -> np.ndarray:
        if progress is not None:
            progress(name)
        rates = np.array(economy.production_subsidy)
        rates[at] += way * (mu - rates[at])
        policy = Policy(production_subsidy=rates, large_rates=True)
        eq = counterfactual(economy, policy=policy, tol=tolerance, threads=threads)
        certificates[name] = eq.certificate
        parts = eq.decompose("corrective")
        gain[at] = parts.exact[at]
        return np.array([parts.terms[part][at] for part in PARTS])

    for at, country in enumerate(economy.countries):
        less, more = (terms(f"{country}, {way:+g} of the way", at, way, TOLERANCE) for way in (-STEP, STEP))
        first_order[:, at] = (more - less) / (2.0 * STEP)
        outcome[:, at] = terms(f"{country} alone", at, 1.0, tol)
    goods = mu > 0
    equal = (
        elasticity_correlation(economy.trade_elasticity[goods], mu[goods]) if goods.any() else (0.0, np.nan)
    )
    weighted = np.array([elasticity_correlation(economy.trade_elasticity, mu, row) for row in economy.sales])
    named = (
        MappingProxyType({part: frozen(row) for part, row in zip(PARTS, values)})
        for values in (first_order, outcome)
    )
    return Immiserization(
        economy.countries, *equal, *map(frozen, weighted.T.copy()), *named, frozen(gain),
        MappingProxyType(certificates),
    )  # fmt: skip
