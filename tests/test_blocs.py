"""Groups of countries that hardly trade with each other: their relative wages are right, or nothing is certified."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import exacthat as eh
from exacthat import blocs, solver
from exacthat.kernels.gravity import cy, examples, ref
from tests.robustness.levels import Model, Precision

BETTER = np.array([[1.5, 1.0], [1.5, 1.0], [1.0, 2.0], [1.0, 2.0]])


def joined(thread):
    """Two pairs of countries; between the pairs, flows are as small as `thread`."""
    flows = np.exp(np.random.default_rng(0).normal(0.0, 1.0, (4, 4, 2)))
    flows[:2, 2:] *= thread
    flows[2:, :2] *= thread
    return eh.Economy(flows, 4.0, 0.1)


def apart(factor):
    """Trade costs between the pairs alone."""
    cost = np.ones((4, 4, 1))
    cost[:2, 2:] = cost[2:, :2] = factor
    return cost


CASES = [
    *(pytest.param(joined(thread), eh.Shock(productivity=BETTER), id=f"{thread:g}") for thread in (1e-6, 1e-9, 1e-13)),
    *(
        pytest.param(joined(1.0), eh.Shock(productivity=BETTER, trade_cost=apart(factor)), id=f"cost {factor:g}")
        for factor in (100.0, 1e3, 1e4)
    ),
]  # fmt: skip


def true_wages(economy, shock, solved):
    model = Model(economy, shock, eh.Policy(), "zero", Precision(60))
    z, left, _ = model.polish(model.guess(solved), rounds=40)
    assert left < 1e-25
    return np.exp(model.split(z)[1].astype(float))


@pytest.mark.parametrize(("economy", "shock"), CASES)
def test_relative_wages_across_a_thread_are_true(economy, shock):
    solved = eh.counterfactual(economy, shock, deficits="zero")
    assert solved.certificate.ok
    np.testing.assert_allclose(solved.wage_hat, true_wages(economy, shock, solved), rtol=1e-6)


@pytest.mark.parametrize(("economy", "shock"), CASES)
def test_wrong_relative_wages_across_a_thread_are_refused(economy, shock):
    solved = eh.counterfactual(economy, shock, deficits="zero")
    right = {"wage_hat": solved.wage_hat, "output_share_hat": solved.output_share_hat, "deficits": "zero"}
    wrong = {**right, "wage_hat": solved.wage_hat * [1.001, 1.001, 1.0, 1.0]}
    with pytest.raises(eh.NotCertified):
        eh.certify(economy, shock, **wrong)
    if solved.certificate.balance < 1e-9:
        assert eh.certify(economy, shock, **right).ok


def test_the_group_is_named_where_its_wage_stays_open(monkeypatch):
    economy, shock = CASES[2].values
    monkeypatch.setattr(solver, "DENSE", 0)
    with pytest.raises(
        eh.NotConverged, match=r"the group .* with the others is small and misses its balance"
    ):
        eh.counterfactual(economy, shock, deficits="zero")
    kept = eh.counterfactual(economy, shock, deficits="zero", on_failure="return").certificate
    assert not kept.ok
    assert kept.residual <= kept.tolerance
    assert kept.balance > 1e-6


def test_rows_of_a_batch_are_judged_like_single_solves():
    economy, shock = CASES[2].values
    batch = eh.counterfactuals(economy, [shock, eh.Shock(trade_cost=1.1)], deficits="zero")
    for row, change in enumerate((shock, eh.Shock(trade_cost=1.1))):
        alone = eh.counterfactual(economy, change, deficits="zero")
        assert batch.outcome[row] == "certified"
        np.testing.assert_allclose(batch.wage_hat[row], alone.wage_hat, rtol=1e-6)


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_flows_between_countries_are_those_of_the_solve(seed):
    system, start, tolerance = examples.solve(np.random.default_rng(seed))
    solution = cy.solve(system, start, tolerance)
    flows = blocs.flows(system, solution)
    np.fill_diagonal(flows, 0.0)
    for trade, axis in ((solution.exports, 1), (solution.imports, 0)):
        np.testing.assert_allclose(flows.sum(axis=axis), trade, rtol=1e-7, atol=1e-12 * flows.max())
    inside, root = blocs.groups(flows)
    for c in range(system.component.max() + 1):
        members = np.flatnonzero(system.component == c)
        assert root[members].sum() == 1
        assert inside[members[root[members]][0]].sum() == len(members)


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["plain", "tariffs", "taxes"]))
def test_no_branch_misses_its_balance_by_more_than_the_bound(seed, kind):
    system, start, _ = examples.solve(np.random.default_rng(seed), kind=kind)
    # where a solve starts nothing balances yet
    first, second = (twin.solve(system, start, 1e300) for twin in (cy, ref))
    np.testing.assert_allclose(first.branch_bound, second.branch_bound, rtol=1e-9)
    exact, _ = blocs.largest_imbalance(system, first)
    assert 0 < exact <= first.branch_bound * (1 + 1e-9)


@pytest.mark.parametrize("at", [0, 5])
def test_the_bound_does_not_hang_on_the_order_of_countries(at):
    flows = examples.flows(np.random.default_rng(1), 6, 3, zeros=0.0)
    flows[at] *= 1e-8
    flows[:, at] *= 1e-8
    base = eh.purge_deficits(eh.Economy(flows, 4.0, 0.1))
    solved = eh.counterfactual(base, eh.Shock(trade_cost=1.2), tol=1e-13)
    assert solved._solution.branch_bound < 1e-10


def test_branches_of_a_chain_and_of_two_pairs():
    chain = np.diag([3.0, 1.0, 2.0], 1)
    inside, root = blocs.groups(chain)
    sides = {frozenset(np.flatnonzero(row)) for row in inside[~root]}
    assert {frozenset(side if 0 in side else set(range(4)) - side) for side in sides} == {
        frozenset({0}), frozenset({0, 1}), frozenset({0, 1, 2}),
    }  # fmt: skip
    pairs = np.full((4, 4), 1e-9)
    pairs[:2, :2] = pairs[2:, 2:] = 1.0
    inside, root = blocs.groups(pairs)
    assert any(set(np.flatnonzero(row)) in ({0, 1}, {2, 3}) for row in inside[~root])
