"""Multi-regional input-output tables, and the economies they make."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from exacthat.aggregation import merge_labels
from exacthat.checks import SHARE_SUM, border_rates, frozen
from exacthat.economy import Economy
from exacthat.errors import BadInput, BadParameter, nearest
from exacthat.labels import axis_labels

NEGATIVE = ("raise", "zero")


@dataclass(frozen=True, eq=False, repr=False)
class InputOutputTable:
    """A multi-regional input-output table, in any one currency.

    Z             (N, K, N, K)  intermediate use ``[origin, input, destination, user]``, not negative
    F             (N, K, N, C)  final use ``[origin, industry, destination, category]``; inventories may be negative
    countries, industries, categories    labels of the axes
    value_added   (N, K)        as the table gives it, else output less inputs (then taxes on products are inside)

    Values at basic prices: `economy` takes output as what users buy, row by row.
    Raises `BadInput` with all faults: shapes, labels, values that are not finite, negative intermediate use.
    """

    Z: np.ndarray
    F: np.ndarray
    countries: tuple[str, ...]
    industries: tuple[str, ...]
    categories: tuple[str, ...]
    value_added: np.ndarray | None = None

    def __post_init__(self):
        n, k, c = (len(tuple(axis)) for axis in (self.countries, self.industries, self.categories))
        faults: list[str] = []
        for name, size in (("countries", n), ("industries", k), ("categories", c)):
            object.__setattr__(self, name, axis_labels(getattr(self, name), size, name, "", faults))
        for name, shape in (("Z", (n, k, n, k)), ("F", (n, k, n, c)), ("value_added", (n, k))):
            if name == "value_added" and self.value_added is None:
                continue
            values = np.array(getattr(self, name), dtype=np.float64)
            if values.shape != shape:
                faults.append(f"{name} has shape {values.shape}; it must be {shape}")
                continue
            object.__setattr__(self, name, frozen(values))
            wrong = ~np.isfinite(values) if name != "Z" else ~(np.isfinite(values) & (values >= 0))
            faults += [
                f"{name} of {self._cell(name, at)} is {values[tuple(at)]:g}; it must be finite"
                f"{' and not negative' if name == 'Z' else ''}: correct the cell"
                for at in np.argwhere(wrong)
            ]
        if faults:
            raise BadInput(faults)
        if self.value_added is None:
            object.__setattr__(self, "value_added", frozen(self.output - self.Z.sum(axis=(0, 1))))

    def _cell(self, name: str, at) -> str:
        place = f"{self.countries[at[0]]!r}, {self.industries[at[1]]!r}"
        if name == "value_added":
            return place
        last = self.industries if name == "Z" else self.categories
        return f"{place} used by {self.countries[at[2]]!r}, {last[at[3]]!r}"

    def __repr__(self):
        n, k, c = len(self.countries), len(self.industries), len(self.categories)
        return f"InputOutputTable({n} countries, {k} industries, {c} categories of final use)"

    @property
    def output(self) -> np.ndarray:
        """Gross output (N, K): all uses of what an industry makes."""
        return self.Z.sum(axis=(2, 3)) + self.F.sum(axis=(2, 3))

    def aggregate(self, countries=None, industries=None) -> InputOutputTable:
        """Merge countries and industries ``{new label: [members]}``; all values add up.

        Labels not named stay; a new label stands where its first member stood. Raises `BadInput` for unknown
        labels, a label in two groups, empty groups and labels that are taken.
        """
        by_country, faults = merge_labels(self.countries, countries, "country")
        by_industry, more = merge_labels(self.industries, industries, "industry")
        if faults or more:
            raise BadInput(faults + more)
        rows = lambda values: by_industry.add(by_country.add(values, 0), 1)  # noqa: E731
        return InputOutputTable(
            by_industry.add(by_country.add(rows(self.Z), 2), 3),
            by_country.add(rows(self.F), 2),
            by_country.labels,
            by_industry.labels,
            self.categories,
            rows(self.value_added),
        )

    def economy(
        self,
        trade_elasticity,
        scale_elasticity=0.0,
        *,
        links=True,
        entry="free",
        negative="raise",
        leave_out=(),
        tariff=None,
        large_rates=False,
    ) -> Economy:
        """Make an `Economy`: intermediate and final use together are its flows.

        Parameters
        ----------
        trade_elasticity, scale_elasticity, entry
            As in `Economy`.
        links : bool
            Whether inputs are part of cost. False counts intermediate use as spending of its user's country.
        negative : "raise" or "zero"
            What to do where final use of an origin's good in a destination, added over categories, is negative
            (inventories run down): "zero" sets that sum to zero, and output and value added rise by as much.
        leave_out : labels of categories
            Final use that is not counted, such as changes in inventories.
        tariff : scalar, (K,), (N, N, 1) or (N, N, K), optional
            Import tariffs, as rates, on the values of the table; buyers then pay (1 + tariff) times these, and value
            added is what inputs at these prices leave. `large_rates` confirms rates of 5 and more.

        Input shares are of cost: inputs over output under free entry, times 1 + mu under restricted entry. Labour
        earns what is left, so taxes on products count as labour income.

        Raises `BadInput` with all faults: negative final use, industries that use inputs and sell nothing,
        industries whose inputs exceed their cost (under restricted entry: profits above value added), and those
        of `Economy`.

        >>> table = InputOutputTable([[[[2.0]]]], [[[[3.0]]]], ["PAK"], ["food"], ["households"])
        >>> eco = table.economy(trade_elasticity=4.0)
        >>> eco.flows.item(), eco.input_shares.item(), eco.expenditure.item()
        (5.0, 0.4, 3.0)
        """
        final, faults = self._final_use(negative, leave_out)
        basic, inputs = (self.Z.sum(axis=3) + final).transpose(0, 2, 1), self.Z  # at the border
        paid = basic
        if tariff is not None:
            tariff = border_rates(tariff, self.countries, self.industries, "tariff")
            paid = basic * (1.0 + tariff)
            inputs = inputs * (1.0 + tariff).transpose(0, 2, 1)[..., None]
        inputs = inputs.sum(axis=0).transpose(1, 0, 2)  # [country, input, user]
        if links:
            faults += [
                f"industry {self.industries[k]!r} of {self.countries[n]!r} uses inputs of "
                f"{inputs[n, :, k].sum():g} and sells nothing: merge it with another (aggregate)"
                for n, k in np.argwhere((basic.sum(axis=1) <= 0) & (inputs.sum(axis=1) > 0))
            ]
        if faults:
            raise BadInput(faults)
        without_links = Economy(
            paid, trade_elasticity, scale_elasticity, entry=entry, tariff=tariff, countries=self.countries,
            industries=self.industries, large_rates=large_rates,
        )  # fmt: skip
        if not links:
            return without_links
        cost = without_links.cost_share * without_links.sales
        used = inputs.sum(axis=1)
        faults = [
            f"inputs of industry {self.industries[k]!r} in {self.countries[n]!r} are {used[n, k]:.6g}, above its cost "
            f"of {cost[n, k]:.6g}{_of_sales(entry)}: its labour share would be negative. Merge it with "
            f"another (aggregate){'' if entry == 'free' else ', or lower its scale elasticity'}"
            for n, k in np.argwhere(used > cost * (1.0 + SHARE_SUM))
        ]
        if faults:
            raise BadInput(faults)
        shares = np.divide(inputs, cost[:, None, :], out=np.zeros_like(inputs), where=cost[:, None, :] > 0)
        return replace(without_links, input_shares=shares, expenditure_shares=None)

    def _final_use(self, negative: str, leave_out) -> tuple[np.ndarray, list[str]]:
        """Return final use (N, K, N) over the counted categories, and what is wrong with it."""
        if negative not in NEGATIVE:
            raise BadParameter(
                f"negative is {negative!r}; it must be one of {NEGATIVE}{nearest(negative, NEGATIVE)}"
            )
        leave_out = [leave_out] if isinstance(leave_out, str) else [str(name) for name in leave_out]
        faults = [
            f"leave_out names an unknown category {name!r}{nearest(name, self.categories)}"
            for name in leave_out
            if name not in self.categories
        ]
        counted = [c for c, name in enumerate(self.categories) if name not in leave_out]
        final = self.F[..., counted].sum(axis=3)
        if negative == "raise":
            faults += [
                f"final use of {self.countries[i]!r}, {self.industries[k]!r} by {self.countries[n]!r} is "
                f"{final[i, k, n]:g} over all categories: pass negative='zero' to set such sums to zero, or leave_out "
                "the changes in inventories"
                for i, k, n in np.argwhere(final < 0)
            ]
        return np.maximum(final, 0.0), faults


def _of_sales(entry: str) -> str:
    return "" if entry == "free" else ", which is its sales over 1 + mu (profits exceed value added)"
