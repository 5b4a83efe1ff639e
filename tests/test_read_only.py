"""Results and arguments stay read-only when they are copied or sent to another process."""

import copy
import importlib
import pickle
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest

import exacthat as eh
from exacthat import clusters, dynamics, growth

FLOWS = np.random.default_rng(2).uniform(0.1, 1.0, (3, 3, 2))


def everything():
    """One of each kind of object with arrays, with what is computed on first use computed."""
    world = eh.purge_deficits(eh.Economy(FLOWS, 4.0, 0.1))
    shock = eh.Shock(trade_cost=1.1, productivity=np.full((3, 2), 1.1))
    eq = eh.counterfactual(world, shock, eh.Policy(tariff=0.1))
    for name in ("welfare_hat", "flows", "trade_shares", "shock", "output_share_hat", "income_hat"):
        getattr(eq, name)
    learning = dynamics.Learning(0.01 * np.eye(2), np.eye(3), labour=np.ones(3), initial=np.ones((3, 2)))
    aid = dynamics.Phase(policy=eh.Policy(production_subsidy=[0.1, 0.0]), until=2.0)
    path = dynamics.simulate(world, learning, [aid, dynamics.Phase()], horizon=5.0)
    still = dynamics.simulate(world, learning, horizon=5.0)
    return {
        "shock": shock,
        "policy": eh.Policy(production_subsidy=[0.1, 0.2], tariff=0.1),
        "scenario": eh.Scenario(shock, deficits=np.zeros(3), trade_elasticity=np.array([3.0, 4.0])),
        "equilibrium": eq,
        "certificate": eq.certificate,
        "gradient": eh.welfare_gradient(eq, "C0"),
        "split": eq.decompose(),
        "batch": eh.counterfactuals(world, [shock, eh.Policy(tariff=0.2)]),
        "draws": eh.elasticity_draws(world, 3, seed=1, trade_se=0.1),
        "gains": eh.gains_from_trade(world),
        "gains table": eh.gains_table(world),
        "immiserization": eh.immiserization(world),
        "optimal policy": eh.optimal_policy(world, "C0", "tariff"),
        "learning": learning,
        "path": path,
        "states": path.at([0.0, 1.0]),
        "value of learning": dynamics.learning_value(path, 0.05, "C0", times=[0.0]),
        "appraisal": eh.compare(path, still, 0.05),
        "infant": eh.infant_industry([1.2, 1.1], 0.8, 0.1, 1.0, 0.05),
        "growth": growth.long_run_growth(np.array([[0.0, 0.5], [0.5, 0.0]])),
        "cluster world": clusters.World([[2.0, 1.0], [1.0, 2.0]], [[0.0, 0.2], [0.2, 0.0]], elasticity=2.0),
    }


def arrays(thing, name="", seen=()):
    """All arrays that public names of an object or of its parts lead to."""
    if isinstance(thing, np.ndarray):
        yield name, thing
    elif isinstance(thing, Mapping):
        for key, value in thing.items():
            yield from arrays(value, f"{name}[{key}]", seen)
    elif isinstance(thing, tuple):
        for at, value in enumerate(thing):
            yield from arrays(value, f"{name}[{at}]", seen)
    elif is_dataclass(thing) and not any(thing is known for known in seen):
        public = [key for key in vars(thing) if not key.startswith("_") and key not in ("evidence", "links")]
        for key in public:
            yield from arrays(getattr(thing, key), f"{name}.{key}", (*seen, thing))


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))])
def test_copies_are_as_read_only_as_their_originals(copied):
    for kind, thing in everything().items():
        before, after = dict(arrays(thing, kind)), dict(arrays(copied(thing), kind))
        assert before.keys() == after.keys()
        assert [name for name, array in before.items() if array.flags.writeable] == []
        assert [name for name, array in after.items() if array.flags.writeable] == []
        for name, array in before.items():
            np.testing.assert_array_equal(after[name], array)


def test_copies_of_mappings_cannot_be_written():
    parts = pickle.loads(pickle.dumps(eh.counterfactual(eh.Economy(FLOWS, 4.0)).decompose()))
    with pytest.raises(TypeError):
        parts.terms["labour"] = 0.0
    assert list(parts.terms) == list(copy.deepcopy(parts).terms)


def test_a_bound_stays_read_only_in_a_copy():
    certificate = eh.counterfactual(eh.Economy(FLOWS, 4.0)).certificate
    assert not certificate.error_bound.flags.writeable
    assert not pickle.loads(pickle.dumps(certificate)).error_bound.flags.writeable


def test_every_public_kind_with_arrays_keeps_them_so():
    homes = [
        eh,
        *(importlib.import_module(f"exacthat.{name}") for name in ("dynamics", "growth", "appraisal")),
    ]
    for home in homes:
        for name in home.__all__:
            kind = getattr(home, name)
            if (
                isinstance(kind, type) and is_dataclass(kind) and name != "Stream"
            ):  # functions, which stay here
                held = any("ndarray" in str(field.type) for field in fields(kind))
                assert not held or hasattr(kind, "__setstate__"), name


def test_a_scenario_can_be_changed_after_it_was_sent():
    sent = pickle.loads(pickle.dumps(eh.Scenario(trade_elasticity={"food": 4.0, "steel": 5.0})))
    assert replace(sent, name="again").trade_elasticity == {"food": 4.0, "steel": 5.0}
