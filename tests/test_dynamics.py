"""Many-country learning: closed forms, invariances, error control, phases, appraisal, refusals."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

import exacthat as eh
from exacthat import dynamics
from exacthat.dynamics import Learning, PathStopped, Phase, simulate
from exacthat.errors import BadInput, BadParameter, NoEquilibrium, NotConverged
from tests import worlds

SEEDS = st.integers(0, 2**32 - 1)
LAWS = ("additive", "proportional", "stocks")
few = settings(max_examples=10)
TIGHT = 1e-11
AUTARKY = eh.Shock(trade_cost=float("inf"))


def learning(rng, n, k, law="additive", **options):
    """Draw a learning process of about two percent a year."""
    drawn = {
        "spillovers": 0.04 * rng.random((k, k)),
        "diffusion": np.eye(n) + 0.2 * rng.random((n, n)),
        "activity": 0.01,
        "law": law,
        "labour": rng.uniform(0.5, 2.0, n),
        "initial": rng.uniform(0.5, 2.0, (n, k)),
        "research": 0.01 * rng.random((n, k)),
    }
    if law == "stocks":
        drawn["diffusion"] = np.eye(n) + 0.02 * rng.random((n, n))
    return Learning(**{**drawn, **options})


def drawn(seed, n=3, k=3, **options):
    rng = np.random.default_rng(seed)
    return rng, worlds.economy(rng.integers(2**32), n, k, highest_alpha=0.6, **options)


def psi(employment, activity):
    return np.where(employment > 0, employment / np.maximum(employment + activity, 1e-300), 0.0)


def alone(shares, epsilon=4.0, mu=0.1, **options):
    """One country that spends these shares."""
    return eh.Economy(np.asarray(shares, dtype=float)[None, None, :], epsilon, mu, **options)


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


# Phases and the path ----------------------------------------------------------------------------------


def test_a_path_is_right_continuous_and_productivity_does_not_jump():
    rng, eco = drawn(2)
    policy = eh.Policy.corrective(eco)
    phases = [Phase(policy=policy, until=5.0), Phase(shock=AUTARKY, until=8.0), Phase()]
    path = simulate(eco, learning(rng, 3, 3), phases, horizon=12.0)
    assert [(event.time, event.kind, event.phase) for event in path.events] == [
        (0.0, "phase", 0), (5.0, "phase", 1), (8.0, "phase", 2)]  # fmt: skip
    assert path.phase_starts == (0.0, 5.0, 8.0)
    for date in (5.0, 8.0):
        before, after = path.at(date, "left"), path.at(date)
        np.testing.assert_allclose(before.productivity, after.productivity, rtol=1e-12)
        assert np.abs(before.welfare_hat / after.welfare_hat - 1).min() > 1e-4
        near = path.at([date - 1e-7, date + 1e-7])
        np.testing.assert_allclose(near.welfare_hat, [before.welfare_hat, after.welfare_hat], rtol=1e-6)
    assert (path.at(0.0, "left").welfare_hat == path.at(0.0).welfare_hat).all()
    assert (path.at(12.0, "left").welfare_hat == path.at(12.0).welfare_hat).all()


def test_shapes_labels_and_read_only_states():
    rng, eco = drawn(2, 3, 4)
    path = simulate(eco, learning(rng, 3, 4), horizon=6.0, rtol=1e-6)
    states = path.at([0.0, 3.0])
    assert states.productivity.shape == states.output_shares.shape == (2, 3, 4)
    assert states.welfare_hat.shape == (2, 3)
    assert path.at(3.0).productivity.shape == (3, 4)
    assert path.at([]).output_shares.shape == (0, 3, 4)
    assert (path.countries, path.industries) == (eco.countries, eco.industries)
    with pytest.raises(ValueError, match="read-only"):
        states.productivity[0, 0, 0] = 1.0
    assert "certified" in str(path)
    assert repr(path) == "Path(3 countries, 1 phase, horizon 6)"
    assert repr(path.learning) == (
        "Learning(4 industries, additive law, activity 0.01, with diffusion, labour, initial, research)"
    )


def test_a_date_does_not_depend_on_what_was_asked_before():
    rng, eco = drawn(6)
    process = learning(rng, 3, 3)
    ours, theirs = (simulate(eco, process, horizon=10.0) for _ in range(2))
    ours.at(np.linspace(0, 10, 23))
    assert (ours.at(7.7).welfare_hat == theirs.at(7.7).welfare_hat).all()


def test_threads_do_not_change_a_bit():
    rng, eco = drawn(6, 5, 4)
    process = learning(rng, 5, 4)
    one, two = (simulate(eco, process, horizon=10.0, threads=threads).at(9.0) for threads in (1, 2))
    assert (one.productivity == two.productivity).all()
    assert (one.welfare_hat == two.welfare_hat).all()


# Appraisal --------------------------------------------------------------------------------------------


def supported_world():
    """Two countries, three industries; the first industry learns from itself, support moves labour into it."""
    eco = worlds.economy(1, 2, 3, highest_alpha=0.3)
    process = Learning(np.diag([0.5, 0.02, 0.02]))
    s = np.zeros((2, 3))
    s[0, 0] = 0.3
    return eco, process, eh.Policy(production_subsidy=s)


def test_compare_appraises_two_paths():
    eco, process, policy = supported_world()
    support = simulate(eco, process, [Phase(policy=policy, until=10.0), Phase()], horizon=40.0)
    without = simulate(eco, process, horizon=40.0)
    found = eh.compare(support, without, discount_rate=0.04, supported=[0])
    dates, gain = np.linspace(0, 40, 4001), 0.0
    for a, b in ((0.0, 10.0), (10.0, 40.0)):
        inside = dates[(dates >= a) & (dates <= b)]
        stream = []
        for path in (support, without):
            logs = np.log(path.at(inside).welfare_hat)
            logs[-1] = np.log(path.at(b, "left").welfare_hat)
            stream.append(logs)
        gain = gain + np.trapezoid((stream[0] - stream[1]) * np.exp(-0.04 * inside)[:, None], inside, axis=0)
    np.testing.assert_allclose(found.present_value, gain, atol=1e-5)
    assert found.countries == eco.countries
    assert found.mill_test.rule == "share"
    assert found.mill_test.support_ends == 10.0
    assert found.mill[0]
    margin = support.at(10.0).output_shares - without.at(10.0).output_shares
    assert found.mill_test.margin[0, 0] <= margin[0, 0] + 1e-12
    static = 100 * (1 - eh.counterfactual(eco, policy=policy).welfare_hat)
    np.testing.assert_allclose(found.static_cost, static, atol=1e-6)


def test_what_a_policy_supports_is_read_from_its_rates():
    eco, process, policy = supported_world()
    horizon = 12.0

    def path(*phases):
        return simulate(eco, process, list(phases), horizon=horizon)

    def tested(ours, theirs, **options):
        return eh.compare(ours, theirs, discount_rate=0.04, **options).mill_test

    without = path(Phase())
    support = path(Phase(policy=policy, until=4.0), Phase(until=9.0), Phase())
    found = eh.compare(support, without, discount_rate=0.04)
    expected = np.zeros((2, 3), dtype=bool)
    expected[0, 0] = True
    np.testing.assert_array_equal(found.mill_test.supported, expected)
    assert found.mill_test.support_ends == 4.0
    assert found.mill.tolist() == [True, False]
    assert found.mill_test.verdict(0) == f"yes ({eco.industries[0]})"
    assert f"yes ({eco.industries[0]})" in str(found)
    assert "not tested" in str(found)
    assert tested(support, without, support_ends=9.0).support_ends == 9.0
    # The same policy under way in both paths supports nobody, nor does one rate for all, nor one that stays.
    assert tested(support, support) is None
    everywhere = eh.Policy(production_subsidy=[[0.1], [0.2]])
    assert tested(path(Phase(policy=everywhere, until=4.0), Phase()), without) is None
    assert tested(path(Phase(policy=policy)), without) is None
    assert tested(lambda t: np.ones((t.size, 2)), without, horizon=horizon) is None
    assert tested(support, without, horizon=3.0) is None
    # A tariff supports the importer's industry, an export subsidy the exporter's.
    rates = np.zeros((2, 2, 3))
    rates[0, 1, 2] = 0.2
    for name, country in (("tariff", 1), ("export_subsidy", 0)):
        mask = tested(path(Phase(policy=eh.Policy(**{name: rates}), until=4.0), Phase()), without).supported
        assert np.argwhere(mask).tolist() == [[country, 2]]
    named = tested(support, without, supported=[eco.industries[1]])
    np.testing.assert_array_equal(named.supported, [[False, True, False]] * 2)
    with pytest.raises(BadInput, match="unknown industry 'clothes'"):
        tested(support, without, supported=["clothes"])
    single = eh.Economy(eco.flows[:, :, :1], 4.0, countries=eco.countries)
    other = simulate(single, Learning([[0.01]]), horizon=horizon)
    with pytest.raises(BadInput, match="the baseline path industry0: take the same"):
        tested(support, other)


def test_a_policy_compared_with_itself_is_worth_nothing():
    eco, process, policy = supported_world()
    path = simulate(eco, process, [Phase(policy=policy, until=10.0), Phase()], horizon=20.0)
    found = eh.compare(path, path, discount_rate=0.04)
    assert (found.present_value == 0).all()
    assert not found.bastable.any()


def test_streams_of_welfare_per_head_can_be_named():
    _, eco = drawn(4)
    process = Learning(0.1 * np.eye(3))
    path = simulate(eco, process, Phase(shock=eh.Shock(labour=2.0)), horizon=5.0)
    stream = eh.Stream.from_path(path, welfare="welfare_per_head_hat")
    np.testing.assert_allclose(
        2 * stream.evaluate(np.array([5.0]), "right")[0], path.at(5.0).welfare_hat, rtol=1e-12
    )


# Scale ------------------------------------------------------------------------------------------------


@few
@given(seed=SEEDS, law=st.sampled_from(LAWS))
def test_scaled_spillovers_give_the_rate_asked_for(seed, law):
    rng, eco = drawn(seed, 3, 4)
    process = learning(rng, 3, 4, law)
    chosen = [eco.industries[1], eco.industries[3]]
    scaled = dynamics.scale_to_growth(eco, process, eco.countries[2], chosen, 0.5)
    weights = eco.output_shares[2, [1, 3]] / eco.output_shares[2, [1, 3]].sum()
    assert dynamics.starting_growth(eco, scaled)[2, [1, 3]] @ weights == pytest.approx(0.5)
    step = 1e-4
    phi = simulate(eco, scaled, horizon=1.0).at([0.0, step]).productivity
    slope = np.log(phi[1] / phi[0]) / step
    np.testing.assert_allclose(slope, dynamics.starting_growth(eco, scaled), rtol=1e-2, atol=1e-6)


def test_scale_that_cannot_be():
    eco = alone([0.5, 0.5], countries=["PAK"], industries=["food", "cloth"])
    deaf = Learning([[1.0, 0.0], [1.0, 0.0]], research=[0.0, 0.2])
    with pytest.raises(BadParameter, match="no spillovers reach"):
        dynamics.scale_to_growth(eco, deaf, "PAK", "cloth", 0.01)
    with pytest.raises(BadInput, match="did you mean 'cloth'"):
        dynamics.scale_to_growth(eco, deaf, "PAK", "clothe", 0.01)
    with pytest.raises(BadParameter, match="alone give"):
        dynamics.scale_to_growth(eco, Learning(np.eye(2), research=0.2), "PAK", "cloth", 0.01)
    with pytest.raises(BadParameter, match="above 0"):
        dynamics.scale_to_growth(eco, Learning(np.eye(2)), "PAK", "cloth", 0.0)


# Refusals ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"spillovers": np.ones((2, 3))}, BadInput, "must be square"),
        ({"spillovers": [[1.0, -1.0], [0.0, 1.0]]}, BadParameter, r"spillovers\[0, 1\] is -1"),
        ({"spillovers": [[1.0, np.nan], [0.0, 1.0]]}, BadInput, r"spillovers\[0, 1\] is not finite"),
        ({"spillovers": [["a"]]}, BadInput, "not numeric"),
        ({"activity": -0.1}, BadParameter, "activity is -0.1; it must be at least 0"),
        ({"activity": np.ones(2)}, BadInput, "single number"),
        ({"diffusion": -np.eye(2)}, BadParameter, r"diffusion\[0, 0\] is -1"),
        ({"diffusion": np.ones(2)}, BadInput, r"diffusion has shape \(2,\)"),
        ({"law": "additiv"}, BadParameter, "law is 'additiv'"),
        ({"labour": [1.0, 0.0]}, BadParameter, r"labour\[1\] is 0"),
        ({"initial": 0.0}, BadParameter, "initial is 0"),
        ({"research": -1.0}, BadParameter, "research is -1"),
        ({"industries": ["food"]}, BadInput, "1 industries are named"),
    ],
)
def test_bad_learning_is_refused(options, error, match):
    with pytest.raises(error, match=match):
        Learning(**{"spillovers": np.eye(2), **options})


def test_all_faults_of_one_learning_are_reported_together():
    with pytest.raises(BadParameter) as caught:
        Learning(-np.eye(2), -np.eye(2), activity=-1.0, law="linear")
    assert len(caught.value.problems) == 4


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"spillovers": np.eye(3)}, "between 3 industries, the economy has 2"),
        ({"industries": ["cloth", "food"]}, "'cloth' at position 0, where the economy has 'food'"),
        (
            {"industries": ["food", "cloths"]},
            r"'cloths'; did you mean 'cloth'\?\n.*lack the industry 'cloth'",
        ),
        ({"diffusion": np.eye(3)}, "between 3 countries, the economy has 2"),
        ({"labour": [1.0]}, r"labour has shape \(1,\)"),
        ({"initial": np.ones((2, 3))}, r"initial has shape \(2, 3\)"),
        ({"research": np.ones(4)}, r"research has shape \(4,\)"),
    ],
)
def test_learning_of_another_world_is_refused(options, match):
    eco = eh.Economy(np.ones((2, 2, 2)) + np.eye(2)[:, :, None], 4.0, industries=["food", "cloth"])
    with pytest.raises(BadInput, match=match):
        simulate(eco, Learning(**{"spillovers": np.eye(2), **options}), horizon=1.0)


def test_data_frames_bring_their_labels():
    import pandas as pd

    eco = alone([0.5, 0.5], industries=["food", "cloth"])
    frame = pd.DataFrame(np.eye(2), ["food", "cloth"], ["food", "cloth"])
    assert Learning(frame).industries == ("food", "cloth")
    with pytest.raises(BadInput, match="different labels"):
        Learning(pd.DataFrame(np.eye(2), ["food", "cloth"], ["cloth", "food"]))
    with pytest.raises(BadInput, match="at position 0"):
        simulate(eco, Learning(frame.iloc[::-1, ::-1]), horizon=1.0)


@pytest.mark.parametrize(
    ("phases", "options", "error", "match"),
    [
        ([], {}, BadInput, "at least one Phase"),
        ([Phase(), Phase()], {}, BadInput, "phase 0 has no `until`"),
        ([Phase(until=5.0), Phase(until=5.0)], {}, BadParameter, "dates are absolute"),
        ([Phase(until=5.0)], {}, BadParameter, "ends at 5, before the horizon 10"),
        ([Phase(until=10.0), Phase()], {}, BadParameter, "nothing is left"),
        ([Phase(until=20.0), Phase()], {}, BadParameter, "nothing is left"),
        ([Phase(until=np.nan)], {}, BadInput, "until of phase 0 is not finite"),
        (["free"], {}, BadInput, "must be a Phase"),
        ([Phase(policy=eh.Shock())], {}, BadInput, "policy of phase 0"),
        ([Phase(shock=eh.Shock(productivity=-1.0), until=5.0), Phase(policy=eh.Policy(tariff=-2.0))], {}, BadInput,
         "phase 0: .*productivity(.|\n)*phase 1: tariff"),
        (None, {"horizon": 0.0}, BadParameter, "horizon is 0"),
        (None, {"rtol": 1e-13}, BadParameter, "rtol is 1e-13"),
        (None, {"rtol": 0.5}, BadParameter, "rtol is 0.5"),
        (None, {"deficits": "none"}, BadParameter, "deficits is 'none'"),
        ([Phase(shock=AUTARKY)], {"deficits": [1.0, -1.0]}, NoEquilibrium, "phase 0: .*no one can finance"),
    ],
)  # fmt: skip
def test_bad_schedules_are_refused(phases, options, error, match):
    eco = eh.Economy(np.ones((2, 2, 1)) + np.eye(2)[:, :, None], 4.0)
    with pytest.raises(error, match=match):
        simulate(eco, Learning([[0.1]]), phases, **{"horizon": 10.0, **options})


def test_wrong_kinds_of_arguments_are_refused():
    eco = alone([1.0])
    with pytest.raises(BadInput, match="economy is a str"):
        simulate("icio2019", Learning([[0.1]]), horizon=1.0)
    with pytest.raises(BadInput, match="learning is a list"):
        simulate(eco, [[0.1]], horizon=1.0)


@pytest.mark.parametrize(
    ("times", "side", "error", "match"),
    [
        ([1.0, 11.0], "right", BadParameter, r"times\[1\] is 11; it must be at most 10"),
        (-1.0, "right", BadParameter, "at least 0"),
        (np.nan, "right", BadInput, "not finite"),
        ([[1.0]], "right", BadInput, "shape"),
        (1.0, "before", BadParameter, "side is 'before'"),
    ],
)
def test_bad_dates_are_refused(times, side, error, match):
    path = simulate(alone([1.0]), Learning([[0.1]]), horizon=10.0)
    with pytest.raises(error, match=match):
        path.at(times, side)


def test_baselines_that_are_no_equilibrium_are_refused():
    with pytest.raises(BadInput, match="not an equilibrium"):
        simulate(eh.datasets.load("wiod2008"), Learning(np.eye(31)), horizon=1.0)


def test_a_path_that_runs_away_stops_with_what_was_reached():
    """The stock of knowledge of both countries feeds on the other's: it doubles without end, past any number."""
    eco = eh.Economy(np.ones((2, 2, 2)) + np.eye(2)[:, :, None], 4.0, 0.1)
    process = Learning(np.eye(2), law="proportional", activity=0.0)
    with pytest.raises(PathStopped, match="Productivity or the equilibrium runs away") as caught:
        simulate(eco, process, horizon=5000.0, rtol=1e-4)
    stopped = caught.value
    assert isinstance(stopped, NotConverged)
    assert 0 < stopped.path.horizon < 5000
    assert stopped.reached == pytest.approx(100 * stopped.path.horizon / 5000)
    assert stopped.path.certificate.completed == pytest.approx(stopped.reached)
    late = stopped.path.at(0.5 * stopped.path.horizon)
    np.testing.assert_allclose(np.log(late.productivity), 0.25 * stopped.path.horizon, rtol=1e-3)
