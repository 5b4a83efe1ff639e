"""Tariffs, export subsidies and input shares: what Economy and Policy accept, refuse and build."""

import numpy as np
import pytest

import exacthat as eh
from exacthat import solver

NAMES = {"countries": ["PAK", "IND", "VNM"], "industries": ["textiles", "steel"]}
FLOWS = np.random.default_rng(0).uniform(1, 2, (3, 3, 2)) + 8 * np.eye(3)[:, :, None]


def world(**options):
    return eh.Economy(FLOWS, [4.0, 5.0], [0.1, 0.12], **NAMES, **options)


def one(cell, value):
    rates = np.zeros((3, 3, 2))
    rates[cell] = value
    return rates


BAD_RATES = [
    (one((0, 1, 1), -1.0), r"on goods from 'PAK' to 'IND' in industry 'steel' is -1; .*above -1"),
    (one((0, 1, 0), np.nan), r"from 'PAK' to 'IND' in industry 'textiles' is nan"),
    (one((0, 1, 0), np.inf), r"is inf"),
    (one((2, 2, 0), 0.1), r"of 'VNM' on its own goods in industry 'textiles' is 0.1; .*diagonal must be 0"),
    (np.zeros((3, 3)), r"has shape \(3, 3\)"),
    (np.zeros((3, 2)), r"has shape \(3, 2\)"),
    (-1.5, r"is -1.5"),
    ("ten", r"cannot be read as an array of numbers"),
]


@pytest.mark.parametrize("instrument", ["tariff", "export_subsidy"])
@pytest.mark.parametrize("where", ["economy", "policy"])
@pytest.mark.parametrize(("rates", "message"), BAD_RATES)
def test_bad_bilateral_rates_are_named(instrument, where, rates, message):
    def build():
        if where == "economy":
            return world(**{instrument: rates})
        return eh.counterfactual(world(), policy=eh.Policy(**{instrument: rates}))

    with pytest.raises(eh.BadInput, match=message) as caught:
        build()
    assert instrument in str(caught.value)


@pytest.mark.parametrize("shape", [(), (2,), (3, 3, 1), (3, 3, 2)])
def test_shapes_of_bilateral_rates(shape):
    rates = np.full(shape, 0.1)
    if len(shape) == 3:
        rates[np.arange(3), np.arange(3)] = 0.0
    expected = 0.1 * ~np.eye(3, dtype=bool)[:, :, None] * np.ones(2)
    np.testing.assert_allclose(world(tariff=rates).tariff, expected)
    np.testing.assert_allclose(eh.Policy(export_subsidy=rates).rates(world()).export_subsidy, expected)


def inputs(cell=None, value=0.0):
    shares = np.full((3, 2, 2), 0.2)
    if cell is not None:
        shares[cell] = value
    return shares


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        (np.ones((2, 3)), r"input_shares have shape \(2, 3\)"),
        (inputs((0, 1, 0), -0.1), r"input 'steel' in the cost of 'textiles' in country 'PAK' is -0.1"),
        (inputs((0, 1, 0), np.nan), r"is nan"),
        (inputs((2, 0, 1), 0.9), r"labour share of industry 'steel' in country 'VNM' is -0.1: its inputs exceed"),
        (inputs((1, slice(None), slice(None)), 0.49), r"final demand of 'IND' for industry"),
    ],
)  # fmt: skip
def test_bad_input_shares_are_named(shares, message):
    flows = FLOWS.copy()
    if shares.shape == (3, 2, 2) and shares[1].sum() > 1.9:
        flows[1, [0, 2]] = 30.0  # IND exports far more than it buys
    with pytest.raises(eh.BadInput, match=message):
        eh.Economy(flows, 4.0, **NAMES, input_shares=shares)


def test_free_trade_removes_bilateral_taxes_and_nothing_else():
    taxed = world(tariff=0.2, export_subsidy=[0.1, 0.0], production_subsidy=[0.05, 0.1])
    rates = eh.Policy.free_trade(taxed).rates(taxed)
    assert rates.tariff is rates.export_subsidy is None
    np.testing.assert_array_equal(rates.production_subsidy, taxed.production_subsidy)
    eq = eh.counterfactual(taxed, policy=eh.Policy.free_trade(taxed))
    np.testing.assert_allclose(eq.tariff_revenue, 0.0, atol=1e-12)


def test_uniform_tariff_acts_where_it_says():
    taxed = world(tariff=0.2)
    rates = eh.Policy.uniform_tariff(taxed, "PAK", 0.5, origins=["IND"], industries="steel").tariff
    expected = np.array(taxed.tariff)
    expected[1, 0, 1] = 0.5
    np.testing.assert_array_equal(rates, expected)
    both = eh.Policy.uniform_tariff(world(), ["PAK", "IND"], 0.1).tariff
    assert both[:, 2].any() == False  # noqa: E712
    assert (both[[1, 2], 0] == 0.1).all()
    assert (both[[0, 2], 1] == 0.1).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("PKA", 0.1), "unknown country 'PKA'; did you mean 'PAK'"),
        (("PAK", 0.1, ["PAK"]), "the importer itself"),
        (("PAK", -1.0), "rate is -1.0"),
        (("PAK", "ten"), "rate is 'ten'; it must be one number"),
        (("PAK", 0.1, ["IND"], ["stel"]), "unknown industry 'stel'; did you mean 'steel'"),
    ],
)
def test_bad_uniform_tariffs(arguments, message):
    with pytest.raises(eh.BadInput, match=message):
        eh.Policy.uniform_tariff(world(), *arguments)


def test_negative_national_income_is_refused():
    with pytest.raises(eh.BadInput, match=r"country 'PAK' has labour income .* national income -"):
        world(tariff=one((slice(1, None), 0), -0.99))


def test_tariff_policy_on_an_untaxed_base_is_followed_where_newton_fails():
    x = np.exp(np.random.default_rng(1).normal(0, 1, (3, 3, 2)))
    x[range(3), range(3)] *= 8
    eq = eh.counterfactual(eh.Economy(x, [4.0, 5.0], 0.1), policy=eh.Policy(tariff=10.0, large_rates=True))
    assert eq.certificate.ok
    assert "followed" in eq.certificate.method


@pytest.mark.parametrize("trade_cost", [30.0, 300.0])
def test_trade_too_small_for_residuals_tells_wages_by_its_balance(trade_cost, monkeypatch):
    """Residuals in logs of sales say nothing about wages of countries that hardly trade; trade balances do.

    With own trade shares of one, balance is a01 a00 Y1 (w1/w0)^(2 epsilon + 1) = a10 a11 Y0.
    """
    shares, income, elasticity = np.array([[0.8, 0.0625], [0.2, 0.9375]]), np.array([10.0, 32.0]), 8.0
    tiny = eh.Economy((shares * income)[:, :, None], elasticity)
    shock = eh.Shock(trade_cost=trade_cost, productivity=[[1.0], [2.0]])
    a = shares * np.array([[1.0], [2.0**elasticity]])
    ratio = a[0, 1] * a[0, 0] * income[1] / (a[1, 0] * a[1, 1] * income[0])
    wage = eh.counterfactual(tiny, shock).wage_hat
    np.testing.assert_allclose(wage[0] / wage[1], ratio ** (1 / (2 * elasticity + 1)), rtol=1e-10)
    monkeypatch.setattr(solver, "DENSE", 0)  # as in a world too large for the dense Jacobian
    with pytest.raises(eh.NotConverged, match="too little to tell its wage"):
        eh.counterfactual(tiny, shock)


def test_one_way_trade_needs_deficits_of_the_right_sign():
    x = np.zeros((4, 4, 1))
    x[0, 0] = x[1, 1] = x[2, 2] = x[3, 3] = 8.0
    x[0, 1] = x[1, 0] = x[2, 3] = 2.0
    x[3, 2] = 2.5
    cost = np.ones((4, 4, 1))
    cost[0, 1] = np.inf
    with pytest.raises(eh.NoEquilibrium, match="C1 can only sell to the others"):
        eh.counterfactual(eh.Economy(x, 1.0), eh.Shock(trade_cost=cost))


def test_a_user_whose_input_ends_stops_and_its_supplier_with_it():
    """Closing the only source of an input closes its user where nobody else needs it."""
    x = np.full((2, 2, 3), 1.0) + 9.0 * np.eye(2)[:, :, None]
    x[0, 0, 1] = x[0, 1, 1] = 0.0  # country 0 does not make industry 1 ...
    shares = np.zeros((2, 3, 3))
    shares[0, 1, 2] = 0.3  # ... which its industry 2 uses
    final = np.array([[0.6, 0.0, 0.4], [0.3, 0.4, 0.3]])
    world = eh.rebalance(eh.Economy(x, 4.0, input_shares=shares, expenditure_shares=final), "zero")
    cost = np.ones((2, 2, 3))
    cost[1, 0, 1] = np.inf
    eq = eh.counterfactual(world, eh.Shock(trade_cost=cost))
    assert eq.output_shares[0, 2] == 0.0
    assert eq.flows[1, 0, 2] > 0.0


def test_compounding_links_are_refused():
    world = eh.Economy([[[8.0], [2.0]], [[2.0], [8.0]]], 1.0, 0.8, input_shares=[[0.6]])
    with pytest.raises(eh.BadParameter, match=r"compound to 1.08 \(spectral radius"):
        eh.counterfactual(world, eh.Shock(productivity=1.1))
    restricted = eh.Economy(world.flows, 1.0, 0.8, input_shares=[[0.6]], entry="restricted")
    assert eh.counterfactual(restricted, eh.Shock(productivity=1.1)).welfare_hat[0] > 1.0


def test_extreme_hats_are_refused():
    with pytest.raises(eh.BadInput, match="leaves the range of numbers"):
        eh.counterfactual(eh.Economy([[[8.0], [2.0]], [[2.0], [8.0]]], 6.0), eh.Shock(trade_cost=1e-60))


@pytest.mark.parametrize(
    "call",
    [
        lambda w: eh.counterfactual(w, eh.Policy(tariff=0.1)),
        lambda w: eh.counterfactual(None),
        lambda w: eh.counterfactual(w, tol="small"),
        lambda w: eh.counterfactual(w, tol=1.0),
        lambda w: eh.counterfactual(w, eh.Shock(trade_cost=1.1), threads=0),
        lambda w: eh.counterfactual(w, eh.Shock(trade_cost=1.1), threads=2.5),
        lambda w: eh.counterfactual(w, deficits={"PAK": 1.0}),
        lambda w: eh.counterfactual(w, deficits=[-1e6, 5e5, 5e5]),
        lambda w: eh.gains_from_trade(None),
        lambda w: eh.stability("x"),
        lambda w: eh.purge_deficits(None),
        lambda w: eh.Policy.corrective("x"),
        lambda w: eh.closed_economy_gain(["a", "b"], 0.1),
        lambda w: eh.Economy(np.ma.masked_array(FLOWS, FLOWS > 9), 4.0),
        lambda w: eh.Economy(FLOWS, 4.0, countries=5),
        lambda w: eh.Economy(FLOWS.astype(str), 4.0),
    ],
)
def test_slips_get_a_named_error(call):
    with pytest.raises(eh.ExacthatError):
        call(world())


def test_series_are_read_by_label():
    import pandas as pd

    named = pd.Series({"steel": 5.0, "textiles": 4.0})
    assert eh.Economy(FLOWS, named, **NAMES).trade_elasticity.tolist() == [4.0, 5.0]
    with pytest.raises(eh.BadInput, match="labels of its own"):
        eh.counterfactual(world(), eh.Shock(labour=pd.Series({"VNM": 1.0, "PAK": 2.0, "IND": 1.0})))


def test_restricted_entry_keeps_the_intermediate_use_of_the_data():
    """Shares of revenue in the data are shares of cost times 1 / (1 + mu)."""
    free, restricted = (
        eh.datasets.load("nafta1993", entry=entry, scale_elasticity=0.002) for entry in ("free", "restricted")
    )
    used = [np.einsum("igk,ik->ig", w.input_shares, w.cost_share * w.sales) for w in (free, restricted)]
    np.testing.assert_allclose(used[1], used[0], rtol=1e-12)
    with pytest.raises(eh.BadInput, match="its inputs exceed its cost"):
        eh.datasets.load("nafta1993", entry="restricted", scale_elasticity=1.0)
