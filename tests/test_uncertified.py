"""What takes an equilibrium takes certified ones alone; what a failed solve says and keeps."""

import numpy as np
import pytest

import exacthat as eh
from exacthat.equilibrium import require_certified

FLOWS = np.random.default_rng(1).uniform(0.1, 1.0, (3, 3, 2))
USES = {
    "gradient": lambda eq: eh.welfare_gradient(eq, "C0"),
    "sensitivity": lambda eq: eh.welfare_sensitivity(eq, {"productivity": 1.0}),
    "first order": eh.first_order_growth,
    "Caliendo-Parro": eh.caliendo_parro_terms,
    "split": lambda eq: eh.Equilibrium.decompose(eq),
}


def left_over():
    """An iterate far from any equilibrium: mu*epsilon a hair below one."""
    world = eh.Economy(FLOWS, 4.0, 0.2499999999)
    return eh.counterfactual(world, eh.Shock(trade_cost=1.1), on_failure="return")


@pytest.mark.parametrize("use", USES)
def test_an_iterate_without_a_certificate_is_refused_by_name(use):
    iterate = left_over()
    assert not iterate.certificate.ok
    with pytest.raises(
        eh.NotCertified, match=r"not certified.*the solver stopped at a residual of"
    ) as caught:
        USES[use](iterate)
    assert caught.value.certificate is iterate.certificate


def test_what_newton_leaves_of_an_import_subsidy_without_a_limit_is_refused_by_name():
    world = eh.purge_deficits(eh.Economy(FLOWS, 4.0, 0.1, countries=["PAK", "IND", "CHN"]))
    iterate = eh.counterfactual(world, None, eh.Policy(tariff=-0.9999999), on_failure="return")
    assert not iterate.certificate.ok
    with pytest.raises(eh.NotCertified):
        eh.welfare_gradient(iterate, "PAK")


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("wrong", [eh.Economy(FLOWS, 4.0), None, 1.0, np.ones(3)])
def test_anything_but_an_equilibrium_is_refused(use, wrong):
    with pytest.raises(eh.BadInput, match=r"eq is of type \w+; pass the result of exacthat.counterfactual"):
        USES[use](wrong)


def test_a_certified_equilibrium_passes():
    eq = eh.counterfactual(eh.Economy(FLOWS, 4.0, 0.1))
    assert require_certified(eq) is eq


def test_a_tolerance_below_rounding_names_a_larger_one_as_the_cure():
    world, shock = eh.Economy(FLOWS, 4.0, 0.1), eh.Shock(trade_cost=1.1)
    with pytest.raises(eh.NotConverged, match=r"tol=1e-17 is below .* Pass tol=\de-1\d or larger") as caught:
        eh.counterfactual(world, shock, tol=1e-17)
    cure = float(str(caught.value).split("Pass tol=")[1].split()[0])
    assert eh.counterfactual(world, shock, tol=cure).certificate.ok
