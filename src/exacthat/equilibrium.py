"""counterfactual() and Equilibrium: what comes out of a scenario, with its certificate."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from functools import cached_property

import numpy as np

from exacthat.assembly import Problem, assemble, base_system, check_baseline
from exacthat.certificate import CERTIFIED, NOT_CONVERGED, Certificate
from exacthat.checks import frozen, number, thread_count
from exacthat.economy import Economy, require_economy
from exacthat.errors import BadInput, BadParameter, NotConverged
from exacthat.kernels.gravity.system import Solution, System
from exacthat.local_stability import instability
from exacthat.scenario import Policy, Shock
from exacthat.solver import BALANCE, Outcome, default_threads, imbalance, price_power, solve, trade_shares

LARGEST_TOLERANCE = 1e-6  # of a result that may be called certified
REBALANCE_TOLERANCE = 1e-13  # a new base year is the reference of everything computed from it


@dataclass(frozen=True, eq=False, repr=False)
class Equilibrium:
    """One counterfactual world, in hats (new over base year) and in levels.

    welfare_hat          (N,)    What = Ehat / Phat, total; `welfare_per_head_hat` divides by Lhat
    price_index_hat      (N,)    Phat = prod_k d^(-beta/epsilon)
    wage_hat             (N,)    per unit of labour
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
    welfare_hat: np.ndarray
    price_index_hat: np.ndarray
    wage_hat: np.ndarray
    income_hat: np.ndarray
    expenditure_hat: np.ndarray
    labour_hat: np.ndarray
    output_share_hat: np.ndarray
    output_shares: np.ndarray
    sales: np.ndarray
    deficits: np.ndarray
    policy: Policy
    shock: Shock
    _system: System = field(repr=False)
    _solution: Solution = field(repr=False)

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
        Raises `BadInput` where an identity does not hold for this change.
        """
        from exacthat.decomposition import decompose

        return decompose(self, kind)

    def to_frame(self, by: str = "country"):
        """Return a pandas frame of percent changes by "country", or of employment shares by "industry"."""
        import pandas as pd

        if by == "country":
            changes = {
                "welfare": self.welfare_hat,
                "price_index": self.price_index_hat,
                "wage": self.wage_hat,
                "income": self.income_hat,
                "expenditure": self.expenditure_hat,
            }
            columns = {f"{name}_percent": 100.0 * (hat - 1.0) for name, hat in changes.items()}
            return pd.DataFrame(columns, index=pd.Index(self.countries, name="country"))
        if by == "industry":
            index = pd.MultiIndex.from_product(
                [self.countries, self.industries], names=["country", "industry"]
            )
            return pd.DataFrame(
                {
                    "output_share_base": self.economy.output_shares.ravel(),
                    "output_share": self.output_shares.ravel(),
                    "sales": self.sales.ravel(),
                },
                index=index,
            )
        raise BadParameter(f"by is {by!r}; it must be 'country' or 'industry'")

    def __repr__(self):
        return f"Equilibrium({len(self.countries)} countries, {self.certificate.outcome})"

    def __str__(self):
        percent = 100.0 * (self.welfare_hat - 1.0)
        order = np.argsort(percent)[::-1]
        shown = order if len(order) <= 10 else np.concatenate([order[:5], order[-5:]])
        width = max(len(name) for name in self.countries)
        lines = [str(self.certificate), "", f"{'':{width}}  welfare %  real wage %  price index %"]
        for at, n in enumerate(shown):
            if at == 5 and len(order) > 10:
                lines.append(f"{'...':{width}}")
            real_wage = 100.0 * (self.wage_hat[n] / self.price_index_hat[n] - 1.0)
            lines.append(
                f"{self.countries[n]:{width}}  {percent[n]:9.3f}  {real_wage:11.3f}  "
                f"{100.0 * (self.price_index_hat[n] - 1.0):13.3f}"
            )
        gain = (percent > 0).sum()
        lines += ["", f"{gain} of {len(percent)} countries gain; simple mean {percent.mean():.3f} %"]
        warning = instability(self.economy)
        lines += ["", warning] if warning else []
        return "\n".join(lines)


def counterfactual(
    economy: Economy,
    shock: Shock | None = None,
    policy: Policy | None = None,
    *,
    deficits="fixed",
    tol: float = 1e-10,
    threads: int | None = None,
    on_failure: str = "raise",
) -> Equilibrium:
    """Solve for the world after a shock and under a new policy, by exact hat algebra.

    Parameters
    ----------
    economy : Economy
        The base year; under free entry every mu*epsilon must be below 1 (unique equilibrium [KLR]).
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

    Returns
    -------
    Equilibrium, whose `certificate` tells the residuals. No change returns exactly one (where the data are an
    equilibrium to `tol`; else what the rounding of the data moves).

    Raises
    ------
    BadInput, BadParameter
        For a scenario that does not fit the economy; every fault with its cell.
    NoEquilibrium
        For instance a group of countries cut off from those who finance its deficit.
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
    for value, kind, name in ((shock, Shock, "shock"), (policy, Policy, "policy")):
        if value is not None and not isinstance(value, kind):
            raise BadInput(f"{name} is a {type(value).__name__}; pass {name}=exacthat.{kind.__name__}(...)")
    if on_failure not in ("raise", "return"):
        raise BadParameter(f"on_failure is {on_failure!r}; it must be 'raise' or 'return'")
    tol = number(tol, "tol", 0.0, LARGEST_TOLERANCE)
    check_baseline(economy)
    return _solved(economy, shock or Shock(), policy or Policy(), deficits, tol, threads, on_failure)


def rebalance(economy: Economy, deficits="fixed", *, threads: int | None = None) -> Economy:
    """Solve the model at the economy's own expenditure shares and return that world as a new base year.

    For final-demand shares that contradict the flows; the new flows agree with them. Trade shares move as
    the model says. Raises as `counterfactual` does.
    """
    require_economy(economy)
    solved = _solved(economy, Shock(), Policy(), deficits, REBALANCE_TOLERANCE, threads, "raise")
    own = {field.name: getattr(economy, field.name) for field in fields(economy)}
    return Economy(**{**own, "flows": solved.flows, "expenditure_shares": None})


def purge_deficits(economy: Economy, *, threads: int | None = None) -> Economy:
    """Return the world in which every country spends its income: the counterfactual with zero deficits.

    >>> eco = Economy([[[8.0], [1.0]], [[2.0], [8.0]]], trade_elasticity=4.0)
    >>> eco.deficits, purge_deficits(eco).deficits
    (array([ 1., -1.]), array([0., 0.]))
    """
    return rebalance(economy, "zero", threads=threads)


def _solved(economy, shock, policy, deficits, tolerance, threads, on_failure) -> Equilibrium:
    """Assemble, solve, certify; raise `NotConverged` where that is asked for."""
    problem = assemble(economy, shock, policy, deficits)
    threads = default_threads(problem.system) if threads is None else thread_count(threads)
    outcome = _at_base(problem, tolerance, threads) if problem.unchanged else None
    untouched = outcome is not None
    if outcome is None:
        base = _followed_from(economy)
        outcome = solve(problem.system, tolerance, threads, base)
    result = _equilibrium(economy, problem, outcome, tolerance, threads, untouched)
    if not result.certificate.ok and on_failure == "raise":
        raise NotConverged(_failure(result), equilibrium=result, reached=outcome.completed)
    return result


def _followed_from(economy: Economy) -> System | None:
    """The base year as the flows imply it; None where they imply negative final demand, so there is none."""
    if economy.consistent:
        return base_system(economy)
    try:
        return base_system(replace(economy, expenditure_shares=None))
    except BadInput:
        return None


def _failure(result: Equilibrium) -> str:
    """Say what a result misses and what to do."""
    certificate = result.certificate
    if certificate.balance > BALANCE and certificate.residual <= certificate.tolerance:
        gap = imbalance(result._system, result._solution)
        n = int(np.argmax(gap))
        trade = (
            result._solution.imports[n] + result._solution.exports[n]
        ) / result._solution.state.expenditure[n]
        return (
            f"trade of country {result.countries[n]!r} is {trade:.1e} of its spending and misses its balance by "
            f"{gap[n]:.1e} of itself: too little to tell its wage. End it with infinite trade costs, or use a smaller "
            "shock (the result is in .equilibrium)"
        )
    followed = (
        f"the solution was followed over {np.floor(10 * certificate.completed) / 10:g} percent of the change"
    )
    return (
        f"the solver stopped at a residual of {certificate.residual:.2e} (tolerance {certificate.tolerance:.0e}), "
        f"worst in country {certificate.worst[0]!r}, industry {certificate.worst[1]!r}; {followed}. Try a smaller "
        "change, or lower scale elasticities; the last iterate is in .equilibrium"
    )


def _at_base(problem: Problem, tolerance, threads) -> Outcome | None:
    """The base year itself, if it meets the tolerance."""
    from exacthat.kernels.gravity import cy

    point = problem.system.origin()
    state = cy.evaluate(problem.system, point, threads)
    residual = max(float(np.abs(part).max()) for part in state.residual if part is not None)
    if not residual <= tolerance:
        return None
    state = state._replace(
        wage_bill=np.zeros_like(state.wage_bill), price_power=np.zeros_like(state.price_power)
    )
    nothing = np.zeros_like(state.wage_bill)  # the base year's trade balances by construction of its deficits
    return Outcome(
        Solution(point, state, nothing, nothing, True, residual, 0.0, 0, 1, 0, 1),
        "base year, no change",
        100.0,
    )


def _equilibrium(economy, problem: Problem, outcome: Outcome, tolerance, threads, untouched) -> Equilibrium:
    system, solution = problem.system, outcome.solution
    state, ln_sales_hat = solution.state, solution.point.sales.T
    expenditure = economy.expenditure if untouched else state.expenditure
    expenditure_hat = expenditure / economy.expenditure
    income_hat = (expenditure - system.deficits) / (economy.expenditure - economy.deficits)
    price = np.exp(-(economy.expenditure_shares * state.price_power.T / economy.trade_elasticity).sum(axis=1))
    with np.errstate(under="ignore"):
        share_hat = np.exp(ln_sales_hat - state.wage_bill[:, None])
        sales = system.sales.T * np.exp(ln_sales_hat)
    share_hat = np.where(system.sales.T > 0, share_hat, np.where(economy.sales > 0, 0.0, 1.0))
    output_shares = economy.output_shares * share_hat
    certificate = _certify(economy, problem, outcome, output_shares, sales, tolerance, threads)
    arrays = (expenditure_hat / price, price, np.exp(state.wage_bill) / problem.labour, income_hat,
              expenditure_hat, problem.labour, share_hat, output_shares, sales, np.array(system.deficits))  # fmt: skip
    return Equilibrium(
        economy, certificate, *map(frozen, arrays), problem.policy, problem.shock, system, solution
    )


def _certify(
    economy, problem: Problem, outcome: Outcome, output_shares, sales, tolerance, threads
) -> Certificate:
    from exacthat.kernels.gravity import cy

    system, solution = problem.system, outcome.solution
    missed = solution.state.residual
    # what demand implies for each seller: sales exp(-F), F without the common scale of the component
    growth = np.bincount(system.component, system.labour_income * np.exp(solution.state.wage_bill))
    growth = np.log(growth / np.bincount(system.component, system.labour_income))[system.component]
    implied = (sales.T * np.exp(growth - missed.sales)).sum()
    walras = float(abs(implied / sales.sum() - 1.0))
    balance = float(imbalance(system, solution).max())
    met = solution.converged and outcome.completed == 100.0 and walras <= tolerance and balance <= BALANCE
    return Certificate(
        outcome=CERTIFIED if met else NOT_CONVERGED,
        residual=solution.residual,
        tolerance=tolerance,
        walras=walras,
        balance=balance,
        adding_up=float(np.abs(output_shares.sum(axis=1) - 1.0).max()),
        last_step=solution.last_step,
        method=outcome.method,
        completed=outcome.completed,
        iterations=solution.iterations,
        evaluations=solution.evaluations,
        products=solution.products,
        passes64=solution.passes64,
        passes32=solution.passes32,
        alpha_max=float(system.feedback.max()),
        worst=_worst(economy, missed),
        instruction_set=cy.instruction_set(),
        threads=threads,
    )


def _worst(economy: Economy, missed) -> tuple[str, str]:
    """Labels of the largest residual: a country and an industry, or a country and its spending."""
    largest = [0.0 if part is None else np.abs(part).max() for part in missed]
    part = missed[int(np.argmax(largest))]
    at = np.unravel_index(np.argmax(np.abs(part)), part.shape)
    if len(at) == 1:
        return economy.countries[at[0]], "spending"
    return economy.countries[at[1]], economy.industries[at[0]]
