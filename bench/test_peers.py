"""The whole solve against general solvers that are installed: scipy's, and Newton's method compiled by JAX.

Each gets the residual of the hat system with trade weights given, in batched products of numpy or JAX, starts at the
base year, and stops by its own rule for a residual of 1e-10; notes say what it reached. JAX rows need the extra
`peers` and are left out without it. Dense Jacobians are timed at the first size alone.
"""

import functools
import importlib.util

import numpy as np
import pytest
from scipy.optimize import root
from threadpoolctl import threadpool_limits

from bench.test_gravity import problem, size_of, solution
from exacthat.kernels.gravity import cy

SIZES = [(44, 16), (44, 56)]
TOLERANCE = 1e-10
NEAR = 1e-6  # of ln(sales hat): what every method must reach
OPTIONS = {"krylov": {"fatol": TOLERANCE}, "anderson": {"fatol": TOLERANCE, "maxiter": 5000}}
OPTIONS |= {"df-sane": {"fatol": TOLERANCE, "ftol": 0.0}, "hybr": {"xtol": TOLERANCE}}
DENSE = ("scipy hybr", "optimistix Newton")
PEERS = [*(f"scipy {method}" for method in OPTIONS), "jax Newton-GMRES", "optimistix Newton"]


def residual(xp, system, weights, log_sales_hat):
    """Equation (8) of the kernel's reference, without taxes, links and deficits, in numpy or JAX."""
    sales = system.sales * xp.exp(log_sales_hat)
    income = sales.sum(axis=0)
    alpha, epsilon = system.feedback[:, None], system.trade_elasticity[:, None]
    u = xp.exp(alpha * log_sales_hat - (alpha + epsilon) * xp.log(income / system.labour_income))
    q = system.spending_shares * income / xp.matmul(u[:, None, :], weights)[:, 0]
    implied = u * xp.matmul(weights, q[:, :, None])[:, :, 0]
    scale = xp.log(income.sum() / system.labour_income.sum())
    return log_sales_hat - xp.log(implied / system.sales) + scale


def by_scipy(system, method):
    """Return a function that solves, to (ln sales hat, notes)."""
    weights = np.ascontiguousarray(system.weights)
    flat = lambda x: residual(np, system, weights, x.reshape(system.sales.shape)).ravel()  # noqa: E731

    def solve():
        with np.errstate(all="ignore"):
            found = root(flat, np.zeros(system.sales.size), method=method, options=OPTIONS[method])
        return found.x, {"evaluations": found.nfev}

    return solve


def by_jax(system, method):
    """The same, compiled before it is timed."""
    import jax
    import jax.numpy as jnp

    weights = jnp.asarray(system.weights)
    flat = lambda x: residual(jnp, system, weights, x.reshape(system.sales.shape)).ravel()  # noqa: E731
    if method == "Newton-GMRES":
        compiled = jax.jit(functools.partial(newton_gmres, jax, flat))
    else:
        import optimistix

        newton = optimistix.Newton(rtol=TOLERANCE, atol=TOLERANCE)
        compiled = jax.jit(
            lambda x: optimistix.root_find(lambda y, _: flat(y), newton, x, max_steps=100).value
        )
    start = jnp.zeros(system.sales.size)
    compiled(start).block_until_ready()
    return lambda: (np.asarray(compiled(start).block_until_ready()), {})


def newton_gmres(jax, flat, start):
    """Newton's method with products by forward differentiation, steps halved until the residual falls."""
    jnp = jax.numpy
    size = jnp.linalg.norm

    def step(state):
        x, missed, count = state
        product = lambda v: jax.jvp(flat, (x,), (v,))[1]  # noqa: E731
        direction, _ = jax.scipy.sparse.linalg.gmres(product, -missed, tol=1e-3, restart=40, maxiter=5)

        def shorter(trial):
            length = 0.5 * trial[0]
            at = x + length * direction
            return length, at, flat(at)

        worse = lambda trial: ~(size(trial[2]) < size(missed)) & (trial[0] > 1e-6)  # noqa: E731
        _, x, missed = jax.lax.while_loop(worse, shorter, shorter((2.0, x, missed)))
        return x, missed, count + 1

    unsolved = lambda state: (jnp.abs(state[1]).max() > TOLERANCE) & (state[2] < 60)  # noqa: E731
    return jax.lax.while_loop(unsolved, step, (start, flat(start), 0))[0]


@pytest.mark.parametrize("shock", ["moderate", "x3"])
@pytest.mark.parametrize("size", SIZES, ids=size_of)
@pytest.mark.parametrize("method", ["exacthat 1 thread", *PEERS])
def test_against_general_solvers(benchmark, record, size, shock, method):
    if benchmark.disabled and (size != SIZES[0] or method in DENSE):
        pytest.skip("timed only")
    if method in DENSE and size != SIZES[0]:
        pytest.skip("a dense Jacobian of this size takes minutes")
    system = problem(size, shock)[0]
    package, _, how = method.partition(" ")
    if package == "exacthat":
        found = benchmark(cy.solve, system, None, TOLERANCE)
        assert np.abs(found.point.sales - solution(size, shock).point.sales).max() < NEAR
        record(f"peers {shock}", size_of(size), method, residual=f"{found.residual:.1e}")
        return
    if package != "scipy" and not all(map(importlib.util.find_spec, ("jax", "optimistix"))):
        pytest.skip("needs the extra `peers`")
    if package == "scipy":
        solve = by_scipy(system, how)
    else:
        import jax

        jax.config.update("jax_enable_x64", True)
        solve = by_jax(system, how)
    with threadpool_limits(1):
        x, notes = benchmark.pedantic(solve, rounds=1 if method in DENSE else 3)
    sales = x.reshape(system.sales.shape)
    left = np.abs(residual(np, system, np.ascontiguousarray(system.weights), sales)).max()
    record(f"peers {shock}", size_of(size), method, residual=f"{left:.1e}", **notes)
    assert np.abs(sales - solution(size, shock).point.sales).max() < NEAR
