"""What lies behind scale effects under free entry: the mass of firms and total factor productivity in levels."""

from __future__ import annotations

import numpy as np

from exacthat.checks import numbers
from exacthat.errors import BadInput, BadParameter


def firm_mass(employment, entry_cost, scale_elasticity) -> np.ndarray:
    """Return the mass of firms under free entry, M_ik = L_ik / (gamma_k f_ik) [L].

    Parameters
    ----------
    employment : (N, K)
        L_ik >= 0, in units of labour: output shares times the labour of the country.
    entry_cost : scalar, (K,), (N, 1) or (N, K)
        f_ik > 0, in units of labour.
    scale_elasticity : scalar or (K,)
        mu_k = 1/(gamma_k - 1) >= 0; firms' varieties are perfect substitutes at mu = 0, where gamma is
        infinite and there are no firms to count: 0.

    Returns (N, K). Raises `BadInput` for shapes and employment, `BadParameter` for values out of range.

    >>> firm_mass([[6.0, 1.0]], 2.0, [0.5, 0.0])
    array([[1., 0.]])
    """
    employment, fixed, mu, _ = _checked(employment, entry_cost, scale_elasticity)
    return mu / (1.0 + mu) * employment / fixed


def productivity_levels(employment, productivity, entry_cost, scale_elasticity) -> np.ndarray:
    """Return output per unit of labour, TFP_ik = (1 - 1/gamma_k) phi_ik (gamma_k f_ik)^-mu_k L_ik^mu_k [L].

    Arguments as for `firm_mass`, with `productivity` phi_ik > 0 in any of the shapes of `entry_cost`. The
    elasticity in employment is mu; at mu = 0 it is phi. It is also the wage over the price at the factory gate.
    Raises as `firm_mass`.

    >>> productivity_levels([[6.0, 1.0]], 1.0, 2.0, [1.0, 0.0])  # gamma = 2 in the first: 1/2 * 6/4
    array([[0.75, 1.  ]])
    """
    employment, fixed, mu, phi = _checked(employment, entry_cost, scale_elasticity, productivity)
    return phi / (1.0 + mu) * (mu / (1.0 + mu) * employment / fixed) ** mu


def _checked(employment, entry_cost, scale_elasticity, productivity=1.0):
    size, mu = numbers(employment, "employment"), numbers(scale_elasticity, "scale_elasticity")
    if size.ndim != 2:
        raise BadInput(f"employment has shape {size.shape}; it must be (N, K)")
    n, k = size.shape
    shapes = {(), (k,), (n, 1), (n, k)}
    others = {
        name: numbers(given, name)
        for name, given in (("entry_cost", entry_cost), ("productivity", productivity))
    }
    faults = [
        f"{name} has shape {values.shape}; give a scalar, ({k},), ({n}, 1) or ({n}, {k})"
        for name, values in others.items()
        if values.shape not in shapes
    ]
    if mu.shape not in {(), (k,)}:
        faults.append(f"scale_elasticity has shape {mu.shape}; give a scalar or ({k},)")
    faults += [
        f"employment{at.tolist()} is {size[tuple(at)]:g}; it must be finite and at least 0"
        for at in np.argwhere(~(np.isfinite(size) & (size >= 0)))
    ]
    if faults:
        raise BadInput(faults)
    wrong = [
        f"{name} must be finite and above 0 everywhere"
        for name, values in others.items()
        if not (np.isfinite(values) & (values > 0)).all()
    ]
    if not (np.isfinite(mu) & (mu >= 0)).all():
        wrong.append("scale_elasticity must be finite and at least 0 in every industry")
    if wrong:
        raise BadParameter(wrong)
    return size, others["entry_cost"], mu, others["productivity"]
