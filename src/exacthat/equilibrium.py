"""counterfactual() and Equilibrium: what comes out of a scenario, with its certificate."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property, partial

import numpy as np

from exacthat import tabular
from exacthat.assembly import Problem, assemble, base_system, check_baseline, price_index
from exacthat.blocs import price_power, slacks
from exacthat.certificate import Certificate
from exacthat.checks import frozen, number, thread_count
from exacthat.conditions import CERTIFIED, NOT_CONVERGED, conditions_met
from exacthat.economy import Economy, require_economy
from exacthat.error_bound import Evidence
from exacthat.errors import BadInput, BadParameter, NoEquilibrium, NotCertified, NotConverged
from exacthat.failures import failure, unfinanced
from exacthat.kernels.gravity import cy
from exacthat.kernels.gravity.system import Solution, System
from exacthat.local_stability import instability
from exacthat.read_only import ReadOnly
from exacthat.scenario import Policy, Shock, check_changes
from exacthat.solver import Outcome, default_threads, on_branch, solve, trade_shares

LARGEST_TOLERANCE = 1e-6  # of a result that may be called certified
UNSHOCKED = Shock()
SHOWN = 5e-4  # percent; less prints as 0.000, and may be no more than the error of a solve
HATS = ("welfare", "real_wage", "price_index", "wage", "income", "expenditure")
REBALANCE_TOLERANCE = 1e-13  # a new base year is the reference of everything computed from it


@dataclass(frozen=True, eq=False, repr=False)
class Equilibrium(ReadOnly):
    """One counterfactual world, in hats (new over base year) and in levels.

    welfare_hat          (N,)    What = Ehat / Phat, total; `welfare_per_head_hat` divides by Lhat
    price_index_hat      (N,)    Phat = prod_k d^(-beta/epsilon)
    wage_hat             (N,)    per unit of labour; `real_wage_hat` divides by Phat
    income_hat           (N,)    national income: labour, profits, net tax revenue
    expenditure_hat      (N,)    Ehat: income plus deficit
    output_share_hat     (N, K)  yhat, employment shares; 1 where the base year has no output
    output_shares        (N, K)  y', employment shares
    sales                (N, K)  R', producer revenue
    policy                       the rates in force, as full arrays
    shock                        the hats of the fundamentals, as full arrays; None where nothing changes

    Levels are in the currency of the flows with the numeraire "world labour income is unchanged" (labour
    income of each group of countries where the world falls apart). `trade_shares` and `flows` (N, N, K) are
    computed on first use. `certificate` says how well all equilibrium conditions hold.
    """

    economy: Economy
    certificate: Certificate
    labour_hat: np.ndarray
    deficits: np.ndarray
    policy: Policy
    _given: tuple  # shock (checked), policy, deficits: what `assemble` makes the hat system of
    _base_sales: np.ndarray  # (K, N), zero where no market is left
    _solution: Solution

    @cached_property
    def _system(self) -> System:
        """The hat system: made anew when asked for, so that results do not hold trade weights."""
        return assemble(self.economy, *self._given, allow_multiple=True).system

    @cached_property
    def shock(self) -> Shock:
        """The hats of the fundamentals, as full arrays; None where nothing changes."""
        return self._given[0].hats(self.economy)

    @cached_property
    def welfare_hat(self) -> np.ndarray:
        """What (N,): Ehat / Phat."""
        return frozen(self.expenditure_hat / self.price_index_hat)

    @cached_property
    def price_index_hat(self) -> np.ndarray:
        """Phat (N,)."""
        return frozen(price_index(self.economy, self._solution.state.price_power))

    @cached_property
    def wage_hat(self) -> np.ndarray:
        """what (N,), per unit of labour."""
        return frozen(np.exp(self._solution.state.wage_bill) / self.labour_hat)

    @cached_property
    def income_hat(self) -> np.ndarray:
        """National income over the base year's (N,)."""
        income = self._solution.state.expenditure - self.deficits
        return frozen(income / (self.economy.expenditure - self.economy.deficits))

    @cached_property
    def expenditure_hat(self) -> np.ndarray:
        """Ehat (N,)."""
        return frozen(self._solution.state.expenditure / self.economy.expenditure)

    @property
    def real_wage_hat(self) -> np.ndarray:
        """what / Phat (N,)."""
        return self.wage_hat / self.price_index_hat

    @cached_property
    def output_share_hat(self) -> np.ndarray:
        """yhat (N, K); 1 where the base year has no output."""
        with np.errstate(under="ignore"):
            hat = np.exp((self._solution.point.sales - self._solution.state.wage_bill).T)
        return frozen(np.where(self._base_sales.T > 0, hat, np.where(self.economy.sales > 0, 0.0, 1.0)))

    @cached_property
    def output_shares(self) -> np.ndarray:
        """y' (N, K)."""
        return frozen(self.economy.output_shares * self.output_share_hat)

    @cached_property
    def sales(self) -> np.ndarray:
        """R' (N, K)."""
        with np.errstate(under="ignore"):
            return frozen((self._base_sales * np.exp(self._solution.point.sales)).T)

    @property
    def countries(self) -> tuple[str, ...]:
        """Labels of the country axis."""
        return self.economy.countries

    @property
    def industries(self) -> tuple[str, ...]:
        """Labels of the industry axis."""
        return self.economy.industries

    @property
    def welfare_per_head_hat(self) -> np.ndarray:
        """What / Lhat (N,)."""
        return self.welfare_hat / self.labour_hat

    @cached_property
    def trade_shares(self) -> np.ndarray:
        """lambda' (N, N, K): A u / d; 0 where the destination buys nothing."""
        return frozen(trade_shares(self._system, self._solution) * (self.economy.spending > 0))

    @cached_property
    def others(self) -> tuple[Equilibrium, ...]:
        """Other certified equilibria of the same scenario that a search from random points finds.

        Empty where `certificate.unique` is "proved" or "not found otherwise"; not all there are.
        """
        held, (_, policy, deficits) = self.certificate, self._given
        problem = Problem(self._system, self.labour_hat, self.policy, self._given[0], False)
        found = (
            equilibrium_of(
                self.economy,
                policy,
                deficits,
                problem,
                Outcome(other, slacks(self._system, other), "random start", 100.0),
                held.tolerance,
            )
            for other in held.other_solutions
        )
        return tuple(other for other in found if other.certificate.ok)

    @cached_property
    def factory_price_hat(self) -> np.ndarray:
        """Price (N, K) at the factory gate, net of production subsidies; 1 where nothing is made."""
        ln_price = -price_power(self._system, self._solution).T / self.economy.trade_elasticity
        return frozen(np.exp(np.where(self.sales > 0, ln_price, 0.0)))

    @cached_property
    def industry_price_hat(self) -> np.ndarray:
        """Consumer price index (N, K) of each industry; 1 where nothing is spent."""
        ln_price = -self._solution.state.price_power.T / self.economy.trade_elasticity
        return frozen(np.where(self.economy.spending > 0, np.exp(ln_price), 1.0))

    @cached_property
    def flows(self) -> np.ndarray:
        """X' (N, N, K): spending at consumer prices, final and intermediate."""
        economy = self.economy
        spending = economy.expenditure_shares * (self.expenditure_hat * economy.expenditure)[:, None]
        if economy.input_shares is not None:
            spending = spending + np.einsum(
                "ngk,nk->ng", economy.input_shares, economy.cost_share * self.sales
            )
        return frozen(self.trade_shares * spending)

    @cached_property
    def border_flows(self) -> np.ndarray:
        """X' / (1+t') (N, N, K): value at the border."""
        return self.flows if self.policy.tariff is None else frozen(self.flows / (1.0 + self.policy.tariff))

    @cached_property
    def tariff_revenue(self) -> np.ndarray:
        """Tariffs collected (N,)."""
        return frozen((self.flows - self.border_flows).sum(axis=(0, 2)))

    @cached_property
    def subsidy_cost(self) -> np.ndarray:
        """Production and export subsidies paid (N,), financed lump sum."""
        return frozen(self.sales.sum(axis=1) - self.border_flows.sum(axis=(1, 2)))

    @cached_property
    def profits(self) -> np.ndarray:
        """Profits (N,): zero under free entry."""
        return frozen(((1.0 - self.economy.cost_share) * self.sales).sum(axis=1))

    def decompose(self, kind: str = "welfare"):
        """Return the terms of ln What: `kind` is "welfare", "roundabout", "growth" or "corrective".

        They add up exactly, whatever the size of the change; `exacthat.decomposition.decompose` defines them.
        Raises `BadInput` where an identity does not hold for this change, `NotCertified` without a certificate.
        """
        from exacthat.decomposition import decompose

        return decompose(self, kind)

    def to_frame(self, by: str = "country"):
        """Return a pandas frame of percent changes by "country", or of levels by "industry".

        By country: welfare, real wage, price index, wage, income, expenditure, and the values of exports, imports
        (both at the border), domestic sales and output; nan where the base year has none. By industry: employment
        shares before and after, sales, exports, imports and domestic sales after. Values are in units in which
        world labour income stays. `frame.attrs["outcome"]` is that of the certificate. Raises `BadParameter` for
        another `by`, `MissingLibrary` without pandas.
        """
        trade = _trade(self.border_flows)
        if by == "country":
            hats = {name: getattr(self, f"{name}_hat") for name in HATS}
            values = {**_trade(self.economy.border_flows), "output": self.economy.sales}
            for name, after in {**trade, "output": self.sales}.items():
                before = values[name].sum(axis=1)
                hats[name] = np.divide(
                    after.sum(axis=1), before, out=np.full_like(before, np.nan), where=before > 0
                )
            columns = {f"{name}_percent": 100.0 * (hat - 1.0) for name, hat in hats.items()}
            found = tabular.frame(columns, country=self.countries)
        elif by == "industry":
            shares = {"output_share_base": self.economy.output_shares, "output_share": self.output_shares}
            columns = {**shares, "sales": self.sales, **trade}
            found = tabular.frame(columns, country=self.countries, industry=self.industries)
        else:
            raise BadParameter(f"by is {by!r}; it must be 'country' or 'industry'")
        found.attrs["outcome"] = self.certificate.outcome
        return found

    def to_xarray(self):
        """Return an xarray dataset of hats and levels, labelled by country and industry.

        Hats by "country"; employment shares, their hats and sales by ("country", "industry"); trade shares, flows and
        flows at the border by ("origin", "destination", "industry"). Attributes are the certificate's outcome and
        residual. Raises `MissingLibrary` without xarray.

        >>> world = Economy([[[8.0], [2.0]], [[2.0], [8.0]]], 4.0, countries=["HOM", "FOR"])
        >>> float(counterfactual(world).to_xarray()["flows"].sel(origin="HOM", destination="FOR").sum())
        2.0
        """
        held = {f"{name}_hat": (("country",), getattr(self, f"{name}_hat")) for name in HATS}
        for name in ("output_share_hat", "output_shares", "sales"):
            held[name] = (("country", "industry"), getattr(self, name))
        for name in ("trade_shares", "flows", "border_flows"):
            held[name] = (("origin", "destination", "industry"), getattr(self, name))
        labels = {axis: self.countries for axis in ("country", "origin", "destination")}
        said = {"outcome": self.certificate.outcome, "residual": self.certificate.residual}
        return tabular.dataset(held, labels | {"industry": self.industries}, **said)

    def __repr__(self):
        return f"Equilibrium({len(self.countries)} countries, {self.certificate.outcome})"

    def __str__(self):
        shown = {
            "welfare %": self.welfare_hat,
            "real wage %": self.real_wage_hat,
            "price index %": self.price_index_hat,
        }
        columns = {name: 100.0 * (hat - 1.0) for name, hat in shown.items()}
        percent = columns["welfare %"]
        rows = tabular.highest_and_lowest(percent)
        lines = [str(self.certificate), "", *tabular.text(self.countries, columns, 3, rows)]
        gain, still = (percent >= SHOWN).sum(), (np.abs(percent) < SHOWN).sum()
        rest = f", {still} move by less than {SHOWN:g} %" * bool(still)
        lines += ["", f"{gain} of {len(percent)} countries gain{rest}; simple mean {percent.mean():z.3f} %"]
        warning = instability(self.economy)
        lines += ["", warning] if warning else []
        return "\n".join(lines)


def _trade(border) -> dict[str, np.ndarray]:
    """Exports, imports and domestic sales (N, K) of flows at the border."""
    abroad = np.where(np.eye(len(border), dtype=bool)[:, :, None], 0.0, border)
    domestic = np.einsum("nnk->nk", border)
    return {"exports": abroad.sum(axis=1), "imports": abroad.sum(axis=0), "domestic": domestic}


def counterfactual(
    economy: Economy,
    shock: Shock | None = None,
    policy: Policy | None = None,
    *,
    deficits="fixed",
    tol: float = 1e-10,
    threads: int | None = None,
    on_failure: str = "raise",
    allow_multiple: bool = False,
) -> Equilibrium:
    """Solve for the world after a shock and under a new policy, by exact hat algebra.

    Parameters
    ----------
    economy : Economy
        The base year; under free entry every mu*epsilon must be below 1 unless `allow_multiple`.
    shock : Shock, optional
        Changes of trade costs, productivity, labour, entry costs.
    policy : Policy, optional
        New levels of policy instruments; by default the base year's own.
    deficits : "fixed", "zero" or (N,)
        Spending less income, in units in which world labour income keeps its base-year value.
    tol : float
        Largest relative residual of any country and industry, at most 1e-6.
    threads : int, optional
        For the compiled kernel; results do not depend on it.
    on_failure : "raise" or "return"
        What to do when the residual stays above `tol`.
    allow_multiple : bool
        Admit mu*epsilon of one and above under free entry, where equilibria are not unique [KLR]: the one that
        continuous change of the shock leads to from the base year is returned. `certificate.unique` searches
        for others, `others` holds them.

    Returns
    -------
    Equilibrium, whose `certificate` tells the residuals. No change returns exactly one (where the data are an
    equilibrium to `tol`; else what the rounding of the data moves).

    Raises
    ------
    BadInput, BadParameter
        For a scenario that does not fit the economy; every fault with its cell.
    NoEquilibrium
        For instance a group of countries cut off from those who finance its deficit, or deficits for which a
        lender would have to spend less than nothing.
    NotConverged
        With the last iterate and the share of the shock up to which the solution was followed.

    Equations: MODEL [L, LL], written out in ``exacthat.kernels.gravity.ref``; welfare is Ehat / Phat.
    Cost: some tens of passes over the N x N x K trade shares.

    >>> import exacthat as eh
    >>> world = eh.Economy([[[8.0], [2.0]], [[2.0], [8.0]]], trade_elasticity=4.0)
    >>> eq = eh.counterfactual(world, eh.Shock(trade_cost=float("inf")))
    >>> bool(abs(eq.welfare_hat[0] - 0.8 ** (1 / 4)) < 1e-12), eq.certificate.outcome
    (True, 'certified')
    """
    require_economy(economy)
    check_changes(shock, policy)
    if on_failure not in ("raise", "return"):
        raise BadParameter(f"on_failure is {on_failure!r}; it must be 'raise' or 'return'")
    tol = number(tol, "tol", 0.0, LARGEST_TOLERANCE)
    check_baseline(economy)
    return _solved(
        economy, shock or UNSHOCKED, policy, deficits, tol, threads, on_failure, bool(allow_multiple)
    )


def require_certified(value) -> Equilibrium:
    """Return `value` if it is a certified equilibrium.

    Raises `BadInput` for anything else, `NotCertified` for the iterate that `on_failure="return"` may leave:
    what is computed from it would look like a result.
    """
    if not isinstance(value, Equilibrium):
        raise BadInput(
            f"eq is of type {type(value).__name__}; pass the result of exacthat.counterfactual(...)"
        )
    if not value.certificate.ok:
        raise NotCertified(
            f"this equilibrium is not certified, so nothing is computed from it: {failure(value)}",
            certificate=value.certificate,
        )
    return value


def rebalance(economy: Economy, deficits="fixed", *, threads: int | None = None) -> Economy:
    """Solve the model at the economy's own expenditure shares and return that world as a new base year.

    For final-demand shares that contradict the flows; the new flows agree with them. Trade shares move as
    the model says. Raises as `counterfactual` does.
    """
    require_economy(economy)
    solved = _solved(economy, UNSHOCKED, None, deficits, REBALANCE_TOLERANCE, threads, "raise")
    own = {field.name: getattr(economy, field.name) for field in fields(economy)}
    return Economy(**{**own, "flows": solved.flows, "expenditure_shares": None})


def purge_deficits(economy: Economy, *, threads: int | None = None) -> Economy:
    """Return the world in which every country spends its income: the counterfactual with zero deficits.

    >>> eco = Economy([[[8.0], [1.0]], [[2.0], [8.0]]], trade_elasticity=4.0)
    >>> eco.deficits, purge_deficits(eco).deficits
    (array([ 1., -1.]), array([0., 0.]))
    """
    return rebalance(economy, "zero", threads=threads)


def _solved(
    economy, shock, policy, deficits, tolerance, threads, on_failure, allow_multiple=False
) -> Equilibrium:
    """Assemble, solve, certify; raise `NotConverged` where that is asked for."""
    threads = thread_count(threads)
    problem = assemble(economy, shock, policy, deficits, allow_multiple, threads)
    threads = threads or default_threads(problem.system)
    outcome = _at_base(economy, problem, tolerance, threads) if problem.unchanged else None
    if outcome is None:
        base = (
            partial(base_system, economy, allow_multiple)
            if economy.consistent
            else _implied_base(economy, allow_multiple)
        )
        several = max(problem.system.feedback.tolist()) >= 1.0  # which one Newton would find is chance
        outcome = (on_branch if several else solve)(problem.system, tolerance, threads, base)
    result = equilibrium_of(economy, policy, deficits, problem, outcome, tolerance, threads)
    if outcome.ends:
        raise NoEquilibrium(unfinanced(result, outcome.ends))
    if not result.certificate.ok and on_failure == "raise":
        raise NotConverged(
            f"{failure(result)}; the last iterate is in .equilibrium",
            equilibrium=result,
            reached=outcome.completed,
        )
    return result


def _implied_base(economy: Economy, allow_multiple: bool) -> System | None:
    """The base year as the flows imply it; None where they imply negative final demand, so there is none."""
    try:
        return base_system(replace(economy, expenditure_shares=None), allow_multiple)
    except BadInput:
        return None


def _at_base(economy: Economy, problem: Problem, tolerance, threads) -> Outcome | None:
    """The base year itself, if it meets the tolerance."""
    found = cy.solve(problem.system, None, tolerance, 0, threads)
    if not found.converged:
        return None
    state = found.state._replace(
        wage_bill=np.zeros_like(found.state.wage_bill),
        price_power=np.zeros_like(found.state.price_power),
        expenditure=economy.expenditure,
    )
    nothing = np.zeros_like(state.wage_bill)  # the base year's trade balances by construction of its deficits
    found = found._replace(state=state, exports=nothing, imports=nothing)
    return Outcome(found, cy.slacks(problem.system, found), "base year, no change", 100.0)


def equilibrium_of(
    economy: Economy, policy, deficits, problem: Problem, outcome: Outcome, tolerance, threads=1
) -> Equilibrium:
    """Turn a solution of the hat system of a scenario into an equilibrium with its certificate."""
    system = problem.system
    given = problem.shock, policy, deficits if isinstance(deficits, str) else system.deficits
    certificate = _certify(economy, given, system, outcome, tolerance, threads)
    return Equilibrium(
        economy,
        certificate,
        problem.labour,
        system.deficits,
        problem.policy,
        given,
        system.sales,
        outcome.solution,
    )


def _certify(economy: Economy, given, system: System, outcome: Outcome, tolerance, threads) -> Certificate:
    solution = outcome.solution
    _, balance, adding_up, (part, row, column) = outcome.slacks
    met = outcome.completed == 100.0 and conditions_met(
        solution.residual, solution.walras, balance, tolerance
    )
    industry = "spending" if part == 2 else economy.industries[row]
    return Certificate(
        outcome=CERTIFIED if met else NOT_CONVERGED,
        residual=solution.residual,
        tolerance=tolerance,
        walras=solution.walras,
        balance=balance,
        adding_up=adding_up,
        last_step=solution.last_step,
        method=outcome.method,
        completed=outcome.completed,
        iterations=solution.iterations,
        evaluations=solution.evaluations,
        products=solution.products,
        passes64=solution.passes64,
        passes16=solution.passes16,
        alpha_max=max(system.feedback.tolist()),
        worst=(economy.countries[column], industry),
        instruction_set=cy.instruction_set(),
        threads=threads,
        evidence=Evidence(economy, *given, solution),
    )
