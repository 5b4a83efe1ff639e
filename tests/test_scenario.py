"""Scenarios: shapes that are accepted, faults that are named, worlds without an equilibrium."""

import numpy as np
import pytest

import exacthat as eh
from tests.worlds import economy

NAMES = {"countries": ["PAK", "IND", "VNM"], "industries": ["textiles", "steel"]}


@pytest.fixture(scope="module")
def world():
    made = economy(0, countries=3, industries=2)
    return eh.Economy(made.flows, made.trade_elasticity, made.scale_elasticity, **NAMES)


@pytest.mark.parametrize("shape", [(), (2,), (3, 3, 1), (3, 3, 2)])
def test_shapes_of_trade_cost(world, shape):
    hat = eh.Shock(trade_cost=np.full(shape, 1.5)).hats(world).trade_cost
    expected = np.full((3, 3, 2), 1.5)
    if len(shape) < 3:
        expected[np.arange(3), np.arange(3)] = 1.0
    np.testing.assert_array_equal(hat, expected)


@pytest.mark.parametrize("shape", [(), (2,), (3, 1), (3, 2)])
def test_shapes_by_country_and_industry(world, shape):
    hats = eh.Shock(productivity=np.full(shape, 2.0), entry_cost=np.full(shape, 3.0)).hats(world)
    assert (hats.productivity == 2.0).all()
    assert hats.productivity.shape == hats.entry_cost.shape == (3, 2)
    assert eh.Policy(production_subsidy=np.full(shape, 0.1)).rates(world).production_subsidy.shape == (3, 2)


@pytest.mark.parametrize("number", [2, 2.0, np.float64(2), np.float32(2), np.int64(2), np.array(2)])
def test_numbers_of_any_type(world, number):
    assert (eh.Shock(labour=number).hats(world).labour == 2.0).all()
    assert (eh.Policy(production_subsidy=number).rates(world).production_subsidy == 2.0).all()


def cost(cell, value):
    hat = np.ones((3, 3, 2))
    hat[cell] = value
    return hat


BAD = [
    ({"trade_cost": np.ones((3, 3))}, r"trade_cost has shape \(3, 3\)"),
    ({"trade_cost": cost((0, 1, 0), 0.0)}, r"from 'PAK' to 'IND' in industry 'textiles' is 0"),
    ({"trade_cost": cost((0, 1, 1), np.nan)}, r"industry 'steel' is nan"),
    ({"trade_cost": cost((2, 2, 0), np.inf)}, r"from 'VNM' to 'VNM' .* finite"),
    ({"productivity": np.ones(3)}, r"productivity has shape \(3,\)"),
    ({"productivity": [1.0, -1.0]}, r"productivity of country 'PAK' in industry 'steel' is -1"),
    ({"entry_cost": [[1.0], [np.inf], [1.0]]}, r"entry_cost of country 'IND' in industry 'textiles' is inf"),
    ({"labour": np.ones(2)}, r"labour has shape \(2,\)"),
    ({"labour": [1.0, 1.0, 0.0]}, r"labour of country 'VNM' is 0"),
]


@pytest.mark.parametrize(("shock", "message"), BAD)
def test_bad_shocks_are_named(world, shock, message):
    with pytest.raises(eh.BadInput, match=message):
        eh.counterfactual(world, eh.Shock(**shock))


def test_all_faults_of_a_shock_at_once(world):
    with pytest.raises(eh.BadInput) as caught:
        eh.counterfactual(world, eh.Shock(trade_cost=-1.0, productivity=[0.0, 1.0], labour=[1, np.nan, 1]))
    assert len(caught.value.problems) == 6 * 2 + 3 + 1


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda w: eh.Policy(tariff=25), eh.BadParameter, r"^tariff is 25, a rate of 2500 percent; did you mean 0.25"),
        (lambda w: eh.Policy(export_subsidy=cost((0, 1, 1), 9.0)), eh.BadParameter, r"export_subsidy\[0, 1, 1\] is 9"),
        (lambda w: eh.Policy(production_subsidy=[0, 5.0]), eh.BadParameter, r"production_subsidy\[1\] is 5"),
        (lambda w: eh.Policy.uniform_tariff(w, "PAK", 25), eh.BadParameter, "rate is 25, .* did you mean 0.25"),
        (lambda w: eh.Policy(tariff=True), eh.BadInput, "it holds True"),
        (lambda w: eh.Policy(large_rates=3), eh.BadParameter, "large_rates is 3"),
        (lambda w: eh.Shock(trade_cost=True), eh.BadInput, "it holds True"),
        (lambda w: eh.Shock(labour=[1.0, None, 1.0]), eh.BadInput, r"it holds None at \[1\]"),
        (lambda w: eh.Scenario(trade_elasticity=(e for e in [1.0])), eh.BadInput, "of a scenario is a generator"),
        (lambda w: eh.Scenario(trade_elasticity=1e-9).world(w), eh.BadParameter, "'textiles' is 1e-09"),
        (lambda w: eh.counterfactual(w, policy=eh.Policy(tariff=np.full((3, 3, 2), 1.2))), eh.BadParameter, "powers"),
    ],
)  # fmt: skip
def test_slips_are_named(world, make, error, message):
    with pytest.raises(error, match=message):
        make(world)


def test_all_faults_of_a_policy_at_once():
    with pytest.raises(eh.BadInput) as caught:
        eh.Policy(tariff="x", export_subsidy=25, production_subsidy=[None])
    assert len(caught.value.problems) == 3


def test_a_large_uniform_tariff_is_accepted_when_confirmed(world):
    policy = eh.Policy.uniform_tariff(world, "PAK", 6.0, large_rates=True)
    assert eh.counterfactuals(world, [policy], deficits="zero").ok.all()


def test_alpha_at_or_above_one_is_refused():
    world = economy(0, countries=3, industries=2)
    steep = eh.Economy(world.flows, [4.0, 5.0], [0.25, 0.1], **NAMES)
    with pytest.raises(eh.BadParameter, match=r"industry 'textiles' has mu\*epsilon = 1;.*unique"):
        eh.counterfactual(steep)
    assert np.isfinite(eh.gains_from_trade(steep).percent).all()
    restricted = eh.Economy(world.flows, [4.0, 5.0], [0.25, 0.1], entry="restricted")
    assert eh.counterfactual(restricted, eh.Shock(trade_cost=1.1), deficits="zero").certificate.ok


def test_groups_cut_off_with_deficits_have_no_equilibrium():
    raw = economy(0, countries=3, industries=2, balanced=False)
    world = eh.Economy(raw.flows, raw.trade_elasticity, raw.scale_elasticity, **NAMES)
    with pytest.raises(eh.NoEquilibrium, match=r"countries PAK trade with no one else.*deficits='zero'"):
        eh.counterfactual(world, eh.Shock(trade_cost=np.inf))
    assert eh.counterfactual(world, eh.Shock(trade_cost=np.inf), deficits="zero").certificate.ok


def test_data_with_cut_off_groups_and_deficits_have_no_equilibrium():
    x = np.zeros((4, 4, 1))
    x[:2, :2, 0] = [[5, 1], [2, 5]]
    x[2:, 2:, 0] = [[5, 1], [1, 5]]
    x[2, 0, 0] = 0.0
    world = eh.Economy(x, 4.0, 0.1)
    assert eh.counterfactual(world, eh.Shock(trade_cost=1.2)).certificate.ok
    with pytest.raises(eh.NoEquilibrium, match="C2, C3 trade with no one else"):
        eh.counterfactual(world, deficits=[1.0, 0.0, -1.0, 0.0])


def test_unsupplied_destinations_have_no_equilibrium(world):
    x = np.array(world.flows)
    x[0, 0, 1] = 0.0
    gap = eh.Economy(x, world.trade_elasticity, **NAMES)
    with pytest.raises(eh.NoEquilibrium, match=r"no one is left to supply industry 'steel' to 'PAK'"):
        eh.counterfactual(gap, eh.Shock(trade_cost=np.inf), deficits="zero")


def test_trade_in_one_direction_only_has_no_balanced_equilibrium(world):
    hat = np.ones((3, 3, 2))
    hat[1:, 0] = np.inf  # PAK sells to the others and cannot buy from them
    with pytest.raises(eh.NoEquilibrium, match=r"PAK can only sell to the others"):
        eh.counterfactual(world, eh.Shock(trade_cost=hat))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"deficits": "none"}, "deficits is 'none'"),
        ({"deficits": [0.0, 1.0]}, r"deficits have shape \(2,\)"),
        ({"deficits": [0.0, 1.0, 0.5]}, "must sum to zero"),
        ({"deficits": [0.0, np.nan, 0.5]}, "deficit of 'IND' is not finite"),
        ({"tol": 0.0}, "tol is 0.0"),
        ({"tol": None}, "tol is None; it must be one number"),
        ({"tol": True}, "tol is True; it must be one number"),
        ({"on_failure": "ignore"}, "on_failure is 'ignore'"),
    ],
)
def test_bad_options(world, options, message):
    with pytest.raises(eh.BadInput, match=message):
        eh.counterfactual(world, eh.Shock(trade_cost=1.1), **options)


def test_corrective_policy_leaves_others_alone(world):
    taxed = eh.Economy(
        world.flows, world.trade_elasticity, world.scale_elasticity, production_subsidy=0.05, **NAMES
    )
    rates = eh.Policy.corrective(taxed, "IND").production_subsidy
    np.testing.assert_array_equal(rates[1], world.scale_elasticity)
    np.testing.assert_array_equal(rates[[0, 2]], 0.05)
    assert (eh.Policy.corrective(taxed).production_subsidy == world.scale_elasticity).all()
