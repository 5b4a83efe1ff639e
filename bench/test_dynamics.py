"""Learning of many countries: the kernel against numpy, and whole paths against a plain loop.

    pytest bench --benchmark-enable -k dynamics

The plain loop is what one writes with `counterfactual` alone: a fixed-step Runge-Kutta method of order 4 that
solves a counterfactual at every evaluation. Each way of simulating is judged by its true error at the horizon, in ln
productivity against a run at rtol 1e-11; the plain loop takes the smallest number of steps in STEPS whose error is
not above that of the simulation beside it (finding that number is not timed), and is timed once.
"""

import functools

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import exacthat as eh
from exacthat import datasets, dynamics
from exacthat.kernels.diffusion import examples, nb, ref

HORIZON = 50.0
STEPS = (25, 35, 50, 70, 100, 140, 200)
SIZES = [(10, 4), (81, 28), (160, 65)]


@functools.cache
def world():
    """81 x 28, proximity of goods with own learning, scaled to 1.5 percent a year in Pakistan's manufacturing."""
    economy = datasets.load("icio2019", deficits="zero")
    abroad = 0.002 * (1.0 - np.eye(81))
    shape = dynamics.Learning(datasets.spillovers("proximity", economy.industries), np.eye(81) + abroad)
    goods = [name for name in economy.industries if name.startswith("C")]
    return economy, dynamics.scale_to_growth(economy, shape, "PAK", goods, 0.015)


@functools.cache
def exact():
    economy, learning = world()
    return dynamics.simulate(economy, learning, horizon=HORIZON, rtol=1e-11).at(HORIZON).productivity


def error(productivity):
    return float(np.abs(np.log(productivity / exact())).max())


def plain_loop(steps):
    economy, learning = world()
    fitted, h = learning.fit(economy), HORIZON / steps

    def speed(phi):
        shares = eh.counterfactual(economy, eh.Shock(productivity=phi)).output_shares
        return ref.from_employment(
            shares, fitted.spillovers, fitted.diffusion, fitted.research, fitted.activity
        )

    phi = np.array(fitted.initial)
    for _ in range(steps):
        first = speed(phi)
        second = speed(phi + h / 2 * first)
        third = speed(phi + h / 2 * second)
        phi = phi + h / 6 * (first + 2 * second + 2 * third + speed(phi + h * third))
    return phi


@pytest.mark.parametrize("rtol", [1e-4, 1e-6, 1e-9])
def test_dynamics_path(benchmark, record, rtol):
    economy, learning = world()
    dynamics.simulate(economy, learning, horizon=1.0, rtol=1e-2)  # compile
    path = benchmark.pedantic(
        dynamics.simulate, (economy, learning), {"horizon": HORIZON, "rtol": rtol}, rounds=3
    )
    found = error(path.at(HORIZON).productivity)
    assert found < 10 * rtol
    work = path.certificate.evaluations + path.certificate.products
    record(
        "50 years", f"81x28 rtol {rtol:g}", "exacthat", evaluations=path.evaluations, steps=path.steps,
        passes=work, error=f"{found:.1e}", residual=f"{path.certificate.residual:.1e}",
    )  # fmt: skip


@pytest.mark.parametrize("rtol", [1e-4, 1e-6])
def test_dynamics_plain_loop(benchmark, record, rtol):
    if benchmark.disabled:
        pytest.skip("the plain loop is timed only")
    economy, learning = world()
    ours = error(dynamics.simulate(economy, learning, horizon=HORIZON, rtol=rtol).at(HORIZON).productivity)
    for steps in STEPS:
        if error(plain_loop(steps)) <= ours:
            break
    phi = benchmark.pedantic(plain_loop, (steps,), rounds=1)
    record(
        "50 years", f"81x28 rtol {rtol:g}", "plain loop, RK4", evaluations=4 * steps, steps=steps,
        error=f"{error(phi):.1e}",
    )  # fmt: skip


def test_dynamics_learning_value(benchmark, record):
    economy, learning = world()
    path = dynamics.simulate(economy, learning, horizon=HORIZON, rtol=1e-4)
    value = benchmark.pedantic(dynamics.learning_value, (path, 0.05, "PAK"), {"times": [0.0]}, rounds=3)
    tight = dynamics.learning_value(path, 0.05, "PAK", times=[0.0], rtol=1e-8)
    n = economy.countries.index("PAK")
    np.testing.assert_allclose(value.rate[0, n], tight.rate[0, n], rtol=1e-3)
    record(
        "50 years", "81x28 rtol 0.0001", "shadow value of learning", evaluations=value.evaluations,
        residual=f"{value.residual:.1e}",
    )  # fmt: skip


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("method", ["numpy", "exacthat numba"])
def test_dynamics_kernel(benchmark, record, size, method):
    arguments = examples.from_employment(np.random.default_rng(0), *size)
    expected = ref.from_employment(*arguments)
    twin = ref.from_employment if method == "numpy" else nb.from_employment
    with threadpool_limits(1):
        found = benchmark(twin, *arguments)
    record("learning kernel", f"{size[0]}x{size[1]}", method)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
