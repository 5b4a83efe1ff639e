"""Trade and scale elasticities of the models that one pair per industry nests.

Armington, Eaton-Kortum, Krugman and Melitz-Pareto differ in what firms do and agree in what trade
shares do: shares move with prices to the power -epsilon (the trade elasticity) and an industry's
productivity moves with its employment to the power mu (the scale elasticity). Each function takes the
parameters of one model and returns (epsilon, mu).

Uniqueness under free entry needs alpha = mu epsilon < 1. In exact arithmetic alpha = 1 when the
substitution between firms equals that between countries (gamma = sigma); the rounded product of the
two floats may then fall short of 1 by one unit in the last place, so test gamma > sigma and not the product.
"""

from __future__ import annotations

import numpy as np

from exacthat.errors import BadParameter

__all__ = ["armington", "eaton_kortum", "krugman", "melitz_pareto"]

_ABOVE_ONE = "must be finite and exceed 1: pass the elasticity of substitution, not the trade elasticity"


def armington(sigma):
    """Return the elasticities when every country sells its own variety.

    epsilon = sigma - 1, mu = 0, where sigma (scalar or array) is the elasticity of substitution between
    countries, above 1 and finite: at sigma = 1 trade shares do not respond to prices.

    Raises `BadParameter` that names every entry out of range.

    >>> armington(5.0)
    (4.0, 0.0)
    >>> trade, scale = armington([2.5, 7.0])
    >>> print(trade, scale)
    [1.5 6. ] [0. 0.]
    """
    sigma = _read(sigma=sigma)[0]
    _refuse(_faults("sigma", sigma, _finite_above(sigma, 1.0), _ABOVE_ONE))
    return _pair(sigma - 1.0, np.zeros_like(sigma))


def eaton_kortum(theta, scale=0.0):
    """Return the elasticities with Frechet productivities and, if `scale` > 0, Marshallian externalities.

    epsilon = theta, the Frechet shape; mu = `scale`, the elasticity of an industry's productivity with
    respect to its employment (0 in Eaton and Kortum's own model). Both are scalars or arrays that
    broadcast; theta > 0 and finite, scale >= 0 and finite. The integral behind the price index converges
    if theta exceeds the elasticity of substitution between goods less one, which moves no share and is
    no argument here. alpha = scale theta may reach or exceed 1: nothing in this model bounds it.

    Raises `BadParameter` that names every entry out of range.

    >>> eaton_kortum(4.0)
    (4.0, 0.0)
    >>> eaton_kortum(4.0, scale=0.15)
    (4.0, 0.15)
    """
    theta, scale = _read(theta=theta, scale=scale)
    shape_rule = "must be finite and exceed 0: pass the Frechet shape"
    scale_rule = "must be finite and at least 0: pass 0 for constant returns"
    _refuse(
        _faults("theta", theta, _finite_above(theta, 0.0), shape_rule)
        + _faults("scale", scale, (scale >= 0.0) & (scale < np.inf), scale_rule)
    )
    return _pair(theta, scale)


def krugman(sigma, gamma):
    """Return the elasticities of Krugman's model with firms nested in countries.

    epsilon = sigma - 1 and mu = 1/(gamma - 1): sigma is the elasticity of substitution between
    countries, gamma that between the firms of one country, scalars or arrays that broadcast.
    1 < sigma <= gamma, sigma finite; gamma = inf removes the gain from variety and is Armington.
    alpha = (sigma - 1)/(gamma - 1) is at most 1, and 1 exactly for the plain CES of Krugman (1980),
    gamma = sigma, where equilibria in corners appear.

    Raises `BadParameter` that names every entry out of range.

    >>> krugman(sigma=4.0, gamma=6.0)
    (3.0, 0.2)
    >>> krugman(5.0, float("inf")) == armington(5.0)
    True
    """
    sigma, gamma = _read(sigma=sigma, gamma=gamma)
    _refuse(_nest_faults(sigma, gamma))
    return _pair(sigma - 1.0, 1.0 / (gamma - 1.0))


def melitz_pareto(sigma, gamma, theta):
    """Return the elasticities of Melitz's model with Pareto productivities, firms nested in countries.

    1/epsilon = 1/theta + 1/(sigma - 1) - 1/(gamma - 1) and mu = 1/theta: sigma is the elasticity of
    substitution between countries, gamma that between firms, theta the Pareto shape; scalars or arrays
    that broadcast. 1 < sigma <= gamma < inf keeps epsilon positive and at most theta, and
    theta > gamma - 1, finite, keeps the average of productivity to the power gamma - 1 finite.
    alpha = epsilon/theta < 1 if and only if gamma > sigma; at gamma = sigma, epsilon = theta and
    alpha = 1. As theta falls to gamma - 1 the pair tends to that of `krugman`.

    Raises `BadParameter` that names every entry out of range.

    >>> melitz_pareto(sigma=3.0, gamma=5.0, theta=8.0)
    (2.6666666666666665, 0.125)
    >>> melitz_pareto(sigma=5.0, gamma=5.0, theta=8.0)
    (8.0, 0.125)
    >>> melitz_pareto(sigma=3.0, gamma=5.0, theta=[8.0, 3.5])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    exacthat.errors.BadParameter: theta[1] = 3.5; must be finite and exceed gamma - 1 = 4, else ...
    """
    sigma, gamma, theta = _read(sigma=sigma, gamma=gamma, theta=theta)
    gamma_rule = "must be finite, since theta must exceed gamma - 1: lower gamma"
    finite_average = _finite_above(theta, gamma - 1.0)
    _refuse(
        _nest_faults(sigma, gamma)
        + _faults("gamma", gamma, ~np.isposinf(gamma), gamma_rule)
        + [
            f"{_cell('theta', index)} = {theta[index]:g}; must be finite and exceed gamma - 1 = "
            f"{gamma[index] - 1.0:g}, else average sales of a firm are infinite: raise theta or lower gamma"
            for index in _indices(~finite_average & _finite_above(gamma, 1.0))
        ]
    )
    wedge = 1.0 / (sigma - 1.0) - 1.0 / (gamma - 1.0)
    return _pair(theta / (1.0 + theta * wedge), 1.0 / theta)


def _read(**parameters) -> list[np.ndarray]:
    """Return the parameters as float64 arrays of one shape, or refuse those that are no numbers."""
    read, faults = [], []
    for name, value in parameters.items():
        try:
            array = np.asarray(value)
        except ValueError:  # rows of unequal length
            array = np.asarray("")
        if array.dtype.kind not in "iuf":
            faults.append(f"{name} = {value!r} is not a real number or an array of them: pass floats")
        read.append(array)
    _refuse(faults)
    try:
        return np.broadcast_arrays(*(array.astype(np.float64) for array in read))
    except ValueError:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in zip(parameters, read))
        raise BadParameter(f"shapes {shapes} do not broadcast: pass scalars or arrays of one shape") from None


def _nest_faults(sigma, gamma):
    """List the faults of substitution between countries (sigma) nested over that between firms (gamma)."""
    good_sigma = _finite_above(sigma, 1.0)
    return [
        *_faults("sigma", sigma, good_sigma, _ABOVE_ONE),
        *(
            f"{_cell('gamma', index)} = {gamma[index]:g}; must be at least sigma = {sigma[index]:g}, since "
            "firms of one country are closer substitutes than countries are: raise gamma or lower sigma"
            for index in _indices(good_sigma & ~(gamma >= sigma))
        ),
    ]


def _finite_above(array, bound):
    return (array > bound) & (array < np.inf)


def _indices(bad):
    return [tuple(index) for index in np.argwhere(bad)]


def _cell(name, index):
    return f"{name}[{', '.join(str(position) for position in index)}]" if index else name


def _faults(name, array, good, rule):
    return [f"{_cell(name, index)} = {array[index]:g}; {rule}" for index in _indices(~good)]


def _refuse(problems):
    if problems:
        raise BadParameter(problems)


def _pair(trade, scale):
    """Return floats for scalar parameters, fresh arrays else."""
    if trade.ndim == 0:
        return float(trade), float(scale)
    return np.array(trade), np.array(scale)
