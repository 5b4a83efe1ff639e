"""Certificate: how well a result meets the equilibrium conditions, all in relative terms."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import cached_property

import numpy as np

from exacthat.checks import frozen
from exacthat.conditions import CERTIFIED, alpha_text
from exacthat.error_bound import Evidence, error_bound
from exacthat.kernels.gravity.system import Solution
from exacthat.multiplicity import Uniqueness, uniqueness


@dataclass(frozen=True)
class Certificate:
    """What was checked about one equilibrium.

    outcome      "certified", or "not converged" (residual or Walras slack above tolerance, or trade unbalanced)
    residual     largest |ln(revenue) - ln(revenue that demand implies)| over countries and industries; with
                 input-output links also of prices, with bilateral taxes also of spending
    tolerance    what the residual had to meet
    walras       world revenue that demand implies over world revenue, less one: the equation the solver drops
    balance      largest |imports - exports - deficit| of a country over its imports and exports, or of a group of
                 countries over its trade with all others where that is little; must be below 1e-7
    adding_up    largest |sum over industries of employment shares - 1|
    last_step    largest change of ln(revenue) in the last Newton step
    method       how the solution was reached
    completed    percent of the shock at which this result stands
    iterations, evaluations, products    Newton steps, evaluations of the system, Jacobian-vector products
    passes64, passes16    times the solve went through the trade weights in float64 and through a bfloat16 copy of them
    alpha_max    largest mu*epsilon that acts (0 under restricted entry)
    worst        country and industry (or "spending") of the cell with the largest residual
    instruction_set, threads    of the compiled kernel
    evidence     the scenario and the solution, from which what follows is computed; None for a path

    Computed on first use, since they cost more than the solve:

    error_bound    (N,), largest |reported - true| ln What; `error_bound_method` names what stands behind it. An error
                   can be a hundred residuals and more where scale effects are strong
    unique         "proved", "not found otherwise" or "multiple"; `unique_method` says by what
    """

    outcome: str
    residual: float
    tolerance: float
    walras: float
    balance: float
    adding_up: float
    last_step: float
    method: str
    completed: float
    iterations: int
    evaluations: int
    products: int
    passes64: int
    passes16: int
    alpha_max: float
    worst: tuple[str, str]
    instruction_set: str
    threads: int
    evidence: Evidence | None = field(default=None, repr=False, compare=False)

    @property
    def ok(self) -> bool:
        """Whether the result is certified."""
        return self.outcome == CERTIFIED

    @property
    def error_bound(self) -> np.ndarray | None:
        """Bound (N,) on |reported - true| ln What; None for a certificate of many equilibria (a path).

        "Newton-Kantorovich bound" is a proof, up to 2,000 unknowns, that a true equilibrium is that near and the
        only one around; "residual and condition estimate" is none. `exacthat.error_bound` says what is assumed.

        >>> import exacthat as eh
        >>> world = eh.Economy([[[8.0], [2.0]], [[2.0], [8.0]]], 4.0, 0.1)
        >>> held = eh.counterfactual(world, eh.Shock(trade_cost=1.2)).certificate
        >>> held.error_bound_method, bool((held.error_bound < 1e-9).all())
        ('Newton-Kantorovich bound', True)
        """
        bound, _ = self._bound
        return None if bound is None else frozen(bound)

    @property
    def error_bound_method(self) -> str:
        """Name of what stands behind `error_bound`."""
        return self._bound[1]

    @property
    def unique(self) -> str | None:
        """Whether this is the only equilibrium: "proved", "not found otherwise" or "multiple" (None for a path).

        "proved" where a theorem covers the system (docs/uniqueness.md); else 20 solves from random points (100 with
        mu*epsilon of one and above) either find another certified equilibrium ("multiple") or do not, which
        proves nothing.
        """
        return None if self._uniqueness is None else self._uniqueness.verdict

    @property
    def unique_method(self) -> str:
        """What `unique` rests on, in words."""
        return "not computed" if self._uniqueness is None else self._uniqueness.method

    @property
    def other_solutions(self) -> tuple[Solution, ...]:
        """Other solutions of the hat system that the search behind `unique` found."""
        return () if self._uniqueness is None else self._uniqueness.others

    @cached_property
    def _bound(self) -> tuple[np.ndarray | None, str]:
        if self.evidence is None:
            return None, "not computed"
        return error_bound(self.evidence.reported())

    @cached_property
    def _uniqueness(self) -> Uniqueness | None:
        if self.evidence is None:
            return None
        return uniqueness(self.evidence.reported(), self.tolerance)

    def to_dict(self) -> dict:
        """Return what the solve itself told as a plain dictionary (for JSON)."""
        names = (field.name for field in fields(self) if field.name != "evidence")
        return {name: getattr(self, name) for name in names}

    def __str__(self):
        return (
            f"{self.outcome}: residual {self.residual:.1e} (tolerance {self.tolerance:.0e}), "
            f"Walras slack {self.walras:.1e}, trade balance {self.balance:.1e}, adding-up {self.adding_up:.1e}, "
            f"{self.method}, {self.iterations} Newton steps, largest mu*epsilon {alpha_text(self.alpha_max)}"
            + (" (one of possibly several equilibria)" if self.alpha_max >= 1.0 else "")
        )
