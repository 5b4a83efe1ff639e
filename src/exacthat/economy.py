"""Economy: a calibrated world. Data come in here, are checked once and never change afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cached_property

import numpy as np

from exacthat.errors import SHOWN, BadInput, BadParameter, nearest

ROUND_OFF = 1e-9  # deficits below this share of spending are rounding of the data and count as zero
SHARE_SUM = 1e-8  # how closely given expenditure shares must sum to one and agree with the flows
ENTRY = ("free", "restricted")


@dataclass(frozen=True, eq=False, repr=False)
class Economy:
    """Calibrate a world of N countries and K industries to one year's flows.

    Parameters
    ----------
    flows : (N, N, K)
        ``flows[origin, destination, industry]``: spending of the destination on goods of the origin, at
        consumer prices; any currency, nominal. The diagonal is domestic sales.
    trade_elasticity : scalar, (K,) or mapping by industry label
        epsilon = sigma - 1 > 0.
    scale_elasticity : scalar, (K,) or mapping by industry label
        mu = 1 / (gamma - 1) >= 0: the log change of productivity per log change of employment under free
        entry; price over marginal cost less one under restricted entry.
    entry : "free" or "restricted"
        Free entry: zero profits, scale effects. Restricted entry: a fixed number of firms, markup 1 + mu,
        profits to residents, no scale effects.
    countries, industries : sequences of N and K distinct labels
        Numbered labels by default.
    expenditure_shares : (N, K), optional
        Final-demand shares, rows summing to one; by default spending shares from the flows. Shares that
        contradict the flows (data with intermediate goods) serve the gains formulas only.
    production_subsidy : scalar, (K,), (N, 1) or (N, K), optional
        The base year's own production subsidies: rates s, not powers; 0.1 is ten percent.

    Raises
    ------
    BadInput
        With all faults of the data, each with its cell and cure.
    BadParameter
        For an elasticity or an option outside its range.

    Any alpha = mu epsilon is accepted; `counterfactual` refuses alpha >= 1 under free entry. Cells without
    flows stay at zero. Notation: [L] Lashkaripour's lecture; Lashkaripour and Lugovskyy (2023).

    >>> import numpy as np
    >>> world = Economy(np.array([[[8.0], [2.0]], [[2.0], [8.0]]]), 4.0, 0.2, countries=["HOM", "FOR"])
    >>> world
    Economy(2 countries, 1 industry, free entry, largest mu*epsilon 0.8)
    >>> world.trade_shares[:, 0, 0]
    array([0.8, 0.2])
    """

    flows: np.ndarray
    trade_elasticity: np.ndarray
    scale_elasticity: np.ndarray = 0.0
    _: KW_ONLY
    entry: str = "free"
    countries: tuple[str, ...] | None = None
    industries: tuple[str, ...] | None = None
    expenditure_shares: np.ndarray | None = None
    production_subsidy: np.ndarray | None = None

    def __post_init__(self):
        flows = _numbers(self.flows, "flows")
        if flows.ndim != 3 or flows.shape[0] != flows.shape[1] or 0 in flows.shape:
            raise BadInput(
                f"flows have shape {flows.shape}; they must be (N, N, K): [origin, destination, industry]"
            )
        n, _, k = flows.shape
        countries = labels(self.countries, n, "countries", "C")
        industries = labels(self.industries, k, "industries", "industry")
        if self.entry not in ENTRY:
            raise BadParameter(
                f"entry is {self.entry!r}; it must be one of {ENTRY}{nearest(self.entry, ENTRY)}"
            )
        problems = _flow_problems(flows, countries, industries)
        if problems:
            raise BadInput(problems)
        set_ = object.__setattr__
        set_(self, "countries", countries)
        set_(self, "industries", industries)
        set_(self, "flows", _frozen(flows))
        set_(
            self,
            "trade_elasticity",
            _frozen(_elasticity(self.trade_elasticity, "trade_elasticity", industries)),
        )
        set_(
            self,
            "scale_elasticity",
            _frozen(_elasticity(self.scale_elasticity, "scale_elasticity", industries)),
        )
        subsidy = 0.0 if self.production_subsidy is None else self.production_subsidy
        set_(self, "production_subsidy", _frozen(subsidy_rates(subsidy, countries, industries)))
        shares = self.spending_shares
        if self.expenditure_shares is not None:
            shares = _shares(self.expenditure_shares, countries, industries)
        set_(self, "expenditure_shares", _frozen(shares))

    @classmethod
    def from_long(
        cls,
        table,
        trade_elasticity,
        scale_elasticity=0.0,
        *,
        origin="origin",
        destination="destination",
        industry="industry",
        value="value",
        missing="raise",
        countries=None,
        industries=None,
        **options,
    ) -> Economy:
        """Build an economy from a long table with one row per origin, destination and industry.

        `table` is anything with columns (a pandas or polars frame, a mapping of arrays); `origin`,
        `destination`, `industry` and `value` name its columns. Labels are read as text and keep their order
        of first appearance unless `countries` or `industries` list them, which also refuses unknown labels.
        ``missing="zero"`` reads absent rows as zero flows, ``"raise"`` reports them. Elasticities may be
        mappings by industry label. Other options go to `Economy`.

        Raises `BadInput` with all faults of the table: absent and duplicate rows, unknown labels, values
        that are not numbers, negative or not finite.

        >>> rows = {"origin": ["A", "A", "B", "B"], "destination": ["A", "B", "A", "B"],
        ...         "industry": ["food"] * 4, "value": [8.0, 2.0, 1.0, 9.0]}
        >>> Economy.from_long(rows, trade_elasticity={"food": 5.0}).flows[0, :, 0]
        array([8., 2.])
        """
        from exacthat.tables import read_long

        columns = {"origin": origin, "destination": destination, "industry": industry, "value": value}
        flows, countries, industries = read_long(table, columns, missing, countries, industries)
        return cls(
            flows, trade_elasticity, scale_elasticity, countries=countries, industries=industries, **options
        )

    def __repr__(self):
        n, _, k = self.flows.shape
        return (
            f"Economy({n} {'country' if n == 1 else 'countries'}, {k} {'industry' if k == 1 else 'industries'}, "
            f"{self.entry} entry, largest mu*epsilon {self.alpha.max():.3g})"
        )

    # Derived from the flows: y and all other shares come from one source only.

    @cached_property
    def alpha(self) -> np.ndarray:
        """mu_k epsilon_k (K,): below one under free entry for a unique equilibrium."""
        return _frozen(self.scale_elasticity * self.trade_elasticity)

    @cached_property
    def spending(self) -> np.ndarray:
        """Spending (N, K) of each destination on each industry."""
        return _frozen(self.flows.sum(axis=0))

    @cached_property
    def spending_shares(self) -> np.ndarray:
        """Share (N, K) of each industry in a destination's total spending."""
        return _frozen(self.spending / self.spending.sum(axis=1, keepdims=True))

    @cached_property
    def trade_shares(self) -> np.ndarray:
        """lambda (N, N, K): share of each origin in a destination's spending on an industry; 0 where it spends 0."""
        spending = self.spending
        return _frozen(np.divide(self.flows, spending, out=np.zeros_like(self.flows), where=spending > 0))

    @cached_property
    def domestic_shares(self) -> np.ndarray:
        """lambda_nn (N, K)."""
        return _frozen(np.einsum("nnk->nk", self.trade_shares))

    @cached_property
    def sales(self) -> np.ndarray:
        """R (N, K): producer revenue, subsidies included."""
        return _frozen((1.0 + self.production_subsidy) * self.flows.sum(axis=1))

    @cached_property
    def labour_share(self) -> np.ndarray:
        """kappa (K,): labour income per unit of revenue, 1 under free and 1/(1+mu) under restricted entry."""
        markup = np.zeros_like(self.scale_elasticity) if self.entry == "free" else self.scale_elasticity
        return _frozen(1.0 / (1.0 + markup))

    @cached_property
    def labour_income(self) -> np.ndarray:
        """Y (N,): wage bill of each country."""
        return _frozen((self.labour_share * self.sales).sum(axis=1))

    @cached_property
    def output_shares(self) -> np.ndarray:
        """y (N, K): share of each industry in a country's employment."""
        return _frozen(self.labour_share * self.sales / self.labour_income[:, None])

    @cached_property
    def expenditure(self) -> np.ndarray:
        """E (N,): total spending."""
        return _frozen(self.spending.sum(axis=1))

    @cached_property
    def deficits(self) -> np.ndarray:
        """D (N,): spending less national income; exactly 0 where it is rounding of the data."""
        deficits = self.expenditure - self.flows.sum(axis=(1, 2))
        return _frozen(np.where(np.abs(deficits) <= ROUND_OFF * self.expenditure, 0.0, deficits))

    @cached_property
    def consistent(self) -> bool:
        """Whether the expenditure shares are the spending shares of the flows (to 1e-8)."""
        return bool(np.abs(self.expenditure_shares - self.spending_shares).max() <= SHARE_SUM)

    @cached_property
    def linked(self) -> np.ndarray:
        """Whether anything flows (N, N) from origin to destination."""
        return _frozen((self.flows > 0).any(axis=2))

    @cached_property
    def packed_shares(self) -> np.ndarray:
        """Trade shares [industry, origin, destination] as the compiled kernels store them."""
        from exacthat.kernels.gravity.system import pack

        packed = pack(self.trade_shares.transpose(2, 0, 1))
        packed.flags.writeable = False
        return packed

    def country_index(self, names: str | Sequence[str]) -> np.ndarray:
        """Return the positions of one country or several; unknown labels raise `BadInput`."""
        wanted = [names] if isinstance(names, str) else list(names)
        positions = {label: at for at, label in enumerate(self.countries)}
        unknown = [name for name in wanted if name not in positions]
        if unknown:
            raise BadInput([f"unknown country {name!r}{nearest(name, self.countries)}" for name in unknown])
        return np.array([positions[name] for name in wanted], dtype=int)


def labels(given, size: int, what: str, stem: str) -> tuple[str, ...]:
    """Check `size` distinct labels of an axis, or number them."""
    if given is None:
        return tuple(f"{stem}{j}" for j in range(size))
    names = tuple(str(name) for name in given)
    if len(names) != size:
        raise BadInput(f"{len(names)} {what} are named but the flows have {size}")
    seen: dict[str, int] = {}
    repeated = [f"{what} name {name!r} twice (positions {seen[name]} and {at}); labels must be distinct"
                for at, name in enumerate(names) if seen.setdefault(name, at) != at]  # fmt: skip
    empty = [
        f"{what}: the label at position {at} is empty" for at, name in enumerate(names) if not name.strip()
    ]
    if repeated or empty:
        raise BadInput(repeated + empty)
    return names


def subsidy_rates(given, countries, industries) -> np.ndarray:
    """Broadcast production subsidies to (N, K) and check that every rate is above -100 percent."""
    rates = by_country_industry(given, countries, industries, "production_subsidy")
    faults = [
        f"production_subsidy of country {countries[i]!r} in industry {industries[k]!r} is {rates[i, k]:g}; "
        "rates must be finite and above -1 (a rate of 0.1 is ten percent)"
        for i, k in np.argwhere(~(np.isfinite(rates) & (rates > -1)))
    ]
    if faults:
        raise BadParameter(faults)
    return rates


def by_country_industry(given, countries, industries, what: str) -> np.ndarray:
    """Broadcast a scalar, (K,), (N, 1) or (N, K) to (N, K)."""
    values = _numbers(given, what)
    n, k = len(countries), len(industries)
    if values.shape not in {(), (k,), (n, 1), (n, k)}:
        raise BadInput(f"{what} has shape {values.shape}; give a scalar, ({k},), ({n}, 1) or ({n}, {k})")
    return np.array(np.broadcast_to(values, (n, k)))


def _numbers(values, what: str) -> np.ndarray:
    try:
        return np.array(values, dtype=np.float64, order="C")
    except (TypeError, ValueError) as error:
        raise BadInput(f"{what} cannot be read as an array of numbers: {error}") from error


def _frozen(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


def _flow_problems(flows, countries, industries) -> list[str]:
    problems = []
    wrong = ~(np.isfinite(flows) & (flows >= 0))
    for i, n, k in np.argwhere(wrong)[: 4 * SHOWN]:
        problems.append(
            f"flow from {countries[i]!r} to {countries[n]!r} in industry {industries[k]!r} is "
            f"{flows[i, n, k]:g}; flows must be finite and not negative: correct the cell or set it to 0"
        )
    if problems:
        if wrong.sum() > len(problems):
            problems.append(f"{wrong.sum() - len(problems)} more flows are not finite or negative")
        return problems
    for i in np.flatnonzero(flows.sum(axis=(1, 2)) <= 0):
        problems.append(f"country {countries[i]!r} sells nothing, so it has no income: drop it or merge it")
    for n in np.flatnonzero(flows.sum(axis=(0, 2)) <= 0):
        problems.append(f"country {countries[n]!r} buys nothing: drop it or merge it")
    for k in np.flatnonzero(flows.sum(axis=(0, 1)) <= 0):
        problems.append(f"industry {industries[k]!r} has no producers: drop it or merge it")
    return problems


def _elasticity(given, what: str, industries) -> np.ndarray:
    if isinstance(given, Mapping):
        unknown = [f"{what} names an unknown industry {name!r}{nearest(name, industries)}"
                   for name in given if name not in industries]  # fmt: skip
        absent = [f"{what} lacks industry {name!r}" for name in industries if name not in given]
        if unknown or absent:
            raise BadInput(unknown + absent)
        given = [given[name] for name in industries]
    values = _numbers(given, what)
    if values.shape not in {(), (len(industries),)}:
        raise BadInput(f"{what} has shape {values.shape}; give a scalar or ({len(industries)},)")
    values = np.array(np.broadcast_to(values, (len(industries),)))
    positive = what == "trade_elasticity"
    good = np.isfinite(values) & ((values > 0) if positive else (values >= 0))
    faults = [
        f"{what} of industry {industries[k]!r} is {values[k]:g}; "
        f"it must be finite and {'above 0' if positive else 'at least 0'}"
        for k in np.flatnonzero(~good)
    ]
    if faults:
        raise BadParameter(faults)
    return values


def _shares(given, countries, industries) -> np.ndarray:
    shares = _numbers(given, "expenditure_shares")
    if shares.shape != (len(countries), len(industries)):
        raise BadInput(
            f"expenditure_shares have shape {shares.shape}; they must be ({len(countries)}, {len(industries)})"
        )
    faults = [
        f"expenditure share of country {countries[n]!r} on industry {industries[k]!r} is {shares[n, k]:g}; "
        "shares must be finite and not negative"
        for n, k in np.argwhere(~(np.isfinite(shares) & (shares >= 0)))
    ]
    faults += [
        f"expenditure shares of country {countries[n]!r} sum to {total:.6g}; they must sum to 1 within "
        f"{SHARE_SUM:g}: normalise them"
        for n, total in enumerate(shares.sum(axis=1))
        if not faults and abs(total - 1.0) > SHARE_SUM
    ]
    if faults:
        raise BadInput(faults)
    return shares
