"""The Mill test: do supported industries stand once support has ended?"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from ..checks import Reader, frozen
from ..errors import BadInput, nearest
from ..labels import in_order
from ..read_only import ReadOnly

RULES = ("share", "stands")
_NAMED = 3  # industries that a verdict names
_WITHIN = 9  # dates looked at between two breakpoints


@dataclass(frozen=True, eq=False)
class MillTest(ReadOnly):
    """The Mill test by country and industry.

    `supported` (N, K) is what was tested, `stands` (N, K) the verdict (False where nothing was tested),
    `margin` (N, K) how much employment share the industry had to spare at its worst date (nan where nothing
    was tested), `passes` (N,) whether all supported industries of a country stand (False if it has none),
    `rule` and `support_ends` how and from when it was tested; `industries` are labels or None.
    """

    supported: np.ndarray
    stands: np.ndarray
    margin: np.ndarray
    passes: np.ndarray
    rule: str
    support_ends: float | None = None
    industries: tuple[str, ...] | None = None

    def verdict(self, country: int) -> str:
        """Say of one country whether what was supported stands, and name it; of failures only those."""
        tested = self.supported[country]
        if not tested.any():
            return "not tested"
        passes = self.passes[country]
        named = np.flatnonzero(tested if passes else tested & ~self.stands[country])
        labels = [self.industries[k] if self.industries else str(k) for k in named]
        return f"{'yes' if passes else 'no'} ({_few(labels)})"


def supported_industries(production_subsidy, employment_shares) -> np.ndarray:
    """Return which industries a subsidy supports: (N, K), True where 1 + s exceeds the country's mean.

    `production_subsidy` s > -1 is a rate, scalar, (K,), (N, 1) or (N, K); `employment_shares` (N, K) >= 0 are
    the weights of the mean and sum to one over industries. A uniform subsidy is neutral and supports nobody.
    Raises `BadParameter` or `BadInput`.

    >>> supported_industries([[0.2, 0.1, 0.0]], [[0.25, 0.25, 0.5]]).tolist()
    [[True, True, False]]
    """
    read = Reader()
    weights = read.array("employment_shares", employment_shares, least=0.0)
    if weights.ndim != 2:
        read.fault(f"employment_shares has shape {weights.shape}; it must be (N, K)")
    elif np.abs(weights.sum(axis=1) - 1).max() > 1e-8:
        worst = int(np.argmax(np.abs(weights.sum(axis=1) - 1)))
        total = f"employment_shares of country {worst} sum to {weights[worst].sum():.6g}"
        read.fault(f"{total}; they must sum to 1: normalise", out_of_range=True)
    cure = "a rate, 0.1 is 10 percent"
    subsidy = read.array("production_subsidy", production_subsidy, shape=weights.shape, above=-1.0, cure=cure)
    read.finish()
    return subsidy > (weights * subsidy).sum(axis=1, keepdims=True) + 1e-12


def supported_by(policy, baseline, horizon) -> tuple[np.ndarray | None, float | None]:
    """Return which industries one path's policy supports beyond another's, (N, K), and when that ends.

    Supported is whatever in any phase has a production subsidy raised over the baseline's by more than the mean of its
    country (weights: employment of the baseline at date 0), a higher tariff against anyone, or a higher export
    subsidy to anyone. (None, None) for paths without `rates`, where nothing is supported, and where support lasts
    to the horizon: then there is no date from which industries have to stand alone. Raises `BadInput` for paths of
    different industries.
    """
    if not all(hasattr(path, "rates") for path in (policy, baseline)):
        return None, None
    if policy.industries != baseline.industries:
        raise BadInput(
            f"the policy path has industries {_few(policy.industries)}, the baseline path "
            f"{_few(baseline.industries)}: take the same"
        )
    shares = baseline.at(0.0).output_shares
    dates = np.union1d(policy.phase_starts, baseline.phase_starts)
    dates = dates[dates <= horizon]
    masks = []
    for date in dates:
        raised = []
        for name in ("production_subsidy", "tariff", "export_subsidy"):
            new, old = (getattr(path.rates(date), name) for path in (policy, baseline))
            raised.append((1.0 + (0.0 if new is None else new)) / (1.0 + (0.0 if old is None else old)) - 1.0)
        subsidy, tariff, export = raised
        mask = supported_industries(subsidy, shares)
        mask |= (np.atleast_3d(tariff) > 1e-12).any(axis=0) | (np.atleast_3d(export) > 1e-12).any(axis=1)
        masks.append(mask)
    held = [at for at, mask in enumerate(masks) if mask.any()]
    if not held or held[-1] == len(dates) - 1:
        return None, None
    return np.any(masks, axis=0), float(dates[held[-1] + 1])


def mill_test(
    policy_shares, baseline_shares, supported, *, rule="share", support_ends=None, industries=None
) -> MillTest:
    """Judge from employment shares at and after the end of support whether supported industries stand.

    `policy_shares` and `baseline_shares` (T, N, K) are the industries' shares in their country's employment
    on the two paths, at the same dates, all at or after the end of support. `rule` "share" asks for a share
    that is positive and never below that of the baseline path: with gravity no industry ever shuts, so
    survival alone says nothing. "stands" asks for a share that is never zero: with Ricardian specialisation
    an industry that cannot stand shuts. `supported` is boolean (N, K) or (K,), or a list of industries to
    test in every country, by number or, where `industries` gives labels, by label; `support_ends` is recorded.
    Raises `BadInput` for shapes and unknown labels, `BadParameter` for shares outside [0, 1].

    >>> verdict = mill_test([[[0.4, 0.6]]], [[[0.3, 0.7]]], [0, 1])
    >>> verdict.stands.tolist(), verdict.passes.tolist()
    ([[True, False]], [False])
    """
    read = Reader()
    policy = read.array("policy_shares", policy_shares, least=0.0, most=1 + 1e-9)
    baseline = read.array("baseline_shares", baseline_shares, least=0.0, most=1 + 1e-9)
    read.choice("rule", rule, RULES)
    if policy.ndim != 3 or policy.shape != baseline.shape or policy.size == 0:
        shapes = f"policy_shares {policy.shape} and baseline_shares {baseline.shape}"
        read.fault(f"{shapes} do not fit: both must be (T, N, K), T >= 1")
        read.finish()
    if industries is not None:
        industries = tuple(str(label) for label in industries)
        if len(industries) != policy.shape[2]:
            read.fault(f"{len(industries)} industries are named, the shares have {policy.shape[2]}")
            read.finish()
    tested = _mask(read, supported, policy.shape[1:], industries)
    read.finish()
    least = policy.min(axis=0)
    margin = (policy - baseline).min(axis=0) if rule == "share" else least
    stands = tested & (least > 0) & (margin >= -1e-9)  # shares are known to about the tolerance of a solve
    passes = tested.any(axis=1) & (stands | ~tested).all(axis=1)
    margin = np.where(tested, margin, np.nan)
    tested, stands, margin, passes = map(frozen, (tested, stands, margin, passes))
    return MillTest(tested, stands, margin, passes, rule, support_ends, industries)


def mill_of_paths(policy, baseline, supported, support_ends, horizon, breakpoints, rule) -> MillTest:
    """Run the Mill test on two paths, at the end of support and on both sides of every later breakpoint."""
    for name, path in {"policy": policy, "baseline": baseline}.items():
        if not hasattr(path, "at"):
            problem = f"the {name} path is a bare stream without employment"
            raise BadInput(f"{problem}: give paths, or employment shares to mill_test()")
    if support_ends is None:
        phases = [event.time for event in getattr(policy, "events", ()) if event.kind == "phase"]
        if not phases:
            raise BadInput(
                "support_ends is not given and the policy path has no event of kind 'phase': give it"
            )
        support_ends = phases[-1]
    read = Reader()
    end = read.number("support_ends", support_ends, least=0.0, most=horizon, cure="within the horizon")
    read.finish()
    edges = np.unique(np.concatenate([[end], breakpoints[breakpoints > end], [horizon]]))
    right = np.unique(
        np.concatenate([np.linspace(a, b, _WITHIN) for a, b in itertools.pairwise(edges)] or [edges])
    )
    times = {"right": right, "left": edges[1:]}
    found, shares = {}, {}
    for name, path in {"policy": policy, "baseline": baseline}.items():
        parts = [_shares(name, path, dates, side) for side, dates in times.items() if dates.size]
        shares[name] = np.concatenate([part for part, _ in parts])
        found[name] = parts[0][1]
    rule = rule or ("share" if found["policy"] == "output_shares" else "stands")
    labels = getattr(policy, "industries", None)
    options = {"rule": rule, "support_ends": end, "industries": labels}
    return mill_test(shares["policy"], shares["baseline"], supported, **options)


def _shares(name, path, times, side):
    states = path.at(times, side=side)
    for attribute in ("output_shares", "employment"):
        if hasattr(states, attribute):
            employment = np.asarray(getattr(states, attribute))
            return employment / employment.sum(axis=2, keepdims=True), attribute
    raise BadInput(f"the states of the {name} path have neither 'output_shares' nor 'employment'")


def _few(labels) -> str:
    return ", ".join(labels[:_NAMED]) + (f" and {len(labels) - _NAMED} more" if len(labels) > _NAMED else "")


def _mask(read: Reader, supported, shape, industries) -> np.ndarray:
    try:
        given = np.asarray(supported)
    except ValueError:  # rows of different lengths
        given = np.empty(len(supported), dtype=object)
    given = read.attempt(in_order, supported, given, "supported", (industries,) if industries else ())
    if given is None:
        return np.zeros(shape, dtype=bool)
    if given.ndim == 1 and given.dtype.kind == "U" and industries is not None:
        for label in given:
            if label not in industries:
                read.fault(f"supported names an unknown industry {str(label)!r}{nearest(label, industries)}")
        return np.broadcast_to(np.isin(industries, given), shape)
    if given.dtype == bool and given.shape in (shape, shape[1:]):
        return np.broadcast_to(given, shape)
    if given.ndim == 1 and given.size and np.issubdtype(given.dtype, np.integer):
        if given.min() < 0 or given.max() >= shape[1]:
            read.fault(
                f"supported names industry {given[(given < 0) | (given >= shape[1])][0]} of {shape[1]}"
            )
            return np.zeros(shape, dtype=bool)
        return np.broadcast_to(np.isin(np.arange(shape[1]), given), shape)
    kinds = f"boolean {shape} or {shape[1:]}, or a list of industries by number or label"
    read.fault(f"supported is {given.dtype} of shape {given.shape}; it must be {kinds}")
    return np.zeros(shape, dtype=bool)
