"""Many-country learning: closed forms, invariances, statics, error control."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

import exacthat as eh
from exacthat.dynamics import Learning, Phase, simulate
from tests import worlds
from tests.learners import alone, drawn, learning, psi

SEEDS = st.integers(0, 2**32 - 1)
LAWS = ("additive", "proportional", "stocks")
few = settings(max_examples=10)
TIGHT = 1e-11
AUTARKY = eh.Shock(trade_cost=float("inf"))


# Closed forms (MODEL section 5) -----------------------------------------------------------------------


@few
@given(seed=SEEDS)
def test_one_industry_learns_linearly(seed):
    rng, eco = drawn(seed, 4, 1)
    process = learning(rng, 4, 1, research=None, initial=None)
    path = simulate(eco, process, horizon=30.0, rtol=TIGHT)
    rate = psi(process.labour, 0.01) * (process.diffusion @ process.labour) * process.spillovers[0, 0]
    for time in (0.0, 7.3, 30.0):
        np.testing.assert_allclose(path.at(time).productivity[:, 0], 1 + rate * time, rtol=1e-10)


@few
@given(seed=SEEDS, entry=st.sampled_from(["free", "restricted"]))
def test_closed_economy_under_subsidies(seed, entry):
    rng = np.random.default_rng(seed)
    beta, mu = rng.dirichlet(np.ones(4)), rng.uniform(0, 0.2, 4)
    eco = alone(beta, mu=mu, entry=entry)
    process = learning(rng, 1, 4, research=None, initial=None)
    s = rng.uniform(-0.2, 0.4, 4)
    path = simulate(
        eco,
        process,
        [Phase(policy=eh.Policy(production_subsidy=s), until=8.0), Phase()],
        horizon=20.0,
        rtol=TIGHT,
    )

    def speed(wedge):
        bill = eco.cost_share * beta * (1 + wedge)
        shares = bill / bill.sum()
        labour = process.labour[0] * shares
        return shares, psi(labour, 0.01) * process.diffusion[0, 0] * (labour @ process.spillovers)

    supported, first = speed(s)
    shares, second = speed(0.0)
    np.testing.assert_allclose(path.at(8.0, "left").output_shares[0], supported, rtol=1e-10)
    np.testing.assert_allclose(path.at(8.0).output_shares[0], shares, rtol=1e-10)
    np.testing.assert_allclose(path.at(5.0).productivity[0], 1 + 5 * first, rtol=1e-10)
    phi = 1 + 8 * first + 12 * second
    np.testing.assert_allclose(path.at(20.0).productivity[0], phi, rtol=1e-10)
    np.testing.assert_allclose(path.at(20.0).welfare_hat, (phi**beta).prod(), rtol=1e-10)


@few
@given(seed=SEEDS)
def test_autarky_phase_in_a_world(seed):
    rng, eco = drawn(seed, 3, 3)
    process = learning(rng, 3, 3, research=None, initial=None)
    path = simulate(eco, process, [Phase(shock=AUTARKY, until=6.0), Phase()], horizon=12.0, rtol=TIGHT)
    bill = eco.cost_share * eco.expenditure_shares
    labour = process.labour[:, None] * bill / bill.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(
        process.labour[:, None] * path.at(3.0).output_shares, labour, rtol=1e-10, atol=1e-12
    )
    expected = 1 + 6 * psi(labour, 0.01) * (process.diffusion @ labour @ process.spillovers)
    np.testing.assert_allclose(path.at(6.0).productivity, expected, rtol=1e-10)


@few
@given(seed=SEEDS)
def test_identical_countries(seed):
    rng = np.random.default_rng(seed)
    n, k, foreign = 3, 4, 0.3
    beta = rng.dirichlet(np.ones(k))
    eco = eh.Economy(np.where(np.eye(n, dtype=bool)[:, :, None], 4.0, 1.0) * beta, rng.uniform(2, 6, k), 0.1)
    circulant = np.eye(n) + foreign * np.roll(np.eye(n), 1, axis=1)
    process = Learning(0.1 * rng.random((k, k)), circulant, activity=0.05)
    path = simulate(eco, process, horizon=25.0, rtol=TIGHT)
    bill = eco.cost_share * beta
    y = bill / bill.sum()
    expected = 1 + psi(y, 0.05) * (1 + foreign) * (y @ process.spillovers) * 25.0
    np.testing.assert_allclose(path.at(25.0).productivity, np.tile(expected, (n, 1)), rtol=1e-10)
    np.testing.assert_allclose(path.at(25.0).output_shares, np.tile(y, (n, 1)), rtol=1e-10)


@pytest.mark.parametrize("law", LAWS)
def test_one_country_is_an_ordinary_differential_equation(law):
    rng = np.random.default_rng(4)
    beta = rng.dirichlet(np.ones(5))
    process = learning(rng, 1, 5, law)
    path = simulate(alone(beta), process, horizon=40.0)
    labour = process.labour[0] * beta

    def right_side(_, phi):
        speed = psi(labour, 0.01) * (
            process.diffusion[0, 0] * (labour @ process.spillovers) + process.research[0]
        )
        return phi * speed if law == "proportional" else speed

    dates = [0.0, 3.0, 17.0, 40.0]
    known = solve_ivp(right_side, (0, 40), process.initial[0], "RK45", dates, rtol=1e-11, atol=1e-13).y.T
    states = path.at(dates)
    np.testing.assert_allclose(states.productivity[:, 0], known, rtol=1e-8)
    welfare = ((known / process.initial[0]) ** beta).prod(axis=1)
    np.testing.assert_allclose(states.welfare_hat[:, 0], welfare, rtol=1e-8)


@pytest.mark.parametrize("law", LAWS)
def test_three_countries_are_the_equation_solved_with_counterfactual(law):
    """The whole system independently: numpy's equation, eh.counterfactual cold at every evaluation."""
    rng, eco = drawn(8, balanced=False)
    process = learning(rng, 3, 3, law)
    shock = eh.Shock(productivity=rng.uniform(0.8, 1.2, (3, 3)), labour=[1.1, 0.9, 1.0])
    policy = eh.Policy(tariff=0.1, production_subsidy=[0.1, 0.0, 0.0])
    path = simulate(eco, process, Phase(shock=shock, policy=policy), horizon=10.0)
    hats = shock.hats(eco)

    def world(phi):
        moved = eh.Shock(productivity=hats.productivity * phi / process.initial, labour=hats.labour)
        return eh.counterfactual(eco, moved, policy, tol=1e-12)

    def right_side(_, state):
        state = state.reshape(3, 3)
        phi = np.exp(state) if law == "proportional" else state
        labour = (process.labour * hats.labour)[:, None] * world(phi).output_shares
        received = process.diffusion @ labour @ process.spillovers
        if law == "stocks":
            own = np.diag(process.diffusion)
            received = own[:, None] * (labour @ process.spillovers) + (process.diffusion - np.diag(own)) @ phi
        return (psi(labour, 0.01) * (received + process.research)).ravel()

    start = np.log(process.initial) if law == "proportional" else process.initial
    end = (
        solve_ivp(right_side, (0, 10), start.ravel(), "DOP853", rtol=1e-8, atol=1e-10).y[:, -1].reshape(3, 3)
    )
    phi = np.exp(end) if law == "proportional" else end
    np.testing.assert_allclose(path.at(10.0).productivity, phi, rtol=1e-7)
    np.testing.assert_allclose(path.at(10.0).welfare_hat, world(phi).welfare_hat, rtol=1e-7)


# Invariances ------------------------------------------------------------------------------------------


@few
@given(seed=SEEDS, c=st.floats(0.2, 5.0))
def test_unit_of_employment_does_not_matter(seed, c):
    rng, eco = drawn(seed)
    a = learning(rng, 3, 3)
    b = Learning(a.spillovers / c, a.diffusion, activity=0.01 * c, labour=a.labour * c, initial=a.initial,
                 research=a.research)  # fmt: skip
    ours, theirs = (simulate(eco, process, horizon=20.0, rtol=TIGHT).at([10.0, 20.0]) for process in (a, b))
    np.testing.assert_allclose(ours.productivity, theirs.productivity, rtol=1e-10)
    np.testing.assert_allclose(ours.welfare_hat, theirs.welfare_hat, rtol=1e-10)


@few
@given(seed=SEEDS, c=st.floats(0.2, 5.0), law=st.sampled_from(["additive", "proportional"]))
def test_unit_of_time_does_not_matter(seed, c, law):
    rng, eco = drawn(seed)
    a = learning(rng, 3, 3, law)
    b = Learning(a.spillovers * c, a.diffusion, activity=0.01, law=law, labour=a.labour, initial=a.initial,
                 research=a.research * c)  # fmt: skip
    policy = eh.Policy.corrective(eco)
    ours, theirs = (
        simulate(
            eco, process, [Phase(policy=policy, until=5.0 / unit), Phase()], horizon=20.0 / unit, rtol=TIGHT
        ).at(np.array([2.0, 20.0]) / unit)
        for process, unit in ((a, 1.0), (b, c))
    )
    np.testing.assert_allclose(ours.productivity, theirs.productivity, rtol=1e-10)
    np.testing.assert_allclose(ours.welfare_hat, theirs.welfare_hat, rtol=1e-10)


@few
@given(seed=SEEDS, c=st.floats(0.2, 5.0), law=st.sampled_from(["additive", "stocks"]))
def test_unit_of_productivity_does_not_matter(seed, c, law):
    rng, eco = drawn(seed)
    a = learning(rng, 3, 3, law)
    b = Learning(a.spillovers * c, a.diffusion, activity=0.01, law=law, labour=a.labour, initial=a.initial * c,
                 research=a.research * c)  # fmt: skip
    ours, theirs = (simulate(eco, process, horizon=20.0, rtol=TIGHT).at([10.0, 20.0]) for process in (a, b))
    np.testing.assert_allclose(c * ours.productivity, theirs.productivity, rtol=1e-10)
    np.testing.assert_allclose(ours.welfare_hat, theirs.welfare_hat, rtol=1e-10)


@few
@given(seed=SEEDS)
def test_order_of_countries_and_industries_does_not_matter(seed):
    rng, eco = drawn(seed, 4, 3)
    a = learning(rng, 4, 3)
    n, k = rng.permutation(4), rng.permutation(3)
    moved = eh.Economy(
        eco.flows[np.ix_(n, n, k)], eco.trade_elasticity[k], eco.scale_elasticity[k], entry=eco.entry
    )
    b = Learning(a.spillovers[np.ix_(k, k)], a.diffusion[np.ix_(n, n)], activity=0.01, labour=a.labour[n],
                 initial=a.initial[np.ix_(n, k)], research=a.research[np.ix_(n, k)])  # fmt: skip
    ours, theirs = (
        simulate(eco, a, horizon=15.0, rtol=TIGHT).at(15.0),
        simulate(moved, b, horizon=15.0, rtol=TIGHT).at(15.0),
    )
    np.testing.assert_allclose(ours.productivity[np.ix_(n, k)], theirs.productivity, rtol=1e-10)
    np.testing.assert_allclose(ours.welfare_hat[n], theirs.welfare_hat, rtol=1e-10)


# Statics ----------------------------------------------------------------------------------------------


@few
@given(world=worlds.primitives(most_countries=3, most_industries=3, highest_alpha=0.6), seed=SEEDS)
def test_without_learning_every_date_is_the_static_counterfactual(world, seed):
    eco = world.solve()
    rng = np.random.default_rng(seed)
    n, k = eco.sales.shape
    shock = eh.Shock(labour=np.exp(rng.normal(0, 0.1, n)), productivity=np.exp(rng.normal(0, 0.1, (n, k))))
    policy = eh.Policy(**worlds.rates(rng, eco.flows.shape))
    path = simulate(eco, Learning(np.zeros((k, k))), Phase(shock=shock, policy=policy), horizon=10.0)
    static = eh.counterfactual(eco, shock, policy)
    for state in (path.at(0.0), path.at(3.7), path.at(10.0, "left")):
        assert (state.productivity == 1).all()
        np.testing.assert_allclose(state.welfare_hat, static.welfare_hat, rtol=1e-8)
        np.testing.assert_allclose(state.welfare_per_head_hat, static.welfare_per_head_hat, rtol=1e-8)
        np.testing.assert_allclose(state.output_shares, static.output_shares, atol=1e-9)
        np.testing.assert_allclose(state.wage_hat, static.wage_hat, rtol=1e-8)
        np.testing.assert_allclose(state.price_index_hat, static.price_index_hat, rtol=1e-8)


@few
@given(world=worlds.primitives(most_countries=3, most_industries=3, highest_alpha=0.6), seed=SEEDS)
def test_states_are_counterfactuals_of_their_scenario(world, seed):
    """With links, taxes, profits and deficits: every state is what `counterfactual` says at its productivity."""
    eco = world.solve()
    rng = np.random.default_rng(seed)
    n, k = eco.sales.shape
    policy = eh.Policy(**worlds.rates(rng, eco.flows.shape))
    phases = [Phase(policy=policy, shock=eh.Shock(productivity=1.1), until=4.0), Phase()]
    path = simulate(eco, learning(rng, n, k), phases, horizon=9.0, rtol=1e-7)
    assert path.certificate.ok
    assert path.certificate.residual <= path.certificate.tolerance
    for time, side in ((2.0, "right"), (4.0, "left"), (4.0, "right"), (9.0, "right")):
        static = eh.counterfactual(eco, *path.scenario(time, side))
        state = path.at(time, side)
        np.testing.assert_allclose(state.welfare_hat, static.welfare_hat, rtol=1e-7)
        np.testing.assert_allclose(state.output_shares, static.output_shares, atol=1e-7)


def test_nothing_happens_without_change():
    _, eco = drawn(3)
    state = simulate(eco, Learning(np.zeros((3, 3))), horizon=5.0).at([0.0, 5.0])
    np.testing.assert_allclose(state.welfare_hat, 1.0, rtol=1e-9)
    np.testing.assert_allclose(state.output_shares, np.stack([eco.output_shares] * 2), atol=1e-9)


def test_idle_cells_never_start():
    flows = np.array(drawn(5)[1].flows)
    flows[0, :, 1] = 0.0
    eco = eh.purge_deficits(eh.Economy(flows, 4.0, 0.1))
    for activity, law in itertools.product((0.0, 0.1), LAWS):
        process = learning(np.random.default_rng(0), 3, 3, law, activity=activity)
        states = simulate(eco, process, horizon=20.0).at([0.0, 20.0])
        assert (states.output_shares[:, 0, 1] == 0).all()
        assert states.productivity[1, 0, 1] == pytest.approx(process.initial[0, 1], rel=1e-12)
        assert (states.productivity[1] > states.productivity[0]).sum() == 8


# Error control and dense output -----------------------------------------------------------------------


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("seed", range(3))
def test_error_follows_the_tolerance(seed, law):
    rng, eco = drawn(seed, 4, 4)
    process = learning(rng, 4, 4, law)
    phases = [Phase(policy=eh.Policy.corrective(eco), until=7.0), Phase(shock=eh.Shock(trade_cost=0.8))]
    dates = np.sort(rng.uniform(0, 30, 12))
    tight = simulate(eco, process, phases, horizon=30.0, rtol=1e-11)
    exact = tight.at(dates)
    for rtol in (1e-4, 5e-5, 1e-6, 5e-7, 1e-8):
        path = simulate(eco, process, phases, horizon=30.0, rtol=rtol)
        found = path.at(dates)
        assert np.abs(found.productivity / exact.productivity - 1).max() < 10 * rtol
        assert np.abs(found.welfare_hat / exact.welfare_hat - 1).max() < 10 * rtol
        assert path.evaluations <= tight.evaluations


def test_dense_output_is_as_good_between_steps_as_at_their_ends():
    rng, eco = drawn(11, 3, 4)
    process = learning(rng, 3, 4)
    path = simulate(eco, process, horizon=40.0, rtol=1e-7)
    tight = simulate(eco, process, horizon=40.0, rtol=1e-11)
    assert path.knots[0] == 0.0
    assert path.knots[-1] == 40.0
    middle = (path.knots[1:] + path.knots[:-1]) / 2
    for dates in (path.knots, middle):
        gap = np.abs(path.at(dates).productivity / tight.at(dates).productivity - 1).max()
        assert gap < 1e-6
