"""Economy: a calibrated world. Data come in here, are checked once and never change afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from exacthat import checks
from exacthat.checks import SHARE_SUM, frozen
from exacthat.conditions import alpha_text
from exacthat.errors import BadInput, nearest
from exacthat.labels import axis_labels, carries_labels, in_order, of_flows, positions, turned
from exacthat.read_only import ReadOnly

ROUND_OFF = 1e-9  # deficits below this share of spending are rounding of the data and count as zero
ENTRY = ("free", "restricted")


class _Totals(NamedTuple):
    """Sums over flows."""

    spending: np.ndarray  # (N, K) by destination and industry, at consumer prices
    border: np.ndarray  # (N, K) by origin and industry, at the border
    received: np.ndarray  # (N, K) by origin and industry, export subsidies included
    tariffs: np.ndarray  # (N,) paid in each destination
    linked: np.ndarray  # (N, N) whether anything flows


@dataclass(frozen=True, eq=False, repr=False)
class Economy(ReadOnly):
    """Calibrate a world of N countries and K industries to one year's flows.

    Parameters
    ----------
    flows : (N, N, K)
        ``flows[origin, destination, industry]``: spending of the destination on goods of the origin, at
        consumer prices; any currency, nominal. The diagonal is domestic sales. Copied, except for a read-only
        ``numpy.memmap`` of float64, which is read where it lies: leave its file alone.
    trade_elasticity : scalar, (K,) or mapping by industry label
        epsilon = sigma - 1 > 0, at least 1e-4.
    scale_elasticity : scalar, (K,) or mapping by industry label
        mu = 1 / (gamma - 1) >= 0: the log change of productivity per log change of employment under free
        entry; price over marginal cost less one under restricted entry.
    entry : "free" or "restricted"
        Free entry: zero profits, scale effects. Restricted entry: a fixed number of firms, markup 1 + mu,
        profits to residents, no scale effects.
    countries, industries : sequences of N and K distinct labels
        By default those that the flows carry, or numbered ones.
    expenditure_shares : (N, K), optional
        Final-demand shares, rows summing to one; by default those the flows imply. Shares that contradict the
        flows serve the gains formulas only, until `exacthat.rebalance` has made a consistent world of them.
    tariff, export_subsidy : scalar, (K,), (N, N, 1) or (N, N, K), optional
        The base year's own import tariffs t (levied by the destination on the value at the border) and export
        subsidies x (paid by the origin), zero on the diagonal. Rates, not powers: 0.1 is ten percent.
    production_subsidy : scalar, (K,), (N, 1) or (N, K), optional
        The base year's own production subsidies: rates s. Consumer price = (1+t) / ((1+x)(1+s)) producer price.
    input_shares : (N, K, K) or (K, K), optional
        ``input_shares[country, input, user]``: share of an input industry in the cost of a using industry
        (Cobb-Douglas); what is left of one is labour's share. Flows then contain intermediate goods and
        final demand is what users leave.
    large_rates : bool
        Confirms base-year rates of 5 and more (500 percent), which are taken for percentages otherwise.

    Frames, series and xarrays that carry labels are put into the order of `countries` and `industries`; xarrays
    whose axes are named origin, destination and industry, or country and industry, into that of the names first; one
    of these names where another axis is read is refused.

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
    tariff: np.ndarray | None = None
    export_subsidy: np.ndarray | None = None
    production_subsidy: np.ndarray | None = None
    input_shares: np.ndarray | None = None
    large_rates: bool = False

    def __post_init__(self):
        def settle(name, value):
            object.__setattr__(self, name, frozen(value) if isinstance(value, np.ndarray) else value)

        for name, value in self._read().items():
            settle(name, value)
        if self.expenditure_shares is None:
            self._check_final_demand()
            settle("expenditure_shares", self.final_demand / self.expenditure[:, None])
        accounts = np.stack([self.labour_income, self.income, self.expenditure])
        faults = [
            f"country {self.countries[i]!r} has labour income {accounts[0, i]:.4g}, national income "
            f"{accounts[1, i]:.4g} and final spending {accounts[2, i]:.4g}; all must be above 0: correct its taxes or "
            "input shares, or merge it"
            for i in np.flatnonzero(~(accounts > 0).all(axis=0))
        ]
        if faults:
            raise BadInput(faults)

    def _read(self) -> dict:
        """Return the fields as they are kept; raise all their faults together."""
        table = turned(self.flows, "flows")
        flows = checks.numbers(table, "flows", placed=False)
        if flows.ndim != 3 or flows.shape[0] != flows.shape[1] or 0 in flows.shape:
            raise BadInput(
                f"flows have shape {flows.shape}; they must be (N, N, K): [origin, destination, industry]"
            )
        n, _, k = flows.shape
        report, faults, own = checks.Reader(), [], of_flows(table)
        countries = own[0] if self.countries is None else self.countries
        countries = report.attempt(axis_labels, countries, n, "countries", "C", faults)
        industries = own[1] if self.industries is None else self.industries
        industries = report.attempt(axis_labels, industries, k, "industries", "industry", faults)
        report.faults(faults)
        if countries is None or industries is None:  # nothing else can be told by name
            report.finish()
        if carries_labels(table):
            flows = report.attempt(in_order, table, flows, "flows", (countries, countries, industries))
            if flows is None:
                report.finish()
        if self.entry not in ENTRY:
            report.fault(
                f"entry is {self.entry!r}; it must be one of {ENTRY}{nearest(self.entry, ENTRY)}",
                out_of_range=True,
            )
        report.faults(checks.flow_faults(flows, countries, industries))
        fields = {"countries": countries, "industries": industries, "flows": flows}
        for name, positive in (("trade_elasticity", True), ("scale_elasticity", False)):
            given = getattr(self, name)
            fields[name] = report.attempt(checks.elasticity, given, name, industries, positive=positive)
        axes, large = (countries, industries), report.flag("large_rates", self.large_rates)
        for name in ("tariff", "export_subsidy"):
            if getattr(self, name) is not None:
                rates = report.attempt(checks.border_rates, getattr(self, name), *axes, name, large=large)
                fields[name] = rates if rates is not None and rates.any() else None
        subsidy = 0.0 if self.production_subsidy is None else self.production_subsidy
        fields["production_subsidy"] = report.attempt(checks.production_rates, subsidy, *axes, large=large)
        for name, read in (
            ("input_shares", checks.input_shares),
            ("expenditure_shares", checks.shares_by_country),
        ):
            if getattr(self, name) is not None:
                fields[name] = report.attempt(read, getattr(self, name), *axes)
        report.finish()
        return fields

    def _check_final_demand(self):
        """Refuse flows that intermediate use exceeds; what is below rounding counts as zero."""
        wrong = self.final_demand < -ROUND_OFF * self.spending.sum(axis=1, keepdims=True)
        faults = [
            f"final demand of {self.countries[n]!r} for industry {self.industries[k]!r} is "
            f"{self.final_demand[n, k]:.4g}: its industries use more than it buys; pass expenditure_shares with such "
            "cells at 0 and call exacthat.rebalance, or correct input_shares"
            for n, k in np.argwhere(wrong)
        ]
        if faults:
            raise BadInput(faults)

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
        mappings by industry label. Other options go to `Economy`; `tariff` and `export_subsidy` may also name a
        column of rates (0.1 is ten percent; 0 on own trade, and on absent rows).

        Raises `BadInput` with all faults of the table: absent and duplicate rows, unknown labels and labels that look
        alike, values that are not numbers, negative or not finite.

        >>> rows = {"origin": ["A", "A", "B", "B"], "destination": ["A", "B", "A", "B"],
        ...         "industry": ["food"] * 4, "value": [8.0, 2.0, 1.0, 9.0]}
        >>> Economy.from_long(rows, trade_elasticity={"food": 5.0}).flows[0, :, 0]
        array([8., 2.])
        """
        from exacthat.tables import RATES, read_long

        columns = {"origin": origin, "destination": destination, "industry": industry, "value": value}
        columns |= {role: options[role] for role in RATES if isinstance(options.get(role), str)}
        flows, countries, industries, rates, problems = read_long(
            table, columns, missing, countries, industries
        )
        if problems:
            report = checks.Reader()
            report.faults(problems)
            report.attempt(checks.elasticity, trade_elasticity, "trade_elasticity", industries, positive=True)
            report.attempt(
                checks.elasticity, scale_elasticity, "scale_elasticity", industries, positive=False
            )
            report.finish()
        options |= rates
        return cls(
            flows, trade_elasticity, scale_elasticity, countries=countries, industries=industries, **options
        )

    def aggregate(
        self,
        countries=None,
        industries=None,
        *,
        trade_elasticity=None,
        scale_elasticity=None,
        internal_taxes="refuse",
    ) -> Economy:
        """Merge countries and industries; labels that no group names stay as they are.

        Parameters
        ----------
        countries, industries : mappings {new label: [labels of its members]}, optional
            A new label stands where the first of its members stood; a group of one is a new name.
        trade_elasticity, scale_elasticity : mappings {merged industry: value}, optional
            Needed where the members of a merged industry differ.
        internal_taxes : "refuse" or "drop"
            Trade among merged countries becomes domestic, where no tariff or export subsidy can stand. "drop"
            values it at the factory gate: sales, labour income and deficits stay, spending and income fall by
            the taxes.

        Flows, sales and the values of inputs add up exactly. A tariff or export subsidy of the result is the
        members' mean by value at the border, a production subsidy by value at the factory gate (where nothing
        is traded, the plain mean), an input share by cost. Expenditure shares are those the new flows imply;
        shares that contradict the flows add up, countries weighted by final spending. Under restricted entry a
        scale elasticity given for a merged industry is its markup: labour income and profits then share the
        members' revenue anew, inputs keep their value.

        Raises `BadInput` with all faults: unknown labels, a label in two groups, empty groups, a new label that is
        taken, elasticities that differ, taxed internal trade.

        >>> world = Economy(np.ones((3, 3, 2)), 5.0, countries=["FRA", "DEU", "PAK"])
        >>> world.aggregate(countries={"EU": ["DEU", "FRA"]}).flows[:, :, 0]
        array([[4., 2.],
               [2., 1.]])
        """
        from exacthat.aggregation import aggregate

        return aggregate(
            self, countries, industries, trade_elasticity=trade_elasticity, scale_elasticity=scale_elasticity,
            internal_taxes=internal_taxes,
        )  # fmt: skip

    def select(
        self,
        countries=None,
        industries=None,
        *,
        rest="ROW",
        rest_industry="OTHER",
        trade_elasticity=None,
        scale_elasticity=None,
        internal_taxes="refuse",
    ) -> Economy:
        """Keep the listed countries and industries, in the order listed, and merge or drop the others.

        Parameters
        ----------
        countries, industries : sequences of labels, optional
            By default all.
        rest, rest_industry : label or None
            The last country and industry, which merge all others; None drops them: their flows vanish from both
            sides of every account, so sales, income and deficits of the kept countries change. Industries can be
            dropped only where no input-output links tell who uses them.
        trade_elasticity, scale_elasticity, internal_taxes
            As in `aggregate`, whose rules and errors hold for the rest.

        Raises `BadInput` also for a label selected twice and for a rest label that is selected.

        >>> world = Economy(np.ones((3, 3, 2)), 5.0, countries=["FRA", "DEU", "PAK"])
        >>> world.select(["PAK"]).countries, world.select(["PAK", "FRA"], rest=None).countries
        (('PAK', 'ROW'), ('PAK', 'FRA'))
        """
        from exacthat.aggregation import select

        return select(
            self, countries, industries, rest=rest, rest_industry=rest_industry, trade_elasticity=trade_elasticity,
            scale_elasticity=scale_elasticity, internal_taxes=internal_taxes,
        )  # fmt: skip

    def __repr__(self):
        n, _, k = self.flows.shape
        return (
            f"Economy({n} {'country' if n == 1 else 'countries'}, {k} {'industry' if k == 1 else 'industries'}, "
            f"{self.entry} entry, largest mu*epsilon {alpha_text(self.alpha.max())})"
        )

    # Derived from the flows: y and all other shares come from one source only.

    @cached_property
    def alpha(self) -> np.ndarray:
        """mu_k epsilon_k (K,): below one under free entry for a unique equilibrium."""
        return frozen(self.scale_elasticity * self.trade_elasticity)

    @cached_property
    def _totals(self) -> _Totals:
        """All sums over the flows, in one pass that needs little memory."""
        n, _, k = self.flows.shape
        sums = _Totals(
            spending=np.zeros((n, k)), border=np.empty((n, k)), received=np.empty((n, k)), tariffs=np.zeros(n),
            linked=np.empty((n, n), dtype=bool),
        )  # fmt: skip
        for part in checks.blocks(self.flows):
            border = flows = self.flows[part]
            np.add(sums.spending, flows.sum(axis=0), out=sums.spending)
            sums.linked[part] = (flows > 0).any(axis=2)
            if self.tariff is not None:
                border = flows / (1.0 + self.tariff[part])
                np.add(sums.tariffs, (flows - border).sum(axis=(0, 2)), out=sums.tariffs)
            sums.border[part] = border.sum(axis=1)
            sums.received[part] = sums.border[part]
            if self.export_subsidy is not None:
                sums.received[part] = ((1 + self.export_subsidy[part]) * border).sum(axis=1)
        return _Totals(*map(frozen, sums))

    @property
    def spending(self) -> np.ndarray:
        """Spending (N, K) of each destination on each industry."""
        return self._totals.spending

    @cached_property
    def spending_shares(self) -> np.ndarray:
        """Share (N, K) of each industry in a destination's total spending, intermediate goods included."""
        return frozen(self.spending / self.spending.sum(axis=1, keepdims=True))

    @cached_property
    def trade_shares(self) -> np.ndarray:
        """lambda (N, N, K): share of each origin in a destination's spending on an industry; 0 where it spends 0."""
        spending = self.spending
        return frozen(np.divide(self.flows, spending, out=np.zeros_like(self.flows), where=spending > 0))

    @cached_property
    def domestic_shares(self) -> np.ndarray:
        """lambda_nn (N, K)."""
        own = np.einsum("nnk->nk", self.flows)
        return frozen(np.divide(own, self.spending, out=np.zeros_like(own), where=self.spending > 0))

    @cached_property
    def border_flows(self) -> np.ndarray:
        """X / (1+t) (N, N, K): value at the border, what foreign buyers pay to the country of origin."""
        return self.flows if self.tariff is None else frozen(self.flows / (1.0 + self.tariff))

    @cached_property
    def sales(self) -> np.ndarray:
        """R (N, K): producer revenue, subsidies included."""
        return frozen((1.0 + self.production_subsidy) * self._totals.received)

    @cached_property
    def cost_share(self) -> np.ndarray:
        """kappa (K,): cost per unit of revenue, 1 under free and 1/(1+mu) under restricted entry."""
        markup = np.zeros_like(self.scale_elasticity) if self.entry == "free" else self.scale_elasticity
        return frozen(1.0 / (1.0 + markup))

    @cached_property
    def labour_share(self) -> np.ndarray:
        """Labour's share of cost (N, K): one without input-output links."""
        if self.input_shares is None:
            return frozen(np.ones(self.sales.shape))
        return frozen(1.0 - self.input_shares.sum(axis=1))

    @cached_property
    def labour_income(self) -> np.ndarray:
        """Y (N,): wage bill of each country."""
        return frozen((self.labour_share * self.cost_share * self.sales).sum(axis=1))

    @cached_property
    def output_shares(self) -> np.ndarray:
        """y (N, K): share of each industry in a country's employment."""
        return frozen(self.labour_share * self.cost_share * self.sales / self.labour_income[:, None])

    @cached_property
    def final_demand(self) -> np.ndarray:
        """Spending (N, K) less what industries use; rounding below zero is zero."""
        if self.input_shares is None:
            return self.spending
        final = self.spending - np.einsum("igk,ik->ig", self.input_shares, self.cost_share * self.sales)
        tiny = (final < 0) & (final >= -ROUND_OFF * self.spending.sum(axis=1, keepdims=True))
        return frozen(np.where(tiny, 0.0, final))

    @cached_property
    def expenditure(self) -> np.ndarray:
        """E (N,): total final spending."""
        return frozen(self.final_demand.sum(axis=1))

    @cached_property
    def income(self) -> np.ndarray:
        """National income (N,): labour income, profits, tariffs less subsidies."""
        earned = (1.0 - (1.0 - self.labour_share) * self.cost_share) * self.sales
        subsidies = self.sales.sum(axis=1) - self._totals.border.sum(axis=1)
        return frozen(earned.sum(axis=1) - subsidies + self._totals.tariffs)

    @cached_property
    def deficits(self) -> np.ndarray:
        """D (N,): spending less national income; exactly 0 if all of them are rounding of the data."""
        deficits = self.expenditure - self.income
        rounding = bool((np.abs(deficits) <= ROUND_OFF * self.expenditure).all())
        return frozen(np.zeros_like(deficits) if rounding else deficits)

    @cached_property
    def roundabout(self) -> np.ndarray:
        """Spectral radius (N,) of input_shares * (1 + mu), or an upper bound of it that is below one.

        Below one, goods do not make themselves cheaper. Under free entry scale effects of users compound
        through their inputs; at one and above a fall in a price lowers it without bound, and the sign of
        every response turns. Zero without links; mu does not compound under restricted entry.
        """
        if self.input_shares is None:
            return frozen(np.zeros(len(self.countries)))
        scale = self.scale_elasticity if self.entry == "free" else np.zeros_like(self.scale_elasticity)
        rounds = self.input_shares * (1.0 + scale)
        bound = rounds.sum(axis=1).max(axis=1)
        if (bound < 1.0).all():
            return frozen(bound)
        return frozen(np.abs(np.linalg.eigvals(rounds)).max(axis=1))

    @cached_property
    def consistent(self) -> bool:
        """Whether the expenditure shares are those the flows imply (to 1e-8)."""
        implied = self.final_demand / self.expenditure[:, None]
        return bool(np.abs(self.expenditure_shares - implied).max() <= SHARE_SUM)

    @property
    def linked(self) -> np.ndarray:
        """Whether anything flows (N, N) from origin to destination."""
        return self._totals.linked

    @cached_property
    def packed_shares(self) -> np.ndarray:
        """Trade shares [industry, origin, destination] as the compiled kernels store them."""
        from exacthat.kernels.gravity.cy import trade_shares

        return frozen(trade_shares(self.flows, self.spending))

    def country_index(self, names: str | Sequence[str]) -> np.ndarray:
        """Return the positions of one country or several; unknown labels raise `BadInput`."""
        return positions(names, self.countries, "country")

    def industry_index(self, names: str | Sequence[str]) -> np.ndarray:
        """Return the positions of one industry or several; unknown labels raise `BadInput`."""
        return positions(names, self.industries, "industry")


def require_economy(value) -> Economy:
    """Return `value` if it is an economy; anything else is `BadInput`."""
    if not isinstance(value, Economy):
        raise BadInput(f"economy is a {type(value).__name__}; pass an exacthat.Economy")
    return value
