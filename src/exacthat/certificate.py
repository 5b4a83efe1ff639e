"""Certificate: how well a result meets the equilibrium conditions, all in relative terms."""

from __future__ import annotations

from dataclasses import asdict, dataclass

CERTIFIED = "certified"
NOT_CONVERGED = "not converged"


@dataclass(frozen=True)
class Certificate:
    """What was checked about one equilibrium.

    outcome      "certified", or "not converged" (residual or Walras slack above tolerance, or trade unbalanced)
    residual     largest |ln(revenue) - ln(revenue that demand implies)| over countries and industries; with
                 input-output links also of prices, with bilateral taxes also of spending
    tolerance    what the residual had to meet
    walras       world revenue that demand implies over world revenue, less one: the equation the solver drops
    balance      largest |imports - exports - deficit| of a country over its imports and exports; must be below 1e-6
    adding_up    largest |sum over industries of employment shares - 1|
    last_step    largest change of ln(revenue) in the last Newton step
    method       how the solution was reached
    completed    percent of the shock at which this result stands
    iterations, evaluations, products    Newton steps, evaluations of the system, Jacobian-vector products
    passes64, passes32    times the solve went through the trade weights in float64 and through a float32 copy of them
    alpha_max    largest mu*epsilon that acts (0 under restricted entry)
    worst        country and industry (or "spending") of the cell with the largest residual
    instruction_set, threads    of the compiled kernel
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
    passes32: int
    alpha_max: float
    worst: tuple[str, str]
    instruction_set: str
    threads: int

    @property
    def ok(self) -> bool:
        """Whether the result is certified."""
        return self.outcome == CERTIFIED

    def to_dict(self) -> dict:
        """Return all fields as a plain dictionary (for JSON)."""
        return asdict(self)

    def __str__(self):
        return (
            f"{self.outcome}: residual {self.residual:.1e} (tolerance {self.tolerance:.0e}), "
            f"Walras slack {self.walras:.1e}, trade balance {self.balance:.1e}, adding-up {self.adding_up:.1e}, "
            f"{self.method}, {self.iterations} Newton steps, largest mu*epsilon {self.alpha_max:.3g}"
        )
