"""Compare a policy with a baseline: present values, dates, critical rates, Bastable and Mill."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..checks import Reader, frozen
from ..errors import BadInput, BadParameter
from ..read_only import ReadOnly
from .mill import RULES, MillTest, mill_of_paths, supported_by
from .search import Difference
from .series import fit
from .streams import as_stream

TAILS = ("truncate", "constant", "growth")
_TOLERANCE = 1e-11  # of the largest utility and of the largest difference


class CriticalRate(NamedTuple):
    """A discount rate at which the present value is zero; `pays` says where it is positive, next to it."""

    rate: float
    pays: str  # "below" or "above"


@dataclass(frozen=True, eq=False)
class Tail:
    """What happens after the horizon: log welfare grows on from its last level; all arrays (N,)."""

    level: np.ndarray
    growth: np.ndarray
    curvature: float  # 1 - inverse elasticity

    def value(self, rate, delay=0.0):
        """Return the integral of utility times exp(-rate s) over all s > delay after the horizon."""
        level = self.level + self.growth * delay
        exponent, drift = self.curvature * level, self.curvature * self.growth
        discount = np.exp(-rate * delay)
        power = np.exp(exponent - rate * delay)  # falls with the delay, where exp(exponent) may overflow
        if self.curvature == 0:
            utility = discount * level
        else:
            small = discount * np.expm1(np.minimum(exponent, 1.0))
            utility = np.where(exponent > 1.0, power - discount, small) / self.curvature
        return utility / rate + power * self.growth / (rate * (rate - drift))


@dataclass(frozen=True, eq=False)
class Appraisal(ReadOnly):
    """A policy against a baseline, by country; arrays are (N,).

    Utility of a stream is ln W at `inverse_elasticity` 1 and (W^(1-theta) - 1)/(1-theta) otherwise, W in
    units of the baseline at date 0; values are discounted at `discount_rate` over `horizon`, and beyond it by
    the rule `tail`.

    - `present_value` = `policy_value` - `baseline_value`, in discounted utility;
    - `consumption_equivalent`: the constant percentage by which baseline consumption would have to rise to be
      worth as much as the policy: the headline;
    - `static_cost`: percent of consumption lost at date 0 (negative if gained at once);
    - `break_even`: the date from which the running present value is never negative again, `overtaking` the
      date from which the stream itself is never below the baseline again; 0 if it never is, infinite if it
      stays so;
    - `critical_discount_rates`: for each country all rates at which the present value is zero, rising, with
      the side on which the policy pays; `critical_discount_rate` the largest (nan if there is none);
    - `bastable`: the present value is positive; `mill`: all supported industries stand after support ends, True
      or False, None for a country in which none is supported; None as a whole if none were named or found
      (`mill_test` has the industries);
    - `error`: bound on the numerical error of `present_value`, as estimated.
    """

    present_value: np.ndarray
    policy_value: np.ndarray
    baseline_value: np.ndarray
    consumption_equivalent: np.ndarray
    static_cost: np.ndarray
    break_even: np.ndarray
    overtaking: np.ndarray
    critical_discount_rates: tuple[tuple[CriticalRate, ...], ...]
    critical_discount_rate: np.ndarray
    bastable: np.ndarray
    mill_test: MillTest | None
    discount_rate: float
    inverse_elasticity: float
    horizon: float
    tail: str
    tail_growth: np.ndarray | None
    resolution: float
    error: np.ndarray
    countries: tuple[str, ...] | None

    @property
    def mill(self) -> np.ndarray | None:
        """Whether all supported industries of each country stand, (N,); None without a test.

        An array of truth values, or of objects if some country supports nothing and has None.
        """
        if self.mill_test is None:
            return None
        tested = self.mill_test.supported.any(axis=1)
        return frozen(
            self.mill_test.passes if tested.all() else np.where(tested, self.mill_test.passes, None)
        )

    def __str__(self) -> str:
        rules = f"horizon {self.horizon:g}, tail {self.tail}"
        head = (
            f"discount rate {self.discount_rate:g}, inverse elasticity {self.inverse_elasticity:g}, {rules}"
        )
        titles = (
            "",
            "equivalent %",
            "static cost %",
            "break-even",
            "overtaking",
            "critical rate",
            "Bastable",
            "Mill",
        )
        rows = [titles]
        for n in range(self.present_value.size):
            label = self.countries[n] if self.countries else str(n)
            numbers = (self.consumption_equivalent, self.static_cost, self.break_even, self.overtaking)
            rates = ", ".join(f"{rate:.4g} ({pays})" for rate, pays in self.critical_discount_rates[n])
            verdicts = (
                "yes" if self.bastable[n] else "no",
                self.mill_test.verdict(n) if self.mill_test else "not tested",
            )
            cells = ("never" if np.isinf(number[n]) else f"{number[n]:.4g}" for number in numbers)
            rows.append((label, *cells, rates or "none", *verdicts))
        widths = [max(len(row[c]) for row in rows) for c in range(len(titles))]
        lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
        return "\n".join([head, *lines])


def compare(
    policy_path,
    baseline_path,
    discount_rate,
    inverse_elasticity=1.0,
    horizon=None,
    tail="truncate",
    supported=None,
    *,
    support_ends=None,
    mill_rule=None,
    tail_growth=None,
    resolution=1e-9,
) -> Appraisal:
    """Appraise a policy path against a baseline path of the same countries.

    Each path is any object with `.at(times, side="right")` whose states have `consumption` (T, 2) or
    `welfare_hat` (T, N), with `.horizon` and `.events` (whose `.time` are the dates at which it may jump); or
    a pair (times, values); or a function of times, with `horizon`; or a `Stream`.

    `discount_rate` delta >= 0 and `inverse_elasticity` theta >= 0 (1 is log utility, 0 the money metric) as
    in `Appraisal`. `horizon` defaults to the shorter of the two. `tail` says what follows it: "truncate"
    nothing; "constant" both streams stay where they are; "growth" both grow on at `tail_growth` (a pair for
    policy and baseline, each scalar or (N,); by default each stream's own average over the last tenth of the
    horizon, or since its last breakpoint). A tail needs delta > 0 and delta > (1 - theta) growth, or its
    value diverges.

    `supported` says which industries the Mill test is about: boolean (N, K), (K,), or a list of industries by number or
    label. By default, for paths of `exacthat.dynamics`, those that the policy supports beyond the baseline (a
    production subsidy raised by more than the country's mean, a higher tariff or export subsidy), if that ends
    within the horizon; other streams are then not tested. See `mill_test` for `mill_rule` ("share" or "stands"; by
    default the one that fits the model: "share" for states with `output_shares`, "stands" for states with
    `employment`). `support_ends` is the date when support ends, by default when the policy so found does, or the
    policy path's last event of kind "phase".

    `resolution` is the accuracy of the streams, in utility: smaller differences count as zero where signs are
    read (break-even, overtaking, critical rates, Bastable), and the integration does not chase them. Raises
    `BadParameter` for values out of range, `BadInput` for unfit or non-positive streams, `NotConverged` for a
    stream without smooth stretches. Cost: 16 evaluations per smooth piece of the streams; the number of
    pieces adapts.

    >>> import numpy as np
    >>> learning = compare(lambda t: 0.9 * np.exp(0.02 * t), lambda t: np.ones_like(t), 0.03, horizon=40.0)
    >>> learning.static_cost.round(9).tolist(), learning.overtaking.round(4).tolist()
    ([10.0], [5.268])
    >>> learning.bastable.tolist(), learning.critical_discount_rate.round(4).tolist()
    ([True], [0.1891])
    """
    read = Reader()
    delta = read.number("discount_rate", discount_rate, least=0.0, cure="a fraction per unit of time")
    theta = read.number("inverse_elasticity", inverse_elasticity, least=0.0)
    resolution = read.number("resolution", resolution, least=0.0)
    read.choice("tail", tail, TAILS)
    read.choice("mill_rule", mill_rule, (None, *RULES))
    if horizon is not None:
        horizon = read.number("horizon", horizon, above=0.0)
    if tail_growth is not None and tail != "growth":
        read.fault("tail_growth is given, but the tail is not 'growth'", out_of_range=True)
    if tail != "truncate" and delta == 0:
        read.fault(
            "discount_rate is 0; with a tail for ever the value diverges: discount, or truncate",
            out_of_range=True,
        )
    read.finish()

    policy, baseline, end = _matched(policy_path, baseline_path, horizon)
    start = [stream.evaluate(np.zeros(1), "right")[0] for stream in (policy, baseline)]
    n, unit, curvature = _same_countries(policy, baseline, *start), start[1], 1.0 - theta
    breakpoints = np.union1d(policy.breakpoints, baseline.breakpoints)
    breakpoints = breakpoints[breakpoints < end]
    edges = np.concatenate([[0.0], breakpoints, [end]])
    series = fit(_utilities(policy, baseline, unit, curvature), edges, _TOLERANCE, resolution / 100)
    tails = _tails(read, (policy, baseline), unit, end, tail, tail_growth, curvature, delta)

    body = series.integrals(delta).sum(axis=0)
    base_value, gain = body[:n], body[n:]
    annuity = _annuity(delta, end, tail)
    if tails:
        beyond = np.exp(-delta * end)
        base_value = base_value + beyond * tails[1].value(delta)
        gain = gain + beyond * (tails[0].value(delta) - tails[1].value(delta))
    differences = [
        Difference(series.column(n + j), delta, end, annuity, resolution, *(_only(part, j) for part in tails))
        for j in range(n)
    ]
    rates = tuple(tuple(CriticalRate(*found) for found in each.critical_rates()) for each in differences)
    test = None
    if supported is None:
        supported, ends = supported_by(policy_path, baseline_path, end)
        support_ends = ends if support_ends is None else support_ends
    if supported is not None:
        test = mill_of_paths(policy_path, baseline_path, supported, support_ends, end, breakpoints, mill_rule)
        if test.passes.size != n:
            raise BadInput(
                f"employment is of {test.passes.size} countries, welfare of {n}: they must be the same"
            )
    return Appraisal(
        present_value=frozen(gain),
        policy_value=frozen(base_value + gain),
        baseline_value=frozen(base_value),
        consumption_equivalent=frozen(100 * _equivalent(base_value, gain, annuity, curvature)),
        static_cost=frozen(100 * (1.0 - start[0] / start[1])),
        break_even=frozen([each.break_even() for each in differences]),
        overtaking=frozen([each.overtaking() for each in differences]),
        critical_discount_rates=rates,
        critical_discount_rate=frozen([found[-1].rate if found else np.nan for found in rates]),
        bastable=frozen(gain > resolution * annuity),
        mill_test=test,
        discount_rate=delta,
        inverse_elasticity=theta,
        horizon=float(end),
        tail=tail,
        tail_growth=frozen([part.growth for part in tails]) if tails else None,
        resolution=resolution,
        error=frozen(series.error[n:]),
        countries=policy.countries or baseline.countries,
    )


def _matched(policy_path, baseline_path, horizon):
    """Return both streams and the horizon over which they are compared."""
    policy, baseline = (
        as_stream(name, source, horizon)
        for name, source in (("policy", policy_path), ("baseline", baseline_path))
    )
    longest = min(policy.horizon, baseline.horizon)
    if horizon is not None and horizon > longest:
        raise BadParameter(
            f"horizon is {horizon:g}; the streams end at {longest:g}: end there or simulate on"
        )
    return policy, baseline, longest if horizon is None else horizon


def _same_countries(policy, baseline, policy_start, baseline_start):
    """Return the number of countries, the same in both streams."""
    sizes = policy_start.size, baseline_start.size
    if sizes[0] != sizes[1]:
        raise BadInput(f"the policy stream has {sizes[0]} countries, the baseline {sizes[1]}: take the same")
    if policy.countries and baseline.countries and policy.countries != baseline.countries:
        differ = [pair for pair in zip(policy.countries, baseline.countries) if pair[0] != pair[1]]
        raise BadInput(f"country {differ[0][0]!r} of the policy stream is {differ[0][1]!r} in the baseline")
    return sizes[0]


def _utilities(policy, baseline, unit, curvature):
    """Return the function of time to integrate: baseline utility and the policy's gain over it, (T, 2 N)."""

    def utilities(times):
        log_policy = np.log(policy.evaluate(times, "right") / unit)
        log_baseline = np.log(baseline.evaluate(times, "right") / unit)
        base = _utility(log_baseline, curvature)
        gain = np.exp(curvature * log_baseline) * _utility(log_policy - log_baseline, curvature)
        return np.concatenate([base, gain], axis=1)

    return utilities


def _utility(log_level, curvature):
    """Return (W^curvature - 1)/curvature, or ln W at curvature 0, from ln W without cancellation."""
    return log_level if curvature == 0 else np.expm1(curvature * log_level) / curvature


def _annuity(rate, horizon, tail):
    if tail != "truncate":
        return 1.0 / rate
    return -np.expm1(-rate * horizon) / rate if rate > 0 else horizon


def _equivalent(base_value, gain, annuity, curvature):
    # With theta != 1, (1 + x)^(1-theta) V = V + (1-theta) gain, V the discounted sum of W^(1-theta).
    if curvature == 0:
        return np.expm1(gain / annuity)
    return np.expm1(np.log1p(curvature * gain / (annuity + curvature * base_value)) / curvature)


def _tails(read, streams, unit, end, tail, tail_growth, curvature, rate):
    """Return the tails of policy and baseline, or nothing; refuse those whose value diverges."""
    if tail == "truncate":
        return ()
    given = (None, None)
    if tail_growth is not None:
        if not isinstance(tail_growth, tuple | list | np.ndarray) or len(tail_growth) != 2:
            read.fault(
                "tail_growth must be a pair: growth of the policy stream, growth of the baseline stream"
            )
            read.finish()
        given = tail_growth
    tails = []
    for name, stream, growth in zip(("policy", "baseline"), streams, given):
        level = np.log(stream.evaluate(np.array([end]), "left")[0] / unit)
        if tail == "constant":
            growth = np.zeros(unit.size)
        elif growth is None:
            since = max([0.9 * end, *stream.breakpoints[stream.breakpoints < end]])
            if end - since < 1e-3 * end:
                problem = f"the {name} stream has a breakpoint at {since:g}, too close to the horizon"
                read.fault(
                    f"{problem} to read its growth: give tail_growth or another horizon", out_of_range=True
                )
                since = 0.9 * end
            before = np.log(stream.evaluate(np.array([since]), "right")[0] / unit)
            growth = (level - before) / (end - since)
        else:
            growth = read.array(f"tail_growth of the {name}", growth, shape=(unit.size,))
        fast = np.flatnonzero(curvature * growth >= rate)
        if fast.size:
            country = stream.countries[fast[0]] if stream.countries else int(fast[0])
            drift = f"(1 - inverse_elasticity) x growth = {curvature * growth[fast[0]]:g}"
            whose = f"of the {name} stream of country {country!r}"
            problem = f"discount_rate is {rate:g}; it must exceed {drift} {whose}, or the tail diverges"
            read.fault(f"{problem}: discount more, or truncate", out_of_range=True)
        tails.append(Tail(level, growth, curvature))
    read.finish()
    return tuple(tails)


def _only(tail: Tail, country: int) -> Tail:
    return Tail(float(tail.level[country]), float(tail.growth[country]), tail.curvature)
