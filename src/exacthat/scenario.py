"""Shock and Policy: what changes between the base year and the counterfactual."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace

import numpy as np

from exacthat import checks
from exacthat.economy import Economy, require_economy
from exacthat.errors import BadInput, BadParameter
from exacthat.kernels.gravity import cy
from exacthat.read_only import ReadOnly

HATS = ("trade_cost", "productivity", "labour", "entry_cost")
RATES = ("tariff", "export_subsidy", "production_subsidy")


@dataclass(frozen=True, eq=False, kw_only=True)
class Shock(ReadOnly):
    """Changes of fundamentals, as hats (new over old; 1 means no change).

    Parameters
    ----------
    trade_cost : scalar, (K,), (N, N, 1) or (N, N, K)
        tauhat. A scalar or (K,) acts on all foreign trade and leaves domestic trade alone; a full array acts
        where it says. ``numpy.inf`` off the diagonal ends the trade (autarky).
    productivity, entry_cost : scalar, (K,), (N, 1) or (N, K)
        phihat and fhat; positive. Entry costs have no effect under restricted entry.
    labour : scalar or (N,)
        Lhat, the endowment; positive.

    Shapes and values are checked against an economy when the shock is used; errors name the cell.

    >>> Shock(trade_cost=1.1).hats(Economy([[[3.0], [1.0]], [[1.0], [3.0]]], 5.0)).trade_cost[:, :, 0]
    array([[1. , 1.1],
           [1.1, 1. ]])
    """

    trade_cost: np.ndarray | None = None
    productivity: np.ndarray | None = None
    labour: np.ndarray | None = None
    entry_cost: np.ndarray | None = None

    def __post_init__(self):
        report = checks.Reader()
        _keep_copies(self, HATS, report)
        report.finish()

    def checked(self, economy: Economy) -> Shock:
        """Return the same shock once its shapes and values fit `economy`; None where nothing changes."""
        n, k = len(economy.countries), len(economy.industries)
        faults: list[str] = []
        idle: dict[str, None] = {}
        for name, shapes in (
            ("trade_cost", ((), (k,), (n, n, 1), (n, n, k))),
            ("productivity", ((), (k,), (n, 1), (n, k))),
            ("labour", ((), (n,))),
            ("entry_cost", ((), (k,), (n, 1), (n, k))),
        ):
            hat = getattr(self, name)
            if hat is None:
                continue
            if hat.shape not in shapes:
                faults.append(f"{name} has shape {hat.shape}; give {_listed(shapes)}")
                continue
            low, high = cy.extent(hat)
            finite = high < np.inf or (
                name == "trade_cost"
                and (hat.ndim < 3 or bool(np.isfinite(hat[np.arange(n), np.arange(n)]).all()))
            )
            if not (low > 0 and finite):
                faults += _hat_faults(name, _spread(hat, name, n, k), economy)
            elif low == high == 1.0:
                idle[name] = None
        if faults:
            raise BadInput(faults)
        return _made(Shock, vars(self) | idle) if idle else self

    def hats(self, economy: Economy) -> Shock:
        """Return the same shock checked and broadcast to full arrays (None where nothing changes)."""
        n, k = len(economy.countries), len(economy.industries)
        given = vars(self.checked(economy)).items()
        return _made(Shock, {name: None if hat is None else _spread(hat, name, n, k) for name, hat in given})


@dataclass(frozen=True, eq=False, kw_only=True)
class Policy(ReadOnly):
    """New levels of policy instruments, as rates (0.1 is ten percent, never a power of 1.1).

    Parameters
    ----------
    tariff, export_subsidy : scalar, (K,), (N, N, 1) or (N, N, K)
        t and x by [origin, destination, industry], zero on the diagonal; tariffs are levied by the destination
        on the value at the border, export subsidies paid by the origin. A scalar or (K,) acts on all foreign trade.
    production_subsidy : scalar, (K,), (N, 1) or (N, K)
        s, paid on sales at home and abroad.

    large_rates : bool
        Confirms rates of 5 and more (500 percent), which are taken for percentages otherwise: `BadParameter`.

    None keeps the base year's own rates. Budgets balance lump sum within each country.

    >>> eco = Economy([[[3.0, 2.0]]], [5.0, 4.0], [0.1, 0.2], countries=["PAK"])
    >>> Policy.corrective(eco).production_subsidy
    array([[0.1, 0.2]])
    """

    tariff: np.ndarray | None = None
    export_subsidy: np.ndarray | None = None
    production_subsidy: np.ndarray | None = None
    large_rates: bool = False

    def __post_init__(self):
        report = checks.Reader()
        large = report.flag("large_rates", self.large_rates)
        _keep_copies(self, RATES, report)
        for name in () if large else RATES:
            if getattr(self, name) is not None:
                report.faults(checks.large_rates(getattr(self, name), name), out_of_range=True)
        report.finish()

    @classmethod
    def corrective(cls, economy: Economy, countries=None) -> Policy:
        """Subsidise production at the rate s = mu in `countries` (all by default); others keep the base year's rates.

        The Pigouvian rate: it restores marginal-cost pricing under restricted entry and pays for the scale
        externality under free entry (Lashkaripour and Lugovskyy 2023). Raises `BadInput` for an unknown
        country. See the class example.
        """
        rates = np.array(require_economy(economy).production_subsidy)
        chosen = slice(None) if countries is None else economy.country_index(countries)
        rates[chosen] = economy.scale_elasticity
        return cls(production_subsidy=rates, large_rates=True)

    @classmethod
    def free_trade(cls, economy: Economy) -> Policy:
        """Set every tariff and export subsidy to the rate zero; production subsidies stay the base year's.

        >>> eco = Economy([[[3.0], [1.0]], [[1.0], [3.0]]], 5.0, tariff=0.1)
        >>> bool(Policy.free_trade(eco).rates(eco).tariff is None)      # no bilateral tariff is left
        True
        """
        kept = np.array(require_economy(economy).production_subsidy)
        return cls(tariff=0.0, export_subsidy=0.0, production_subsidy=kept, large_rates=True)

    @classmethod
    def uniform_tariff(
        cls,
        economy: Economy,
        importer,
        rate: float,
        origins=None,
        industries=None,
        *,
        large_rates: bool = False,
    ) -> Policy:
        """Let `importer` levy the tariff `rate` (0.1 is ten percent) on `origins` and `industries` (all by default).

        `importer` may be one label or several; all other tariffs stay the base year's. Raises `BadInput` for
        unknown labels, `BadParameter` for a rate of 5 and more that `large_rates` does not confirm.

        >>> eco = Economy([[[3.0], [1.0]], [[1.0], [3.0]]], 5.0, countries=["PAK", "IND"])
        >>> Policy.uniform_tariff(eco, "PAK", 0.1).tariff[:, :, 0]
        array([[0. , 0. ],
               [0.1, 0. ]])
        """
        n, _, k = require_economy(economy).flows.shape
        rates = np.zeros((n, n, k)) if economy.tariff is None else np.array(economy.tariff)
        buyers = economy.country_index(importer)
        sellers = np.arange(n) if origins is None else economy.country_index(origins)
        goods = np.arange(k) if industries is None else economy.industry_index(industries)
        if set(sellers) <= set(buyers) and len(set(buyers)) == 1:
            raise BadInput(
                f"origins are {economy.countries[buyers[0]]!r} alone, the importer itself: name foreign ones"
            )
        rate = checks.number(rate, "rate", -1.0, float(np.finfo(float).max))
        if rate >= checks.LARGE_RATE and not large_rates:
            raise BadParameter(f"rate {checks.large_rate(rate)}")
        rates[np.ix_(sellers, buyers, goods)] = rate
        rates[np.arange(n), np.arange(n)] = 0.0
        return cls(tariff=rates, large_rates=True)

    def rates(self, economy: Economy) -> Policy:
        """Return all three instruments checked and broadcast; None for bilateral rates that are zero everywhere."""
        axes = economy.countries, economy.industries
        full = {"large_rates": self.large_rates or economy.large_rates}
        for name in ("tariff", "export_subsidy"):
            given, own = getattr(self, name), getattr(economy, name)
            rates = own if given is None else checks.border_rates(given, *axes, name)
            full[name] = (
                rates if rates is None or rates is own else checks.frozen(rates) if rates.any() else None
            )
        given = self.production_subsidy
        full["production_subsidy"] = (
            economy.production_subsidy
            if given is None
            else checks.frozen(checks.production_rates(given, *axes))
        )
        return _made(Policy, full)


@dataclass(frozen=True, eq=False)
class Scenario(ReadOnly):
    """One row of a batch: what changes between the base year and a counterfactual, under a name.

    Parameters
    ----------
    shock, policy : Shock and Policy, optional
        As for `counterfactual`.
    deficits : "fixed", "zero" or (N,), optional
        By default those of the batch.
    trade_elasticity, scale_elasticity : scalar, (K,) or mapping by industry label, optional
        Elasticities of this row, in the base year and after, in place of the economy's (a draw).
    name : str, optional
        Label of the row; its number by default.

    Raises `BadInput` where shock or policy is something else.

    >>> Scenario(Shock(labour=1.1), name="growth").name
    'growth'
    """

    shock: Shock | None = None
    policy: Policy | None = None
    deficits: str | np.ndarray | None = None
    trade_elasticity: float | np.ndarray | Mapping | None = None
    scale_elasticity: float | np.ndarray | Mapping | None = None
    name: str | None = None

    def __post_init__(self):
        faults = [
            f"{name} of a scenario is a {type(value).__name__}; pass {name}=exacthat.{kind.__name__}(...)"
            for value, kind, name in ((self.shock, Shock, "shock"), (self.policy, Policy, "policy"))
            if value is not None and not isinstance(value, kind)
        ]
        for name in ("deficits", "trade_elasticity", "scale_elasticity"):
            given = getattr(self, name)
            try:
                # what the caller does to an array later is no part of it
                own = dict(given) if isinstance(given, Mapping) else deepcopy(given)
            except TypeError:
                faults.append(
                    f"{name} of a scenario is a {type(given).__name__}; give a number, an array or a mapping"
                )
                continue
            object.__setattr__(self, name, checks.frozen(own) if type(own) is np.ndarray else own)
        if faults:
            raise BadInput(faults)

    def world(self, economy: Economy) -> Economy:
        """Return `economy` with this row's elasticities.

        Where these are markups, inputs cost something else: what the flows leave for final demand is read again.
        """
        own = {
            name: value
            for name in ("trade_elasticity", "scale_elasticity")
            if (value := getattr(self, name)) is not None
        }
        world = replace(economy, **own) if own else economy
        return replace(world, expenditure_shares=None) if economy.consistent > world.consistent else world


def check_changes(shock, policy) -> None:
    """Refuse a shock or policy of another type."""
    for value, kind, name in ((shock, Shock, "shock"), (policy, Policy, "policy")):
        if value is not None and not isinstance(value, kind):
            raise BadInput(f"{name} is a {type(value).__name__}; pass {name}=exacthat.{kind.__name__}(...)")


def _keep_copies(instruments, names, report: checks.Reader) -> None:
    """Turn what a user gave into read-only arrays of our own; None, and a note in `report`, where it cannot be."""
    kept = vars(instruments)
    for name in names:
        if kept[name] is not None:
            read = report.attempt(checks.numbers, kept[name], name)
            kept[name] = None if read is None else checks.frozen(read)


def _made(kind: type, arrays: dict):
    """Make a shock or policy of read-only arrays that need no copy."""
    made = object.__new__(kind)
    vars(made).update(arrays)
    return made


def _listed(shapes) -> str:
    first = "a scalar" if len(shapes) == 2 else "a scalar, " + ", ".join(map(str, shapes[1:-1]))
    return f"{first} or {shapes[-1]}"


def _spread(hat: np.ndarray, name: str, n: int, k: int) -> np.ndarray:
    """Broadcast a hat to full size; a trade cost without countries acts off the diagonal."""
    full = np.broadcast_to(hat, {"trade_cost": (n, n, k), "labour": (n,)}.get(name, (n, k)))
    if name == "trade_cost" and hat.ndim < 3:
        full = np.array(full)
        full[np.arange(n), np.arange(n)] = 1.0
    return checks.frozen(np.ascontiguousarray(full))


def _hat_faults(what: str, hats: np.ndarray, economy: Economy) -> list[str]:
    """Name the cells of full hats that are not positive, or not finite where they must be."""
    countries, industries = economy.countries, economy.industries
    wrong = ~(hats > 0)
    if what == "trade_cost":
        home = np.arange(len(countries))
        wrong[home, home] |= np.isinf(hats[home, home])
    else:
        wrong |= ~np.isfinite(hats)

    def place(at):
        if what == "trade_cost":
            return f"from {countries[at[0]]!r} to {countries[at[1]]!r} in industry {industries[at[2]]!r}"
        of = f"of country {countries[at[0]]!r}"
        return of if what == "labour" else f"{of} in industry {industries[at[1]]!r}"

    return [
        f"{what} {place(at)} is {hats[tuple(at)]:g}; a hat is new over old, above 0"
        + (" and finite" if what != "trade_cost" or at[0] == at[1] else " (numpy.inf ends the trade)")
        for at in np.argwhere(wrong)
    ]


def deficit_levels(given, economy: Economy) -> np.ndarray:
    """Read the `deficits` option: "fixed", "zero" or (N,) levels that sum to zero."""
    if isinstance(given, str):
        if given == "fixed":
            return economy.deficits
        if given == "zero":
            return np.zeros_like(economy.deficits)
        raise BadParameter(f"deficits is {given!r}; it must be 'fixed', 'zero' or one level per country")
    levels = checks.numbers(given, "deficits", economy.countries)
    if levels.shape != economy.deficits.shape:
        raise BadInput(
            f"deficits have shape {levels.shape}; give 'fixed', 'zero' or ({len(economy.countries)},) levels"
        )
    if not np.isfinite(levels).all():
        raise BadInput(f"the deficit of {economy.countries[np.argmin(np.isfinite(levels))]!r} is not finite")
    if abs(levels.sum()) > 1e-9 * economy.labour_income.sum():
        raise BadInput(
            f"deficits sum to {levels.sum():g}; what one country borrows another lends, so they must sum to "
            "zero: subtract the mean, or leave out one country's and set it to minus the others"
        )
    faults = [
        f"{economy.countries[n]!r} is to lend {-levels[n]:.4g} of an income of {economy.income[n]:.4g}: lend less"
        for n in np.flatnonzero(-levels >= economy.income)
    ]
    if faults:
        raise BadInput(faults)
    return levels
