"""Table 5 of Lashkaripour and Lugovskyy (2023): corrective policy, alone and together, under both entry regimes."""

from dataclasses import replace

import numpy as np
import pytest

import exacthat as eh
from exacthat.published import ADDED, ENTRY, TARIFFS, paper_world, table5, without_deficits
from tests.published import false_corner

# Means over the 43 countries; three of the four agree with what the paper prints.
MEANS = {
    "restricted_alone_swapped": -0.3236,
    "restricted_together_swapped": 1.6702,
    "free_together_swapped": 3.4242,
    "free_alone_swapped": -6.1093,  # the paper prints -2.78
    "restricted_alone_right": -0.3473,
    "restricted_together_right": 1.6734,
    "free_together_right": 3.4327,
    "free_alone_right": -6.1543,
}


@pytest.fixture(scope="module")
def table():
    return table5()


@pytest.mark.parametrize("column", MEANS)
def test_means_to_four_digits(table, column):
    assert round(float(table.columns[column].mean()), 4) == MEANS[column]
    assert len(table.rows) == 43


def test_printed_digits_agree_but_for_free_entry_alone(table):
    printed, mean = table.summary["printed"], table.summary["mean"]
    agrees = {
        name: round(float(value), 2) == shown
        for name, value, shown in zip(table.columns, mean, printed)
        if np.isfinite(shown)
    }
    assert agrees == {
        "restricted_alone_swapped": True,
        "restricted_together_swapped": True,
        "free_alone_swapped": False,
        "free_together_swapped": True,
    }


def test_every_country_has_its_certificate(table):
    assert table.failed == ()
    assert len(table.certificates) == 4 * (1 + 43 + 1)
    for (country,) in table.rows:
        for entry in ENTRY:
            for tariffs in TARIFFS:
                held = table.certificates[f"{entry} entry, {tariffs} tariffs: {country} alone"]
                assert held.ok
                assert held.residual <= 1e-10


def test_exact_solution_of_free_entry_alone(table):
    alone = dict(zip((row[0] for row in table.rows), table.columns["free_alone_swapped"]))
    assert round(float(np.median(list(alone.values()))), 2) == -4.25
    assert round(float(alone["BEL"]), 2) == -34.82
    assert min(alone, key=alone.get) == "LTU"


@pytest.mark.parametrize("entry", ENTRY)
def test_removing_deficits_gives_the_balanced_flows_of_the_paper(entry):
    """Same handling, swapped tariffs: the solved world is the array in the paper's files."""
    published, _ = paper_world(entry, "swapped")
    raw = replace(published, flows=eh.datasets.arrays("wiod2014")["flows"], expenditure_shares=None)
    solved, certificate = without_deficits(raw)
    assert certificate.ok
    np.testing.assert_allclose(solved.flows, published.flows, rtol=1e-8)


def test_the_paper_removes_deficits_without_scale_effects():
    published, _ = paper_world("free", "swapped")
    raw = eh.datasets.arrays("wiod2014")["flows"] + ADDED
    solved = eh.purge_deficits(replace(published, flows=raw, expenditure_shares=None))
    assert np.abs(solved.flows / published.flows - 1).max() > 1


class TestFalseCorner:
    """A general solver with its error in dollars, for Belgium: success, and nowhere near the solution."""

    @pytest.fixture(scope="class")
    @staticmethod
    def model():
        return false_corner.Dollars(false_corner.published_world(), "BEL")

    @pytest.fixture(scope="class")
    @staticmethod
    def exact(model):
        return false_corner.certified(model.world, "BEL")

    @pytest.fixture(scope="class")
    @staticmethod
    def stopped(model):
        return model.dogbox()

    def test_jacobian_is_the_derivative(self, model):
        rng = np.random.default_rng(3)
        x = np.exp(0.1 * rng.standard_normal(model.start.size))
        along = rng.standard_normal(x.size)
        up, down = (model.residual(x + sign * 1e-6 * along) for sign in (1, -1))
        difference, product = (up - down) / 2e-6, model.jacobian(x) @ along
        assert np.abs(product - difference).max() < 1e-8 * np.abs(product).max()

    def test_certified_equilibrium_meets_the_equations_of_the_paper(self, model, exact):
        eq, x = exact
        assert np.abs(model.relative(x)).max() < 1e-11
        assert np.abs(model.residual(x)).max() < 1e-5  # million USD, of a world of 1e8
        assert model.welfare(x) == pytest.approx(100 * (eq.welfare_hat[model.acting] - 1), abs=1e-8)

    def test_trust_region_solver_reports_success_far_from_the_solution(self, model, exact, stopped):
        assert stopped.success
        assert np.abs(model.residual(stopped.x)).max() < 1e-7 * model.world.sales.sum()
        assert model.welfare(stopped.x) > model.welfare(exact[1]) + 20
        shut = model.employment(stopped.x) < false_corner.SHUT
        assert shut.sum() >= 5
        assert (
            model.relative(stopped.x)[shut] < -1
        ).all()  # demand would pay more than e times the wage bill

    def test_shut_industries_are_an_exact_root_in_dollars_only(self, model, stopped):
        x = model.shut_down(stopped.x)
        assert np.abs(model.residual(x)).max() < 1e-6
        shut = model.employment(x) < false_corner.SHUT
        assert (model.employment(x)[shut] == 0).all()
        x[2 * model.n + model.acting * model.k + np.flatnonzero(shut)] = 1e-30
        assert (model.relative(x)[shut] < -1).all()  # reopened at any small size, they would expand
        assert np.abs(model.residual(x)).max() < 1e-3
