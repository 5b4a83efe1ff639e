"""Quantities of the hat system with bounds on rounding and on first and second derivatives over a ball.

A small arithmetic for `exacthat.error_bound`: each `Enclosed` is a function of the unknowns, known by its value
at the centre of a ball and by what bounds it all over the ball; sums, products and logs of such quantities are again
such quantities. `enclose` writes equations (1) to (10) of kernels/gravity/ref.py in it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from exacthat.kernels.gravity.system import Point, System

UNIT = 2.0**-53
LIBRARY = 4.0 * UNIT  # relative error of exp; absolute one of log per 1 + |ln x|
TINY = 1e-300  # above all underflow in a sum
SLACK = 1.0 + 1e-9  # rounding of the bounds themselves


@dataclass(frozen=True)
class Enclosed:
    """A quantity as a function of the unknowns over a ball: its value at the centre and four bounds.

    error  on |computed - exact| at the centre;  reach  on |quantity|,  slope  on |first derivative| along, and
    bend  on |second derivative| between, directions of the ball's unit length, all three over the whole ball
    `radius` is that of the ball, in units of its scale.
    """

    value: np.ndarray
    error: np.ndarray
    slope: np.ndarray
    bend: np.ndarray
    radius: float

    @property
    def reach(self) -> np.ndarray:
        return np.abs(self.value) + self.error + self.radius * self.slope

    def __add__(self, other):
        value = self.value + other.value
        error = self.error + other.error + UNIT * np.abs(value)
        return Enclosed(value, error, self.slope + other.slope, self.bend + other.bend, self.radius)

    def __neg__(self):
        return replace(self, value=-self.value)

    def __sub__(self, other):
        return self + -other

    def __mul__(self, other):
        value, (a, b) = self.value * other.value, (self, other)
        error = (
            a.error * (np.abs(b.value) + b.error) + np.abs(a.value) * b.error + UNIT * np.abs(value) + TINY
        )
        bend = a.bend * b.reach + 2.0 * a.slope * b.slope + a.reach * b.bend
        return Enclosed(value, error, a.slope * b.reach + a.reach * b.slope, bend, self.radius)

    def __getitem__(self, at):
        return Enclosed(self.value[at], self.error[at], self.slope[at], self.bend[at], self.radius)

    def sum(self, axis: int):
        count = self.value.shape[axis]
        gross = np.abs(self.value).sum(axis)
        error = self.error.sum(axis) + count * (UNIT * gross + TINY)
        return Enclosed(self.value.sum(axis), error, self.slope.sum(axis), self.bend.sum(axis), self.radius)

    def weighed(self, subscripts: str, weights, uncertain):
        """Return the sum over one index with non-negative coefficients of a relative uncertainty."""
        over = lambda array: np.einsum(subscripts, weights, array)  # noqa: E731
        count = max(weights.shape)
        error = over(self.error * SLACK + np.abs(self.value) * (count + 1) * UNIT) + count * TINY
        gross = np.abs(self.value)
        if np.ndim(uncertain):
            error = error + np.einsum(subscripts, weights * uncertain, gross)
        else:
            error = error + uncertain * over(gross)
        return Enclosed(
            over(self.value), error, over(self.slope) * SLACK, over(self.bend) * SLACK, self.radius
        )

    def exp(self):
        value = np.exp(self.value)
        error = value * (np.expm1(self.error) * SLACK + LIBRARY) + TINY
        most = value * np.exp(self.error + self.radius * self.slope) * SLACK + TINY
        return Enclosed(value, error, most * self.slope, most * (self.bend + self.slope**2), self.radius)

    def log(self):
        """Return the log of a positive quantity; bounds are infinite where the ball does not keep it positive."""
        least = self.value - self.error - self.radius * self.slope
        value = np.log(self.value)
        error = -np.log1p(-np.minimum(self.error / self.value, 1.0)) + LIBRARY * (1.0 + np.abs(value))
        slope = np.where(least > 0, self.slope / least, np.inf)
        return Enclosed(value, error, slope, self.bend / np.abs(least) + slope**2, self.radius)

    def over(self, other):
        """Return the quotient by a positive quantity, which keeps its own relative precision."""
        least = other.value - other.error - other.radius * other.slope
        value = self.value / other.value
        error = (self.error + np.abs(value) * other.error) / np.abs(other.value - other.error)
        slope = np.where(
            least > 0, (self.slope + self.reach / np.abs(least) * other.slope) / np.abs(least), np.inf
        )
        bend = (self.bend + 2.0 * slope * other.slope + self.reach / np.abs(least) * other.bend) / np.abs(
            least
        )
        return Enclosed(value, error + UNIT * np.abs(value) + TINY, slope, bend, self.radius)


class Coefficients(NamedTuple):
    """How far the coefficients of a system may be from those of the exact data."""

    relative: float  # all that are not named below
    weights: np.ndarray  # (K, N, N), relative
    spending_shares: np.ndarray  # (K, N), absolute
    inputs: float  # absolute, of labour's share and what it leaves
    totals: np.ndarray  # (N,), absolute, of labour income and spending
    deficits: np.ndarray  # (N,), absolute
    shift: np.ndarray  # (K, N), absolute


def coefficients(system: System, base_shares=None) -> Coefficients:
    """Bound the rounding of assembly: sums over countries and industries, and powers of trade costs.

    `base_shares` (K, N, N) tell the powers; without them 40 roundings stand for each.
    """
    relative = (sum(system.sales.shape) + 8) * UNIT
    epsilon = system.trade_elasticity[:, None]
    weights = relative + 40.0 * UNIT
    if base_shares is not None:
        with np.errstate(divide="ignore", invalid="ignore"):
            power = np.where(system.weights > 0, np.abs(np.log(system.weights / base_shares)), 0.0)
        rates = 0.0 if system.border is None else 12.0 * epsilon[:, :, None]  # ratios of taxes to the power
        weights = relative + UNIT * (rates + 4.0 * power)
    spending = system.spending_shares * system.expenditure
    if system.input_shares is not None:
        spending = spending + np.einsum("nkg,gn->kn", system.input_shares, system.cost_share * system.sales)
    totals = relative * np.maximum(spending.sum(axis=0), system.sales.sum(axis=0))
    return Coefficients(
        relative,
        weights,
        relative * spending / system.expenditure,
        0.0 if system.input_shares is None else relative,
        totals,
        np.where(system.deficits == 0, 0.0, 2.0 * totals),
        UNIT * (16.0 * epsilon + 8.0 * np.abs(system.shift)),
    )


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def enclose(system: System, point: Point, scale: Point, radius: float, off: Coefficients):
    """Enclose the hat system over the ball |x - point| <= radius * scale.

    Returns the residuals (8) to (10) of all unknowns there are, ln What (N,), and the largest error of ln u.
    """

    def given(values, error=None):
        values = np.asarray(values, dtype=float)
        nothing = np.zeros_like(values)
        error = off.relative * np.abs(values) if error is None else np.broadcast_to(error, values.shape)
        return Enclosed(values, error, nothing, nothing, radius)

    def unknown(part, unit):
        return Enclosed(part, np.zeros_like(part), unit, np.zeros_like(part), radius)

    def market(weights, subscripts, quantity):
        return quantity.weighed(subscripts, weights, off.weights)

    live, epsilon = system.sales > 0, system.trade_elasticity[:, None]
    alpha = system.feedback[:, None]
    G = system.weights if system.border is None else system.border
    H = G if system.revenue is None else system.revenue
    share, kappa = given(system.labour_share, off.inputs), given(system.cost_share)
    markup, base_spending = given(system.markup), given(system.expenditure, off.totals)
    one = given(1.0, 0.0)
    groups = np.eye(system.component.max() + 1)[system.component]
    by_group = lambda q: q.weighed("nc,n->c", groups, 0.0)  # noqa: E731
    r = unknown(point.sales, scale.sales)
    R = given(system.sales) * r.exp()  # (1)
    labour, Y = (share * kappa * R).sum(0), given(system.labour_income, off.totals)
    v = labour.over(Y).log()
    growth = by_group(labour).over(by_group(Y))[system.component]
    ln_c = share * v[None]  # (2)
    if point.prices is not None:
        p = unknown(point.prices, scale.prices)
        ln_c = ln_c + p.weighed("igk,gi->ki", system.input_shares, off.relative)
    ln_u = given(alpha) * r - given(alpha + epsilon) * ln_c + given(system.shift, off.shift)  # (3)
    imprecise = np.where(live, ln_u.error, 0.0).max()
    top = np.where(live, ln_u.value, -np.inf).max(axis=1, keepdims=True)  # cancels in u / d
    top = given(np.broadcast_to(np.where(np.isfinite(top), top, 0.0), live.shape), 0.0)
    ln_u = ln_u - top
    u = replace(ln_u, value=np.where(live, ln_u.value, 0.0)).exp() * given(live, 0.0)
    d = market(system.weights, "kjn,kj->kn", u)  # (4)
    d = d + given(d.value <= 0, 0.0)
    lent = given(system.deficits, off.deficits) * growth
    used = (one - share) * kappa * R
    if point.expenditure is None:
        E = (R.over(markup) - used).sum(0) + lent
    else:
        e = unknown(point.expenditure, scale.expenditure)
        E = base_spending * e.exp()
    X = given(system.spending_shares, off.spending_shares) * E[None]  # (5)
    if point.prices is not None:
        X = X + (kappa * R).weighed("nkg,gn->kn", system.input_shares, off.relative)
    q = X.over(d)
    received = market(H, "kin,kn->ki", q) + given(~live, 0.0)
    base = given(np.where(live, system.sales, 1.0))
    missed = [r - (markup.log() + ln_u + received.log() - base.log()) + growth.log()[None]]  # (6), (8)
    ln_price = (d.log() + top) * given(1.0 / epsilon)
    if point.prices is not None:
        missed.append(p + ln_price)  # (9)
    if point.expenditure is not None:
        b = (market(G, "kin,kn->ki", q) + given(~live, 0.0)).over(markup * received)
        tariffs = X - X * market(G, "kin,ki->kn", u).over(d)
        income = (b * R - used + tariffs).sum(0) + lent  # (7)
        missed.append(e - income.over(base_spending).log())  # (10)
    spread = (given(system.spending_shares, off.spending_shares) * ln_price).sum(0)
    return missed, E.over(base_spending).log() + spread, imprecise
