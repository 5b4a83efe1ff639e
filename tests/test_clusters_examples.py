"""The paper's figures and propositions, the effects of opening, the diagnosis, the search for dates."""

import itertools

import numpy as np
import pytest
from scipy.optimize import brentq

import exacthat as eh
from exacthat import clusters
from exacthat.clusters import examples


@pytest.mark.parametrize("name", examples.names())
def test_every_example_shows_what_it_says(name):
    example = examples.load(name)
    statements = example.check(example.run())
    assert statements
    assert all(statements.values()), [text for text, holds in statements.items() if not holds]
    assert "horizon" in example.not_given


@pytest.mark.parametrize("elasticity", [1.3, 2.0, 5.0])
@pytest.mark.parametrize(
    "name", ["figure-2", "figure-3", "figure-4", "proposition-1", "proposition-2", "proposition-3"]
)
def test_the_propositions_hold_at_other_elasticities(name, elasticity):
    example = examples.load(name, elasticity=elasticity, horizon=200.0)
    assert all(example.check(example.run()).values())


def test_figure_4_in_closed_form():
    example = examples.load("figure-4")
    times, curves = example.streams(points=5)
    np.testing.assert_allclose(curves["autarky"], (30 + times / 5)[:, None] * np.ones(2), rtol=1e-9)
    np.testing.assert_allclose(curves["trade"], 40, rtol=1e-12)


def test_the_follower_in_figure_5_gains_growth_first_when_goods_are_good_substitutes():
    def early(elasticity):
        paths = examples.load("figure-5", elasticity=elasticity).run()
        start, later = (
            {name: path.at(time).consumption[0, 1] for name, path in paths.items()} for time in (0.0, 0.1)
        )
        return (later["trade"] / start["trade"]) / (later["autarky"] / start["autarky"])

    assert early(3.0) > 1
    assert early(1.2) < 1


def test_cutoff_curves_cross_at_the_equilibrium():
    rng = np.random.default_rng(5)
    world = clusters.World(rng.lognormal(size=(2, 7)), np.zeros((7, 7)), 2.5, rng.lognormal(size=2))
    lines = examples.cutoff_curves(world, points=70_001)
    first = np.argmax(lines["balanced_trade"] >= lines["relative_productivity"])
    wage = clusters.equilibrium(world).relative_wage
    assert lines["balanced_trade"][first - 1] <= wage * (1 + 1e-3)
    assert lines["relative_productivity"][first] <= wage * (1 + 1e-3)


def test_unknown_examples_suggest_the_nearest():
    with pytest.raises(eh.BadParameter, match="did you mean 'figure-6'"):
        examples.load("figure_6")


def test_effects_add_up_to_the_change_and_name_their_channel():
    times = [0.0, 20.0, 50.0]
    for name, channel in (
        ("figure-2", "concentration"),
        ("figure-4", "spillover"),
        ("figure-5", "composition"),
    ):
        world, _ = examples.load(name).curves["trade"]
        effects = clusters.opening_effects(world, times)
        paths = [clusters.simulate(world, [clusters.Phase(kind)], 50.0) for kind in ("autarky", "free")]
        change = np.log(paths[1].at(times).consumption / paths[0].at(times).consumption)
        np.testing.assert_allclose(effects.total, change, atol=1e-8)
        later = getattr(effects, channel)[-1]
        assert np.abs(later).max() > 0.05
        np.testing.assert_allclose(effects.static, effects.static[0] * np.ones((3, 1)), atol=1e-9)
    assert later[1] < 0 < later[0]  # composition: the follower loses


def test_effects_of_uneven_links_stay_within_bounds():
    spillovers = np.zeros((4, 4))
    spillovers[0, 1] = 1.0
    world = clusters.World([[3.0, 2.0, 1.0, 1.0], [1.0, 1.0, 2.0, 3.0]], spillovers, 2.0)
    effects = clusters.opening_effects(world, [0.0, 10.0])
    assert np.all(np.isfinite(effects.total))
    assert np.abs(effects.composition[-1]).max() > 0


def test_diagnosis_of_the_paper_s_worlds():
    verdicts = {
        name: clusters.diagnose(examples.load(name).curves["trade"][0])
        for name in ("figure-2", "figure-3", "figure-4")
    }
    assert [found.verdict for found in verdicts.values()] == ["none", "building", "destroying"]
    assert verdicts["figure-3"].links_kept == 1.0
    assert {tuple(pair) for pair in verdicts["figure-4"].broken.tolist()} == {(0, 1), (1, 0), (2, 3), (3, 2)}
    world, _ = examples.load("figure-6").curves["delayed"]
    path = clusters.simulate(world, [clusters.Phase("autarky")], 15.0)
    later = world.replace(technology=path.at(15.0).technology[0])
    assert clusters.diagnose(world).verdict == "destroying"
    assert clusters.diagnose(later).verdict == "building"


def test_communities_find_the_clusters():
    pytest.importorskip("networkx")
    assert clusters.communities(examples.CLUSTERS) == [(0, 1), (2, 3)]


def test_present_value_of_a_known_stream():
    world, _ = examples.load("figure-4").curves["trade"]  # frozen: D = 40
    path = clusters.simulate(world, [clusters.Phase("free")], 30.0)
    annuity = (1 - np.exp(-0.05 * 30)) / 0.05
    np.testing.assert_allclose(clusters.present_value(path, 0.05), np.log(40) * annuity, rtol=1e-12)
    np.testing.assert_allclose(
        clusters.present_value(path, 0.05, inverse_elasticity=0.0), 39 * annuity, rtol=1e-12
    )
    np.testing.assert_allclose(
        clusters.present_value(path, 0.05, inverse_elasticity=2.0, unit=(10.0, 20.0)),
        [0.75 * annuity, 0.5 * annuity],
        rtol=1e-12,
    )


def test_delay_is_best_below_a_critical_discount_rate_only():
    world, _ = examples.load("figure-6").curves["delayed"]
    patient = clusters.best_delay(world, 0.01, 60.0, points=17)
    assert patient.dates[0] == pytest.approx(105 * (3 / 7**0.5 - 1), abs=1e-6)
    assert np.all(patient.consumption_equivalent > 1)
    hasty = clusters.best_delay(world, 0.2, 60.0, points=17)
    assert np.all(hasty.dates == 0)
    np.testing.assert_array_equal(hasty.values, hasty.compared["immediate"])


def test_the_best_order_opens_the_strong_industries_first():
    world, _ = examples.load("figure-7").curves["gradual"]
    best = clusters.best_order(world, 0.02, 60.0, points=9, sweeps=2)
    switch = examples.load("figure-7").run()["gradual"].phase_starts[1]
    np.testing.assert_allclose(best.dates, [0.0, switch, switch, 0.0], atol=1e-5)
    for name in ("immediate", "never", "one date"):
        assert best.objective > best.compared[name].sum()


def test_order_search_beyond_the_number_that_is_enumerated():
    rng = np.random.default_rng(2)
    world = clusters.World(rng.lognormal(size=(2, 8)), 0.1 * rng.random((8, 8)), 2.0)
    best = clusters.best_order(world, 0.05, 10.0, points=3, sweeps=1, weights=(1, 0))
    assert best.values[0] >= max(values[0] for values in best.compared.values())


def test_bad_search_options_are_refused():
    world, _ = examples.load("figure-6").curves["delayed"]
    with pytest.raises(eh.BadParameter, match="weights"):
        clusters.best_delay(world, 0.02, 60.0, weights=(0, 0))
    with pytest.raises(eh.BadParameter, match="discount_rate"):
        clusters.best_delay(world, -0.02, 60.0, points=3)
    with pytest.raises(eh.BadInput, match="opening dates"):
        clusters.opening_schedule(world, [1.0], 5.0)


def test_critical_discount_rate_of_the_delay_in_figure_6_follows_from_the_paths():
    runs = examples.load("figure-6").run()
    delayed, immediate = runs["delayed"], runs["immediate"]
    opening = delayed.phase_starts[1]
    knots = [*np.linspace(0.0, opening, 9), *np.linspace(opening, delayed.horizon, 33)[1:]]
    nodes, weights = np.polynomial.legendre.leggauss(20)

    def gain(rate):
        total = 0.0
        for start, stop in itertools.pairwise(knots):
            times = 0.5 * (start + stop) + 0.5 * (stop - start) * nodes
            log = np.log(delayed.at(times).consumption[:, 0] / immediate.at(times).consumption[:, 0])
            total += 0.5 * (stop - start) * weights @ (np.exp(-rate * times) * log)
        return total

    found = eh.compare(delayed, immediate, discount_rate=0.03)
    rate = brentq(gain, 0.001, 0.2, xtol=1e-13)
    np.testing.assert_allclose(found.critical_discount_rate, rate, rtol=1e-7)
    assert (found.present_value > 0).all()
    assert (eh.compare(delayed, immediate, discount_rate=1.1 * rate).present_value < 0).all()
