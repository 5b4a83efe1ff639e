"""Tariffs and input-output links: the whole solve against a tuned numpy loop with the best damping found.

At 44x16 also against scipy's general solver (MINPACK's hybrid method) on the same residual in numpy, the way
of scripts that call fsolve: started at the base year, it must end at the same equilibrium.

pytest bench --benchmark-enable -k taxes_links
"""

import functools

import numpy as np
import pytest
from scipy.optimize import root
from threadpoolctl import threadpool_limits

from bench import numpy_loops
from exacthat.kernels.gravity import cy, examples, ref
from exacthat.kernels.gravity.system import Point

SIZES = [(44, 16), (81, 28), (31, 40), (41, 35)]
TOLERANCE = 1e-10
size_of = lambda size: f"{size[0]}x{size[1]}"  # noqa: E731


@functools.cache
def problem(size, kind):
    return examples.system(np.random.default_rng(11), *size, size=0.2, kind=kind)


@functools.cache
def damping(size, kind):
    system = problem(size, kind)
    weights, border = plain_weights(system)
    with threadpool_limits(1):
        return numpy_loops.best_damping_general(system, weights, border, TOLERANCE)


def plain_weights(system):
    weights = np.ascontiguousarray(system.weights)
    return weights, weights if system.border is None else np.ascontiguousarray(system.border)


@pytest.mark.parametrize("kind", ["tariffs", "links"])
@pytest.mark.parametrize("size", SIZES, ids=size_of)
@pytest.mark.parametrize("method", ["tuned numpy", "exacthat 1 thread", "exacthat 2 threads"])
def test_solve(benchmark, record, size, kind, method):
    system = problem(size, kind)
    exact = cy.solve(system, None, 1e-12)
    assert exact.converged
    if method.startswith("exacthat"):
        found = benchmark(cy.solve, system, None, TOLERANCE, 60, int(method.split()[1]))
        assert found.converged
        sales, notes = found.point.sales, {"iterations": found.iterations, "products": found.products}
    elif benchmark.disabled:
        pytest.skip("the numpy loop is timed only")
    else:
        wage, share, count = damping(size, kind)
        weights, border = plain_weights(system)
        with threadpool_limits(1):
            arguments = (system, weights, border, wage, share, TOLERANCE)
            sales, _, residual = benchmark.pedantic(numpy_loops.iterate_general, arguments, rounds=3)
        assert residual <= TOLERANCE
        notes = {"iterations": count, "damping": f"{wage}/{share}"}
    record(f"solve {kind}", size_of(size), method, **notes)
    np.testing.assert_allclose(sales, exact.point.sales, atol=1e-6)


@pytest.mark.parametrize("kind", ["tariffs", "links"])
@pytest.mark.parametrize("method", ["scipy fsolve", "exacthat 1 thread"])
def test_against_a_general_solver(benchmark, record, kind, method):
    if benchmark.disabled:
        pytest.skip("a general solver takes seconds: it is timed only")
    size = (44, 16)
    system = problem(size, kind)
    exact = cy.solve(system, None, 1e-12)
    cells = system.sales.size
    linked = system.input_shares is not None

    def point(x):
        prices = x[cells : 2 * cells].reshape(system.sales.shape) if linked else None
        spending = x[-size[0] :] if system.border is not None else None
        return Point(x[:cells].reshape(system.sales.shape), prices, spending)

    def residual(x):
        return np.concatenate(
            [part.ravel() for part in ref.evaluate(system, point(x)).residual if part is not None]
        )

    start = np.concatenate([part.ravel() for part in system.origin() if part is not None])
    if method.startswith("scipy"):
        with threadpool_limits(1):
            found = benchmark.pedantic(
                root, (residual, start), {"method": "hybr", "tol": TOLERANCE}, rounds=1
            )
        sales, notes = point(found.x).sales, {"evaluations": found.nfev}
    else:
        found = benchmark(cy.solve, system, None, TOLERANCE)
        sales, notes = found.point.sales, {"products": found.products}
    record(f"general solver {kind}", size_of(size), method, **notes)
    np.testing.assert_allclose(sales, exact.point.sales, atol=1e-6)
