"""The conditions of a certified equilibrium beside its residuals, for one or for many: leading axes are scenarios."""

from __future__ import annotations

import numpy as np

CERTIFIED = "certified"
NOT_CONVERGED = "not converged"
BALANCE = 1e-7  # of trade: the largest imbalance of a certified country, or group of countries


def alpha_text(alpha: float) -> str:
    """mu*epsilon in three digits, or in as many as tell it from one."""
    exact = (digits for digits in range(3, 18) if alpha == 1.0 or float(f"{alpha:.{digits}g}") != 1.0)
    return f"{alpha:.{next(exact)}g}"


def trade_imbalance(exports, imports, deficits) -> np.ndarray:
    """|imports - exports - deficit| over trade (..., N): what relative wages hang on when trade is small.

    Zero for a country that trades with no one.
    """
    trade = imports + exports
    gap = np.abs(imports - exports - deficits)
    return np.divide(gap, trade, out=np.zeros_like(trade), where=trade > 0)


def conditions_met(residual, walras, balance, tolerance) -> np.ndarray:
    """Tell whether the residuals are those of an equilibrium that may be called certified."""
    return (residual <= tolerance) & (walras <= tolerance) & (balance <= BALANCE)
