"""The whole solve on embedded data, where large changes of trade costs are harder than in the drawn worlds.

`icio2019` has mu*epsilon up to .94 and cells without output, and some of its sales fall by e^-40; `wiod2008` is
without scale effects. Neither has tariffs, which the tuned loop leaves out.
"""

import functools

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import exacthat as eh
from bench import numpy_loops
from exacthat.assembly import assemble
from exacthat.kernels.gravity import cy

NAMES = ["wiod2008", "icio2019"]
TOLERANCE = 1e-10


@functools.cache
def problem(name, shock):
    economy = eh.datasets.load(name, deficits="zero")
    cost = np.full(economy.flows.shape, 3.0)
    if shock == "moderate":
        cost[:] = np.exp(np.random.default_rng(7).normal(0, 0.3, cost.shape))
    cost[np.arange(len(cost)), np.arange(len(cost))] = 1.0
    return assemble(economy, eh.Shock(trade_cost=cost), None, "fixed").system


@pytest.mark.parametrize("shock", ["moderate", "x3"])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("method", ["tuned numpy", "exacthat 1 thread", "exacthat 2 threads"])
def test_solve_real(benchmark, record, name, shock, method):
    if benchmark.disabled and (method != "exacthat 2 threads" or name != NAMES[0]):
        pytest.skip("timed only")
    system = problem(name, shock)
    exact = cy.solve(system, None, 1e-12).point.sales
    if method == "tuned numpy":
        weights = np.ascontiguousarray(system.weights)
        sales = functools.partial(numpy_loops.tuned_sales, system, weights)
        with threadpool_limits(1):
            wage, share, iterations = numpy_loops.best_damping(system, weights, TOLERANCE)
            run = lambda: numpy_loops.iterate(system, sales, wage, share, TOLERANCE)  # noqa: E731
            found, _, residual = benchmark.pedantic(run, rounds=3)
        notes = {"iterations": iterations, "damping": f"{wage}/{share}"}
    else:
        solution = benchmark(cy.solve, system, None, TOLERANCE, threads=int(method.split()[1]))
        found, residual = solution.point.sales, solution.residual
        notes = {what: getattr(solution, what) for what in ("iterations", "evaluations", "products")}
    assert residual <= TOLERANCE
    assert np.abs(found - exact)[system.sales > 0].max() < 1e-5
    n, k = len(system.deficits), len(system.sales)
    record(f"solve real {shock}", f"{name} {n}x{k}", method, **notes)
