"""The hat system once more, as a check: from the raw data, in extended precision, sharing no code with the library.

Unknowns are the logs of the hats of revenue R (N, K), wages w (N), consumer price indices P (N, K) and spending E
(N,), each with its own equation as in the model's statement: nothing is eliminated. The redundancy of one labour
equation per group of trading countries is met by a row that fixes the group's labour income. A solution is polished
from a guess by Newton steps whose residual is computed in extended precision and whose Jacobian is computed in
double precision by complex steps.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

ROUND_OFF = 1e-9  # of spending: deficits below it, in all countries, are rounding of the data


class Precision:
    """Arithmetic on arrays: numpy's long double, or mpmath with `digits`."""

    def __init__(self, digits: int | None = None):
        if digits is None:
            self.finest, self.exp, self.log = float(np.finfo(np.longdouble).eps), np.exp, np.log
            self.read = lambda x: np.array(x, dtype=np.longdouble)
            return
        import mpmath

        mpmath.mp.dps = digits
        exp, log, read = (np.frompyfunc(f, 1, 1) for f in (mpmath.exp, mpmath.log, mpmath.mpf))
        self.finest, self.exp, self.log = 10.0**-digits, exp, log
        self.read = lambda x: read(np.array(x, dtype=object))


class Model:
    """One scenario: base-year accounts in `precision`, equations, and the unknowns that are alive."""

    def __init__(self, economy, shock, policy, deficits, precision: Precision):
        self.precision, read = precision, precision.read
        n, _, k = economy.flows.shape
        self.shape = n, k
        abroad = ~np.eye(n, dtype=bool)[:, :, None]

        def full(given, shape, foreign=False):
            given = np.asarray(0.0 if given is None else given, dtype=float)
            values = np.broadcast_to(given, shape)
            return read(values * abroad if foreign and given.ndim < 3 else values)

        routes, cells = (n, n, k), (n, k)
        t0, x0 = (full(rate, routes) for rate in (economy.tariff, economy.export_subsidy))
        s0 = full(economy.production_subsidy, cells)
        t1 = t0 if policy.tariff is None else full(policy.tariff, routes, True)
        x1 = x0 if policy.export_subsidy is None else full(policy.export_subsidy, routes, True)
        s1 = s0 if policy.production_subsidy is None else full(policy.production_subsidy, cells)
        hat = {
            name: read(np.broadcast_to(1.0 if value is None else value, shape))
            for name, value, shape in (
                ("productivity", shock.productivity, cells),
                ("entry_cost", shock.entry_cost, cells),
                ("labour", shock.labour, (n,)),
            )
        }
        cost = np.ones(routes) if shock.trade_cost is None else np.array(shock.trade_cost, dtype=float)
        cost = np.where(abroad, cost, 1.0) if cost.ndim < 3 else np.broadcast_to(cost, routes)
        flows, a = read(economy.flows), full(economy.input_shares, (n, k, k))
        epsilon, mu = read(economy.trade_elasticity), read(economy.scale_elasticity)
        free = economy.entry == "free"
        kappa = 1 / (1 + mu * (not free))
        labour_share = 1 - a.sum(axis=1)
        spent = flows.sum(axis=0)
        sales = (1 + s0) * ((1 + x0) / (1 + t0) * flows).sum(axis=1)
        final = spent - (a * (kappa * sales)[:, None, :]).sum(axis=2)
        final = np.where(final.astype(float) < 0, 0 * final, final)
        wages = (labour_share * kappa * sales).sum(axis=1)
        spending = final.sum(axis=1)
        gap = spending - wages - ((1 - kappa) * sales).sum(axis=1) - revenue(flows, t0, x0, s0)
        if isinstance(deficits, str):
            zero = (
                deficits == "zero" or (np.abs(gap.astype(float)) <= ROUND_OFF * spending.astype(float)).all()
            )
            gap = 0 * gap if zero else gap
        else:
            gap = read(deficits)

        open_ = (economy.flows > 0) & np.isfinite(cost)
        self.alive, wanted, self.served = survivors(
            economy.sales > 0, final.astype(float) > 0, open_, np.asarray(a.astype(float)) > 0
        )
        self.unsupplied = wanted & ~self.served
        trade = (open_ & wanted[None] & self.alive[:, None]).any(axis=2)
        self.group = groups(trade)
        self.trade = trade
        share = flows / np.where(spent.astype(float) > 0, spent, 1 + 0 * spent)
        wedge = read(np.where(open_, cost, 1.0)) * (1 + t1) * (1 + x0) / ((1 + t0) * (1 + x1))
        lives = open_ & self.alive[:, None]
        self.a_weight = np.where(lives, share * precision.exp(-epsilon * precision.log(wedge)), 0 * share)
        if not self.unsupplied.any() and self.alive.any(axis=1).all():
            gap = self._balanced(gap, wages)
        self.given = SimpleNamespace(
            t=t1, x=x1, s=s1, ds=(1 + s1) / (1 + s0), a=a, beta=final / spending[:, None], epsilon=epsilon,
            mu=mu * free, kappa=kappa, labour_share=labour_share, sales=sales, wages=wages, spending=spending, gap=gap,
            weight=self.a_weight, **hat,
        )  # fmt: skip
        self.double = SimpleNamespace(**{name: v.astype(float) for name, v in vars(self.given).items()})
        self.places = np.flatnonzero(
            np.concatenate([self.alive.ravel(), np.ones(n, bool), self.served.ravel(), np.ones(n, bool)])
        )

    def _balanced(self, gap, wages):
        """Deficits whose sum over each group is exactly zero: what rounding leaves goes to its largest one."""
        gap = gap.copy()
        for g in range(self.group.max() + 1):
            inside = np.flatnonzero(self.group == g)
            if abs(float(gap[inside].sum())) <= ROUND_OFF * float(wages[inside].sum()):
                gap[inside[np.argmax(np.abs(gap[inside].astype(float)))]] -= gap[inside].sum()
        return gap

    def split(self, z):
        n, k = self.shape
        r, w, p, e = np.split(z, [n * k, n * k + n, 2 * n * k + n])
        return r.reshape(n, k), w, p.reshape(n, k), e

    def equations(self, z, at=None):
        """What each equation misses, in logs, and the rows that fix labour income of each group."""
        at, exp, log = (
            (self.given, self.precision.exp, self.precision.log) if at is None else (at, np.exp, np.log)
        )
        r, w, p, e = self.split(z)
        one = lambda values, where: np.where(where, values, 0 * values + 1)  # noqa: E731
        R, E = at.sales * exp(r) * self.alive, at.spending * exp(e)
        ln_cost = at.labour_share * w[:, None] + (at.a * p[:, :, None]).sum(axis=1)
        ln_scale = -at.mu * (r - ln_cost - log(at.entry_cost))
        ln_u = -at.epsilon * (ln_cost + ln_scale - log(at.productivity) - log(at.ds))
        most = (
            np.where(self.alive, ln_u, -np.inf).max(axis=0).real
        )  # of each industry: keeps powers within range
        power = at.weight * exp(np.where(self.alive, ln_u - most, 0 * ln_u))[:, None, :]
        d = one(power.sum(axis=0), self.served)
        X = at.beta * E[:, None] + (at.a * (at.kappa * R)[:, None, :]).sum(axis=2)
        bought = power / d * X
        per_u = (1 + at.s) * ((1 + at.x) / (1 + at.t) * at.weight / d * X).sum(axis=1)
        ln_sold = ln_u - most + log(one(per_u, self.alive))
        earned = (at.labour_share * at.kappa * R).sum(axis=1)
        income = earned + ((1 - at.kappa) * R).sum(axis=1) + revenue(bought, at.t, at.x, at.s) + at.gap
        numeraire = [
            log((exp(w) * at.labour * at.wages)[self.group == g].sum() / at.wages[self.group == g].sum())
            for g in range(self.group.max() + 1)
        ]
        missed = [
            (r + log(one(at.sales, self.alive)) - ln_sold).ravel(),
            w + log(at.labour * at.wages) - log(earned),
            (p + (log(d) + most) / at.epsilon).ravel(),
            e - log(income / at.spending),
        ]
        return np.concatenate([np.concatenate(missed)[self.places], np.array(numeraire)])

    def ln_welfare(self, z):
        _, _, p, e = self.split(z)
        return e - (self.given.beta * p).sum(axis=1)

    def guess(self, result):
        """The unknowns as a result of the library has them."""
        ln_sales = np.where(self.alive, result._solution.point.sales.T, 0.0)
        ln_price = np.where(self.served, np.log(result.industry_price_hat), 0.0)
        hats = ln_sales, np.log(result.wage_hat), ln_price, np.log(result.expenditure_hat)
        return np.concatenate([part.ravel() for part in hats])

    def polish(self, z, rounds=12):
        """Newton from the guess `z`; return the solution, the largest residual left and the last step."""
        z, at, step = self.precision.read(z), self.double, np.inf
        for count in range(rounds):
            missed = self.equations(z)
            left = float(np.abs(missed).max())
            if left <= 100 * self.precision.finest:
                break
            if count < 3:
                jacobian = self._jacobian(z.astype(float), at)
                scale = np.abs(jacobian).max(axis=1)[:, None]
                inverse = np.linalg.pinv(jacobian / scale, rcond=1e-15)
            # the residual is scaled to the range of doubles, so that small ones do not underflow
            change = inverse @ ((missed / left).astype(float) / scale[:, 0])
            step = left * np.abs(change).max()
            z = z.copy()
            z[self.places] -= self.precision.read(change) * self.precision.read(left)
        return z, left, step

    def _jacobian(self, z, at):
        columns, tiny = [], 1e-100
        for place in self.places:
            moved = z.astype(complex)
            moved[place] += 1j * tiny
            columns.append(self.equations(moved, at).imag / tiny)
        return np.stack(columns, axis=1)


def revenue(bought, t, x, s):
    """Net tax revenue (N,): tariffs less what the origin's government adds to the border value of its sales."""
    border = bought / (1 + t)
    return (t * border).sum(axis=(0, 2)) - (((1 + x) * (1 + s)[:, None, :] - 1) * border).sum(axis=(1, 2))


def survivors(makes, final, open_, uses):
    """Which cells (N, K) still sell, which are wanted and which are served, once all that cannot go on has ended."""
    alive = makes
    while True:
        wanted = final | (uses & alive[:, None, :]).any(axis=2)
        served = (open_ & alive[:, None, :]).any(axis=0)
        sells = (open_ & wanted[None]).any(axis=1)
        able = ~(uses & ~served[:, :, None]).any(axis=1)
        left = alive & sells & able
        if (left == alive).all():
            return alive, wanted, served
        alive = left


def reach(trade):
    """Who can be reached from whom along trade (N, N), directly or through others."""
    reached = trade | np.eye(len(trade), dtype=bool)
    for _ in range(len(trade)):
        reached = (reached.astype(int) @ reached.astype(int)) > 0
    return reached


def groups(trade):
    """Number the groups of countries that trade with each other in either direction."""
    together = reach(trade | trade.T)
    return np.unique(together, axis=0, return_inverse=True)[1].ravel()


def why_none(model: Model) -> list[str]:
    """Reasons why a scenario has no equilibrium, from who trades with whom and the books of each group alone."""
    reasons = []
    if model.unsupplied.any():
        reasons.append("unsupplied")
    if not model.alive.any(axis=1).all():
        reasons.append("no market")
    if reasons:
        return reasons
    gap, wages = model.given.gap.astype(float), model.given.wages.astype(float)
    for g in range(model.group.max() + 1):
        inside = model.group == g
        if abs(gap[inside].sum()) > 1e-9 * wages[inside].sum():
            reasons.append("deficit of a group")
    both = reach(model.trade) & reach(model.trade).T
    for members in np.unique(both, axis=0):
        sells = model.trade[np.ix_(members, ~members)].any()
        buys = model.trade[np.ix_(~members, members)].any()
        owed = gap[members].sum()
        if sells != buys and not (sells and owed < 0) and not (buys and owed > 0):
            reasons.append("one way")
    return reasons
