"""Random hat systems of every kind: arguments for the twin tests and the benches."""

from __future__ import annotations

import numpy as np

from exacthat.kernels.gravity.ref import _flows, _trade
from exacthat.kernels.gravity.ref import evaluate as _evaluate
from exacthat.kernels.gravity.ref import solve as _solve
from exacthat.kernels.gravity.ref import trade_weights as _trade_weights
from exacthat.kernels.gravity.system import Change, Point, Solution, System, pack

KINDS = ("plain", "links", "tariffs", "taxes", "all")


def flows(rng, countries=5, industries=4, zeros=0.2):
    """Draw flows (N, N, K) with home bias, comparative advantage and a share `zeros` of empty trade cells."""
    size = np.exp(rng.normal(0, 1, countries))
    advantage = np.exp(rng.normal(0, 0.7, (countries, 1, industries)))
    taste = np.exp(rng.normal(0, 0.5, (1, countries, industries)))
    x = advantage * taste * size[:, None, None] * size[None, :, None]
    x = x * np.exp(rng.normal(0, 1, x.shape))
    x[rng.random(x.shape) < zeros] = 0.0
    home = np.arange(countries)
    x[home, home] = (x.sum(axis=0) + x.sum(axis=1)) * rng.uniform(0.3, 2.0, (countries, industries)) + 1e-3
    return x / x.sum()


def system(
    rng, countries=5, industries=4, size=0.3, trade_costs="random", highest=0.9, kind="plain"
) -> System:
    """Draw a system that a shock of log size `size` moves away from its base; `highest` bounds alpha.

    trade_costs: "random" draws one per cell, a number multiplies every foreign one. kind: "plain", "links"
    (inputs), "tariffs", "taxes" (tariffs and export subsidies) or "all"; taxes are new, on an untaxed base.
    """
    n, k = countries, industries
    x = flows(rng, n, k)
    spending, abroad = x.sum(axis=0), ~np.eye(n, dtype=bool)[:, :, None]
    shares = (x / spending).transpose(2, 0, 1)
    epsilon = np.exp(rng.uniform(np.log(1.0), np.log(9.0), k))
    cost = np.exp(rng.normal(0, size, x.shape)) if trade_costs == "random" else np.full(x.shape, trade_costs)
    cost = np.where(abroad, cost, 1.0)
    sales = np.ascontiguousarray(x.sum(axis=1).T)
    inputs = None
    final = spending
    if kind in ("links", "all"):
        inputs = rng.dirichlet(np.ones(k), (n, k)).transpose(0, 2, 1) * rng.uniform(0.1, 0.4)
        final = spending - np.einsum("igk,ki->ig", inputs, sales)
        shortfall = np.minimum(final, 0.0).min()
        if shortfall < 0:  # halve the inputs until final demand is positive everywhere
            while (spending - np.einsum("igk,ki->ig", inputs, sales)).min() <= 0:
                inputs = inputs / 2
            final = spending - np.einsum("igk,ki->ig", inputs, sales)
    labour = sales if inputs is None else sales * (1.0 - inputs.sum(axis=1).T)
    tariff = rng.uniform(0, 0.3, x.shape) * abroad if kind in ("tariffs", "taxes", "all") else None
    subsidy = rng.uniform(-0.1, 0.1, x.shape) * abroad if kind in ("taxes", "all") else None
    border = revenue = None
    if tariff is not None:
        cost = cost * (1 + tariff) / (1 if subsidy is None else 1 + subsidy)
    weights = _trade_weights(shares, cost, epsilon)
    if tariff is not None:
        border = weights / (1 + tariff).transpose(2, 0, 1)
        revenue = None if subsidy is None else pack(border * (1 + subsidy).transpose(2, 0, 1))
        border = pack(border)
    deficits = (x.sum(axis=(0, 2)) - x.sum(axis=(1, 2))) * (n > 1)
    deficits *= min(1.0, (0.2 * labour.sum(axis=0) / np.maximum(np.abs(deficits), 1e-300)).min())
    expenditure = final.sum(axis=1)
    return System(
        weights=pack(weights),
        spending_shares=np.ascontiguousarray((final / expenditure[:, None]).T),
        sales=sales,
        shift=rng.normal(0, size / 2, sales.shape),
        markup=1.0 + rng.uniform(-0.1, 0.2, sales.shape) * (kind != "plain"),
        cost_share=np.ones_like(sales) if kind == "plain" else np.full(sales.shape, rng.uniform(0.8, 1.0)),
        labour_income=labour.sum(axis=0),
        expenditure=expenditure,
        deficits=deficits,
        trade_elasticity=epsilon,
        feedback=rng.uniform(0, highest * (0.5 if inputs is not None else 1.0), k),
        component=np.zeros(n, dtype=np.int32),
        input_shares=inputs,
        border=border,
        revenue=revenue,
    )


def near(rng, system: System, size=0.2) -> Point:
    """Draw a point near the base of `system`, or a direction."""
    return Point(*(None if part is None else rng.normal(0, size, part.shape) for part in system.origin()))


def evaluate(rng, **options):
    """Draw arguments of `evaluate`: a system of any kind and a point near its base."""
    drawn = system(rng, **{"kind": rng.choice(KINDS), **options})
    return drawn, near(rng, drawn)


def jacobian_product(rng, **options):
    """Draw arguments of `jacobian_product`: a system, a point and a direction."""
    drawn, point = evaluate(rng, **options)
    return drawn, point, near(rng, drawn, 1.0)


def pullback(rng, **options):
    """Draw arguments of `pullback`: a system, a point and weights on residual, spending and price powers."""
    drawn, point, weights = jacobian_product(rng, **options)
    return drawn, point, weights, rng.normal(size=len(drawn.deficits)), rng.normal(size=drawn.sales.shape)


def solve_linear(rng, **options):
    """Draw arguments of `solve_linear`: a system, its solution, a right side on live cells, whether transposed."""
    drawn, _, _ = solve(rng, **options)
    right = near(rng, drawn, 1.0)
    right = right._replace(sales=np.where(drawn.sales > 0, right.sales, 0.0))
    return drawn, _solve(drawn).point, right, bool(rng.integers(2))


def solve(rng, **options):
    """Draw arguments of `solve`: a system, the base as the start, a tight tolerance."""
    return system(rng, **{"kind": rng.choice(KINDS), **options}), None, 1e-12


def slacks(rng, **options):
    """Draw arguments of `slacks`: a system and a point near its base as if it were the solution."""
    drawn, point = evaluate(rng, **options)
    exports, imports = _trade(_flows(drawn, point))
    return drawn, Solution(point, _evaluate(drawn, point), exports, imports, False, 1.0, 0.0, 0.0, 0, 1, 0)


def trade_shares(rng, countries=5, industries=4):
    """Draw arguments of `trade_shares`, one industry unwanted in one country."""
    x = rng.random((countries, countries, industries))
    x[:, 0, -1] = 0.0
    return x, x.sum(axis=0)


def extent(rng, countries=5, industries=4):
    """Draw arguments of `extent`: hats of any shape."""
    shapes = [(), (industries,), (countries, industries), (countries, countries, industries)]
    hats = np.exp(rng.normal(0, 1, shapes[rng.integers(len(shapes))]))
    return (hats,)


def trade_weights(rng, countries=5, industries=4):
    """Draw arguments of `trade_weights` with costs of any shape, one infinite where there is more than one country."""
    shares = pack(rng.random((industries, countries, countries)))
    shapes = [(), (industries,), (countries, countries, 1), (countries, countries, industries)]
    cost = np.exp(rng.normal(0, 1, shapes[rng.integers(len(shapes))]))
    if cost.ndim:
        cost[(0, -1, 0)[: cost.ndim]] = np.inf
    return shares, cost, np.exp(rng.uniform(-1, 3, industries))


def solve_many(rng, countries=4, industries=3, rows=2):
    """Draw arguments of `solve_many`: a base year of any kind, changes of all kinds and of a few routes alone."""
    kind = rng.choice(KINDS)
    base = system(rng, countries, industries, size=0.0, kind=kind, highest=0.7)
    shape = (countries, countries, industries)
    abroad = ~np.eye(countries, dtype=bool)[:, :, None]
    taxed = base.border is not None
    tariff = rng.uniform(0, 0.3, shape) * abroad if taxed else None
    subsidy = rng.uniform(-0.1, 0.1, shape) * abroad if kind in ("taxes", "all") else None
    if taxed:
        border = base.weights / (1 + tariff).transpose(2, 0, 1)
        revenue = None if subsidy is None else pack(border * (1 + subsidy).transpose(2, 0, 1))
        base = base._replace(border=pack(border), revenue=revenue)
    changes = []
    for _ in range(rows):
        cost = np.exp(rng.normal(0, 0.3, shape)) * abroad + ~abroad
        few = np.ones(shape)
        few[0, -1] = 1.1
        drawn = {
            "trade_cost": [None, cost, few][rng.integers(3)],
            "shift": rng.normal(0, 0.1, base.sales.shape),
            "markup": base.markup * rng.uniform(0.9, 1.1, base.sales.shape),
            "deficits": 0.5 * base.deficits,
            "trade_elasticity": base.trade_elasticity * rng.uniform(0.8, 1.2, industries),
            "feedback": base.feedback * rng.uniform(0.8, 1.2, industries),
        }
        change = Change(**{name: value for name, value in drawn.items() if rng.random() < 0.5})
        if taxed and (change.trade_cost is not None or rng.random() < 0.5):
            change = change._replace(tariff=rng.uniform(0, 0.3, shape) * abroad, export_subsidy=subsidy)
        changes.append(change)
    return base, changes, 1e-11, 2, tariff, subsidy
