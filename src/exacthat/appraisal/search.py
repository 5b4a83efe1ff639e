"""Dates and rates at which one country's discounted difference in utility changes sign."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from scipy.optimize import brentq, minimize_scalar

from .series import Series

_RATES = 240  # discount rates looked at, evenly spaced in logs
_LOWEST = 1e-6  # the first of them, in units of one over the horizon


@dataclass(frozen=True, eq=False)
class Difference:
    """Policy minus baseline utility of one country: a series up to the horizon and perhaps tails."""

    series: Series
    rate: float
    horizon: float
    annuity: float
    resolution: float
    policy: object = None  # the tails of the two streams, or None
    baseline: object = None
    stretches: list = field(init=False)

    def __post_init__(self):
        object.__setattr__(self, "stretches", self.series.signs(self.resolution) + self._tail_signs())

    def overtaking(self) -> float:
        """Return the date from which the difference is never negative again, infinite if it ends so."""
        if self.stretches[-1][2] < 0:
            return np.inf
        return max((end for _, end, sign in self.stretches if sign < 0), default=0.0)

    def break_even(self) -> float:
        """Return the date from which the running present value is never negative again."""
        # Between these dates the running value is monotone, so its lowest points are among them.
        dates = [0.0] + [end for _, end, _ in self.stretches]
        running = [self._running(date) for date in dates]
        short = [value < -self.resolution * self.annuity for value in running]
        if short[-1]:
            return np.inf
        if not any(short):
            return 0.0
        last = max(j for j, negative in enumerate(short) if negative)
        low, high = dates[last], dates[last + 1]
        if np.isinf(high):
            step = self.horizon
            while self._running(low + step) < 0 and np.isfinite(step):
                step *= 2.0
            high = low + step
        if running[last + 1] <= 0:  # zero to within the resolution: it is reached only there
            return high
        return float(brentq(self._running, low, high, xtol=1e-12, rtol=1e-14))

    def critical_rates(self) -> list[tuple[float, str]]:
        """Return all discount rates with present value zero, rising, and the side on which the policy pays.

        A Laplace transform has no more sign changes than the function: without one there is nothing to seek.
        The grid ends where the first stretch outweighs all that follows; where the value comes near
        zero between two grid points without changing sign, its extremum is checked.
        """
        signed = [stretch for stretch in self.stretches if stretch[2] != 0]
        if len({sign for _, _, sign in signed}) < 2:
            return []
        origin = signed[0][0]
        turn = next(start for start, _, sign in signed if sign != signed[0][2])
        lowest = self._lowest_rate()
        clean = self._clean()
        rates = lowest + np.geomspace(
            _LOWEST / self.horizon, self._highest(clean, origin, turn, lowest), _RATES
        )

        def mean(rate):
            return self._mean(rate, clean, origin)

        values = np.array([mean(rate) for rate in rates])
        found = []
        for j in range(_RATES - 1):
            if values[j] * values[j + 1] < 0:
                found.append(brentq(mean, rates[j], rates[j + 1], xtol=1e-15, rtol=1e-13))
        for j in range(1, _RATES - 1):
            side = np.sign(values[j])
            near = side * values[j] <= min(side * values[j - 1], side * values[j + 1])
            if side != 0 and near and min(side * values[j - 1], side * values[j + 1]) > 0:
                low = minimize_scalar(
                    lambda rate, side=side: side * mean(rate),
                    bounds=(rates[j - 1], rates[j + 1]),
                    method="bounded",
                )
                if low.fun < 0:
                    found.append(brentq(mean, rates[j - 1], low.x, xtol=1e-15, rtol=1e-13))
                    found.append(brentq(mean, low.x, rates[j + 1], xtol=1e-15, rtol=1e-13))
        found.sort()
        between = [np.sqrt(a * b) for a, b in zip([rates[0], *found], [*found, rates[-1]])]
        return [(float(rate), "below" if mean(b) > 0 else "above") for rate, b in zip(found, between)]

    def _tail_signs(self):
        if self.policy is None:
            return []
        gap, drift = self.policy.level - self.baseline.level, self.policy.growth - self.baseline.growth
        sign = 0 if abs(gap) <= self.resolution else int(np.sign(gap))
        if abs(drift) * self.horizon <= self.resolution or sign * drift > 0:
            return [(self.horizon, np.inf, sign)]
        if sign == 0:
            return [(self.horizon, np.inf, int(np.sign(drift)))]
        turn = self.horizon - gap / drift
        return [(self.horizon, turn, sign), (turn, np.inf, -sign)]

    def _running(self, date: float) -> float:
        value = self.series.integral_to(min(date, self.horizon), self.rate, 0)
        if date > self.horizon:
            value += np.exp(-self.rate * self.horizon) * self._tail(self.rate)
            if np.isfinite(date):
                value -= np.exp(-self.rate * self.horizon) * self._tail(self.rate, date - self.horizon)
        return value

    def _tail(self, rate: float, delay: float = 0.0) -> float:
        return self.policy.value(rate, delay) - self.baseline.value(rate, delay)

    def _clean(self) -> Series:
        """Return the series without the pieces that are zero to within the resolution."""
        size = np.abs(self.series.coefficients[:, :, 0]).sum(axis=1)
        keep = size > self.resolution
        kept = (part[keep] for part in (self.series.starts, self.series.ends, self.series.coefficients))
        return replace(self.series, **dict(zip(("starts", "ends", "coefficients"), kept)))

    def _mean(self, rate: float, clean: Series, origin: float) -> float:
        """Return the discounted mean of the difference from `origin` on: bounded, with the value's sign."""
        value = clean.integrals(rate, origin).sum()
        span = self.horizon - origin
        if self.policy is None:
            return float(value * rate / -np.expm1(-rate * span))
        return float(value * rate + np.exp(-rate * span) * rate * self._tail(rate))

    def _lowest_rate(self) -> float:
        if self.policy is None:
            return 0.0
        return max(0.0, *(part.curvature * part.growth for part in (self.policy, self.baseline)))

    def _highest(self, clean: Series, origin: float, turn: float, lowest: float) -> float:
        # In its first half the opening stretch, cut at the horizon, is worth at least C exp(-rate span/2);
        # what comes after it at most B exp(-rate span), for rates above the one at which B is taken.
        cut = min(turn, self.horizon)
        half = [self.series.integral_to(date, 0.0, 0) for date in (origin, (origin + cut) / 2)]
        opening = max(abs(half[1] - half[0]), np.finfo(float).tiny)
        base = lowest + 1.0 / self.horizon
        sizes = np.abs(clean.coefficients[:, :, 0]).sum(axis=1) * (clean.ends - clean.starts)
        later = (sizes * np.exp(-base * np.maximum(clean.starts - cut, 0.0))).sum()
        if self.policy is not None:
            parts = (abs(part.value(base)) for part in (self.policy, self.baseline))
            later += np.exp(-base * (self.horizon - cut)) * sum(parts)
        ratio = max(later / opening, 1.0)
        return max(10.0 / self.horizon, 2.0 * (1.0 + np.log(ratio)) / (cut - origin))
