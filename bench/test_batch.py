"""A thousand scenarios, each with its own trade costs: the batch against numpy loops over scenarios.

    pytest bench/test_batch.py --benchmark-enable

Building the trade weights from the shocks is timed in every method. The numpy loops run on one thread with the
best damping of the first scenario; they are timed on `SOME` scenarios and scaled to the whole batch.
"""

import functools

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import exacthat as eh
from bench import numpy_loops
from bench.test_gravity import TOLERANCE, problem, size_of
from exacthat import assembly

SIZES = [(44, 16), (81, 28)]
SCENARIOS, DISTINCT, SOME = 1000, 200, 3


@functools.cache
def world(size):
    """The balanced world of the other benches as an economy, and one shock to every foreign trade cost per scenario."""
    system, _, shares, _ = problem(size, "moderate")
    spending = system.spending_shares.T * system.expenditure[:, None]
    economy = eh.Economy(
        shares * spending, system.trade_elasticity, system.feedback / system.trade_elasticity
    )
    economy = eh.purge_deficits(economy)
    rng = np.random.default_rng(3)
    scenarios = []
    for _ in range(DISTINCT):  # more than the caches hold; each is read and built anew whenever it comes
        cost = np.exp(rng.normal(0, 0.3, shares.shape))
        cost[np.arange(size[0]), np.arange(size[0])] = 1.0
        scenarios.append(eh.Shock(trade_cost=cost))
    return economy, scenarios * (SCENARIOS // DISTINCT)


def weights(economy, cost):
    """Trade weights as numpy writes them, [industry, origin, destination]."""
    power = economy.trade_shares * cost**-economy.trade_elasticity
    return np.ascontiguousarray(power.transpose(2, 0, 1))


@functools.cache
def damping(size):
    economy, scenarios = world(size)
    system = assembly.assemble(economy, scenarios[0], eh.Policy(), "fixed").system
    with threadpool_limits(1):
        return numpy_loops.best_damping(system, weights(economy, scenarios[0].trade_cost), TOLERANCE)


@functools.cache
def expected(size):
    economy, scenarios = world(size)
    return np.stack([eh.counterfactual(economy, shock).welfare_hat for shock in scenarios[:SOME]])


def loops(size, method):
    """Solve `SOME` scenarios by a numpy loop; return log sales hats and the most iterations of one."""
    economy, scenarios = world(size)
    base = assembly.base_system(economy)
    *steps, _ = damping(size)
    found, most = [], 0
    for shock in scenarios[:SOME]:
        if method == "plain numpy":
            sales = functools.partial(numpy_loops.plain_sales, base, economy.trade_shares, shock.trade_cost)
        else:
            sales = functools.partial(numpy_loops.tuned_sales, base, weights(economy, shock.trade_cost))
        r, count, residual = numpy_loops.iterate(base, sales, *steps, TOLERANCE)
        assert residual <= TOLERANCE
        found.append(r)
        most = max(most, count)
    return found, most


@pytest.mark.parametrize("size", SIZES, ids=size_of)
@pytest.mark.parametrize(
    "method", ["plain numpy", "tuned numpy", "exacthat one by one", "exacthat 1 thread", "exacthat 2 threads"]
)
def test_batch(benchmark, record, size, method):
    economy, scenarios = world(size)
    if method.endswith("numpy"):
        if benchmark.disabled:
            pytest.skip("the numpy loops are timed only")
        damping(size)
        with threadpool_limits(1):
            found, most = benchmark.pedantic(loops, (size, method), rounds=2)
        sales = np.exp(np.stack(found)) * economy.sales.T
        income = sales.sum(axis=1) / economy.labour_income
        exact = np.stack([eh.counterfactual(economy, shock).income_hat for shock in scenarios[:SOME]])
        np.testing.assert_allclose(income, exact, atol=1e-7)
        record("batch", size_of(size), method, per=SOME / SCENARIOS, iterations=most, timed_on=SOME)
    elif method == "exacthat one by one":
        few = scenarios[: SCENARIOS // 10]
        run = lambda: [eh.counterfactual(economy, shock).welfare_hat for shock in few]  # noqa: E731
        found = benchmark.pedantic(run, rounds=2)
        np.testing.assert_allclose(found[:SOME], expected(size), rtol=1e-9)
        record("batch", size_of(size), method, per=1 / 10)
    else:
        threads = int(method.split()[1])
        run = lambda: eh.counterfactuals(economy, scenarios, threads=threads)  # noqa: E731
        batch = benchmark.pedantic(run, rounds=3 if size[0] < 50 else 2)
        assert batch.ok.all()
        np.testing.assert_allclose(batch.welfare_hat[:SOME], expected(size), rtol=1e-9)
        passes = (batch.iterations + batch.evaluations + batch.products).mean()
        record("batch", size_of(size), method, passes=f"{passes:.1f} per scenario")


@pytest.mark.parametrize("many", [10, 100, SCENARIOS])
def test_scaling(benchmark, record, many):
    """Time of one scenario by their number, on two threads."""
    size = SIZES[0]
    economy, scenarios = world(size)
    batch = benchmark.pedantic(
        eh.counterfactuals, (economy, scenarios[:many]), {"threads": 2}, rounds=3, warmup_rounds=1
    )
    assert batch.ok.all()
    np.testing.assert_allclose(batch.welfare_hat[:SOME], expected(size), rtol=1e-9)
    record("batch, a scenario of many", size_of(size), f"exacthat {many} scenarios", per=many)


@pytest.mark.parametrize("name", ["wiod2014", "icio2019"])
def test_one_tariff_cell(benchmark, record, name):
    """The smallest change of policy there is: what a solve costs whatever the size of the change."""
    economy = eh.datasets.load(name, deficits="zero")
    n, k = len(economy.countries), len(economy.industries)
    rng = np.random.default_rng(5)
    scenarios = []
    for _ in range(100):
        origin, destination = rng.choice(n, 2, replace=False)
        tariff = np.zeros((n, n, k)) if economy.tariff is None else np.array(economy.tariff)
        tariff[origin, destination, rng.integers(k)] += 0.1
        scenarios.append(eh.Policy(tariff=tariff))
    batch = benchmark.pedantic(eh.counterfactuals, (economy, scenarios), {"threads": 1}, rounds=2)
    assert batch.ok.all()
    notes = {
        what: f"{counts.mean():.1f} (at most {counts.max()})"
        for what, counts in (("evaluations", batch.evaluations), ("products", batch.products))
    } | {"above 4 evaluations": f"{np.mean(batch.evaluations > 4):.0%}"}
    record("one tariff cell", size_of((n, k)), "exacthat 1 thread", per=len(scenarios), **notes)
