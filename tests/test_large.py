"""Large worlds: flows stay in their memory map, and what is computed from them needs little memory."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import exacthat as eh
from bench.large_world import elasticities, write_flows
from exacthat import assembly, checks

SIZE = (100, 60)
SLACK = 1 << 20  # bytes: what an interpreter may take by the way
CODE = (
    "import json, sys; from exacthat import assembly; from bench.large_world import measure;"
    "assembly.ONE_MATRIX_ABOVE = 0;"
    "print(json.dumps(measure(sys.argv[1], *map(int, sys.argv[2:4]), sys.argv[4:])))"
)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="anonymous memory is read from /proc")
@pytest.mark.parametrize(
    "shocks", [["productivity"], ["trade_cost"], ["productivity", "trade_cost"]], ids="+".join
)
def test_anonymous_memory_stays_below_twice_the_flows(tmp_path, shocks):
    command = [sys.executable, "-c", CODE, str(tmp_path / "flows"), *map(str, SIZE), *shocks]
    root = Path(__file__).parents[1]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=root)
    flows = SIZE[0] ** 2 * SIZE[1] * 8
    construction, *solves = json.loads(done.stdout)
    assert construction["peak"] <= 1.0 + SLACK / flows
    for step in solves:  # one matrix of weights is always there, so less than the flows was not watched
        assert 1.0 < step["peak"] <= 2.0 + SLACK / flows, step
        assert step["residual"] <= 1e-10


@pytest.fixture
def flows(tmp_path):
    return write_flows(tmp_path / "flows", 7, 3)


def build(flows):
    return eh.Economy(flows, *elasticities(3))


def test_read_only_maps_are_not_copied_and_writable_ones_are(flows, tmp_path):
    assert np.shares_memory(build(flows).flows, flows)
    assert np.shares_memory(replace(build(flows), scale_elasticity=0.0).flows, flows)
    assert not np.shares_memory(build(np.array(flows)).flows, flows)
    writable = np.memmap(tmp_path / "flows", dtype=np.float64, mode="r+", shape=flows.shape)
    assert not np.shares_memory(build(writable).flows, writable)
    halves = np.memmap(tmp_path / "flows", dtype=np.float32, mode="r", shape=flows.shape)
    assert build(np.ma.getdata(np.abs(np.nan_to_num(halves)) + 1.0)).flows.dtype == np.float64


@pytest.mark.parametrize(
    "taxes", [{}, {"tariff": 0.1}, {"tariff": 0.1, "export_subsidy": 0.05, "production_subsidy": 0.1}]
)
def test_blocks_do_not_change_the_accounts(flows, monkeypatch, taxes):
    whole = eh.Economy(flows, *elasticities(3), **taxes)
    monkeypatch.setattr(checks, "BLOCK", 1)
    blocks = eh.Economy(flows, *elasticities(3), **taxes)
    assert len(checks.blocks(flows)) == 7
    for name in ("spending", "sales", "labour_income", "income", "expenditure", "linked", "packed_shares"):
        np.testing.assert_allclose(getattr(blocks, name), getattr(whole, name), rtol=1e-13)
    np.testing.assert_allclose(blocks.sales, whole.sales, rtol=1e-13)
    border = (whole.flows / (1.0 + (0.0 if whole.tariff is None else whole.tariff))).sum(axis=1)
    subsidy = 0.0 if whole.export_subsidy is None else whole.export_subsidy
    received = ((1.0 + subsidy) * whole.border_flows).sum(axis=1) * (1.0 + whole.production_subsidy)
    np.testing.assert_allclose(whole._totals.border, border, rtol=1e-13)
    np.testing.assert_allclose(whole.sales, received, rtol=1e-13)


def test_faults_of_late_blocks_are_named(flows, monkeypatch):
    monkeypatch.setattr(checks, "BLOCK", 1)
    wrong = np.array(flows)
    wrong[1, 0, 2], wrong[6, 5, 1] = -1.0, np.nan
    with pytest.raises(eh.BadInput) as caught:
        build(wrong)
    assert [problem.split(" is ")[0] for problem in caught.value.problems] == [
        "flow from 'C1' to 'C0' in industry 'industry2'",
        "flow from 'C6' to 'C5' in industry 'industry1'",
    ]
    cost = np.ones(flows.shape)
    cost[6, 5, 2] = 1e-200
    with pytest.raises(
        eh.BadInput, match="from 'C6' to 'C5' in industry 'industry2' changes by a factor of 1e-200"
    ):
        eh.counterfactual(build(flows), eh.Shock(trade_cost=cost))


def test_one_matrix_at_a_time_gives_the_same_bits(flows, monkeypatch):
    shocks = [eh.Shock(trade_cost=1.3), eh.Shock(productivity=[1.1, 0.9, 1.0])]
    plain = [eh.counterfactual(build(flows), shock) for shock in shocks]
    monkeypatch.setattr(assembly, "ONE_MATRIX_ABOVE", 0)
    world = build(flows)
    for shock, expected in zip([*shocks, shocks[0]], [*plain, plain[0]]):
        eq = eh.counterfactual(world, shock)
        assert (eq.welfare_hat == expected.welfare_hat).all()
        assert ("packed_shares" in vars(world)) == (shock.trade_cost is None)
        assert (eq.trade_shares == expected.trade_shares).all()


@pytest.mark.parametrize("one_matrix_above", [0, assembly.ONE_MATRIX_ABOVE])
def test_trade_costs_are_raised_on_the_threads_asked_for(flows, monkeypatch, one_matrix_above):
    world, seen, weigh = build(flows), [], assembly.cy.trade_weights

    def spy(shares, cost, epsilon, out, threads):
        seen.append(threads)
        return weigh(shares, cost, epsilon, out, threads)

    monkeypatch.setattr(assembly, "ONE_MATRIX_ABOVE", one_matrix_above)
    monkeypatch.setattr(assembly.cy, "trade_weights", spy)
    for threads in (1, 2):
        eh.counterfactual(world, eh.Shock(trade_cost=1.3), threads=threads)
    assert seen == [1, 2]


@pytest.mark.parametrize("shape", [(), (3,), (7, 7, 1), (7, 7, 3)])
def test_trade_costs_of_every_shape_are_one_change(flows, shape):
    world, home = build(flows), np.arange(7)
    cost = np.full(shape, 1.2) + (0.1 * np.arange(3) if shape == (3,) else 0.0)
    full = np.array(np.broadcast_to(cost, flows.shape))
    full[home, home] = 1.0
    if len(shape) == 3:
        cost[home, home] = 1.0
    given, spread = (eh.counterfactual(world, eh.Shock(trade_cost=hat), tol=1e-12) for hat in (cost, full))
    np.testing.assert_allclose(given.welfare_hat, spread.welfare_hat, rtol=1e-12)
    np.testing.assert_array_equal(given.shock.trade_cost, full)
