"""Tariffs and input-output links: the whole solve against a tuned numpy loop with the best damping found.

pytest bench --benchmark-enable -k taxes_links
"""

import functools

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from bench import numpy_loops
from exacthat.kernels.gravity import cy, examples

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
