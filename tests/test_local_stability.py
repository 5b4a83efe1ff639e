"""stability(): closed forms, finite differences of the entry map, and what iterating it does."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import exacthat as eh
from exacthat import local_stability
from tests.worlds import economy, primitives


def entry_map(world, ln_z):
    """Take firms Z to the number zero profits imply: a counterfactual without scale at productivity Z^mu."""
    without = eh.Economy(
        world.flows, world.trade_elasticity, 0.0, tariff=world.tariff, input_shares=world.input_shares,
        production_subsidy=world.production_subsidy,
    )  # fmt: skip
    shock = eh.Shock(productivity=np.exp(world.scale_elasticity * ln_z))
    eq = eh.counterfactual(without, shock, tol=1e-13)
    ln_cost = without.labour_share * np.log(eq.wage_hat)[:, None]
    if world.input_shares is not None:
        ln_price = -eq._solution.state.price_power.T / world.trade_elasticity
        ln_cost = ln_cost + np.einsum("igk,ig->ik", world.input_shares, ln_price)
    return np.log(eq.sales / without.sales) - ln_cost


def derivative(world, step=1e-5):
    """Differentiate the entry map at the observed equilibrium by central differences."""
    shape, columns = world.sales.shape, []
    for cell in range(world.sales.size):
        move = np.zeros(world.sales.size)
        move[cell] = step
        move = move.reshape(shape)
        columns.append((entry_map(world, move) - entry_map(world, -move)).ravel() / (2 * step))
    return np.stack(columns, axis=1)


def inputs(world, seed):
    """Draw input shares that leave final demand above zero."""
    n, k = world.sales.shape
    noise = np.random.default_rng(seed).uniform(0.5, 1.0, (n, k, k))
    return 0.5 * noise * (world.spending / world.sales.sum(axis=1, keepdims=True))[:, :, None]


def world_of(kind, seed=3):
    plain = economy(seed, countries=3, industries=2)
    links = {"input_shares": inputs(plain, seed)}
    taxes = {"tariff": 0.3, "production_subsidy": [0.1, -0.1]}
    options = {"plain": {}, "links": links, "taxes": taxes, "all": links | taxes}[kind]
    return eh.Economy(plain.flows, plain.trade_elasticity, plain.scale_elasticity, **options)


@pytest.mark.parametrize("kind", ["plain", "links", "taxes", "all"])
def test_radius_is_that_of_the_differenced_entry_map(kind):
    world = world_of(kind)
    expected = np.abs(np.linalg.eigvals(derivative(world))).max()
    assert eh.stability(world).spectral_radius == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("kind", ["plain", "links"])
def test_rounds_of_entry_approach_the_observed_equilibrium_at_the_rate_of_the_radius(kind):
    world = world_of(kind)
    radius = eh.stability(world).spectral_radius
    ln_z = np.random.default_rng(0).normal(0, 1e-3, world.sales.shape)
    for _ in range(12):
        before, ln_z = ln_z, entry_map(world, ln_z)
    assert np.linalg.norm(ln_z) / np.linalg.norm(before) == pytest.approx(radius, rel=0.01)


def test_rounds_of_entry_leave_an_unstable_equilibrium():
    world = eh.Economy([[[10.0]]], 2.0, 0.45, input_shares=[[0.75]])  # mu a / (1 - a) = 1.35 at alpha 0.9
    found = eh.stability(world)
    assert found.spectral_radius == pytest.approx(1.35, rel=1e-12)
    assert not found.stable
    assert found.alpha_max == pytest.approx(0.9)
    ln_z = np.array([[1e-3]])
    assert entry_map(world, ln_z)[0, 0] == pytest.approx(1.35e-3, rel=1e-6)


@given(seed=st.integers(0, 2**32 - 1), industries=st.integers(1, 4))
def test_closed_economy_with_links(seed, industries):
    """Z' = (1 - A')^-1 A' mu Z: cheaper inputs are all that feeds back, spending shares pin the rest."""
    rng = np.random.default_rng(seed)
    inputs = rng.dirichlet(np.ones(industries), industries).T * rng.uniform(0.1, 0.8, industries)
    epsilon, final = rng.uniform(1, 9, industries), rng.uniform(0.5, 2, industries)
    mu = rng.uniform(0, 0.9, industries) / epsilon
    sales = np.linalg.solve(np.eye(industries) - inputs, final)
    world = eh.Economy(sales[None, None], epsilon, mu, input_shares=inputs)
    leontief = np.linalg.solve(np.eye(industries) - inputs.T, inputs.T * mu)
    expected = np.abs(np.linalg.eigvals(leontief)).max()
    assert eh.stability(world).spectral_radius == pytest.approx(expected, rel=1e-9)


@given(home=st.floats(0.05, 0.95), alpha=st.floats(0.1, 3.0))
def test_two_symmetric_countries(home, alpha):
    """Countries that specialise against each other: alpha (1 - (2 lambda - 1)^2); alpha may exceed one."""
    x = np.array([[home, 1 - home], [1 - home, home]])
    found = eh.stability(eh.Economy(np.stack([x, x], axis=2), 4.0, alpha / 4.0))
    assert found.spectral_radius == pytest.approx(4 * home * (1 - home) * alpha, rel=1e-9)
    assert found.stable == (4 * home * (1 - home) * alpha < 1)


@pytest.mark.parametrize("options", [{"scale_elasticity": 0.0}, {"entry": "restricted"}])
def test_no_scale_or_no_entry_is_zero(options):
    plain = economy(5)
    world = eh.Economy(plain.flows, plain.trade_elasticity, **{"scale_elasticity": 0.2, **options})
    assert eh.stability(world).spectral_radius == pytest.approx(0.0, abs=1e-12)
    assert eh.stability(world).stable


def test_fixed_labour_pins_entry_in_one_industry_or_one_country():
    assert eh.stability(economy(1, industries=1)).spectral_radius == pytest.approx(0.0, abs=1e-9)
    closed = eh.Economy(np.array([[[3.0, 2.0]]]), 4.0, 0.2)
    assert eh.stability(closed).spectral_radius == pytest.approx(0.0, abs=1e-12)


@given(world=primitives(entry="free", links=False, deficits=False, taxes=False))
def test_balanced_worlds_without_taxes_and_links_are_stable(world):
    found = eh.stability(world.solve())
    assert found.spectral_radius <= found.alpha_max * (1 + 1e-9) + 1e-9


@settings(max_examples=10)
@given(seed=st.integers(0, 2**32 - 1))
def test_arnoldi_agrees_with_all_eigenvalues(seed):
    rng = np.random.default_rng(seed)
    plain = economy(seed, countries=5, industries=4, zeros=0.2, balanced=False)
    tariff = rng.uniform(0, 0.2, plain.flows.shape) * ~np.eye(5, dtype=bool)[:, :, None]
    for options in ({}, {"input_shares": inputs(plain, seed), "tariff": tariff}):
        world = eh.Economy(plain.flows, plain.trade_elasticity, plain.scale_elasticity, **options)
        every = local_stability._stability(world).spectral_radius
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(local_stability, "DENSE", 0)
            assert local_stability._stability(world).spectral_radius == pytest.approx(every, rel=1e-5)


def test_result_is_kept_with_the_economy():
    world = economy(2)
    assert eh.stability(world) is eh.stability(world)


def test_a_world_whose_inputs_compound_is_unstable_and_has_no_counterfactual():
    """Closed, one industry: the radius mu a / (1 - a) passes one exactly where (1 + mu) a does."""
    unstable = eh.Economy([[[10.0]]], 2.0, 0.45, input_shares=[[0.75]])
    assert "unstable: a small departure of entry from it grows by the factor 1.35" in str(
        eh.stability(unstable)
    )
    with pytest.raises(eh.BadParameter, match=r"country 'C0': inputs and scale effects compound to 1.087"):
        eh.counterfactual(unstable)


def test_a_printed_equilibrium_says_when_the_base_year_is_unstable(monkeypatch):
    world = eh.Economy([[[10.0]]], 2.0, 0.1, input_shares=[[0.75]])
    eq = eh.counterfactual(world)
    assert "stable" not in str(eq)
    unstable = eh.stability(eh.Economy([[[10.0]]], 2.0, 0.45, input_shares=[[0.75]]))
    monkeypatch.setattr(local_stability, "stability", lambda _: unstable)
    assert "unstable: a small departure of entry" in str(eq)


def test_shares_that_contradict_the_flows_are_refused():
    world = eh.Economy([[[3.0, 2.0]]], 4.0, 0.2, expenditure_shares=[[0.5, 0.5]])
    with pytest.raises(eh.BadInput, match="not an equilibrium"):
        eh.stability(world)
