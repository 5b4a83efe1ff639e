"""The arrays of one hat system: what both twins of the gravity kernel read and return.

Inside the kernels industries come first, so that one industry's trade weights are one block of memory:
matrices are [industry, origin, destination], country-by-industry arrays [industry, country].
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

ALIGNMENT = 64  # bytes: one cache line, and the widest vector
PAD = 8  # doubles per row are a multiple of this: one cache line
TALL = 96  # countries


class System(NamedTuple):
    """One exact hat system [K industries, N countries]; float64 throughout.

    weights           (K, N, N)  A[k, i, n]: base trade share times the shock to consumer prices that is not
                                 in u (trade costs, bilateral taxes), to the power -epsilon
    spending_shares   (K, N)     beta[k, n], share of industry k in final spending of n
    sales             (K, N)     R0[k, i], base-year producer revenue; a zero cell stays at zero
    shift             (K, N)     exogenous part of ln u: shocks to productivity, labour, entry cost, subsidies
    markup            (K, N)     1 + s', producer revenue per unit of value at the factory gate
    cost_share        (K, N)     kappa[k, i], cost per unit of producer revenue (the rest is profit)
    labour_income     (N,)       Y, base-year labour income, the unit of all hats of labour income
    expenditure       (N,)       E, base-year final spending
    deficits          (N,)       spending less income, where labour income of each component keeps its base value
    trade_elasticity  (K,)       epsilon
    feedback          (K,)       alpha = mu epsilon under free entry, 0 under restricted entry; below 1
    component         (N,)       int32, number of the connected group of countries, from 0 without gaps
    input_shares      (N, K, K)  a[i, g, k], share of input g in the cost of industry k; None without links
    border            (K, N, N)  A / (1 + t'), value at the border; None without bilateral taxes
    revenue           (K, N, N)  border (1 + x'), value at the factory gate; None without export subsidies
    """

    weights: np.ndarray
    spending_shares: np.ndarray
    sales: np.ndarray
    shift: np.ndarray
    markup: np.ndarray
    cost_share: np.ndarray
    labour_income: np.ndarray
    expenditure: np.ndarray
    deficits: np.ndarray
    trade_elasticity: np.ndarray
    feedback: np.ndarray
    component: np.ndarray
    input_shares: np.ndarray | None = None
    border: np.ndarray | None = None
    revenue: np.ndarray | None = None

    @property
    def labour_share(self) -> np.ndarray:
        """Labour's share of cost (K, N): what inputs leave."""
        if self.input_shares is None:
            return np.ones_like(self.sales)
        return 1.0 - self.input_shares.sum(axis=1).T

    def origin(self) -> Point:
        """Return the base year: no change of anything."""
        prices = None if self.input_shares is None else np.zeros_like(self.sales)
        return Point(
            np.zeros_like(self.sales), prices, None if self.border is None else np.zeros(len(self.deficits))
        )

    def moving(self) -> np.ndarray:
        """Which of all unknowns move (L,), in the order of `Point.flat`: not the sales of zero cells."""
        rest = (np.ones(part.size, dtype=bool) for part in self.origin()[1:] if part is not None)
        return np.concatenate([(self.sales > 0).ravel(), *rest])

    def point(self, values: np.ndarray) -> Point:
        """Put a vector (L,) of all unknowns in shape; undoes `Point.flat`."""
        parts, taken = [], 0
        for part in self.origin():
            parts.append(None if part is None else values[taken : taken + part.size].reshape(part.shape))
            taken += 0 if part is None else part.size
        return Point(*parts)


class Point(NamedTuple):
    """Unknowns of the hat system, or a direction in their space; logs of hats.

    Prices are unknowns of their own only where inputs link industries, spending only where bilateral taxes
    make revenue of the government; elsewhere they are None and follow from the sales.
    """

    sales: np.ndarray  # (K, N)
    prices: np.ndarray | None = None  # (K, N), consumer price index of industry k in n
    expenditure: np.ndarray | None = None  # (N,)

    def flat(self) -> np.ndarray:
        """Return the unknowns in one vector: sales, then prices, then spending, where they are unknowns."""
        return np.concatenate([part.ravel() for part in self if part is not None])


class State(NamedTuple):
    """The hat system evaluated at one point.

    residual     Point    what each unknown misses: equations (8), (9), (10) of `ref`
    wage_bill    (N,)     ln of labour income over base-year labour income
    expenditure  (N,)     level of final spending
    price_power  (K, N)   ln d[k, n] = -epsilon ln(price index hat)
    """

    residual: Point
    wage_bill: np.ndarray
    expenditure: np.ndarray
    price_power: np.ndarray


class Pullback(NamedTuple):
    """Weights on residuals, spending and price powers carried back: derivatives of their weighted sum.

    unknowns   Point    with respect to the unknowns (the transposed Jacobian where only residuals have weights)
    ln_u       (K, N)   with respect to ln u, what the shift acts on
    ln_d       (K, N)   to ln d, through which ln A acts: cell (k, i, n) adds A u / d times it
    received   (K, N)   to ln of revenue received, sum_n H q: cell (k, i, n) adds H q / received times it
    border     (K, N)   to ln of b, value at the border per revenue; None without bilateral taxes
    untaxed    (K, N)   to the untaxed share of spending, sum_i G u / d; None without bilateral taxes
    spending   (N,)     to final spending
    """

    unknowns: Point
    ln_u: np.ndarray
    ln_d: np.ndarray
    received: np.ndarray
    border: np.ndarray | None
    untaxed: np.ndarray | None
    spending: np.ndarray


class Solution(NamedTuple):
    """What a solve returns: the point, its state and how it was reached."""

    point: Point
    state: State
    exports: np.ndarray  # (N,), at the border
    imports: np.ndarray  # (N,), at the border
    converged: bool
    residual: float  # largest |residual|
    walras: float  # |world revenue that demand implies over world revenue, less one|
    last_step: float  # largest |change of an unknown| in the last Newton step
    iterations: int  # Newton steps
    evaluations: int  # evaluations of the system
    products: int  # Jacobian-vector products
    passes64: int = 0  # times the compiled solve went through the weights in float64, its set-ups included
    passes16: int = 0  # times it went through their copy in bfloat16
    # no branch of the trees that join countries by their largest trade is off balance by a larger share of its trade
    branch_bound: float = np.inf


class Slacks(NamedTuple):
    """What a solution leaves open besides its residual and Walras' law.

    imbalance   (N,)  |imports - exports - deficit| over trade; 0 for a country that trades with no one
    balance     largest imbalance
    adding_up   largest |sum over industries of employment shares - 1|
    worst       part of the residual, row and column of its largest cell (row 0 for spending, which has none)
    """

    imbalance: np.ndarray
    balance: float
    adding_up: float
    worst: tuple[int, int, int]


class Change(NamedTuple):
    """How one of many systems differs from their common base; what is None stays the base's.

    Where any of the first three is given, the other two mean: trade costs as they were, no tariff, no subsidy.
    """

    trade_cost: np.ndarray | None = None  # (N, N, K), hat
    tariff: np.ndarray | None = None  # (N, N, K), new rates; only in a system with a border
    export_subsidy: np.ndarray | None = None  # (N, N, K), new rates
    shift: np.ndarray | None = None  # (K, N)
    markup: np.ndarray | None = None  # (K, N)
    deficits: np.ndarray | None = None  # (N,)
    trade_elasticity: np.ndarray | None = None  # (K,)
    feedback: np.ndarray | None = None  # (K,)


class Solutions(NamedTuple):
    """What many solves return, row by row; rows that did not converge hold nan.

    price_power  (S, K, N)  ln d
    accounts     (S, 4, N)  ln of labour income over the base year's, final spending, exports, imports at the border
    misses       (S, 4)     largest |residual|, Walras slack, largest change of an unknown in the last Newton step,
                            `branch_bound` of `Solution`
    work         (S, 3)     Newton steps, evaluations, products
    """

    price_power: np.ndarray
    accounts: np.ndarray
    misses: np.ndarray
    work: np.ndarray

    def converged(self, tolerance: float) -> np.ndarray:
        """Tell which rows (S,) meet the tolerance."""
        return self.misses[:, 0] <= tolerance


def pack(weights: np.ndarray) -> np.ndarray:
    """Copy (K, N, N) weights into aligned, zero-padded rows; return the (K, N, N) view of them."""
    industries, countries, _ = weights.shape
    width = row_length(countries)
    size = industries * countries * width
    buffer = np.empty(size + ALIGNMENT // 8)  # zeros would come in small pages
    start = -(buffer.ctypes.data % ALIGNMENT) % ALIGNMENT // 8
    rows = buffer[start : start + size].reshape(industries, countries, width)
    rows[:, :, :countries] = weights
    rows[:, :, countries:] = 0.0
    return rows[:, :, :countries]


def row_length(countries: int) -> int:
    """Return the doubles in a padded row of weights.

    Where the tile of columns that a pass reads twice is tall, rows an even number of cache lines apart
    would crowd it into half of the cache or less: there the number of lines is made odd.
    """
    lines = -(-countries // PAD)
    return (lines + (countries > TALL and lines % 2 == 0)) * PAD
