"""The embedded data, with scale elasticities near the uniqueness bound, solve for large shocks untuned."""

import numpy as np
import pytest

import exacthat as eh

NAMES = ("wiod2008", "wiod2014", "icio2019")


def _balanced(name):
    return eh.datasets.load(name, deficits="zero")


@pytest.fixture(scope="module", params=NAMES)
def steep(request):
    """mu*epsilon from 0.36 to 0.94 over the industries."""
    world = _balanced(request.param)
    alpha = np.linspace(0.36, 0.94, len(world.industries))
    return eh.Economy(
        world.flows, world.trade_elasticity, alpha / world.trade_elasticity,
        countries=world.countries, industries=world.industries, tariff=world.tariff,
    )  # fmt: skip


@pytest.mark.parametrize("factor", [1.1, 2.0, 3.0, 0.8])
def test_trade_cost_shocks(steep, factor):
    eq = eh.counterfactual(steep, eh.Shock(trade_cost=factor))
    assert eq.certificate.ok
    assert eq.certificate.residual <= 1e-10
    spent, sold = eq.flows.sum(axis=(0, 2)), eq.border_flows.sum(axis=(1, 2))
    np.testing.assert_allclose(spent, sold + eq.tariff_revenue, rtol=1e-8)


def _made_at_home(world):
    """Leave out the industries that some country buys and does not make."""
    flows, epsilon, mu = np.array(world.flows), world.trade_elasticity, world.scale_elasticity
    absent = np.flatnonzero((np.einsum("nnk->nk", flows) == 0).any(axis=0))
    kept = np.setdiff1d(np.arange(flows.shape[2]), absent)
    tariff = None if world.tariff is None else world.tariff[:, :, kept]
    return eh.Economy(flows[:, :, kept], epsilon[kept], mu[kept], countries=world.countries, tariff=tariff)


def test_autarky(steep):
    """Where every country makes what it buys, autarky is the closed-form gains formula."""
    made_at_home = eh.purge_deficits(_made_at_home(steep))
    eq = eh.counterfactual(made_at_home, eh.Shock(trade_cost=np.inf))
    gains = eh.gains_from_trade(made_at_home)
    np.testing.assert_allclose(100 * (1 - eq.welfare_hat), gains.percent, rtol=0, atol=1e-6)


def test_autarky_names_what_no_one_supplies():
    world = _balanced("icio2019")
    cells = eh.gains_from_trade(world).unsupplied
    with pytest.raises(eh.NoEquilibrium) as caught:
        eh.counterfactual(world, eh.Shock(trade_cost=np.inf))
    text = "\n".join(caught.value.problems)
    assert len(cells) > 0
    assert all(f"supply industry {industry!r} to {country!r}" in text for country, industry in cells)


@pytest.mark.parametrize("name", NAMES)
def test_purged_worlds_are_balanced_base_years(name):
    world = _balanced(name)
    assert not world.deficits.any()
    assert eh.counterfactual(world).certificate.method == "base year, no change"
