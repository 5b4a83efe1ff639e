"""Paths of many-country learning: phases, appraisal, sizes, refusals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import exacthat as eh
from exacthat import dynamics
from exacthat.dynamics import Learning, PathStopped, Phase, scale_to_growth, simulate, starting_growth
from exacthat.errors import BadInput, BadParameter, NoEquilibrium, NotConverged
from tests import worlds
from tests.learners import alone, drawn, learning

SEEDS = st.integers(0, 2**32 - 1)
LAWS = ("additive", "proportional", "stocks")
few = settings(max_examples=10)
TIGHT = 1e-11
AUTARKY = eh.Shock(trade_cost=float("inf"))


# Phases and the path ----------------------------------------------------------------------------------


def test_a_path_is_right_continuous_and_productivity_does_not_jump():
    rng, eco = drawn(2)
    policy = eh.Policy.corrective(eco)
    phases = [Phase(policy=policy, until=5.0), Phase(shock=AUTARKY, until=8.0), Phase()]
    path = simulate(eco, learning(rng, 3, 3), phases, horizon=12.0)
    assert [(event.time, event.kind, event.phase) for event in path.events] == [
        (0.0, "phase", 0), (5.0, "phase", 1), (8.0, "phase", 2)]  # fmt: skip
    assert path.phase_starts == (0.0, 5.0, 8.0)
    for date in (5.0, 8.0):
        before, after = path.at(date, "left"), path.at(date)
        np.testing.assert_allclose(before.productivity, after.productivity, rtol=1e-12)
        assert np.abs(before.welfare_hat / after.welfare_hat - 1).min() > 1e-4
        near = path.at([date - 1e-7, date + 1e-7])
        np.testing.assert_allclose(near.welfare_hat, [before.welfare_hat, after.welfare_hat], rtol=1e-6)
    assert (path.at(0.0, "left").welfare_hat == path.at(0.0).welfare_hat).all()
    assert (path.at(12.0, "left").welfare_hat == path.at(12.0).welfare_hat).all()


def test_shapes_labels_and_read_only_states():
    rng, eco = drawn(2, 3, 4)
    path = simulate(eco, learning(rng, 3, 4), horizon=6.0, rtol=1e-6)
    states = path.at([0.0, 3.0])
    assert states.productivity.shape == states.output_shares.shape == (2, 3, 4)
    assert states.welfare_hat.shape == (2, 3)
    assert path.at(3.0).productivity.shape == (3, 4)
    assert path.at([]).output_shares.shape == (0, 3, 4)
    assert (path.countries, path.industries) == (eco.countries, eco.industries)
    with pytest.raises(ValueError, match="read-only"):
        states.productivity[0, 0, 0] = 1.0
    assert "certified" in str(path)
    assert repr(path) == "Path(3 countries, 1 phase, horizon 6)"
    assert repr(path.learning) == (
        "Learning(4 industries, additive law, activity 0.01, with diffusion, labour, initial, research)"
    )


def test_a_date_does_not_depend_on_what_was_asked_before():
    rng, eco = drawn(6)
    process = learning(rng, 3, 3)
    ours, theirs = (simulate(eco, process, horizon=10.0) for _ in range(2))
    ours.at(np.linspace(0, 10, 23))
    assert (ours.at(7.7).welfare_hat == theirs.at(7.7).welfare_hat).all()


def test_threads_do_not_change_a_bit():
    rng, eco = drawn(6, 5, 4)
    process = learning(rng, 5, 4)
    one, two = (simulate(eco, process, horizon=10.0, threads=threads).at(9.0) for threads in (1, 2))
    assert (one.productivity == two.productivity).all()
    assert (one.welfare_hat == two.welfare_hat).all()


@pytest.mark.parametrize("thread", [1e-5, 1e-8])
def test_blocs_joined_by_thin_trade_learn_apart(thread):
    rng = np.random.default_rng(5)
    flows = rng.uniform(0.5, 1.5, (4, 4, 3))
    flows[:2, 2:] *= thread
    flows[2:, :2] *= thread
    base = eh.purge_deficits(eh.Economy(flows, rng.uniform(3.0, 8.0, 3), 0.05))
    path = simulate(base, learning(rng, 4, 3), horizon=20.0)
    assert path.certificate.balance <= 1e-7
    first, last = (path.at(date) for date in (0.0, 20.0))
    apart = eh.counterfactual(base, eh.Shock(productivity=last.productivity / first.productivity))
    np.testing.assert_allclose(last.wage_hat, apart.wage_hat, rtol=1e-7)


# Appraisal --------------------------------------------------------------------------------------------


def supported_world():
    """Two countries, three industries; the first industry learns from itself, support moves labour into it."""
    eco = worlds.economy(1, 2, 3, highest_alpha=0.3)
    process = Learning(np.diag([0.5, 0.02, 0.02]))
    s = np.zeros((2, 3))
    s[0, 0] = 0.3
    return eco, process, eh.Policy(production_subsidy=s)


def test_compare_appraises_two_paths():
    eco, process, policy = supported_world()
    support = simulate(eco, process, [Phase(policy=policy, until=10.0), Phase()], horizon=40.0)
    without = simulate(eco, process, horizon=40.0)
    found = eh.compare(support, without, discount_rate=0.04, supported=[0])
    dates, gain = np.linspace(0, 40, 4001), 0.0
    for a, b in ((0.0, 10.0), (10.0, 40.0)):
        inside = dates[(dates >= a) & (dates <= b)]
        stream = []
        for path in (support, without):
            logs = np.log(path.at(inside).welfare_hat)
            logs[-1] = np.log(path.at(b, "left").welfare_hat)
            stream.append(logs)
        gain = gain + np.trapezoid((stream[0] - stream[1]) * np.exp(-0.04 * inside)[:, None], inside, axis=0)
    np.testing.assert_allclose(found.present_value, gain, atol=1e-5)
    assert found.countries == eco.countries
    assert found.mill_test.rule == "share"
    assert found.mill_test.support_ends == 10.0
    assert found.mill.dtype == bool  # all tested
    assert found.mill[0]
    margin = support.at(10.0).output_shares - without.at(10.0).output_shares
    assert found.mill_test.margin[0, 0] <= margin[0, 0] + 1e-12
    static = 100 * (1 - eh.counterfactual(eco, policy=policy).welfare_hat)
    np.testing.assert_allclose(found.static_cost, static, atol=1e-6)


def test_what_a_policy_supports_is_read_from_its_rates():
    eco, process, policy = supported_world()
    horizon = 12.0

    def path(*phases):
        return simulate(eco, process, list(phases), horizon=horizon)

    def tested(ours, theirs, **options):
        return eh.compare(ours, theirs, discount_rate=0.04, **options).mill_test

    without = path(Phase())
    support = path(Phase(policy=policy, until=4.0), Phase(until=9.0), Phase())
    found = eh.compare(support, without, discount_rate=0.04)
    expected = np.zeros((2, 3), dtype=bool)
    expected[0, 0] = True
    np.testing.assert_array_equal(found.mill_test.supported, expected)
    assert found.mill_test.support_ends == 4.0
    assert found.mill.tolist() == [True, None]  # as the table: not tested
    assert found.mill_test.verdict(0) == f"yes ({eco.industries[0]})"
    assert f"yes ({eco.industries[0]})" in str(found)
    assert "not tested" in str(found)
    assert tested(support, without, support_ends=9.0).support_ends == 9.0
    # The same policy under way in both paths supports nobody, nor does one rate for all, nor one that stays.
    assert tested(support, support) is None
    everywhere = eh.Policy(production_subsidy=[[0.1], [0.2]])
    assert tested(path(Phase(policy=everywhere, until=4.0), Phase()), without) is None
    assert tested(path(Phase(policy=policy)), without) is None
    assert tested(lambda t: np.ones((t.size, 2)), without, horizon=horizon) is None
    assert tested(support, without, horizon=3.0) is None
    # A tariff supports the importer's industry, an export subsidy the exporter's.
    rates = np.zeros((2, 2, 3))
    rates[0, 1, 2] = 0.2
    for name, country in (("tariff", 1), ("export_subsidy", 0)):
        mask = tested(path(Phase(policy=eh.Policy(**{name: rates}), until=4.0), Phase()), without).supported
        assert np.argwhere(mask).tolist() == [[country, 2]]
    named = tested(support, without, supported=[eco.industries[1]])
    np.testing.assert_array_equal(named.supported, [[False, True, False]] * 2)
    with pytest.raises(BadInput, match="unknown industry 'clothes'"):
        tested(support, without, supported=["clothes"])
    single = eh.Economy(eco.flows[:, :, :1], 4.0, countries=eco.countries)
    other = simulate(single, Learning([[0.01]]), horizon=horizon)
    with pytest.raises(BadInput, match="the baseline path industry0: take the same"):
        tested(support, other)


def test_a_policy_compared_with_itself_is_worth_nothing():
    eco, process, policy = supported_world()
    path = simulate(eco, process, [Phase(policy=policy, until=10.0), Phase()], horizon=20.0)
    found = eh.compare(path, path, discount_rate=0.04)
    assert (found.present_value == 0).all()
    assert not found.bastable.any()


def test_streams_of_welfare_per_head_can_be_named():
    _, eco = drawn(4)
    process = Learning(0.1 * np.eye(3))
    path = simulate(eco, process, Phase(shock=eh.Shock(labour=2.0)), horizon=5.0)
    stream = eh.Stream.from_path(path, welfare="welfare_per_head_hat")
    np.testing.assert_allclose(
        2 * stream.evaluate(np.array([5.0]), "right")[0], path.at(5.0).welfare_hat, rtol=1e-12
    )


# Scale ------------------------------------------------------------------------------------------------


@few
@given(seed=SEEDS, law=st.sampled_from(LAWS))
def test_scaled_spillovers_give_the_rate_asked_for(seed, law):
    rng, eco = drawn(seed, 3, 4)
    process = learning(rng, 3, 4, law)
    chosen = [eco.industries[1], eco.industries[3]]
    scaled = dynamics.scale_to_growth(eco, process, eco.countries[2], chosen, 0.5)
    weights = eco.output_shares[2, [1, 3]] / eco.output_shares[2, [1, 3]].sum()
    assert dynamics.starting_growth(eco, scaled)[2, [1, 3]] @ weights == pytest.approx(0.5)
    step = 1e-4
    phi = simulate(eco, scaled, horizon=1.0).at([0.0, step]).productivity
    slope = np.log(phi[1] / phi[0]) / step
    np.testing.assert_allclose(slope, dynamics.starting_growth(eco, scaled), rtol=1e-2, atol=1e-6)


def test_scale_that_cannot_be():
    eco = alone([0.5, 0.5], countries=["PAK"], industries=["food", "cloth"])
    deaf = Learning([[1.0, 0.0], [1.0, 0.0]], research=[0.0, 0.2])
    with pytest.raises(BadParameter, match="no spillovers reach"):
        dynamics.scale_to_growth(eco, deaf, "PAK", "cloth", 0.01)
    with pytest.raises(BadInput, match="did you mean 'cloth'"):
        dynamics.scale_to_growth(eco, deaf, "PAK", "clothe", 0.01)
    with pytest.raises(BadParameter, match="alone give"):
        dynamics.scale_to_growth(eco, Learning(np.eye(2), research=0.2), "PAK", "cloth", 0.01)
    with pytest.raises(BadParameter, match="above 0"):
        dynamics.scale_to_growth(eco, Learning(np.eye(2)), "PAK", "cloth", 0.0)


# Refusals ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"spillovers": np.ones((2, 3))}, BadInput, "must be square"),
        ({"spillovers": [[1.0, -1.0], [0.0, 1.0]]}, BadParameter, r"spillovers\[0, 1\] is -1"),
        ({"spillovers": [[1.0, np.nan], [0.0, 1.0]]}, BadInput, r"spillovers\[0, 1\] is not finite"),
        ({"spillovers": [["a"]]}, BadInput, "not numeric"),
        ({"spillovers": [["0.1"]]}, BadInput, "not numeric"),
        ({"spillovers": None}, BadInput, r"spillovers is None: give a \(K, K\) array"),
        ({"industries": 5}, BadInput, "industries is 5; give a list of labels"),
        ({"activity": -0.1}, BadParameter, "activity is -0.1; it must be at least 0"),
        ({"activity": np.ones(2)}, BadInput, "single number"),
        ({"diffusion": -np.eye(2)}, BadParameter, r"diffusion\[0, 0\] is -1"),
        ({"diffusion": np.ones(2)}, BadInput, r"diffusion has shape \(2,\)"),
        ({"law": "additiv"}, BadParameter, "law is 'additiv'"),
        ({"labour": [1.0, 0.0]}, BadParameter, r"labour\[1\] is 0"),
        ({"initial": 0.0}, BadParameter, "initial is 0"),
        ({"research": -1.0}, BadParameter, "research is -1"),
        ({"industries": ["food"]}, BadInput, "1 industries are named"),
    ],
)
def test_bad_learning_is_refused(options, error, match):
    with pytest.raises(error, match=match):
        Learning(**{"spillovers": np.eye(2), **options})


def test_all_faults_of_one_learning_are_reported_together():
    with pytest.raises(BadParameter) as caught:
        Learning(-np.eye(2), -np.eye(2), activity=-1.0, law="linear")
    assert len(caught.value.problems) == 4


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"spillovers": np.eye(3)}, "between 3 industries, the economy has 2"),
        ({"industries": ["cloth", "food"]}, "'cloth' at position 0, where the economy has 'food'"),
        (
            {"industries": ["food", "cloths"]},
            r"'cloths'; did you mean 'cloth'\?\n.*lack the industry 'cloth'",
        ),
        ({"diffusion": np.eye(3)}, "between 3 countries, the economy has 2"),
        ({"labour": [1.0]}, r"labour has shape \(1,\)"),
        ({"initial": np.ones((2, 3))}, r"initial has shape \(2, 3\)"),
        ({"research": np.ones(4)}, r"research has shape \(4,\)"),
    ],
)
def test_learning_of_another_world_is_refused(options, match):
    eco = eh.Economy(np.ones((2, 2, 2)) + np.eye(2)[:, :, None], 4.0, industries=["food", "cloth"])
    with pytest.raises(BadInput, match=match):
        simulate(eco, Learning(**{"spillovers": np.eye(2), **options}), horizon=1.0)


def test_data_frames_bring_their_labels():
    import pandas as pd

    eco = alone([0.5, 0.5], industries=["food", "cloth"])
    frame = pd.DataFrame(np.eye(2), ["food", "cloth"], ["food", "cloth"])
    assert Learning(frame).industries == ("food", "cloth")
    with pytest.raises(BadInput, match="different labels"):
        Learning(pd.DataFrame(np.eye(2), ["food", "cloth"], ["cloth", "food"]))
    with pytest.raises(BadInput, match="at position 0"):
        simulate(eco, Learning(frame.iloc[::-1, ::-1]), horizon=1.0)


@pytest.mark.parametrize(
    ("phases", "options", "error", "match"),
    [
        ([], {}, BadInput, "at least one Phase"),
        ([Phase(), Phase()], {}, BadInput, "phase 0 has no `until`"),
        ([Phase(until=5.0), Phase(until=5.0)], {}, BadParameter, "dates are absolute"),
        ([Phase(until=5.0)], {}, BadParameter, "ends at 5, before the horizon 10"),
        ([Phase(until=10.0), Phase()], {}, BadParameter, "nothing is left"),
        ([Phase(until=20.0), Phase()], {}, BadParameter, "nothing is left"),
        ([Phase(until=np.nan)], {}, BadInput, "until of phase 0 is not finite"),
        (["free"], {}, BadInput, "must be a Phase"),
        ([Phase(policy=eh.Shock())], {}, BadInput, "policy of phase 0"),
        ([Phase(shock=eh.Shock(productivity=-1.0), until=5.0), Phase(policy=eh.Policy(tariff=-2.0))], {}, BadInput,
         "phase 0: .*productivity(.|\n)*phase 1: tariff"),
        (None, {"horizon": 0.0}, BadParameter, "horizon is 0"),
        (None, {"horizon": "5"}, BadInput, "horizon is not numeric"),
        (None, {"horizon": None}, BadInput, "horizon is not finite"),
        ([Phase(until="5"), Phase()], {}, BadInput, "until of phase 0 is not numeric"),
        (None, {"rtol": "1e-9"}, BadInput, "rtol is not numeric"),
        (None, {"rtol": 1e-13}, BadParameter, "rtol is 1e-13"),
        (None, {"rtol": 0.5}, BadParameter, "rtol is 0.5"),
        (None, {"deficits": "none"}, BadParameter, "deficits is 'none'"),
        ([Phase(shock=AUTARKY)], {"deficits": [1.0, -1.0]}, NoEquilibrium, "phase 0: .*no one can finance"),
    ],
)  # fmt: skip
def test_bad_schedules_are_refused(phases, options, error, match):
    eco = eh.Economy(np.ones((2, 2, 1)) + np.eye(2)[:, :, None], 4.0)
    with pytest.raises(error, match=match):
        simulate(eco, Learning([[0.1]]), phases, **{"horizon": 10.0, **options})


def test_wrong_kinds_of_arguments_are_refused():
    eco = alone([1.0])
    with pytest.raises(BadInput, match="economy is a str"):
        simulate("icio2019", Learning([[0.1]]), horizon=1.0)
    with pytest.raises(BadInput, match="learning is a list"):
        simulate(eco, [[0.1]], horizon=1.0)
    with pytest.raises(BadInput, match="learning is a ndarray"):
        starting_growth(eco, np.eye(1))
    with pytest.raises(BadInput, match="economy is a NoneType"):
        starting_growth(None, Learning([[0.1]]))
    with pytest.raises(BadInput, match="learning is a float"):
        scale_to_growth(eco, 0.1, "C0", ["industry0"], 0.01)
    with pytest.raises(BadInput, match="economy is a list"):
        scale_to_growth([], Learning([[0.1]]), "C0", ["industry0"], 0.01)


@pytest.mark.parametrize(
    ("times", "side", "error", "match"),
    [
        ([1.0, 11.0], "right", BadParameter, r"times\[1\] is 11; it must be at most 10"),
        (-1.0, "right", BadParameter, "at least 0"),
        (np.nan, "right", BadInput, "not finite"),
        ([[1.0]], "right", BadInput, "shape"),
        (1.0, "before", BadParameter, "side is 'before'"),
    ],
)
def test_bad_dates_are_refused(times, side, error, match):
    path = simulate(alone([1.0]), Learning([[0.1]]), horizon=10.0)
    with pytest.raises(error, match=match):
        path.at(times, side)
    with pytest.raises(BadInput):
        path.rates(times, side)
    with pytest.raises(BadInput):
        path.scenario(times, side)


def test_baselines_that_are_no_equilibrium_are_refused():
    with pytest.raises(BadInput, match="not an equilibrium"):
        simulate(eh.datasets.load("wiod2008"), Learning(np.eye(31)), horizon=1.0)


def test_a_path_that_runs_away_stops_with_what_was_reached():
    """The stock of knowledge of both countries feeds on the other's: it doubles without end, past any number."""
    eco = eh.Economy(np.ones((2, 2, 2)) + np.eye(2)[:, :, None], 4.0, 0.1)
    process = Learning(np.eye(2), law="proportional", activity=0.0)
    with pytest.raises(PathStopped, match="Productivity or the equilibrium runs away") as caught:
        simulate(eco, process, horizon=5000.0, rtol=1e-4)
    stopped = caught.value
    assert isinstance(stopped, NotConverged)
    assert 0 < stopped.path.horizon < 5000
    assert stopped.reached == pytest.approx(100 * stopped.path.horizon / 5000)
    assert stopped.path.certificate.completed == pytest.approx(stopped.reached)
    late = stopped.path.at(0.5 * stopped.path.horizon)
    np.testing.assert_allclose(np.log(late.productivity), 0.25 * stopped.path.horizon, rtol=1e-3)
