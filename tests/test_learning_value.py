"""Shadow values of learning: central differences of whole paths, closed forms, the optimal subsidy, refusals."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.polynomial.legendre import leggauss
from scipy.optimize import brentq

import exacthat as eh
from exacthat.dynamics import Learning, Phase, learning_value, simulate
from exacthat.errors import BadInput, BadParameter
from tests import worlds

RATE, SUPPORT, HORIZON = 0.05, 6.0, 20.0
X, WEIGHTS = leggauss(16)
TIMES = np.concatenate([SUPPORT / 2 * (1 + X), SUPPORT + (HORIZON - SUPPORT) / 2 * (1 + X)])
DISCOUNTED = np.concatenate([SUPPORT / 2 * WEIGHTS, (HORIZON - SUPPORT) / 2 * WEIGHTS]) * np.exp(
    -RATE * TIMES
)


class Case:
    """A world under a policy for some years, and central differences of present values along it."""

    def __init__(self, economy, rng, law="additive", tail="truncate"):
        self.economy, self.tail = economy, tail
        n, k = economy.sales.shape
        abroad = 0.2 if law != "stocks" else 0.02
        self.learning = Learning(
            0.04 * rng.random((k, k)), np.eye(n) + abroad * rng.random((n, n)), activity=0.05, law=law,
            labour=rng.uniform(0.5, 2.0, n), initial=rng.uniform(0.5, 2.0, (n, k)), research=0.01 * rng.random((n, k)),
        )  # fmt: skip
        self.rates = worlds.rates(rng, economy.flows.shape, bool(rng.random() < 0.5))
        self.cells = rng.random((n, k))
        self.path = self.run()

    def run(self, phi=0.0, research=0.0, subsidy=0.0):
        """Simulate with phi times exp(phi) from the start, more research, and a higher subsidy while it lasts.

        An impulse of phi(0) alone changes only the level from which gains count; the shock gives the hat
        system the rest.
        """
        fitted = self.learning.fit(self.economy)
        learning = replace(
            self.learning, initial=fitted.initial * np.exp(phi), research=fitted.research + research
        )
        rates = {**self.rates, "production_subsidy": self.rates["production_subsidy"] + subsidy}
        shock = eh.Shock(productivity=np.exp(phi) * np.ones_like(fitted.initial))
        phases = [Phase(policy=eh.Policy(**rates), shock=shock, until=SUPPORT), Phase(shock=shock)]
        return simulate(self.economy, learning, phases, horizon=HORIZON, rtol=1e-10)

    def difference(self, name, step=1e-3):
        """Central difference along `cells`, with Richardson's step to fourth order."""

        def slope(h):
            up, down = (self.run(**{name: sign * h * self.cells}) for sign in (1, -1))
            judged = eh.compare(up, down, RATE, tail=self.tail, resolution=1e-10)
            return judged.present_value[0] / (2 * h)

        return (4 * slope(step) - slope(2 * step)) / 3

    def value(self, times):
        home = self.economy.countries[0]
        return learning_value(self.path, RATE, home, times=times, tail=self.tail, rtol=1e-10)

    def discounted(self, values):
        """Present value of a stream of cell values at `TIMES`, along `cells`."""
        return float((DISCOUNTED[:, None, None] * values * self.cells).sum())


@settings(max_examples=6)
@given(
    world=worlds.primitives(most_countries=3, most_industries=3, highest_alpha=0.6),
    seed=st.integers(0, 2**32 - 1),
    law=st.sampled_from(["additive", "proportional", "stocks"]),
    tail=st.sampled_from(["truncate", "constant"]),
)
def test_an_impulse_of_productivity_is_worth_its_costate(world, seed, law, tail):
    """With links, taxes, profits and deficits."""
    case = Case(world.solve(), np.random.default_rng(seed), law, tail)
    found = float((case.value([0.0]).productivity[0] * case.cells).sum())
    assert found == pytest.approx(case.difference("phi"), rel=1e-6, abs=1e-7)


@pytest.mark.parametrize(
    ("law", "entry"), [("additive", "restricted"), ("proportional", "free"), ("stocks", "free")]
)
def test_research_and_subsidies_are_worth_the_sum_over_their_dates(law, entry):
    rng = np.random.default_rng(3)
    case = Case(worlds.economy(5, 3, 3, highest_alpha=0.6, entry=entry), rng, law)
    value, states = case.value(TIMES), case.path.at(TIMES)
    labour = case.learning.labour[:, None] * states.output_shares
    psi = labour / (labour + case.learning.activity)
    costate = value.productivity / (1.0 if law == "proportional" else states.productivity)
    assert case.discounted(psi * costate) == pytest.approx(case.difference("research"), rel=1e-6)
    during = np.where(TIMES[:, None, None] < SUPPORT, value.production_subsidy, 0.0)
    assert case.discounted(during) == pytest.approx(case.difference("subsidy"), rel=1e-6)
    # What one more unit of employment teaches is what as much research would add where it is received.
    unit = np.zeros((3, 3))
    unit[1, 2] = 1.0
    fitted = case.learning.fit(case.economy)
    own = np.diag(np.diag(fitted.diffusion)) if law == "stocks" else fitted.diffusion
    taught = psi * costate * (own @ unit @ fitted.spillovers)
    np.testing.assert_allclose(value.teaching[:, 1, 2], taught.sum(axis=(1, 2)), rtol=1e-9)
    # Receiving is how psi moves: the gain of the industry's own speed, by employment, at the costate.
    h = 1e-6
    speed = [
        case.learning.fit(case.economy).speed(states.productivity[0], labour[0] + sign * h * unit)
        for sign in (1, -1)
    ]
    moved = ((speed[0] - speed[1]) / (2 * h) * costate[0]).sum()
    assert value.employment[0, 1, 2] == pytest.approx(moved, rel=1e-7)


def test_without_learning_the_benefit_is_the_scale_elasticity():
    economy = worlds.economy(8, 3, 4, highest_alpha=0.6)
    path = simulate(economy, Learning(np.zeros((4, 4))), horizon=10.0)
    value = learning_value(path, 0.03, economy.countries[1])
    expected = np.broadcast_to(economy.scale_elasticity, value.rate.shape)
    np.testing.assert_allclose(
        eh.pigouvian_subsidy(value.marginal_external_benefit, 0.0), expected, atol=1e-6
    )
    annuity = (1 - np.exp(-0.03 * (10.0 - value.times))) / 0.03
    slope = eh.welfare_gradient(eh.counterfactual(economy), economy.countries[1])["productivity"]
    np.testing.assert_allclose(value.productivity, annuity[:, None, None] * slope, atol=1e-7)


@pytest.mark.parametrize("tail", ["truncate", "constant"])
def test_one_country_has_a_closed_form(tail):
    rng = np.random.default_rng(11)
    beta, spillovers, horizon = rng.dirichlet(np.ones(4)), 0.05 * rng.random((4, 4)), 30.0
    economy = eh.Economy(beta[None, None, :], 4.0, 0.1)
    learning = Learning(spillovers, activity=0.0, law="proportional", labour=[2.0])
    path = simulate(economy, learning, horizon=horizon)
    value = learning_value(path, RATE, economy.countries[0], times=[0.0, 12.0, 30.0], tail=tail, rtol=1e-10)
    left = (1 - np.exp(-RATE * (horizon - value.times))) / RATE
    annuity = left if tail == "truncate" else np.full(3, 1 / RATE)
    np.testing.assert_allclose(value.productivity[:, 0], annuity[:, None] * beta, atol=1e-8)
    np.testing.assert_allclose(value.employment[:, 0], annuity[:, None] * (spillovers @ beta), atol=1e-8)
    np.testing.assert_allclose(value.rate[:, 0], 2.0 * annuity[:, None] * (spillovers @ beta), atol=1e-8)


@pytest.mark.parametrize("entry", ["free", "restricted"])
def test_the_subsidy_that_pays_for_scale_and_learning_is_the_best(entry):
    """A closed economy, proportional law, constant tail: learning is worth the same at every date."""
    rng = np.random.default_rng(2)
    beta, mu = rng.dirichlet(np.ones(3)), rng.uniform(0.05, 0.2, 3)
    spillovers = 0.01 * rng.random((3, 3))
    worth = spillovers @ beta / RATE

    def factors(spending):  # 1 + s at spending per wage bill
        return (1 + mu) / (1 - worth * spending)

    cost = 1.0 if entry == "free" else 1 / (1 + mu)
    spending = brentq(lambda e: (beta * cost * factors(e)).sum() * e - 1, 0.1, 1.6)
    economy = eh.Economy(beta[None, None, :], 4.0, mu, entry=entry)
    learning = Learning(spillovers, activity=0.0, law="proportional")

    def value(s):
        path = simulate(economy, learning, Phase(policy=eh.Policy(production_subsidy=s)), horizon=20.0)
        return learning_value(path, RATE, economy.countries[0], tail="constant", rtol=1e-10)

    best = value(factors(spending) - 1)
    np.testing.assert_allclose(
        best.marginal_external_benefit[:, 0], np.tile(factors(spending) - 1, (len(best.times), 1)), atol=1e-8
    )
    assert np.abs(best.production_subsidy).max() < 1e-8
    assert np.abs(value(mu).production_subsidy).max() > 1e-4  # scale alone leaves something to gain


def test_industries_next_to_nothing_teach_next_to_nothing():
    fitted = Learning([[0.1, 0.2], [0.3, 0.4]], activity=0.0).fit(eh.Economy([[[1.0, 1.0]]], 4.0))
    employment = np.array([[1.0, 1e-300]])
    teaching, receiving, stocks = fitted.pulled_back(np.ones((1, 2)), employment, np.ones((1, 2)))
    np.testing.assert_allclose(teaching, [[0.3, 0.7]])
    assert (receiving == 0).all()
    assert (stocks == 0).all()
    # At an activity constant of the employment's size half of the slope is there; an idle cell has none.
    fitted = Learning([[0.1, 0.2], [0.3, 0.4]], activity=0.5).fit(eh.Economy([[[1.0, 1.0]]], 4.0))
    _, receiving, _ = fitted.pulled_back(np.ones((1, 2)), np.array([[0.5, 0.0]]), np.ones((1, 2)))
    np.testing.assert_allclose(receiving, [[0.5 * 0.5 * 0.1, 0.0]])


def test_a_path_of_no_dates_and_default_dates():
    economy = worlds.economy(1, 2, 2, highest_alpha=0.5)
    path = simulate(economy, Learning(0.02 * np.eye(2)), [Phase(until=3.0), Phase()], horizon=8.0)
    home = economy.countries[0]
    value = learning_value(path, 0.05, home)
    assert value.rate.shape == (len(path.knots), 2, 2)
    assert (value.times == path.knots).all()
    assert not value.rate.flags.writeable
    assert learning_value(path, 0.05, home, times=[]).productivity.shape == (0, 2, 2)
    assert (value.productivity[-1] == 0).all()  # nothing is left at the horizon


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"discount_rate": -0.1}, BadParameter, "discount_rate is -0.1"),
        ({"discount_rate": 0.0, "tail": "constant"}, BadParameter, "diverges"),
        ({"discount_rate": 1e6}, BadParameter, "end the path by date 4e-05"),
        ({"tail": "growth"}, BadParameter, "tail is 'growth'"),
        ({"country": "XXX"}, BadInput, "XXX"),
        ({"country": ["C0", "C1"]}, BadInput, "name one country"),
        ({"times": [9.0]}, BadParameter, r"times\[0\] is 9"),
        ({"times": 3.0}, BadInput, "list of dates"),
        ({"path": "none"}, BadInput, "path is a str"),
        ({"rtol": 1.0}, BadParameter, "rtol is 1"),
    ],
)
def test_refusals(options, error, match):
    economy = worlds.economy(1, 2, 2, highest_alpha=0.5)
    path = simulate(economy, Learning(0.02 * np.eye(2)), horizon=8.0)
    with pytest.raises(error, match=match):
        learning_value(**{"path": path, "discount_rate": 0.05, "country": "C0", **options})
