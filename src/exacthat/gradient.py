"""welfare_gradient(): one transposed solve gives the derivative of welfare in every shock, rate and elasticity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from exacthat import tabular
from exacthat.checks import frozen, numbers, thread_count
from exacthat.equilibrium import Equilibrium, require_certified
from exacthat.errors import BadInput, NotConverged, nearest
from exacthat.kernels.gravity import cy
from exacthat.kernels.gravity.system import Point, Pullback, System
from exacthat.read_only import ReadOnly
from exacthat.solver import default_threads

ACCURACY = 1e-12  # relative residual of the transposed solve
LEAST_ACCURACY = 1e-9  # above it the gradient is refused
SCALE = "scale_elasticity"
ROUTE, CELL = ("origin", "destination", "industry"), ("country", "industry")
AXES = {
    "trade_cost": ROUTE, "tariff": ROUTE, "export_subsidy": ROUTE, "productivity": CELL, "entry_cost": CELL,
    "production_subsidy": CELL, "labour": ("country",), "trade_elasticity": ("industry",), SCALE: ("industry",),
}  # fmt: skip
BY_LEVEL = ("tariff", "export_subsidy", "production_subsidy", "trade_elasticity", SCALE)
NO_SCALE = "under restricted entry it is part of the base year's accounts and has no derivative"


@dataclass(frozen=True, eq=False, repr=False)
class WelfareGradient(ReadOnly, Mapping):
    """Derivatives of (weighted) log welfare, by the name of what moves.

    Keys and shapes: "trade_cost" (N, N, K), "productivity", "entry_cost" (N, K), "labour" (N,): by the log of the
    hat. "tariff", "export_subsidy" (N, N, K; 0 on the diagonal), "production_subsidy" (N, K), "trade_elasticity"
    (K,) and, under free entry, "scale_elasticity" (K,): by the level.

    Of the sum over countries of `weights` (N,) times ln What; `countries` and `industries` are the labels of the axes.
    `residual` is the relative residual of the transposed solve, `products` what it cost in passes.
    """

    values_by_name: Mapping[str, np.ndarray]
    weights: np.ndarray
    countries: tuple[str, ...]
    industries: tuple[str, ...]
    residual: float
    products: int

    def __getitem__(self, name: str) -> np.ndarray:
        if name in self.values_by_name:
            return self.values_by_name[name]
        if name == SCALE:
            raise KeyError(f"{SCALE}: {NO_SCALE}")
        raise KeyError(f"{name!r} is no parameter{nearest(name, tuple(self.values_by_name))}")

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_by_name)

    def __len__(self) -> int:
        return len(self.values_by_name)

    def to_frame(self, name: str | None = None):
        """Return a pandas frame of the derivatives by one parameter, labelled by country and industry.

        By default of all: a long table with one row per parameter and cell; an axis that a parameter lacks is nan.
        Raises `KeyError` for an unknown parameter, `MissingLibrary` without pandas.
        """
        if name is not None:
            return tabular.frame({name: self[name]}, **self._axes(name))
        parts = [
            tabular.frame({"derivative": self[name]}, parameter=[name], **self._axes(name)).reset_index()
            for name in self
        ]
        import pandas as pd

        whole = pd.concat(parts, ignore_index=True)
        return whole[["parameter", "origin", "destination", "country", "industry", "derivative"]]

    def to_xarray(self):
        """Return an xarray dataset of the derivatives by all parameters, labelled by country and industry.

        The weights stand by "country", the residual of the transposed solve among the attributes. Raises
        `MissingLibrary` without xarray.
        """
        held = {name: (AXES[name], values) for name, values in self.items()}
        labels = {axis: labels for name in self for axis, labels in self._axes(name).items()}
        return tabular.dataset(held | {"weights": (CELL[:1], self.weights)}, labels, residual=self.residual)

    def _axes(self, name: str) -> dict[str, tuple[str, ...]]:
        """Labels of the axes of one parameter."""
        return {axis: self.industries if axis == "industry" else self.countries for axis in AXES[name]}

    def _of(self) -> str:
        """What the derivative is of."""
        alone = np.flatnonzero(self.weights)
        if len(alone) == 1 and self.weights[alone[0]] == 1.0:
            return f"ln W of {self.countries[alone[0]]}"
        return "a weighted sum of ln W"

    def __repr__(self):
        return f"WelfareGradient({self._of()} by {', '.join(self)})"

    def __str__(self):
        lines = [
            f"derivatives of {self._of()}; the largest by each parameter, on foreign routes (relative residual "
            f"{self.residual:.0e})"
        ]
        for name, values in self.items():
            size = np.abs(values)
            if AXES[name] == ROUTE:
                size = np.where(np.eye(len(self.countries), dtype=bool)[:, :, None], 0.0, size)
            at = np.unravel_index(np.argmax(size), values.shape)
            cell = ", ".join(labels[j] for labels, j in zip(self._axes(name).values(), at))
            unit = "level" if name in BY_LEVEL else "log"
            lines.append(f"{name:18}  by {unit:5}  {values[at]:z9.5f}  {cell}")
        return "\n".join(lines)


def welfare_gradient(eq: Equilibrium, country_or_weights, *, threads: int | None = None) -> WelfareGradient:
    """Derivative of a country's log welfare, or of a weighted sum, at an equilibrium.

    Parameters
    ----------
    eq : Equilibrium
        Where the derivative is taken: the base year (`counterfactual(economy)`) or any other.
    country_or_weights : label or (N,)
        Whose ln What, or the weights of a sum over countries.
    threads : int, optional
        For the compiled kernel; results do not depend on it.

    By the implicit function theorem dW = W_theta - z' F_theta with J' z = W_x, where F is the residual of the hat
    system (kernels/gravity/ref.py), J its Jacobian: one transposed solve for all parameters. Base-year data and
    the policy's rates stay where they are; deficits stay fixed in the numeraire. Under restricted entry the scale
    elasticity is part of the base year's accounts and has no derivative here.

    Raises `BadInput` for an unknown country or weights of another shape, `NotCertified` for an equilibrium without
    a certificate, `NotConverged` where the transposed solve stops above a relative residual of 1e-9. Cost: about as
    many passes as the solve itself.

    >>> import exacthat as eh
    >>> world = eh.Economy([[[8.0], [2.0]], [[2.0], [8.0]]], 4.0, countries=["HOM", "FOR"])
    >>> slope = welfare_gradient(eh.counterfactual(world), "HOM")
    >>> bool(abs(slope["productivity"].sum() - 1.0) < 1e-12)      # better technology everywhere
    True
    """
    weights = _weights(require_certified(eq), country_or_weights)
    system, point = with_spending(eq)
    threads = thread_count(threads) or default_threads(system)
    state = eq._solution.state
    spending = weights / state.expenditure
    price_power = weights * system.spending_shares / system.trade_elasticity[:, None]
    nothing = Point(*(None if part is None else np.zeros_like(part) for part in point))
    right = cy.pullback(system, point, nothing, spending, price_power, threads).unknowns
    dual, residual, products = cy.solve_linear(system, point, right, True, ACCURACY, threads)
    if not residual <= LEAST_ACCURACY:
        raise NotConverged(
            f"the transposed solve stopped at a relative residual of {residual:.1e}", equilibrium=eq
        )
    dual = Point(*(None if part is None else -part for part in dual))
    back = cy.pullback(system, point, dual, spending, price_power, threads)
    values = _by_name(eq, system, point, dual, back, weights)
    shown = MappingProxyType({name: frozen(value) for name, value in values.items()})
    return WelfareGradient(shown, frozen(weights), eq.countries, eq.industries, residual, products)


def _weights(eq: Equilibrium, country_or_weights) -> np.ndarray:
    n = len(eq.countries)
    if isinstance(country_or_weights, str):
        weights = np.zeros(n)
        weights[eq.economy.country_index(country_or_weights)] = 1.0
        return weights
    weights = numbers(country_or_weights, "weights", eq.countries)
    if weights.shape != (n,):
        raise BadInput(f"give a country's label or ({n},) weights, not an array of shape {weights.shape}")
    faults = [
        f"the weight of country {eq.countries[i]!r} is {weights[i]:g}; weights must be finite"
        for i in np.flatnonzero(~np.isfinite(weights))
    ]
    if faults:
        raise BadInput(faults)
    return weights


def with_spending(eq: Equilibrium) -> tuple[System, Point]:
    """The system and its solution with spending as an unknown: only then bilateral taxes have a derivative."""
    system, point = eq._system, eq._solution.point
    if system.border is not None:
        return system, point
    spending = np.log(eq._solution.state.expenditure / system.expenditure)
    return system._replace(border=system.weights), point._replace(expenditure=spending)


def _by_name(eq: Equilibrium, system: System, point: Point, dual: Point, back: Pullback, weights) -> dict:
    """Spread the pullback over the parameters it reaches; weights on matrices are [origin, destination, industry]."""
    epsilon, alpha = system.trade_elasticity, system.feedback
    mu, ln_u, policy = alpha / epsilon, back.ln_u.T, eq.policy
    one = lambda rates: 1.0 if rates is None else 1.0 + rates  # noqa: E731
    shares, border = eq.trade_shares, eq.border_flows
    factory = border if policy.export_subsidy is None else border * one(policy.export_subsidy)
    spread = lambda flows, on: flows * over(on, flows.sum(axis=1))[:, None, :]  # noqa: E731
    on_border = spread(border, back.border.T)
    on_border += shares / one(policy.tariff) * back.untaxed.T
    on_revenue = spread(factory, back.received.T)
    together = shares * back.ln_d.T  # on ln A, also where it stands in the other two
    together += on_border
    together += on_revenue
    by_powers = np.einsum("ink,ink->k", together, ln_price_hat(eq))
    by_cost = np.multiply(together, -epsilon, out=together)
    home = np.arange(len(eq.countries))

    def abroad(gradient):
        gradient[home, home] = 0.0
        return gradient

    ln_cost = system.labour_share * eq._solution.state.wage_bill
    if point.prices is not None:
        ln_cost = ln_cost + np.einsum("igk,gi->ki", system.input_shares, point.prices)
    price_power = eq._solution.state.price_power
    by_power = -(weights * system.spending_shares * price_power).sum(axis=1)
    if dual.prices is not None:
        by_power = by_power - (dual.prices * price_power).sum(axis=1)
    ln_u_by_epsilon = system.shift.T / epsilon + (mu[:, None] * point.sales - (1.0 + mu[:, None]) * ln_cost).T
    values = {
        "trade_cost": by_cost,
        "productivity": epsilon * ln_u,
        "entry_cost": -alpha * ln_u,
        "labour": ((alpha + epsilon) * system.labour_share.T * ln_u).sum(axis=1),
        "tariff": abroad((by_cost - on_border - on_revenue) / one(policy.tariff)),
        "export_subsidy": abroad((on_revenue - by_cost) / one(policy.export_subsidy)),
        "production_subsidy": (epsilon * ln_u - dual.sales.T - back.border.T)
        / (1.0 + policy.production_subsidy),
        "trade_elasticity": (ln_u * ln_u_by_epsilon).sum(axis=0) - by_powers + by_power / epsilon**2,
    }
    if eq.economy.entry == "free":
        labour = system.labour_share.T * np.log(eq.labour_hat)[:, None]
        fixed = 0.0 if eq.shock.entry_cost is None else np.log(eq.shock.entry_cost)
        by_mu = epsilon * (point.sales - ln_cost).T + epsilon * (labour - fixed)
        values[SCALE] = (ln_u * by_mu).sum(axis=0)
    return values


def over(top, bottom) -> np.ndarray:
    """Quotient, 0 where the bottom is not positive."""
    return np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0)


def ln_price_hat(eq: Equilibrium) -> np.ndarray:
    """Log change of consumer over factory prices (N, N, K); 0 where trade ended, which no longer responds."""
    economy, policy = eq.economy, eq.policy
    hat = np.ones(economy.flows.shape) if eq.shock.trade_cost is None else np.array(eq.shock.trade_cost)
    for new, old, power in (
        (policy.tariff, economy.tariff, 1.0),
        (policy.export_subsidy, economy.export_subsidy, -1.0),
    ):
        hat *= ((1.0 if new is None else 1.0 + new) / (1.0 if old is None else 1.0 + old)) ** power
    hat[np.isinf(hat)] = 1.0
    return np.log(hat, out=hat)
