"""Gravity kernel: one evaluation, one Jacobian-vector product and the whole solve, against numpy.

    pytest bench --benchmark-enable

The limit of an evaluation is one read of the trade weights: its share of the read bandwidth of the memory
level that holds them is measured in the same process, with the faster of a BLAS dot product and numpy's
maximum over as many bytes. Every tile is read a second time, from the first cache: the share of both reads is
100 percent where one comes after the other at full speed, and more where they overlap. The limit of a solve is
its passes at that bandwidth: those through the copy in bfloat16, a quarter as large, may run faster where a
nearer cache holds it.
"""

import functools
import time

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from bench import numpy_loops
from exacthat.kernels.gravity import cy, examples
from exacthat.kernels.gravity.system import pack

SIZES = [(44, 16), (44, 56), (81, 28), (160, 65)]
LARGE = (265, 170)  # solves alone; the damping of the size before it
SCALED = {(160, 65): ["plain numpy"], LARGE: ["plain numpy", "tuned numpy"]}  # timed over a few iterations
FEW = 10
STREAMED = [(265, 170), (1500, 20)]  # beyond the last cache: evaluations and products alone
SHOCKS = {"moderate": "random", "x3": 3.0}
TOLERANCE = 1e-10
REPEATS = 20
size_of = lambda size: f"{size[0]}x{size[1]}"  # noqa: E731


@functools.cache
def problem(size, shock):
    """A world without deficits and its plain arrays: the loops hold a point that solves the same system."""
    rng = np.random.default_rng(7)
    countries, industries = size
    x = examples.flows(rng, countries, industries, zeros=0.1)
    for _ in range(400):  # make sales equal spending, so that the base year is an equilibrium
        growth = np.sqrt(x.sum(axis=(0, 2)) / x.sum(axis=(1, 2)))
        x *= growth[:, None, None]
        if np.abs(growth - 1).max() < 1e-15:
            break
    cost = np.full(x.shape, 1.0)
    cost[:] = np.exp(rng.normal(0, 0.3, x.shape)) if shock == "moderate" else 3.0
    cost[np.arange(countries), np.arange(countries)] = 1.0
    spending = x.sum(axis=0)
    shares = x / spending
    epsilon = np.exp(rng.uniform(np.log(1.5), np.log(8.0), industries))
    packed = pack(shares.transpose(2, 0, 1))
    sales = np.ascontiguousarray(x.sum(axis=1).T)
    wanted = np.ascontiguousarray((spending / spending.sum(axis=1, keepdims=True)).T)
    system = untaxed(rng, cy.trade_weights(packed, cost, epsilon), sales, wanted, epsilon)
    return system, packed, shares, cost


def untaxed(rng, weights, sales, spending_shares, epsilon):
    """A system without taxes, links and deficits, with feedback drawn."""
    return examples.system(rng, 2, 2)._replace(
        weights=weights,
        spending_shares=spending_shares,
        sales=sales,
        shift=np.zeros_like(sales),
        markup=np.ones_like(sales),
        cost_share=np.ones_like(sales),
        labour_income=sales.sum(axis=0),
        expenditure=sales.sum(axis=0),
        deficits=np.zeros(sales.shape[1]),
        trade_elasticity=epsilon,
        feedback=rng.uniform(0.1, 0.8, len(sales)),
        component=np.zeros(sales.shape[1], dtype=np.int32),
    )


@functools.cache
def streamed(size):
    """A system with random weights: its passes take as long as those of a world in balance."""
    rng = np.random.default_rng(7)
    countries, industries = size
    weights = pack(np.broadcast_to(0.0, (industries, countries, countries)))
    for block in weights:
        block[:] = rng.random((countries, countries))
    sales = rng.uniform(0.5, 1.5, (industries, countries))
    return untaxed(rng, weights, sales, sales / sales.sum(axis=0), rng.uniform(1.5, 8.0, industries))


@functools.cache
def solution(size, shock):
    found = cy.solve(problem(size, shock)[0], None, 1e-12)
    assert found.converged
    return found


@functools.cache
def damping(size, shock):
    system = problem(size, shock)[0]
    weights = np.ascontiguousarray(system.weights)
    with threadpool_limits(1):
        if size != LARGE:
            return numpy_loops.best_damping(system, weights, TOLERANCE)
        wage, share, _ = damping(SIZES[-1], shock)
        sales = functools.partial(numpy_loops.tuned_sales, system, weights)
        return wage, share, numpy_loops.iterate(system, sales, wage, share, TOLERANCE)[1]


@functools.cache
def bandwidth(size):
    """Read bandwidth of one thread, bytes a second, over as much memory as the weights of this size."""
    buffer = np.ones(size[0] * size[0] * size[1])
    best = np.inf
    with threadpool_limits(1):
        for _ in range(7):
            for read in (lambda: np.dot(buffer, buffer), buffer.max):
                start = time.perf_counter()
                for _ in range(4):
                    read()
                best = min(best, (time.perf_counter() - start) / 4)
    return buffer.nbytes / best


@functools.cache
def nearest_bandwidth():
    """Read bandwidth of one thread over a tile of weights that the first cache holds, bytes a second."""
    tile = np.broadcast_to(np.ones(2048), (4096, 2048))
    best = np.inf
    for _ in range(7):
        start = time.perf_counter()
        tile.max(axis=1)
        best = min(best, time.perf_counter() - start)
    return tile.size * tile.itemsize / best


def limits(benchmark, size):
    """Say which share of the time one read of the weights per repetition takes at that bandwidth, best against best,
    and which share it takes with the second read of every tile, from the first cache."""
    bytes_read = size[0] * size[0] * size[1] * 8 * REPEATS
    once = bytes_read / bandwidth(size) / benchmark.stats.stats.min
    twice = once + bytes_read / nearest_bandwidth() / benchmark.stats.stats.min
    return {
        "bandwidth": f"{100 * once:.0f} % of {bandwidth(size) / 1e9:.0f} GB/s",
        "both reads": f"{100 * twice:.0f} %, the second at {nearest_bandwidth() / 1e9:.0f} GB/s",
    }


def reads(size, seconds, passes64, passes16=0):
    """Say what one thread's passes read, and which share of the time is that of reading it at full bandwidth."""
    read = size[0] * size[0] * size[1] * (8 * passes64 + 2 * passes16)
    return f"{read / 1e6:.3g} MB, {100 * read / bandwidth(size) / seconds:.0f} % of {bandwidth(size) / 1e9:.0f} GB/s"


def check_point(size, shock, found):
    np.testing.assert_allclose(found, solution(size, shock).point.sales, atol=1e-7)


@pytest.mark.parametrize("size", SIZES, ids=size_of)
@pytest.mark.parametrize("method", ["plain numpy", "tuned numpy", "exacthat 1 thread", "exacthat 2 threads"])
def test_evaluation(benchmark, record, size, method):
    system, _, shares, cost = problem(size, "moderate")
    point = solution(size, "moderate").point
    notes = {}
    if method == "plain numpy":
        result = benchmark(numpy_loops.plain_sales, system, shares, cost, point.sales)
    elif method == "tuned numpy":
        weights = np.ascontiguousarray(system.weights)
        with threadpool_limits(1):
            result = benchmark(numpy_loops.tuned_sales, system, weights, point.sales)
    else:
        threads = int(method.split()[1])
        residual = benchmark(cy.repeat, system, point, point, REPEATS, 0, threads)
        result = system.sales * np.exp(point.sales - residual.sales)
        notes["per"] = REPEATS
        if benchmark.stats is not None and threads == 1:
            notes |= limits(benchmark, size)
    record("evaluation", size_of(size), method, **notes)
    np.testing.assert_allclose(result, system.sales * np.exp(point.sales), rtol=1e-9)


@pytest.mark.parametrize("size", SIZES, ids=size_of)
@pytest.mark.parametrize("method", ["exacthat 1 thread", "exacthat 2 threads"])
def test_jacobian_product(benchmark, record, size, method):
    system = problem(size, "moderate")[0]
    point = solution(size, "moderate").point
    threads = int(method.split()[1])
    benchmark(cy.repeat, system, point, point, 1, REPEATS, threads)
    notes = {"per": REPEATS}
    if benchmark.stats is not None and threads == 1:
        notes |= limits(benchmark, size)
    record("product", size_of(size), method, **notes)
    direction = point._replace(sales=np.ones_like(point.sales))
    product = cy.jacobian_product(system, point, direction, threads).sales
    np.testing.assert_allclose(product[system.sales > 0], 1.0)


@pytest.mark.parametrize("size", STREAMED, ids=size_of)
@pytest.mark.parametrize("what", ["evaluation", "product"])
@pytest.mark.parametrize("threads", [1, 2])
def test_streamed(benchmark, record, size, what, threads):
    """Weights that no cache holds: the memory's own bandwidth is the limit."""
    if benchmark.disabled:
        pytest.skip("worlds of this size are timed only")
    system = streamed(size)
    point = system.origin()._replace(sales=np.ones_like(system.sales))
    counts = (REPEATS, 0) if what == "evaluation" else (1, REPEATS)
    residual = benchmark.pedantic(cy.repeat, (system, point, point, *counts, threads), rounds=3).sales
    notes = {"per": REPEATS}
    if threads == 1:
        notes |= limits(benchmark, size)
    record(what, size_of(size), f"exacthat {threads} thread{'s'[: threads - 1]}", **notes)
    base = cy.evaluate(system, system.origin()).residual.sales
    np.testing.assert_allclose(
        residual - base, 1.0, rtol=1e-9
    )  # moving every unknown by one moves only the scale
    np.testing.assert_allclose(cy.jacobian_product(system, point, point, threads).sales, 1.0, rtol=1e-9)


@pytest.mark.parametrize("shock", SHOCKS)
@pytest.mark.parametrize("size", [*SIZES, LARGE], ids=size_of)
@pytest.mark.parametrize("method", ["plain numpy", "tuned numpy", "exacthat 1 thread", "exacthat 2 threads"])
def test_solve(benchmark, record, size, shock, method):
    """The whole solve to 1e-10, trade weights given. Slow loops are timed over a few iterations and scaled."""
    system, _, shares, cost = problem(size, shock)
    if method.startswith("exacthat"):
        threads = int(method.split()[1])
        found = benchmark(cy.solve, system, None, TOLERANCE, 60, threads)
        assert found.converged
        check_point(size, shock, found.point.sales)
        notes = {
            "iterations": found.iterations,
            "passes": f"{found.passes64} in float64, {found.passes16} in bfloat16",
            "weights": method,
        }
        if benchmark.stats is not None and threads == 1:
            notes["reads"] = reads(size, benchmark.stats.stats.median, found.passes64, found.passes16)
        record(f"solve {shock}", size_of(size), method, **notes)
        return
    if benchmark.disabled:
        pytest.skip("the numpy loops are timed only")
    wage, share, count = damping(size, shock)
    assert count < 4000
    weights = np.ascontiguousarray(system.weights)
    sales = {
        "plain numpy": lambda r: numpy_loops.plain_sales(system, shares, cost, r),
        "tuned numpy": lambda r: numpy_loops.tuned_sales(system, weights, r),
    }[method]
    scaled = method in SCALED.get(size, [])
    with threadpool_limits(1):
        args = (numpy_loops.iterate, system, sales, wage, share, TOLERANCE, FEW if scaled else 4000)
        found, _, _ = benchmark.pedantic(args[0], args[1:], rounds=1 if scaled else 3)
    built = "numpy power" if method == "tuned numpy" else ""
    notes = {"iterations": count, "damping": f"{wage}/{share}", "weights": built}
    if scaled:
        notes["per"] = FEW / count
    else:
        check_point(size, shock, found)
    if method == "tuned numpy":
        notes["reads"] = reads(size, benchmark.stats.stats.median / notes.get("per", 1), 2 * count)
    record(f"solve {shock}", size_of(size), method, **notes)


@pytest.mark.parametrize("shock", SHOCKS)
@pytest.mark.parametrize("size", [*SIZES, LARGE], ids=size_of)
@pytest.mark.parametrize("method", ["numpy power", "exacthat 1 thread", "exacthat 2 threads"])
def test_trade_weights(benchmark, record, size, shock, method):
    """Building A from trade-cost changes: one power per cell, or per industry where one change is all there is."""
    system, packed, shares, cost = problem(size, shock)
    abroad = ~np.eye(size[0], dtype=bool)[:, :, None]

    change = cost if shock == "moderate" else SHOCKS[shock]

    def power():
        moved = change**-system.trade_elasticity
        return (shares * (moved if np.ndim(change) else np.where(abroad, moved, 1.0))).transpose(2, 0, 1)

    if method == "numpy power":
        result = benchmark(power)
    else:
        threads = int(method.split()[1])
        result = benchmark(cy.trade_weights, packed, change, system.trade_elasticity, None, threads)
    record(f"trade weights {shock}", size_of(size), method)
    np.testing.assert_allclose(result, system.weights, rtol=1e-12)
