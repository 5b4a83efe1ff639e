"""What the gain from correcting rests on: other elasticities, entry, deficits, and draws from standard errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from exacthat.country_study.draws import Draws, elasticity_draws
from exacthat.datasets import elasticity_table
from exacthat.economy import Economy
from exacthat.errors import NotConverged
from exacthat.study import TOGETHER, Result, corrective_policy
from exacthat.threads import processors

Progress = Callable[[str], None]
BASELINE = "baseline"
CERTIFIED, REFUSED, NOT_CONVERGED = "certified", "refused", "not converged"
COLUMNS = (
    "gain_alone",
    "gain_together",
    "subsidy_bill_alone",
    "closed_economy_gain",
    "gains_from_trade",
    "gains_from_trade_no_scale",
)
PERCENTILES = (5.0, 50.0, 95.0)
_PETROLEUM, _SERVICES = "C19", "SERV"
_ELECTRICAL, _MACHINERY = ("C26", "C27"), ("C28",)
_SETS = ("CP", "IS", "GYY", "BSY", "Shap", "FGO", "U4")


@dataclass(frozen=True, eq=False)
class Variant:
    """One set of assumptions and what follows for one country and its peers.

    values      `COLUMNS` of the country, in percent; nan where there is no certificate
    alone       country or peer -> its gain from correcting alone, in percent
    gainers     countries that gain when all correct; `losers` are named
    outcome     "certified", "not converged", or "refused" (no unique equilibrium), with the `reason`
    residual    the worst of the certified equilibria
    """

    name: str
    group: str
    values: dict[str, float]
    alone: dict[str, float]
    gainers: int
    losers: tuple[str, ...]
    outcome: str
    reason: str
    solved: int
    residual: float


@dataclass(frozen=True, eq=False)
class Interval:
    """Results over elasticity draws: each array of `values` is (S,), nan where a draw has no certificate."""

    draws: Draws
    values: dict[str, np.ndarray]
    gainers: np.ndarray
    failed: int
    solved: int
    residual: float

    def percentiles(self, column: str) -> tuple[float, ...]:
        """Return the `PERCENTILES` of a column over the certified draws."""
        known = self.values[column][np.isfinite(self.values[column])]
        if not len(known):
            return (float("nan"),) * len(PERCENTILES)
        return tuple(float(value) for value in np.percentile(known, PERCENTILES))

    def share_positive(self, column: str) -> float:
        """Return the percent of certified draws in which the column is above 0."""
        known = self.values[column][np.isfinite(self.values[column])]
        return float(100.0 * (known > 0).mean()) if len(known) else float("nan")


def variants(economy: Economy) -> list[tuple[str, str, Economy, str]]:
    """Return (group, name, economy, deficits) of every set of assumptions, the baseline first.

    `economy` holds the industries of `icio2019`.
    """
    epsilon, mu = np.array(economy.trade_elasticity), np.array(economy.scale_elasticity)
    labels = economy.industries
    petroleum, services = labels.index(_PETROLEUM), labels.index(_SERVICES)
    at = {label: k for k, label in enumerate(labels)}

    def changed(values, **where):
        values = values.copy()
        for label, value in where.items():
            values[at[label]] = value
        return values

    electrical, machinery = at[_ELECTRICAL[0]], at[_MACHINERY[0]]
    swapped_epsilon, swapped_mu = epsilon.copy(), mu.copy()
    for held, source in ((swapped_epsilon, epsilon), (swapped_mu, mu)):
        for label in _ELECTRICAL:
            held[at[label]] = source[machinery]
        for label in _MACHINERY:
            held[at[label]] = source[electrical]
    table = elasticity_table("ll2023")
    used = {name: table[f"{name}_used"][table["table3_row"].tolist().index("Petroleum")]
            for name in ("epsilon", "mu")}  # fmt: skip
    rows = [
        ("baseline", BASELINE, economy, "zero"),
        (
            "petroleum",
            f"petroleum as in the programs (epsilon {used['epsilon']:g}, mu {used['mu']:g})",
            replace(
                economy,
                trade_elasticity=changed(epsilon, C19=used["epsilon"]),
                scale_elasticity=changed(mu, C19=used["mu"]),
            ),
            "zero",
        ),
        (
            "petroleum",
            "petroleum without scale economies (mu 0)",
            replace(economy, scale_elasticity=changed(mu, C19=0.0)),
            "zero",
        ),
        (
            "petroleum",
            f"petroleum at the highest mu of the other industries ({np.delete(mu, petroleum).max():g})",
            replace(economy, scale_elasticity=changed(mu, C19=np.delete(mu, petroleum).max())),
            "zero",
        ),
        ("scale", "half of every scale elasticity", replace(economy, scale_elasticity=mu / 2), "zero"),
        ("swap", "estimates of machinery and electrical equipment swapped",
         replace(economy, trade_elasticity=swapped_epsilon, scale_elasticity=swapped_mu), "zero"),
    ]  # fmt: skip
    rows += [
        (
            "services",
            f"services' trade elasticity {value:g}",
            replace(economy, trade_elasticity=changed(epsilon, SERV=value)),
            "zero",
        )
        for value in (4.0, 10.0, 11.0)
        if value != epsilon[services]
    ]
    restricted = replace(economy, entry="restricted")
    rows += [
        ("entry", "restricted entry", restricted, "zero"),
        ("deficits", "deficits as observed, held fixed", economy, "fixed"),
        ("deficits", "restricted entry, deficits as observed", restricted, "fixed"),
    ]
    sets = elasticity_table("icio2019")
    for name in _SETS:
        trade = sets[name].copy()
        trade[services] = epsilon[services] if name != "FGO" else trade[services]
        for entry in ("free", "restricted"):
            label = f"trade elasticities {name}, {entry} entry"
            rows.append(("sets", label, replace(economy, trade_elasticity=trade, entry=entry), "zero"))
    return rows


def sensitivity(
    economy: Economy,
    country: str,
    peers: Sequence[str] = (),
    *,
    tol: float = 1e-10,
    threads: int | None = None,
    progress: Progress | None = None,
) -> tuple[Variant, ...]:
    """Solve the corrective policy of `country`, alone and with all others, under every set of assumptions.

    Its `peers` are solved alone as well.

    Sets whose largest mu*epsilon is not below 1 have no unique equilibrium under free entry: they are
    "refused", with the industries. Raises `BadInput` for an unknown country.
    """
    countries = [country, *peers]
    economy.country_index(countries)
    done = []
    for group, name, variant, deficits in variants(economy):
        if progress is not None:
            progress(f"sensitivity: {name}")
        done.append(_variant(group, name, variant, countries, deficits, tol, threads))
    return tuple(done)


def intervals(
    economy: Economy,
    country: str,
    count: int,
    seed: int,
    *,
    tol: float = 1e-10,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Interval:
    """Solve the corrective policy of `country` for `count` draws of the elasticities.

    Every draw has its own base year without deficits, from the same observed flows. Several draws are solved at
    a time, one thread each (`threads`, by default all processors); results do not depend on it.
    """
    drawn = elasticity_draws(economy, count, seed)

    def solve(s: int) -> Result | None:
        world = replace(
            economy, trade_elasticity=drawn.trade_elasticity[s], scale_elasticity=drawn.scale_elasticity[s]
        )
        try:
            return corrective_policy(world, [country], tol=tol, threads=1)
        except NotConverged:
            return None

    values = {name: np.full(count, np.nan) for name in COLUMNS}
    gainers, solved, residual, failed = np.full(count, np.nan), 0, 0.0, 0
    with ThreadPoolExecutor(threads or processors()) as pool:
        for s, result in enumerate(pool.map(solve, range(count))):
            if progress is not None and s % 10 == 0:
                progress(f"draws of the elasticities: {s} of {count}")
            if result is None or result.failed:
                failed += 1
                continue
            for name in COLUMNS:
                values[name][s] = result.columns[name][0]
            gainers[s] = (result.welfare[TOGETHER] > 0).sum()
            solved += len(result.certificates)
            residual = max(residual, *(held.residual for held in result.certificates.values()))
    return Interval(drawn, values, gainers, failed, solved, residual)


def flips(found: Sequence[Variant]) -> dict[str, tuple[str, ...]]:
    """Return, by country, the sets of assumptions under which the sign of its gain alone is not the baseline's."""
    baseline = found[0].alone
    return {
        country: tuple(
            one.name for one in found if one.outcome == CERTIFIED and one.alone[country] * gain < 0
        )
        for country, gain in baseline.items()
    }


def _variant(group, name, economy: Economy, countries, deficits, tol, threads) -> Variant:
    values = dict.fromkeys(COLUMNS, float("nan"))
    alone = dict.fromkeys(countries, float("nan"))

    def without(outcome, reason, certificates=()):
        good = [held.residual for held in certificates if held.ok]
        return Variant(name, group, values, alone, 0, (), outcome, reason, len(good), max(good, default=0.0))

    strong = [f"{label} {alpha:.2f}" for label, alpha in zip(economy.industries, economy.alpha) if alpha >= 1]
    if economy.entry == "free" and strong:
        return without(REFUSED, f"mu*epsilon at or above 1: {', '.join(strong)}")
    try:
        result = corrective_policy(economy, countries, deficits=deficits, tol=tol, threads=threads)
    except NotConverged as error:
        return without(NOT_CONVERGED, str(error))
    certificates = result.certificates.values()
    if result.failed:
        return without(NOT_CONVERGED, f"not certified: {', '.join(result.failed)}", certificates)
    welfare = result.welfare[TOGETHER]
    return Variant(
        name=name,
        group=group,
        values={key: float(result.columns[key][0]) for key in COLUMNS},
        alone=dict(zip(countries, map(float, result.columns["gain_alone"]))),
        gainers=int((welfare > 0).sum()),
        losers=tuple(label for label, change in zip(result.base.countries, welfare) if change < 0),
        outcome=CERTIFIED,
        reason="",
        solved=len(certificates),
        residual=max(held.residual for held in certificates),
    )
