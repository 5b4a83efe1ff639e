"""learning_value(): what productivity and employment are worth for what they teach, by an adjoint along a path."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from exacthat.checks import Reader, frozen
from exacthat.dynamics.paths import Leg, Path
from exacthat.dynamics.schedule import check_kind
from exacthat.errors import BadInput, NotConverged
from exacthat.kernels.gravity import cy
from exacthat.kernels.gravity.system import Point, Pullback, Solution, System
from exacthat.read_only import ReadOnly

TAILS = ("truncate", "constant")
ACCURACY, LEAST_ACCURACY = 1e-12, 1e-9  # relative residual of a transposed solve, and where it is refused
TIGHTEST = 1e-10  # of the backward integration
LONGEST = (
    1000.0  # discount rate times horizon: the steps needed rise with it, and exp(-40) is nothing already
)


@dataclass(frozen=True, eq=False)
class LearningValue(ReadOnly):
    """Shadow values of learning at T dates, for the welfare of one country; arrays (T, N, K).

    The unit is current consumption of `country` in one unit of time: 0.01 is one percent of a year's consumption,
    valued at the date itself, when time is in years.

    productivity : of ln phi, one log point more of which stays and goes on to act
    teaching : of one unit of employment more for what it teaches, at home and abroad, sum over receivers of
        psi spillovers diffusion times the value of phi
    receiving : of the same unit for making its own industry more receptive, through psi; 0 at activity 0
    employment : the sum of the two: the marginal external benefit of learning per unit of employment
    rate : the same as a subsidy rate: the benefit over the value, at what buyers pay, of what the unit makes
    marginal_external_benefit : `rate` on top of the scale elasticity mu
    production_subsidy : gain per unit of rate in force for one unit of time, all static effects and the cost of
        the subsidy included
    residual : largest relative residual of the transposed solves; `evaluations` counts them
    """

    times: np.ndarray
    country: str
    discount_rate: float
    tail: str
    productivity: np.ndarray
    teaching: np.ndarray
    receiving: np.ndarray
    rate: np.ndarray
    production_subsidy: np.ndarray
    residual: float
    evaluations: int
    scale_elasticity: np.ndarray = field(repr=False)

    @property
    def employment(self) -> np.ndarray:
        """Teaching and receiving together."""
        return self.teaching + self.receiving

    @property
    def marginal_external_benefit(self) -> np.ndarray:
        """Scale and learning together, as `exacthat.pigouvian_subsidy` takes them."""
        return self.scale_elasticity + self.rate


def learning_value(
    path: Path, discount_rate: float, country: str, *, times=None, tail: str = "truncate", rtol=None
) -> LearningValue:
    """Return what learning along a path is worth for a country, cell by cell and date by date.

    Parameters
    ----------
    path : Path
        From `simulate`. Values are marginal, at this path.
    discount_rate : float >= 0
        Per unit of time; above 0 with a constant tail, at most 1,000 over the horizon.
    country : label
        Whose welfare: V = integral of exp(-discount_rate t) ln What, the present value of `exacthat.compare` at
        its default elasticity.
    times : (T,), optional
        Dates, by default the ends of the path's steps; on the first date of a phase it is that phase's value.
    tail : "truncate" or "constant"
        What follows the horizon: nothing, or welfare as at the horizon for ever.
    rtol : float, optional
        Of the backward integration, in units of the largest value; by default the path's own.

    The costate lambda = dV/dy of the learning state y follows -dlambda/dt = du/dy + (dF/dy)' lambda - delta lambda
    backwards from 0 (or du/dy / delta), u being ln What and dy/dt = F. Employment in F and What are those of the
    equilibrium at y; one transposed solve of the hat system carries both back (as in `welfare_gradient`), so the
    cost is one equilibrium and one transposed solve an evaluation, whatever N and K. With the value lambda_phi of
    phi the benefit of a unit of employment is

        M_ig = sum_jk psi(L_jk) spillovers_gk diffusion_ji lambda_jk  [teaching]
               + psi'(L_ig) (what the industry receives) lambda_ig    [receiving; under "stocks" teaching stays at home]

    and `rate` = M_ig (1 + s_ig) l_ig E / w_i: E the country's spending, w_i the wage of a unit of employment, l
    labour's share of cost. A subsidy s = mu + rate pays for what employment adds to scale and to learning. In a
    closed economy without links where it does so at every date, 1 + s = (1 + mu)/(1 - M E/w), no change of a
    subsidy raises V.

    Closed form: in one closed country that spends shares beta and learns by the proportional law, activity 0,
    ln phi of industry k is worth beta_k a(t), a(t) = (1 - exp(-delta (H - t)))/delta up to the horizon H, or
    1/delta with a constant tail; employment in industry g is worth a(t) sum_k spillovers_gk beta_k.

    Raises `BadInput` and `BadParameter` for wrong arguments, `NotConverged` where a transposed solve or the
    integration stops.

    >>> import exacthat as eh
    >>> from exacthat.dynamics import Learning, simulate
    >>> world = eh.Economy([[[2.0, 3.0]]], 4.0, 0.1, countries=["PAK"])
    >>> path = simulate(world, Learning([[0.02, 0.0], [0.0, 0.01]], activity=0.0, law="proportional"), horizon=50.0)
    >>> learning_value(path, 0.04, "PAK", times=[0.0], tail="constant").rate.round(6).tolist()
    [[[0.2, 0.15]]]
    """
    check_kind("path", path, Path)
    read = Reader()
    delta = read.number("discount_rate", discount_rate, least=0.0, cure="a fraction per unit of time")
    read.choice("tail", tail, TAILS)
    if tail == "constant" and delta == 0:
        read.fault("discount_rate is 0; with a constant tail the value diverges", out_of_range=True)
    if delta * path.horizon > LONGEST:
        problem = f"discount_rate {delta:g} over a horizon of {path.horizon:g} leaves nothing of its end"
        read.fault(f"{problem}: end the path by date {40.0 / delta:.3g}", out_of_range=True)
    dates = path.knots
    if times is not None:
        dates = read.array("times", times, least=0.0, most=path.horizon, cure="a date within the horizon")
    if dates.ndim != 1:
        read.fault(f"times has shape {dates.shape}; it must be a list of dates")
    tolerance = path.rtol if rtol is None else read.number("rtol", rtol, least=TIGHTEST, most=1e-2)
    read.finish()
    home = path.economy.country_index(country)
    if home.size != 1:
        raise BadInput(f"country is {country!r}; name one country")
    adjoint = Adjoint(path, int(home[0]), delta)
    costates = adjoint.integrate(tail, max(tolerance, TIGHTEST))
    rows = [adjoint.values(float(date), costates) for date in dates]
    empty = np.empty((0, *path.economy.output_shares.shape))
    columns = (frozen(np.stack(column)) for column in zip(*rows)) if rows else (empty,) * 5
    return LearningValue(
        frozen(dates), path.economy.countries[int(home[0])], delta, tail, *columns, adjoint.residual,
        adjoint.evaluations, path.economy.scale_elasticity,
    )  # fmt: skip


class Adjoint:
    """The backward equation along one path for the welfare of one country; counts its transposed solves."""

    def __init__(self, path: Path, home: int, delta: float):
        self.path, self.home, self.delta = path, home, delta
        self.residual, self.evaluations = 0.0, 0

    def integrate(self, tail: str, rtol: float) -> list:
        """Return, leg by leg in time, the costate as a function of the time left in the leg."""
        from scipy.integrate import solve_ivp

        legs, dense = self.path._legs, []
        costate = np.zeros(self.path.economy.output_shares.size)
        last = self._slope(legs[-1], self.path.horizon, costate)
        if tail == "constant":
            costate = last / self.delta
        longest = self.path.horizon if self.delta == 0 else min(self.path.horizon, 1.0 / self.delta)
        atol = rtol * max(float(np.abs(last).max()) * longest, np.finfo(float).tiny)
        for leg in reversed(legs):

            def backward(left, held, leg=leg):
                return self._slope(leg, leg.end - left, held) - self.delta * held

            span = leg.end - leg.start
            found = solve_ivp(
                backward, (0.0, span), costate, "DOP853", dense_output=True, rtol=rtol, atol=atol
            )
            if found.status != 0:
                raise NotConverged(
                    f"the backward integration stopped before date {leg.end:g}: {found.message}"
                )
            dense.append(found.sol)
            costate = found.y[:, -1]
        return dense[::-1]

    def values(self, time: float, costates: list) -> tuple[np.ndarray, ...]:
        """Return productivity, teaching, receiving, rate and subsidy values (N, K) at a date."""
        leg = self.path._leg(time, "right")
        at = self.path._legs.index(leg)
        y, solution = leg.solve(time)
        world, state, n = leg.world, solution.state, self.home
        costate = costates[at](leg.end - time).reshape(world.live.shape)
        teaching, receiving, _ = self._learned(world, y, solution, costate)
        system, point = world.system(y), solution.point
        rates = 1.0 + world.problem.policy.production_subsidy
        wage = system.labour_income * np.exp(state.wage_bill) / (world.fitted.labour * world.problem.labour)
        dearness = rates * system.labour_share.T * state.expenditure[n] / wage[:, None]
        if system.border is None:  # with spending as an unknown, so that a subsidy's cost has a weight
            spending = np.log(state.expenditure / system.expenditure)
            system = system._replace(border=system.weights)
            point = point._replace(expenditure=spending)
        dual, back = self._carried(world, system, point, solution, teaching + receiving)
        subsidy = (system.trade_elasticity * back.ln_u.T - dual.sales.T - back.border.T) / rates
        worth = costate if world.fitted.law == "proportional" else costate * world.productivity(y)
        return worth, teaching, receiving, (teaching + receiving) * dearness, subsidy

    def _slope(self, leg: Leg, time: float, costate) -> np.ndarray:
        """Return du/dy + (dF/dy)' costate, flattened."""
        world = leg.world
        y, solution = leg.solve(time)
        costate = costate.reshape(world.live.shape)
        teaching, receiving, direct = self._learned(world, y, solution, costate)
        system = world.system(y)
        _, back = self._carried(world, system, solution.point, solution, teaching + receiving)
        by_log = system.trade_elasticity * back.ln_u.T
        if world.fitted.law == "proportional":
            return by_log.ravel()
        return (direct + by_log / world.productivity(y)).ravel()

    def _learned(self, world, y, solution: Solution, costate):
        labour = (world.fitted.labour * world.problem.labour)[:, None]
        return world.fitted.pulled_back(
            world.productivity(y), labour * world.output_shares(solution), costate
        )

    def _carried(
        self, world, system: System, point: Point, solution: Solution, to_employment
    ) -> tuple[Point, Pullback]:
        """Carry the weight on ln What of the country and weights (N, K) on employment back to ln u."""
        shares, labour = world.output_shares(solution), world.fitted.labour * world.problem.labour
        weighted = to_employment * labour[:, None]
        to_sales = shares * (weighted - (shares * weighted).sum(axis=1, keepdims=True))
        unit = np.zeros(len(labour))
        unit[self.home] = 1.0
        spending = unit / solution.state.expenditure
        power = unit * system.spending_shares / system.trade_elasticity[:, None]
        nothing = Point(*(None if part is None else np.zeros_like(part) for part in point))
        right = cy.pullback(system, point, nothing, spending, power, world.threads).unknowns
        right = right._replace(sales=right.sales + to_sales.T)
        dual, residual, _ = cy.solve_linear(system, point, right, True, ACCURACY, world.threads)
        self.residual, self.evaluations = max(self.residual, residual), self.evaluations + 1
        if not residual <= LEAST_ACCURACY:
            raise NotConverged(f"a transposed solve stopped at a relative residual of {residual:.1e}")
        dual = Point(*(None if part is None else -part for part in dual))
        return dual, cy.pullback(system, point, dual, spending, power, world.threads)
