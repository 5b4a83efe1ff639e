"""From a scenario to a row of the compiled batch: what it changes in the common base year."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from exacthat import checks
from exacthat.assembly import base_system, price_shift, trade_groups
from exacthat.economy import Economy
from exacthat.errors import BadInput
from exacthat.kernels.gravity.system import Change, System
from exacthat.scenario import Policy, Scenario, Shock, deficit_levels


class Row(NamedTuple):
    """A scenario as the compiled loop reads it, and what its results are measured with."""

    change: Change
    taxed: bool  # whether bilateral taxes stand before or after
    labour: np.ndarray  # (N,), hat
    deficits: np.ndarray  # (N,)
    trade_elasticity: np.ndarray  # (K,)


class Base:
    """The base year that the rows of one batch share."""

    def __init__(self, economy: Economy, deficits):
        self.economy = economy
        self._taxes = (economy.tariff, economy.export_subsidy)
        self._still = np.ones(len(economy.countries))
        try:
            system = base_system(economy)
            levels = self._groups(deficit_levels(deficits, economy))
            self.system: System | None = system._replace(deficits=levels)
        except BadInput:  # true of every row: each says so itself
            self.system = None

    def taxed_system(self) -> System:
        """Return the base year with weights at the border, also where it has no bilateral taxes."""
        system = self.system
        return system if system.border is not None else system._replace(border=system.weights)

    def read(self, scenario: Scenario) -> Row | None:
        """Return the row of a scenario; None for one that needs `counterfactual`.

        These are scenarios in which nothing changes (their result is exactly one), those that change more than
        prices (markups under restricted entry, feedback through inputs) and those that are refused. Trade costs
        are not checked here: the compiled loop leaves out what is not a number in range.
        """
        if self.system is None:
            return None
        try:
            return self._row(scenario)
        except BadInput:
            return None

    def _row(self, scenario: Scenario) -> Row | None:
        economy = self.economy
        shock, policy = scenario.shock or Shock(), scenario.policy or Policy()
        elasticities = self._elasticities(scenario)
        bilateral = self._bilateral(shock, policy)
        if elasticities is None or bilateral is None:
            return None
        epsilon, feedback, scale = elasticities
        moved = any(hat is not None for hat in (shock.productivity, shock.labour, shock.entry_cost))
        hats = replace(shock, trade_cost=None).hats(economy) if moved else Shock()
        markup = shift = None
        rates = economy.production_subsidy
        if policy.production_subsidy is not None:
            rates = checks.production_rates(policy.production_subsidy, economy.countries, economy.industries)
            markup = np.ascontiguousarray((1.0 + rates).T)
        if any(hat is not None for hat in vars(hats).values()) or markup is not None:
            subsidies = (1.0 + rates) / (1.0 + economy.production_subsidy)
            shift = price_shift(economy, hats, subsidies, epsilon, scale)
        deficits = None
        if scenario.deficits is not None:
            deficits = self._groups(deficit_levels(scenario.deficits, economy))
        levels = self.system.deficits if deficits is None else deficits
        still = all(values is None for values in bilateral) and (shift is None or not shift.any())
        if still and (levels == economy.deficits).all():
            return None
        taxed = any(tax is not None for tax in (*self._taxes, *bilateral[1:]))
        change = Change(*bilateral, shift, markup, deficits, epsilon, feedback)
        return Row(change, taxed, self._still if hats.labour is None else hats.labour, levels, epsilon)

    def _elasticities(self, scenario: Scenario):
        """Trade elasticity, feedback and scale elasticity (K,) of a row; None where they change more than prices."""
        economy, system = self.economy, self.system
        free = economy.entry == "free"
        scale = economy.scale_elasticity if free else np.zeros_like(economy.scale_elasticity)
        if scenario.trade_elasticity is None and scenario.scale_elasticity is None:
            return system.trade_elasticity, system.feedback, scale
        epsilon = economy.trade_elasticity
        if scenario.trade_elasticity is not None:
            epsilon = checks.elasticity(
                scenario.trade_elasticity, "trade_elasticity", economy.industries, positive=True
            )
        if scenario.scale_elasticity is not None:
            if not free or economy.input_shares is not None:
                return None
            scale = checks.elasticity(
                scenario.scale_elasticity, "scale_elasticity", economy.industries, positive=False
            )
        feedback = scale * epsilon
        return (epsilon, feedback, scale) if (feedback < 1.0).all() else None

    def _bilateral(self, shock: Shock, policy: Policy):
        """Trade cost hats, new tariffs and new export subsidies, (N, N, K) or None; None for taxes at home."""
        rates = []
        for name, own in zip(("tariff", "export_subsidy"), self._taxes):
            given = getattr(policy, name)
            if given is not None:
                given = self._route(given, name, 0.0)
                if not given.any():
                    given = None if own is None else np.zeros_like(own)
                elif given[self._home].any():
                    return None
            rates.append(given)
        cost = None if shock.trade_cost is None else self._route(shock.trade_cost, "trade_cost", 1.0)
        if cost is not None or any(rate is not None for rate in rates):
            rates = [own if rate is None else rate for own, rate in zip(self._taxes, rates)]
        return cost, *rates

    @property
    def _home(self):
        return (np.arange(len(self.economy.countries)),) * 2

    def _route(self, given: np.ndarray, name: str, home: float) -> np.ndarray:
        """Broadcast to (N, N, K); a full array is taken as it is."""
        economy = self.economy
        if given.shape == economy.flows.shape:
            return given
        return checks.by_route(given, economy.countries, economy.industries, name, home)

    def _groups(self, levels):
        """Return deficits that the groups of countries can finance; refuse others."""
        economy = self.economy
        trade_groups(economy.countries, economy.labour_income, economy.linked, levels)
        return levels
