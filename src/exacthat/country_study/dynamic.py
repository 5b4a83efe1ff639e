"""Ten years of support with learning: what stays of it, and whether it passes the tests of Mill and Bastable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.interpolate import BarycentricInterpolator

from exacthat.appraisal import CriticalRate, Stream, compare, mill_test, pigouvian_subsidy
from exacthat.checks import frozen
from exacthat.country_study.diagnosis import TARGET_RISE, TARGET_YEARS, Diagnosis
from exacthat.country_study.focus import CORRECTIVE, SECTORS, TENTH, FocusSector
from exacthat.datasets import spillovers
from exacthat.dynamics import Learning, Phase, learning_value, scale_to_growth, simulate, starting_growth
from exacthat.economy import Economy
from exacthat.errors import NotConverged
from exacthat.growth import required_growth
from exacthat.scenario import Policy
from exacthat.threads import processors

SUPPORT, HORIZON = 10.0, 50.0  # years
DISCOUNT = 0.05
RTOL = 1e-4  # relative, on productivity; against 1e-6 it moves consumption equivalents by 2e-7 percent
MATRIX, ACTIVITY = "proximity", 0.001
TYPICAL_GROWTH = 0.014  # of value added per worker, a year, where the series do not hold the country
RESOLUTION = 1e-7  # in ln of welfare: smaller differences count as zero
NODES = 13  # dates at which a smooth piece of a path is solved; between them it is interpolated
PRODUCTIVITY = "learning part of productivity (phi), mean over manufacturing weighted by base-year employment"


class Assumptions(NamedTuple):
    """What learning is assumed to be: `growth` is c, the country's starting rate in manufacturing, a year."""

    name: str
    growth: float
    matrix: str = MATRIX
    activity: float = ACTIVITY


@dataclass(frozen=True, eq=False)
class Trajectory:
    """Ten years of support of one sector against none; percent unless said otherwise.

    at_start        static effect on welfare at date 0, gone when support goes
    after           effect on welfare right after support has ended: what learning leaves
    at_end          the same at the horizon
    productivity    effect on phi of the supported industry when support ends
    equivalent      constant share of baseline consumption worth as much as the policy, to the horizon
    critical        discount rates at which the present value is zero, with the side on which the policy pays
    bastable        the present value is positive at the discount rate `DISCOUNT`
    mill            the industry's employment share never lies below the baseline's after support has ended
    mill_margin     its distance from the baseline's at the worst date, percentage points
    times, relative    dates (T,) and effect on welfare (T,), two entries where support ends
    """

    sector: FocusSector
    rule: str
    rate: float
    at_start: float
    after: float
    at_end: float
    productivity: float
    equivalent: float
    critical: tuple[CriticalRate, ...]
    bastable: bool
    mill: bool
    mill_margin: float
    times: np.ndarray
    relative: np.ndarray


@dataclass(frozen=True)
class DynamicSubsidy:
    """What employment in one industry adds beyond its wage without support, as subsidy rates in percent.

    scale, learning, later    mu; the shadow value of learning at date 0 and when support would end
    subsidy                   scale and learning at date 0 together, at no marginal cost
    """

    industry: str
    scale: float
    learning: float
    later: float
    subsidy: float


@dataclass(frozen=True, eq=False)
class Scenario:
    """One set of assumptions on learning and what support then does.

    starting      country or peer -> starting growth of manufacturing productivity that the scale implies, % a year
    fading        date -> growth of the country's manufacturing productivity without support, % a year
    subsidies     dynamic Pigouvian subsidies of the focus sectors' industries, and last their mean over all
                  industries by employment; empty where not asked for
    failed        names of paths that stopped; `paths` were certified throughout, `residual` their worst
    """

    assumptions: Assumptions
    starting: dict[str, float]
    fading: dict[float, float]
    trajectories: tuple[Trajectory, ...]
    subsidies: tuple[DynamicSubsidy, ...]
    paths: int
    failed: tuple[str, ...]
    residual: float


class _Sampled(NamedTuple):
    """A path at the nodes of its two pieces: ln welfare (M,), employment shares (M, K), phi (M, K).

    `benefits` (2, K) is the shadow value of learning at date 0 and at the end of support, as a subsidy rate.
    """

    pieces: tuple[tuple[np.ndarray, np.ndarray], ...]
    shares: np.ndarray
    productivity: np.ndarray
    residual: float
    benefits: np.ndarray | None


def assumptions(diagnosis: Diagnosis | None) -> list[Assumptions]:
    """Return the main assumptions and their variations.

    c is what value added per worker grew by in the series (the mean of the two measures), or a typical rate where
    they do not hold the country; apart from it what the target of section 5.7 asks for.
    """
    history = TYPICAL_GROWTH
    if diagnosis is not None:
        facts = diagnosis.facts[0]
        held = np.array([facts.value_added_growth, facts.industry_value_added_growth])
        if np.isfinite(held).any():
            history = float(np.nanmean(held)) / 100.0
    target = float(required_growth(1.0, 1.0 + TARGET_RISE[0], TARGET_YEARS))
    found = [
        Assumptions("main", history),
        Assumptions("c from the target of section 5.7", target),
        Assumptions("spillovers from suppliers", history, matrix="suppliers"),
        Assumptions("spillovers from customers", history, matrix="customers"),
        Assumptions("activity constant 0", history, activity=0.0),
        Assumptions("activity constant 0.01", history, activity=0.01),
    ]
    return [one for one in found if one.growth > 0]


def trajectories(
    base: Economy,
    country: str,
    peers: Sequence[str],
    diagnosis: Diagnosis | None,
    *,
    threads: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> tuple[Scenario, ...]:
    """Simulate ten years of support of each focus sector against none, and appraise it over fifty years.

    Learning is additive [MODEL section 5]: services neither send nor receive, employment is in shares,
    productivity one at the start, the same spillovers hold in every country. They are scaled so that the
    country's employment-weighted mean rate in manufacturing starts at c. Under the main assumptions support is at
    the sector's scale elasticity and at ten percent, under the others at ten percent. `base` has no deficits.
    """
    scenarios = []
    with ThreadPoolExecutor(threads or processors()) as pool:
        for at, assumed in enumerate(assumptions(diagnosis)):
            if progress is not None:
                progress(f"ten years of support: {assumed.name}")
            rules = (CORRECTIVE, TENTH) if at == 0 else (TENTH,)
            scenarios.append(_scenario(base, country, peers, assumed, rules, pool))
    return tuple(scenarios)


def manufacturing(economy: Economy) -> list[str]:
    """Return the labels of manufacturing (ISIC section C)."""
    return [label for label in economy.industries if label.startswith("C")]


def _scenario(base: Economy, country, peers, assumed: Assumptions, rules, pool) -> Scenario:
    n = int(base.country_index(country)[0])
    made = manufacturing(base)
    learning = Learning(
        spillovers(assumed.matrix, base.industries), activity=assumed.activity, industries=base.industries
    )
    learning = scale_to_growth(base, learning, country, made, assumed.growth)
    at = base.industry_index(made)
    weights = base.output_shares[:, at] / base.output_shares[:, at].sum(axis=1, keepdims=True)
    starting = (starting_growth(base, learning)[:, at] * weights).sum(axis=1)
    plans = [(None, "", 0.0)]
    for sector in SECTORS:
        if sector.industry is not None:
            k = base.industries.index(sector.industry)
            plans += [
                (sector, rule, float(base.scale_elasticity[k]) if rule == CORRECTIVE else 0.1)
                for rule in rules
            ]
    valued = CORRECTIVE in rules
    none, *supported = pool.map(lambda plan: _sampled(base, n, learning, plan, valued), plans)
    names = ["no support" if plan[0] is None else f"{plan[0].industry} at {plan[1]}" for plan in plans]
    paths = [none, *supported]
    failed = tuple(f"{assumed.name}: {name}" for name, path in zip(names, paths) if path is None)
    found, fading = (), {}
    if none is not None:
        found = tuple(
            _trajectory(base, plan, path, none)
            for plan, path in zip(plans[1:], supported)
            if path is not None
        )
        fading = _fading(none, at, weights[n])
    held = [path.residual for path in paths if path is not None]
    return Scenario(
        assumptions=assumed,
        starting={label: 100.0 * float(starting[base.countries.index(label)]) for label in (country, *peers)},
        fading=fading,
        trajectories=found,
        subsidies=_subsidies(base, n, none.benefits) if valued and none is not None else (),
        paths=len(held),
        failed=failed,
        residual=max(held, default=0.0),
    )


def _nodes() -> list[np.ndarray]:
    """Chebyshev nodes of both pieces, ends included."""
    unit = 0.5 - 0.5 * np.cos(np.pi * np.arange(NODES) / (NODES - 1))
    return [SUPPORT * unit, SUPPORT + (HORIZON - SUPPORT) * unit]


def _sampled(base: Economy, n: int, learning: Learning, plan, valued: bool) -> _Sampled | None:
    sector, _, rate = plan
    policy = None
    if sector is not None:
        rates = np.array(base.production_subsidy)
        rates[n, base.industries.index(sector.industry)] = rate
        policy = Policy(production_subsidy=rates, large_rates=True)
    try:
        path = simulate(
            base,
            learning,
            [Phase(policy=policy, until=SUPPORT), Phase()],
            horizon=HORIZON,
            rtol=RTOL,
            threads=1,
        )
        during, later = _nodes()
        parts = [path.at(during[:-1]), path.at(during[-1:], side="left"), path.at(later)]
        benefits = None
        if valued and policy is None:
            benefits = learning_value(path, DISCOUNT, base.countries[n], times=[0.0, SUPPORT]).rate[:, n]
    except NotConverged:
        return None
    welfare, shares, productivity = (
        np.concatenate([getattr(part, name)[:, n] for part in parts])
        for name in ("welfare_hat", "output_shares", "productivity")
    )
    logs = np.log(welfare)
    pieces = ((during, logs[:NODES]), (later, logs[NODES:]))
    return _Sampled(pieces, shares, productivity, path.certificate.residual, benefits)


def _subsidies(base: Economy, n: int, benefits: np.ndarray) -> tuple[DynamicSubsidy, ...]:
    mu, shares = base.scale_elasticity, base.output_shares[n]
    paid = pigouvian_subsidy(mu + benefits[0], 0.0)
    held = [base.industries.index(sector.industry) for sector in SECTORS if sector.industry is not None]
    rows = 100.0 * np.stack([mu, *benefits, paid], axis=1)
    named = [(base.industries[k], rows[k]) for k in held] + [("all industries", shares @ rows)]
    return tuple(DynamicSubsidy(label, *map(float, row)) for label, row in named)


def _stream(path: _Sampled) -> Stream:
    before, after = (BarycentricInterpolator(times, logs) for times, logs in path.pieces)

    def welfare(times, side):
        early = (times < SUPPORT) | ((times == SUPPORT) & (side == "left"))
        return np.exp(np.where(early, before(np.minimum(times, SUPPORT)), after(np.maximum(times, SUPPORT))))

    return Stream.from_function(welfare, HORIZON, [SUPPORT], takes_side=True)


def _trajectory(base: Economy, plan, path: _Sampled, none: _Sampled) -> Trajectory:
    sector, rule, rate = plan
    k = base.industries.index(sector.industry)
    relative = 100.0 * np.expm1(
        np.concatenate([ours[1] - theirs[1] for ours, theirs in zip(path.pieces, none.pieces)])
    )
    judged = compare(_stream(path), _stream(none), DISCOUNT, resolution=RESOLUTION)
    shares = (one.shares[NODES:, None, :] for one in (path, none))
    mill = mill_test(*shares, [k], support_ends=SUPPORT)
    return Trajectory(
        sector=sector,
        rule=rule,
        rate=rate,
        at_start=float(relative[0]),
        after=float(relative[NODES]),
        at_end=float(relative[-1]),
        productivity=float(100.0 * (path.productivity[NODES, k] / none.productivity[NODES, k] - 1.0)),
        equivalent=float(judged.consumption_equivalent[0]),
        critical=judged.critical_discount_rates[0],
        bastable=bool(judged.bastable[0]),
        mill=bool(mill.stands[0, k]),
        mill_margin=float(100.0 * mill.margin[0, k]),
        times=frozen(np.concatenate([times for times, _ in path.pieces])),
        relative=frozen(relative),
    )


def _fading(none: _Sampled, at, weights) -> dict[float, float]:
    """Growth of the mean of phi over manufacturing without support, at both ends of either piece."""
    growth = {}
    for (times, _), rows in zip(none.pieces, (slice(None, NODES), slice(NODES, None))):
        mean = BarycentricInterpolator(times, none.productivity[rows][:, at] @ weights)
        for time in (times[0], times[-1]):
            growth[float(time)] = float(100.0 * mean.derivative(time) / mean(time))
    return growth
