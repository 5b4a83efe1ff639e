"""The batch against one counterfactual per row: all kinds of worlds and scenarios, failing ones too."""

import multiprocessing
import os
import pickle
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import exacthat as eh
from exacthat.sweep import batch as sweep
from exacthat.sweep.batch import HATS
from tests.taxed_worlds import any_policy, any_shock, taxed_economy
from tests.worlds import economy

SEEDS = st.integers(0, 2**32 - 1)
WORLDS = {
    "plain": lambda seed: economy(seed, balanced=False, zeros=0.1),
    "restricted": lambda seed: economy(seed, entry="restricted"),
    "subsidies": lambda seed: taxed_economy(seed, ["subsidies"]),
    "taxes": lambda seed: taxed_economy(seed, ["bilateral", "subsidies"], balanced=False),
    "links": lambda seed: taxed_economy(seed, ["links"]),
    "all": lambda seed: taxed_economy(seed, entry="restricted"),
}


def scenarios(seed, world):
    """One scenario of every kind, some without an equilibrium and some that do not fit."""
    rng = np.random.default_rng(seed)
    shape = world.flows.shape
    n, _, k = shape
    shock = any_shock(rng, shape)
    route = np.ones(shape)
    route[0, 1, 0] = 1.2
    closed = np.ones(shape)
    closed[0, 1:] = closed[1:, 0] = np.inf
    return [
        eh.Shock(),
        shock,
        eh.Shock(trade_cost=1.3),
        eh.Shock(trade_cost=route),
        eh.Shock(productivity=1.1, labour=shock.labour, entry_cost=0.8),
        any_policy(rng, shape),
        eh.Policy.uniform_tariff(world, world.countries[1], 0.2),
        eh.Policy.corrective(world),
        eh.Policy.free_trade(world),
        eh.Scenario(shock, any_policy(rng, shape), deficits="zero", name="all at once"),
        eh.Scenario(eh.Shock(trade_cost=0.8), trade_elasticity=world.trade_elasticity * 0.9),
        eh.Scenario(eh.Shock(labour=1.2), scale_elasticity=world.scale_elasticity * 0.5),
        eh.Scenario(eh.Shock(trade_cost=1.1), scale_elasticity=1.2 / world.trade_elasticity),  # alpha above 1
        eh.Shock(trade_cost=np.inf),
        eh.Shock(trade_cost=closed),
        eh.Shock(trade_cost=-1.0),
        eh.Shock(trade_cost=1e200),
        eh.Shock(trade_cost=np.ones((n + 1, n + 1, k))),
        eh.Policy(tariff=np.full(shape, 0.1)),  # a tariff at home
        eh.Policy(production_subsidy=-2.0),
        eh.Scenario(deficits=np.arange(1.0, n + 1)),
    ]


def alone(world, row):
    """The counterfactual of one row, or its error."""
    row = row if isinstance(row, eh.Scenario) else eh.Scenario(**{type(row).__name__.lower(): row})
    options = {} if row.deficits is None else {"deficits": row.deficits}
    try:
        return eh.counterfactual(row.world(world), row.shock, row.policy, **options)
    except eh.ExacthatError as error:
        return error


@pytest.mark.parametrize("kind", WORLDS)
@settings(max_examples=12)
@given(seed=SEEDS)
def test_every_row_is_its_counterfactual(kind, seed):
    world = WORLDS[kind](seed)
    rows = scenarios(seed, world)
    batch = eh.counterfactuals(world, rows, threads=2)
    assert len(batch) == len(rows) == len(batch.scenarios)
    assert batch.names[9] == "all at once"
    assert batch.ok[:2].all()
    for s, row in enumerate(rows):
        expected = alone(world, row)
        if isinstance(expected, eh.ExacthatError):
            assert batch.outcome[s] == type(expected).__name__
            assert batch.message[s] == str(expected)
            assert all(np.isnan(getattr(batch, name)[s]).all() for name in HATS)
            with pytest.raises(type(expected)):
                batch.equilibrium(s)
            continue
        assert batch.outcome[s] == "certified"
        assert batch.message[s] == ""
        assert batch.residual[s] <= 1e-10
        assert batch.walras[s] <= 1e-10
        assert batch.balance[s] <= 1e-6
        for name in HATS:
            np.testing.assert_allclose(getattr(batch, name)[s], getattr(expected, name), rtol=1e-9)


def one_route(value, elsewhere):
    """Routes (6, 6, 3) that all hold one value but those from country 0 to country 1."""
    route = np.full((6, 6, 3), elsewhere)
    route[0, 1] = value
    return route


@pytest.mark.parametrize("old", [0.0, 0.25])
def test_taxes_that_leave_a_price_move_revenue(old):
    """A trade cost, a tariff and a subsidy that cancel in the price of a route are still a change."""
    world = economy(4, countries=6)
    world = eh.Economy(world.flows, 5.0, 0.1, tariff=one_route(old, 0.0))
    new = one_route(0.25 - old, 0.0)
    rows = [
        eh.Scenario(eh.Shock(trade_cost=one_route((1 + old) / (1.25 - old), 1.0)), eh.Policy(tariff=new)),
        eh.Scenario(policy=eh.Policy(tariff=one_route(0.5, 0.0), export_subsidy=one_route(1.5 / (1 + old) - 1, 0.0))),
        eh.Policy(tariff=new),
    ]  # fmt: skip
    batch = eh.counterfactuals(world, rows, threads=1)
    for s, row in enumerate(rows):
        np.testing.assert_allclose(batch.welfare_hat[s], alone(world, row).welfare_hat, rtol=1e-9)


def test_two_impossible_changes_do_not_make_a_possible_one():
    world = economy(4, countries=6)
    below = {"policy": eh.Policy(tariff=one_route(-3.0, 0.0), export_subsidy=one_route(-2.5, 0.0))}
    cost = {
        "shock": eh.Shock(trade_cost=one_route(-1.0, 1.0)),
        "policy": eh.Policy(tariff=one_route(-3.0, 0.0)),
    }
    batch = eh.counterfactuals(world, [eh.Scenario(**below), eh.Scenario(**cost)])
    assert batch.outcome.tolist() == ["BadParameter", "BadInput"]


@given(seed=SEEDS, kind=st.sampled_from(["plain", "taxes"]))
@settings(max_examples=10)
def test_neither_threads_nor_neighbours_change_a_bit(seed, kind):
    world = WORLDS[kind](seed)
    rows = scenarios(seed, world)
    order = np.random.default_rng(seed).permutation(len(rows))
    one = eh.counterfactuals(world, rows, threads=1)
    two = eh.counterfactuals(world, [rows[s] for s in order], threads=2)
    assert (one.outcome[order] == two.outcome).all()
    for name in (*HATS, "residual", "products"):
        np.testing.assert_array_equal(getattr(one, name)[order], getattr(two, name))


def test_rows_that_newton_leaves_are_followed_along_the_shock():
    """Near alpha = 1 a large shock needs continuation; the batch takes it where `counterfactual` does."""
    world = economy(9, countries=6, industries=5, highest_alpha=0.99)
    rows = [eh.Shock(trade_cost=cost) for cost in (0.1, 0.9, 20.0)]
    batch = eh.counterfactuals(world, rows)
    found = [eh.counterfactual(world, row, on_failure="return") for row in rows]
    assert any("followed" in eq.certificate.method for eq in found)
    assert (batch.ok == [eq.certificate.ok for eq in found]).all()
    for s in np.flatnonzero(batch.ok):
        np.testing.assert_allclose(batch.welfare_hat[s], found[s].welfare_hat, rtol=1e-9)


@settings(max_examples=5)
@given(seed=SEEDS)
def test_markups_drawn_where_inputs_link_industries_find_their_final_demand(seed):
    """Markups are part of what inputs cost, so they move the final demand that the flows leave."""
    world = taxed_economy(seed, ["links"], entry="restricted")
    rows = [
        eh.Scenario(shock, scale_elasticity=0.9 * world.scale_elasticity)
        for shock in (None, eh.Shock(trade_cost=1.1))
    ]
    batch = eh.counterfactuals(world, rows)
    new = eh.Economy(
        world.flows, world.trade_elasticity, 0.9 * world.scale_elasticity, entry="restricted",
        input_shares=world.input_shares, tariff=world.tariff, export_subsidy=world.export_subsidy,
        production_subsidy=world.production_subsidy,
    )  # fmt: skip
    assert (batch.welfare_hat[0] == 1.0).all()
    np.testing.assert_array_equal(batch.welfare_hat[1], eh.counterfactual(new, rows[1].shock).welfare_hat)


def test_a_tolerance_out_of_reach_fails_every_row_by_name():
    world = economy(3)
    batch = eh.counterfactuals(world, [eh.Shock(trade_cost=1.5), eh.Shock(labour=[1, 2, 1, 1])], tol=1e-19)
    assert (batch.outcome == "NotConverged").all()
    assert (batch.residual < 1e-10).all()
    assert np.isnan(batch.welfare_hat).all()


@pytest.mark.parametrize("make", ["threads", "processes"])
def test_an_executor_solves_the_same_rows(make):
    world = taxed_economy(5, ["bilateral", "links"])
    rows = scenarios(5, world)
    here = eh.counterfactuals(world, rows)
    spawn = multiprocessing.get_context("spawn")
    pools = {"threads": lambda: ThreadPoolExecutor(2), "processes": lambda: ProcessPoolExecutor(1, spawn)}
    with pools[make]() as pool:
        there = eh.counterfactuals(world, rows, executor=pool)
    assert (here.outcome == there.outcome).all()
    assert here.message == there.message
    assert here.names == there.names
    for name in HATS:
        np.testing.assert_array_equal(getattr(here, name), getattr(there, name))


def test_an_interruption_keeps_the_rows_that_are_done():
    world = economy(3, balanced=False)
    rows = [eh.Shock(labour=factor) for factor in np.linspace(0.5, 2, 40)]

    def stop(done, failed, total):
        assert failed <= done <= total == 40
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        eh.counterfactuals(world, rows, threads=1, progress=stop)
    batch = caught.value.batch
    done = batch.ok
    assert isinstance(caught.value, eh.Interrupted)
    assert 0 < done.sum() < 40
    assert (batch.outcome[~done] == "not run").all()
    assert np.isnan(batch.welfare_hat[~done]).all()
    np.testing.assert_array_equal(batch.welfare_hat[done], eh.counterfactuals(world, rows).welfare_hat[done])
    sent = pickle.loads(pickle.dumps(caught.value))
    assert str(sent) == str(caught.value)
    np.testing.assert_array_equal(sent.batch.outcome, batch.outcome)


class Deadly:
    """A name that ends the process in which it is read."""

    def __reduce__(self):
        return os._exit, (1,)


def fails(done, failed, total):
    raise ValueError("the display is gone")


@pytest.mark.parametrize("trouble", ["progress", "progress with an executor", "dead worker", "shut down"])
def test_a_batch_that_stops_keeps_the_rows_that_are_done(trouble):
    world = economy(3)
    rows = [eh.Scenario(eh.Shock(labour=factor)) for factor in np.linspace(0.5, 2, 64)]
    given = list(rows)
    options = {"progress": fails} if "progress" in trouble else {}
    if trouble == "dead worker":
        given[-1] = eh.Scenario(rows[-1].shock, name=Deadly())
        options["executor"] = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
    elif trouble != "progress":
        options["executor"] = ThreadPoolExecutor(1)
    if trouble == "shut down":
        options["executor"].shutdown()
    causes = {
        "dead worker": (BrokenProcessPool, "a worker of the executor died"),
        "shut down": (RuntimeError, "shutdown"),
    }
    kind, message = causes.get(trouble, (ValueError, "ValueError: the display is gone"))
    with pytest.raises(eh.BatchStopped, match=message) as caught:
        eh.counterfactuals(world, given, **options)
    assert isinstance(caught.value.__cause__, kind)
    batch = caught.value.batch
    assert (batch.ok | (batch.outcome == "not run")).all()
    assert not batch.ok.all()
    assert batch.ok.any() == (trouble != "shut down")
    assert f"{batch.ok.sum()} of 64 scenarios done" in str(caught.value)
    np.testing.assert_array_equal(
        batch.welfare_hat[batch.ok], eh.counterfactuals(world, rows).welfare_hat[batch.ok]
    )
    if "executor" in options:
        options["executor"].shutdown()


def test_what_stopped_a_batch_can_be_sent():
    world = economy(3)
    with pytest.raises(eh.BatchStopped) as caught:
        eh.counterfactuals(world, [eh.Shock(labour=1.1)] * 64, threads=1, progress=fails)
    sent = pickle.loads(pickle.dumps(caught.value))
    assert str(sent) == str(caught.value)
    np.testing.assert_array_equal(sent.batch.outcome, caught.value.batch.outcome)


class Recorder:
    """An executor that solves at once and remembers how many rows each piece had."""

    def __init__(self):
        self.rows = []

    def submit(self, function, economy, rows, *rest):
        self.rows.append(len(rows))
        future = Future()
        future.set_result(function(economy, rows, *rest))
        return future


@pytest.mark.parametrize(("count", "most"), [(1, 1), (40, 20), (2000, 63), (5, 3), (0, 0)])
def test_pieces_are_many_yet_not_tiny(monkeypatch, count, most):
    monkeypatch.setattr(sweep, "processors", lambda: 2)
    seen = Recorder()
    batch = eh.counterfactuals(economy(3), [eh.Shock(labour=1.1)] * count, executor=seen)
    assert batch.ok.all()
    assert sum(seen.rows) == count
    assert max(seen.rows, default=0) <= most
    assert all(size >= min(16, most) for size in seen.rows[:-1])


def test_a_batch_keeps_what_it_was_given():
    """Arrays that the caller changes later do not change what a row is solved again with."""
    world = economy(3)
    levels = 0.05 * world.labour_income.min() * np.array([1.0, -1.0, 0.0, 0.0])
    elasticity = 1.1 * world.trade_elasticity
    rows = [
        eh.Scenario(eh.Shock(trade_cost=1.1), trade_elasticity=elasticity),
        eh.Scenario(deficits=2 * levels),
    ]
    rows.append(eh.Scenario(deficits=list(3 * levels)))
    batch = eh.counterfactuals(world, rows, deficits=levels)
    levels *= 0.0
    elasticity *= 0.5
    for row in range(3):
        np.testing.assert_allclose(batch.equilibrium(row).welfare_hat, batch.welfare_hat[row], rtol=1e-9)


def test_progress_ends_with_all_rows():
    world = economy(3)
    seen = []
    eh.counterfactuals(world, scenarios(1, world), progress=lambda *numbers: seen.append(numbers))
    done = [numbers[0] for numbers in seen]
    assert done == sorted(done)
    assert seen[-1][0] == seen[-1][2] == 21
    assert seen[-1][1] >= 6


def test_the_frame_has_one_line_per_scenario_and_country():
    world = economy(3)
    batch = eh.counterfactuals(
        world, [eh.Scenario(eh.Shock(trade_cost=0.9), name="open"), eh.Shock(labour=-1.0)]
    )
    frame = batch.to_frame()
    assert frame.loc[("open", "C2"), "welfare_percent"] == 100 * (batch.welfare_hat[0, 2] - 1)
    assert (frame.loc["1", "outcome"] == "BadInput").all()
    assert frame.loc["1", "welfare_percent"].isna().all()
    with pytest.raises(ValueError, match="read-only"):
        batch.welfare_hat[0] = 1.0


def test_an_empty_batch_is_empty():
    world = economy(3)
    assert eh.counterfactuals(world, []).welfare_hat.shape == (0, 4)


@pytest.mark.parametrize(
    ("given", "error", "match"),
    [
        ({"scenarios": 3}, eh.BadInput, "scenarios is a int"),
        ({"scenarios": eh.Shock()}, eh.BadInput, "scenarios is a Shock"),
        (
            {"scenarios": [eh.Shock(), 1.1, "x"]},
            eh.BadInput,
            r"scenario 1 is a float(.|\n)*scenario 2 is a str",
        ),
        ({"economy": 3, "scenarios": []}, eh.BadInput, "economy is a int"),
        ({"scenarios": [], "threads": 0}, eh.BadParameter, "threads is 0"),
        ({"scenarios": [], "tol": 1.0}, eh.BadParameter, "tol is 1.0"),
        ({"scenarios": [], "deficits": "none"}, eh.BadParameter, "deficits is 'none'"),
        ({"scenarios": [], "executor": 2}, eh.BadInput, "executor is a int"),
        (
            {"scenarios": [], "executor": ThreadPoolExecutor, "progress": 3},
            eh.BadInput,
            r"executor is a type(.|\n)*progress is a int",
        ),
    ],
)
def test_arguments_that_no_row_can_do_with_are_refused(given, error, match):
    with pytest.raises(error, match=match):
        eh.counterfactuals(**{"economy": economy(3), **given})


@pytest.mark.parametrize("row", [1, -2, "0", 0.0])
def test_a_row_that_is_not_there_is_refused(row):
    with pytest.raises(eh.BadInput, match=r"row is .* one of the 1 scenarios"):
        eh.counterfactuals(economy(3), [eh.Shock(labour=1.1)]).equilibrium(row)


def test_a_scenario_of_the_wrong_kind_is_refused():
    with pytest.raises(eh.BadInput, match="shock of a scenario is a Policy"):
        eh.Scenario(eh.Policy())


# Elasticity draws


def test_draws_have_the_moments_asked_for_and_stay_inside_the_model():
    world = economy(3, highest_alpha=0.4)
    error = 0.1 * world.trade_elasticity
    drawn = eh.elasticity_draws(world, 4000, seed=2, trade_se=error, estimates=["a", "b", "c"])
    np.testing.assert_allclose(drawn.trade_elasticity.mean(axis=0), world.trade_elasticity, rtol=0.01)
    np.testing.assert_allclose(drawn.trade_elasticity.std(axis=0), error, rtol=0.05)
    assert (drawn.scale_elasticity == world.scale_elasticity).all()
    wide = eh.elasticity_draws(world, 500, seed=2, trade_se=world.trade_elasticity, scale_se=0.5)
    assert (wide.trade_elasticity > 0).all()
    assert (wide.scale_elasticity >= 0).all()
    assert (wide.trade_elasticity * wide.scale_elasticity < 0.995).all()
    assert [wide.proposed[name] - wide.cut[name] for name in world.industries] == [500] * 3
    assert sum(wide.reasons.values()) >= sum(wide.cut.values()) > 0


def test_industries_that_share_an_estimate_share_its_draw():
    world = economy(3)
    world = eh.Economy(world.flows, [4.0, 4.0, 5.0], 0.1)
    drawn = eh.elasticity_draws(
        world, 5, seed=1, trade_se=[0.4, 0.4, 0.0], estimates=["both", "both", "alone"]
    )
    assert (drawn.trade_elasticity[:, 0] == drawn.trade_elasticity[:, 1]).all()
    assert (drawn.trade_elasticity[:, 2] == 5.0).all()
    assert list(drawn.proposed) == ["both"]
    with pytest.raises(eh.BadInput, match="share the estimate 'all'"):
        eh.elasticity_draws(world, 5, seed=1, trade_se=0.1, estimates=["all"] * 3)


def test_draws_that_nearly_all_leave_the_model_are_refused():
    world = eh.Economy([[[8.0], [2.0]], [[2.0], [8.0]]], 4.0, 2.0)
    with pytest.raises(eh.BadParameter, match="lie inside the model"):
        eh.elasticity_draws(world, 5, seed=1, trade_se=0.1)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"count": 0}, "count is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"trade_se": -0.1}, "trade_se of industry"),
        ({"estimates": ["a"]}, "1 estimates are named"),
        ({"estimates": 3}, "estimates is 3"),
    ],
)
def test_draws_say_what_is_wrong(options, match):
    with pytest.raises(eh.BadInput, match=match):
        eh.elasticity_draws(economy(3), **{"count": 3, "seed": 1, **options})
