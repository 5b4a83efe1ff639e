"""The Malthusian trap: output, population and income per head with a fixed factor.

Source: the annexure of SDPI working paper 213, equations (1) and (2). The annexure states no law of
population; the two closures here are the simplest that return income to subsistence, and both have
closed forms. `land_share` is 1 - alpha: the annexure's alpha is the elasticity of output with respect
to labour here and with respect to intermediate goods in its equation (3), so the name avoids both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..checks import Reader, frozen
from ..read_only import ReadOnly

CLOSURES = ("linear", "log")
_LOG_MAX = np.log(np.finfo(float).max)


@dataclass(frozen=True, eq=False)
class MalthusPath(ReadOnly):
    """Income and population over time; every array has shape (T,).

    `income` is output per head, `population_hat` population relative to date 0, `population_growth` its
    rate of growth. `long_run_income` is the limit of income: infinite if the economy escapes, zero if
    the fixed factor or technology shrinks faster than population can. `long_run_growth` is the limit of
    the growth rate of income. `ceiling_income` is the income above which the ceiling on population growth
    binds (infinite without one), `ceiling_date` when income crosses it (nan if it does not). `half_life`
    is the time in which half of a gap in log income closes: constant under the log closure, nan under
    the linear one.
    """

    times: np.ndarray
    income: np.ndarray
    population_hat: np.ndarray
    population_growth: np.ndarray
    long_run_income: float
    long_run_growth: float
    escapes: bool
    ceiling_income: float
    ceiling_date: float
    half_life: float
    closure: str


def malthus_output(technology, labour, land, land_share):
    """Return output Y = A L^alpha R^(1-alpha), with 1 - alpha = `land_share`.

    All arguments broadcast; `technology` A > 0, `labour` L >= 0, `land` R >= 0, 0 < `land_share` < 1.
    Equation (1) of the annexure of SDPI working paper 213. Without labour or without land there is no
    output. Raises `BadParameter` for values out of range, `BadInput` for shapes that do not broadcast.

    >>> float(malthus_output(technology=2.0, labour=16.0, land=1.0, land_share=0.5))
    8.0
    """
    read = Reader()
    technology = read.array("technology", technology, above=0.0)
    labour = read.array("labour", labour, least=0.0)
    land = read.array("land", land, least=0.0)
    share = _share(read, land_share)
    read.broadcastable(technology=technology, labour=labour, land=land, land_share=share)
    read.finish()
    return technology * labour ** (1.0 - share) * land**share


def malthus_income(technology, labour, land, land_share):
    """Return output per head Y/L = A (R/L)^(1-alpha), with 1 - alpha = `land_share`.

    Arguments as in `malthus_output`, but `labour` > 0. Equation (2) of the annexure of SDPI working
    paper 213: income falls with population unless technology or land make up for it. Raises
    `BadParameter` for values out of range, `BadInput` for shapes that do not broadcast.

    >>> float(malthus_income(technology=2.0, labour=16.0, land=1.0, land_share=0.5))
    0.5
    """
    read = Reader()
    technology = read.array("technology", technology, above=0.0)
    labour = read.array("labour", labour, above=0.0, cure="income per head needs a head")
    land = read.array("land", land, least=0.0)
    share = _share(read, land_share)
    read.broadcastable(technology=technology, labour=labour, land=land, land_share=share)
    read.finish()
    return technology * (land / labour) ** share


def malthus_population(technology, land, subsistence, land_share):
    """Return the population at which income per head is at subsistence: L = R (A / ybar)^(1/(1-alpha)).

    All arguments broadcast and are > 0 (`land` >= 0), 0 < `land_share` = 1 - alpha < 1. It solves equation
    (2) of the annexure of SDPI working paper 213 for Y/L = ybar, the steady state without progress:
    technology raises population, not income. Raises `BadParameter` for values out of range, `BadInput` for
    shapes that do not broadcast.

    >>> float(malthus_population(technology=2.0, land=1.0, subsistence=1.0, land_share=0.5))
    4.0
    """
    read = Reader()
    technology = read.array("technology", technology, above=0.0)
    land = read.array("land", land, least=0.0)
    subsistence = read.array("subsistence", subsistence, above=0.0)
    share = _share(read, land_share)
    read.broadcastable(technology=technology, land=land, subsistence=subsistence, land_share=share)
    read.finish()
    return land * (technology / subsistence) ** (1.0 / share)


def malthus(
    times,
    income,
    subsistence,
    response,
    land_share,
    technology_growth=0.0,
    land_growth=0.0,
    closure="linear",
    n_max=None,
) -> MalthusPath:
    """Follow income per head y and population from income y(0) = `income`, in closed form.

    With s = `land_share`, equation (2) of the annexure of SDPI working paper 213 gives
    d ln y/dt = gA + s (gR - n(y)), gA = `technology_growth`, gR = `land_growth`, and population grows at

    - closure "linear": n(y) = b (y/ybar - 1), so dy/dt = y (k - c y), k = gA + s (gR + b), c = s b/ybar;
    - closure "log":    n(y) = b ln(y/ybar), so ln y closes on its limit at the rate s b;

    b = `response` > 0, ybar = `subsistence`. `n_max` caps population growth: n = min(n(y), n_max). The
    economy escapes the trap if and only if gA/s + gR > n_max; without a ceiling it never does, and steady
    progress buys a constant income above subsistence. The annexure gives no law of population: the
    closures are this library's.

    `times` (T,) are dates >= 0, in the unit of the rates, in any order; rates are per unit of time and
    continuous. Under the linear closure population never falls faster than b, so `n_max` must exceed -b.
    Raises `BadParameter` for values out of range or an income beyond floating point, `BadInput` for
    values that are not numbers.

    >>> path = malthus([0.0, 50.0, 1000.0], income=2.0, subsistence=1.0, response=0.02, land_share=0.5)
    >>> path.income.round(4).tolist()
    [2.0, 1.4353, 1.0]
    >>> malthus([0.0], 1.0, 1.0, 0.02, 0.5, technology_growth=0.02, n_max=0.03).escapes
    True
    """
    read = Reader()
    times = read.dates("times", times)
    start = read.number("income", income, above=0.0)
    floor = read.number("subsistence", subsistence, above=0.0)
    b = read.number("response", response, above=0.0)
    s = read.number("land_share", land_share, above=0.0, below=1.0)
    g_a = read.number("technology_growth", technology_growth)
    g_r = read.number("land_growth", land_growth)
    read.choice("closure", closure, CLOSURES)
    ceiling = np.inf
    if n_max is not None:
        least = {"above": -b, "cure": "population cannot fall faster than the response"}
        ceiling = read.number("n_max", n_max, **(least if closure == "linear" else {}))
    read.finish()

    law = _Linear(b, s, floor, g_a + s * g_r) if closure == "linear" else _Log(b, s, floor, g_a + s * g_r)
    drift = g_a + s * (g_r - ceiling)  # growth of income while the ceiling binds
    kink = law.log_income_at(ceiling)
    log_start = np.log(start)
    binds_first = log_start > kink or (log_start == kink and drift > 0)
    if binds_first:
        with np.errstate(over="ignore"):  # a drift next to zero takes for ever
            date = (kink - log_start) / drift if drift < 0 else np.nan
        before = log_start + drift * times
        after = law.follow(kink, times - date)
    else:
        date = law.time_to(kink, log_start, drift) if drift > 0 else np.nan
        before = law.follow(log_start, times)
        after = kink + drift * (times - date)
    log_income = np.where(times > date, after, before)  # a nan date is never passed
    log_population = g_r * times + (g_a * times - (log_income - log_start)) / s
    huge = np.maximum(log_income, log_population) > _LOG_MAX
    if huge.any():
        problem = f"times: income or population at date {times[huge].min():g} exceeds floating point"
        read.fault(f"{problem}: end earlier", out_of_range=True)
        read.finish()

    with np.errstate(over="ignore"):  # an income that no date above reached may be beyond floating point
        limit, growth = law.long_run_income(), 0.0
        ceiling_income = np.exp(kink)
    if drift > 0:
        limit, growth = np.inf, drift
    elif drift == 0 and binds_first:
        limit = start
    elif closure == "linear":
        growth = min(law.k, 0.0)
    return MalthusPath(
        times=frozen(times),
        income=frozen(np.exp(log_income)),
        population_hat=frozen(np.exp(log_population)),
        population_growth=frozen(np.minimum(law.population_growth(log_income), ceiling)),
        long_run_income=float(limit),
        long_run_growth=float(growth),
        escapes=bool(drift > 0),
        ceiling_income=float(ceiling_income),
        ceiling_date=float(date),
        half_life=float(np.log(2.0) / (s * b)) if closure == "log" else np.nan,
        closure=closure,
    )


class _Linear:
    """n(y) = b (y/ybar - 1): income follows a logistic curve. States are logs of income."""

    def __init__(self, b, s, floor, progress):
        self.b, self.floor = b, floor
        self.k = progress + s * b
        self.c = s * b / floor

    def population_growth(self, log_income):
        return self.b * (np.exp(log_income) / self.floor - 1.0)

    def log_income_at(self, growth):
        return np.log(self.floor * (1.0 + growth / self.b))

    def follow(self, log_start, times):
        start, t = np.exp(log_start), np.maximum(times, 0.0)
        # y = y0 e^(kt) / (1 + c y0 (e^(kt) - 1)/k), written so that no exponential overflows
        decay = np.exp(-abs(self.k) * t)
        ramp = -np.expm1(-abs(self.k) * t) / abs(self.k) if self.k != 0 else t
        if self.k > 0:
            return log_start - np.log(decay + self.c * start * ramp)
        return log_start + self.k * t - np.log1p(self.c * start * ramp)

    def time_to(self, log_end, log_start, drift):
        # k - c y is the growth of income at y: `drift` at the end, more at the lower start
        start, end = np.exp(log_start), np.exp(log_end)
        return (log_end - log_start + np.log(drift + self.c * (end - start)) - np.log(drift)) / self.k

    def long_run_income(self):
        return max(self.k / self.c, 0.0)


class _Log:
    """n(y) = b ln(y/ybar): log income closes on its limit at the rate s b. States are logs of income."""

    def __init__(self, b, s, floor, progress):
        self.b, self.floor = b, floor
        self.speed = s * b
        self.limit = np.log(floor) + progress / self.speed

    def population_growth(self, log_income):
        return self.b * (log_income - np.log(self.floor))

    def log_income_at(self, growth):
        return np.log(self.floor) + growth / self.b

    def follow(self, log_start, times):
        return self.limit + (log_start - self.limit) * np.exp(-self.speed * np.maximum(times, 0.0))

    def time_to(self, log_end, log_start, drift):
        start_growth = drift + self.speed * (log_end - log_start)
        return (np.log(start_growth) - np.log(drift)) / self.speed

    def long_run_income(self):
        return np.exp(self.limit)


def _share(read: Reader, land_share) -> np.ndarray:
    return read.array("land_share", land_share, above=0.0, below=1.0, cure="it is 1 - alpha")
