"""Studies: one table of percentages by country out of one economy, with the certificate of every equilibrium."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from exacthat.accounting import autarky_spending, closed_economy_gain, gains_table
from exacthat.certificate import Certificate
from exacthat.economy import Economy
from exacthat.equilibrium import REBALANCE_TOLERANCE, Equilibrium, counterfactual, purge_deficits
from exacthat.errors import BadInput, BadParameter, NotConverged, nearest
from exacthat.scenario import Policy, Shock

KINDS = ("corrective-policy", "gains-from-trade", "counterfactual", "table5", "nafta")
DEFICITS = ("zero", "fixed")
BASE_YEAR = "base year"  # names the equilibrium without deficits among the certificates
TOGETHER = "all together"
PLAIN = ("effective_elasticity",)  # columns that hold a number and no percentage

Progress = Callable[[str], None]  # is told the name of an equilibrium before it is solved


@dataclass(frozen=True, eq=False)
class Result:
    """One table and what stands behind it.

    kind            one of `KINDS`
    base            the base year the changes start from, purged of deficits where that was asked for
    index           names of the row labels, ("country",) or ("counterfactual", "country")
    rows            labels of each row
    columns         name -> numbers, in percent but for `PLAIN`, one per row; nan where an equilibrium is not
                    certified and where there is no such number
    certificates    name of an equilibrium -> its certificate, in the order in which they were solved
    welfare         name of a counterfactual -> change of welfare (N,) of every country of `base`, in percent
    summary         name -> numbers over all rows, one per column, in percent; nan where there is none
    """

    kind: str
    base: Economy
    index: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    columns: Mapping[str, np.ndarray]
    certificates: Mapping[str, Certificate]
    welfare: Mapping[str, np.ndarray]
    summary: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self):
        for values in (*self.columns.values(), *self.welfare.values(), *self.summary.values()):
            values.flags.writeable = False

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the equilibria without a certificate."""
        return tuple(name for name, certificate in self.certificates.items() if not certificate.ok)

    @property
    def worst(self) -> str | None:
        """Name of the equilibrium furthest from being certified; None where nothing was solved.

        By the residual over its tolerance, after those that failed: their residual may be small, at a part
        of the change only.
        """
        distance = {
            name: (not held.ok, held.residual / held.tolerance) for name, held in self.certificates.items()
        }
        return max(distance, key=distance.get, default=None)


def corrective_policy(
    economy: Economy,
    countries: Sequence[str] | None = None,
    *,
    deficits: str = "zero",
    tol: float = 1e-10,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Result:
    """Tabulate the corrective industrial policy s = mu, by each of `countries` alone and by all together.

    Columns, one row per country, in percent: `gains_from_trade` with and `gains_from_trade_no_scale` without
    scale elasticities, `closed_economy_gain` of the policy, `gain_alone` and `gain_together` (change of the
    country's welfare if it alone, or every country of the economy, subsidises production at s = mu),
    `subsidy_bill_alone` (over national income when acting alone; lump-sum finance), `domestic_share` (of
    total spending). "All together" are all countries of the economy, listed in `countries` or not.

    `deficits="zero"` moves to the world in which every country spends its income first; ``"fixed"`` keeps
    the deficits of the base year, and the gains from trade are then formulas, not counterfactuals.
    `progress` is called with the name of each equilibrium before its solve.

    Raises `BadInput` for unknown countries and `BadParameter` for mu*epsilon >= 1 under free entry. An
    equilibrium that misses the tolerance leaves nan and stands in `failed`; a base year that does, raises
    `NotConverged`.

    >>> world = Economy([[[8.0, 3.0], [2.0, 2.0]], [[2.0, 2.0], [8.0, 3.0]]], 4.0, [0.2, 0.0])
    >>> table = corrective_policy(world)
    >>> len(table.certificates), table.failed
    (4, ())
    >>> gap = table.columns["gain_together"] - table.columns["closed_economy_gain"]
    >>> bool(abs(gap).max() < 1e-8)  # countries are alike here
    True
    """
    at, countries = chosen(economy, countries)
    tell = progress or (lambda name: None)
    base, certificates = _purged(economy, deficits, threads, tell)
    solved: dict[str, Equilibrium] = {}
    for country in (*countries, None):
        name = TOGETHER if country is None else f"{country} alone"
        tell(name)
        policy = Policy.corrective(base, None if country is None else [country])
        solved[name] = counterfactual(base, policy=policy, tol=tol, threads=threads, on_failure="return")
    certificates |= {name: equilibrium.certificate for name, equilibrium in solved.items()}
    welfare = {name: percent_change(equilibrium, "welfare_hat") for name, equilibrium in solved.items()}
    gains = gains_table(base)
    alone = [f"{country} alone" for country in countries]
    columns = {
        "gains_from_trade": gains.with_scale[at],
        "gains_from_trade_no_scale": gains.no_scale[at],
        "closed_economy_gain": _closed_gains(base, at, tol),
        "gain_alone": np.array([welfare[name][n] for name, n in zip(alone, at)]),
        "gain_together": welfare[TOGETHER][at],
        "subsidy_bill_alone": np.array([_subsidy_bill(solved[name])[n] for name, n in zip(alone, at)]),
        "domestic_share": gains.domestic_share[at],
    }
    rows = tuple((country,) for country in countries)
    return Result("corrective-policy", base, ("country",), rows, columns, certificates, welfare)


def _closed_gains(base: Economy, at, tol: float) -> np.ndarray:
    """Percent gain of the policy in countries `at` if each had no trade, with its own links and subsidies."""
    if base.input_shares is None and not base.production_subsidy.any():
        closed = closed_economy_gain(base.spending_shares[at], base.scale_elasticity, base.entry)
        return 100.0 * np.expm1(closed)
    gains, spending = np.empty(len(at)), autarky_spending(base)
    for row, n in enumerate(at):
        made = np.flatnonzero(spending[n] > 0)
        closed = Economy(
            spending[n, made][None, None],
            base.trade_elasticity[made],
            base.scale_elasticity[made],
            entry=base.entry,
            production_subsidy=base.production_subsidy[n, made][None],
            large_rates=True,
            input_shares=None if base.input_shares is None else base.input_shares[n][np.ix_(made, made)],
        )
        solved = counterfactual(closed, policy=Policy.corrective(closed), tol=tol, on_failure="return")
        gains[row] = percent_change(solved, "welfare_hat")[0]
    return gains


def trade_gains(
    economy: Economy,
    countries: Sequence[str] | None = None,
    *,
    single_industry_elasticity: float | None = None,
    deficits: str = "zero",
    threads: int | None = None,
    progress: Progress | None = None,
) -> Result:
    """Tabulate gains from trade, in percent, by closed form: one row per country of `countries`.

    Columns: `gains_from_trade`, `gains_from_trade_no_scale`, `effective_elasticity` (a number: of trade in a
    single industry with the gains without scale), `domestic_share`, and, if a `single_industry_elasticity`
    is given, `gains_single_industry`, as if all industries were one. See `exacthat.gains_table`. With
    `deficits="fixed"` nothing is solved. Raises as `corrective_policy` does.

    >>> world = Economy([[[8.0], [2.0]], [[2.0], [8.0]]], trade_elasticity=4.0)
    >>> trade_gains(world, ["C1"]).columns["gains_from_trade"].round(3)
    array([5.426])
    """
    at, countries = chosen(economy, countries)
    base, certificates = _purged(economy, deficits, threads, progress or (lambda name: None))
    gains = gains_table(base, single_industry_elasticity)
    columns = {"gains_from_trade": gains.with_scale[at], "gains_from_trade_no_scale": gains.no_scale[at]}
    if single_industry_elasticity is not None:
        columns["gains_single_industry"] = gains.single_industry[at]
    columns["effective_elasticity"] = gains.effective_elasticity[at]
    columns["domestic_share"] = gains.domestic_share[at]
    rows = tuple((country,) for country in countries)
    return Result("gains-from-trade", base, ("country",), rows, columns, certificates, {})


def counterfactuals(
    economy: Economy,
    changes: Mapping[str, tuple[Shock, Policy]],
    countries: Sequence[str] | None = None,
    *,
    deficits: str = "zero",
    tol: float = 1e-10,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Result:
    """Tabulate changes under each named pair of shock and policy: a row per counterfactual and country.

    Columns, changes in percent: `welfare`, `real_wage`, `price_index`, `income`. Nominal changes hold in
    units in which world labour income is unchanged. Raises as `corrective_policy` and
    `exacthat.counterfactual` do, with the name of the counterfactual.

    >>> world = Economy([[[8.0], [2.0]], [[2.0], [8.0]]], trade_elasticity=4.0)
    >>> table = counterfactuals(world, {"dearer trade": (Shock(trade_cost=1.1), Policy())}, ["C0"])
    >>> table.rows, table.columns["welfare"].round(3)
    ((('dearer trade', 'C0'),), array([-1.624]))
    """
    at, countries = chosen(economy, countries)
    tell = progress or (lambda name: None)
    base, certificates = _purged(economy, deficits, threads, tell)
    welfare, parts = {}, []
    for name, (shock, policy) in changes.items():
        tell(name)
        try:
            solved = counterfactual(base, shock, policy, tol=tol, threads=threads, on_failure="return")
        except BadInput as error:
            raise type(error)([f"counterfactual {name!r}: {problem}" for problem in error.problems]) from None
        certificates[name] = solved.certificate
        welfare[name] = percent_change(solved, "welfare_hat")
        real_wage = 100.0 * (solved.wage_hat / solved.price_index_hat - 1.0)
        parts.append(
            {
                "welfare": welfare[name][at],
                "real_wage": np.where(solved.certificate.ok, real_wage, np.nan)[at],
                "price_index": percent_change(solved, "price_index_hat")[at],
                "income": percent_change(solved, "income_hat")[at],
            }
        )
    columns = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    rows = tuple((name, country) for name in changes for country in countries)
    return Result("counterfactual", base, ("counterfactual", "country"), rows, columns, certificates, welfare)


def chosen(economy: Economy, countries) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return positions and labels of the rows of a table: all countries by default, each at most once."""
    if countries is None:
        return np.arange(len(economy.countries)), economy.countries
    at = economy.country_index(countries)
    if len(at) == 0 or len(set(at.tolist())) < len(at):
        raise BadInput(f"countries are {list(countries)}; list at least one, and each once")
    return at, tuple(economy.countries[n] for n in at)


def _purged(economy: Economy, deficits: str, threads, tell: Progress):
    """Return the base year and, where deficits are purged, the certificate of that equilibrium by its name."""
    if deficits not in DEFICITS:
        raise BadParameter(
            f"deficits is {deficits!r}; it must be one of {DEFICITS}{nearest(deficits, DEFICITS)}"
        )
    if deficits == "fixed":
        return economy, {}
    tell(BASE_YEAR)
    base, certificate = base_year(economy, threads)
    return base, {BASE_YEAR: certificate}


def base_year(economy: Economy, threads: int | None = None) -> tuple[Economy, Certificate]:
    """Return the world without deficits as a base year, and the certificate of that equilibrium.

    Where expenditure shares contradict the flows: the world solved at these shares, certified as it stands.
    Raises `NotConverged`.
    """
    try:
        if not economy.consistent:
            base = purge_deficits(economy, threads=threads)
            return base, counterfactual(base, threads=threads).certificate
        solved = counterfactual(economy, deficits="zero", tol=REBALANCE_TOLERANCE, threads=threads)
    except NotConverged as error:
        raise NotConverged(
            f"the base year without deficits: {error}", equilibrium=error.equilibrium, reached=error.reached
        ) from None
    return replace(economy, flows=solved.flows, expenditure_shares=None), solved.certificate


def percent_change(equilibrium: Equilibrium, name: str) -> np.ndarray:
    """Return the hats under `name` as percent changes; nan where the equilibrium is not certified."""
    change = 100.0 * (getattr(equilibrium, name) - 1.0)
    return change if equilibrium.certificate.ok else np.full_like(change, np.nan)


def _subsidy_bill(equilibrium: Equilibrium) -> np.ndarray:
    """Subsidies (N,) in percent of national income."""
    expenditure = equilibrium.expenditure_hat * equilibrium.economy.expenditure
    bill = 100.0 * equilibrium.subsidy_cost / (expenditure - equilibrium.deficits)
    return bill if equilibrium.certificate.ok else np.full_like(bill, np.nan)
