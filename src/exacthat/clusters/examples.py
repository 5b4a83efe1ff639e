"""Hanlon's figures, propositions and counterexamples as worlds and schedules that run.

The paper gives spillovers and initial technologies, and little else: every example says in `not_given` what
had to be chosen here, and in `not_exact` where the paper's own words do not hold as printed.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..errors import BadParameter, nearest
from . import arguments
from .paths import Path, simulate
from .schedule import HomeProduces, Phase
from .world import World

CLUSTERS = np.kron(
    np.eye(2), [[0.0, 1.0], [1.0, 0.0]]
)  # Table 2: industries 1, 2 and 3, 4 learn from each other
OWN = np.eye(4)  # Table 1

_NOT_GIVEN = "the elasticity of substitution, labour (1 each is implicit) and the horizon"


@dataclass(frozen=True, eq=False)
class Example:
    """Hold one example: curves (name -> world and schedule), the horizon, and what the paper leaves open.

    `check` takes the paths by name and returns statements with whether they hold.
    """

    name: str
    title: str
    curves: Mapping[str, tuple[World, list[Phase]]]
    horizon: float
    not_given: str
    not_exact: str
    check: Callable[[dict[str, Path]], dict[str, bool]]

    def run(self, rtol: float = 1e-9) -> dict[str, Path]:
        """Simulate every curve."""
        return {
            name: simulate(world, phases, self.horizon, rtol=rtol)
            for name, (world, phases) in self.curves.items()
        }

    def streams(self, points: int = 101, rtol: float = 1e-9) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Return dates (points,) and consumption (points, 2) of every curve.

        >>> from exacthat.clusters import examples
        >>> times, curves = examples.load("figure-2").streams(points=3)
        >>> curves["trade"][:, 0].round(3).tolist()
        [40.0, 50.0, 60.0]
        """
        times = np.linspace(0.0, self.horizon, arguments.whole(points, "points", 1))
        return times, {name: path.at(times).consumption for name, path in self.run(rtol).items()}


def _mirror(home) -> np.ndarray:
    """Technologies of two countries that are mirror images, foreign's row in reverse order."""
    return np.array([home, home[::-1]], dtype=float)


def _consumption(path: Path, points: int = 60) -> np.ndarray:
    return path.at(np.linspace(0.0, path.horizon, points)).consumption


def _used(path: Path, time: float) -> np.ndarray:
    """Technology in use of each industry (n,): the better of the places that make it."""
    state = path.at(time)
    return np.where(state.employment[0] > 0, state.technology[0], 0.0).max(axis=0)


def _two_regimes(name, title, technology, spillovers, elasticity, horizon, not_exact, check) -> Example:
    world = World(technology, spillovers, elasticity)
    curves = {"autarky": (world, [Phase("autarky")]), "trade": (world, [Phase("free")])}
    return Example(name, title, curves, horizon, _NOT_GIVEN, not_exact, check)


def _always_above(paths):
    trade, autarky = _consumption(paths["trade"]), _consumption(paths["autarky"])
    return {"trade raises consumption of both countries at every date": bool(np.all(trade > autarky))}


def _growth_above(paths):
    growth = {name: _consumption(path)[-1] - _consumption(path)[0] for name, path in paths.items()}
    gain = bool(np.all(growth["trade"] > growth["autarky"]))
    return {**_always_above(paths), "trade adds to growth": gain}


def _frozen(paths):
    trade, autarky = _consumption(paths["trade"]), _consumption(paths["autarky"])
    return {
        "trade freezes consumption": bool(np.allclose(trade, trade[0], rtol=1e-12)),
        "static gains come first": bool(np.all(trade[0] > autarky[0])),
        "autarky overtakes trade": bool(np.all(autarky[-1] > trade[-1])),
    }


def _composition(paths):
    trade, autarky = _consumption(paths["trade"]), _consumption(paths["autarky"])
    technology = paths["trade"].at([0.0, paths["trade"].horizon]).technology[:, 1, 2:]
    growth, closed = np.log(trade[-1] / trade[0]), np.log(autarky[-1] / autarky[0])
    return {
        "the follower's own technology stands still": bool(np.all(technology[0] == technology[1])),
        "the leader grows faster than in autarky": bool(growth[0] > closed[0]),
        "the follower grows through the terms of trade": bool(trade[-1, 1] > trade[0, 1]),
    }


def figure_2(elasticity: float = 2.0, horizon: float = 50.0) -> Example:
    """Figure 2: the concentration effect."""
    technology = [[10, 10, 5, 5], [5, 5, 10, 10]]
    title = "Within-industry spillovers: trade concentrates industries and speeds growth"
    return _two_regimes("figure-2", title, technology, 0.2 * OWN, elasticity, horizon, "", _growth_above)


def figure_3(elasticity: float = 2.0, horizon: float = 50.0) -> Example:
    """Figure 3: cluster-building trade."""
    technology = [[10, 10, 5, 5], [5, 5, 10, 10]]
    title = "Cluster-building trade"
    return _two_regimes("figure-3", title, technology, 0.2 * CLUSTERS, elasticity, horizon, "", _growth_above)


def figure_4(elasticity: float = 2.0, horizon: float = 100.0) -> Example:
    """Figure 4: cluster-destroying trade; autarky (30 + t / 5 at elasticity 2) overtakes 40 at time 50."""
    technology = [[10, 5, 10, 5], [5, 10, 5, 10]]
    title = "Cluster-destroying trade stops learning"
    return _two_regimes("figure-4", title, technology, 0.2 * CLUSTERS, elasticity, horizon, "", _frozen)


def figure_5(elasticity: float = 2.0, horizon: float = 50.0) -> Example:
    """Figure 5: the composition effect."""
    technology = [[10, 10, 5, 5], [5, 5, 10, 10]]
    note = (
        "the paper says that trade reduces the follower's income growth; with an elasticity of 2 or more the "
        "follower at first gains growth through its terms of trade"
    )
    spillovers = np.diag([0.5, 0.5, 0.0, 0.0])
    title = "Only two industries generate spillovers: home gets them"
    return _two_regimes("figure-5", title, technology, spillovers, elasticity, horizon, note, _composition)


def _delayed(paths):
    delayed, trade, autarky = (_consumption(paths[name]) for name in ("delayed", "immediate", "autarky"))
    moment = paths["delayed"].phase_starts[1]
    before, after = (paths["delayed"].at(moment, side=side).consumption[0] for side in ("left", "right"))
    return {
        "delay ends above both immediate trade and autarky": bool(
            np.all(delayed[-1] > trade[-1]) and np.all(delayed[-1] > autarky[-1])
        ),
        "consumption jumps up at the opening": bool(np.all(after > before)),
    }


def figure_6(elasticity: float = 2.0, horizon: float = 60.0) -> Example:
    """Figure 6: both countries may prefer to delay; at elasticity 2 the delay is 105 (3 / sqrt 7 - 1)."""
    world = World(_mirror([10, 4, 5, 2]), 0.2 * CLUSTERS, elasticity)
    curves = {
        "immediate": (world, [Phase("free")]),
        "autarky": (world, [Phase("autarky")]),
        "delayed": (world, [Phase("autarky", until=HomeProduces([0, 1])), Phase("free")]),
    }
    note = "whether the delay is worth it also hangs on the discount rate, which is not given either"
    return Example("figure-6", "Delayed liberalization", curves, horizon, _NOT_GIVEN, note, _delayed)


def _gradual(paths):
    gradual, delayed = (paths[name].phase_starts[1] for name in ("gradual", "delayed"))
    before, after = (paths["gradual"].at(gradual, side=side).consumption[0] for side in ("left", "right"))
    return {
        "gradual opening shortens the delay": bool(gradual < delayed),
        "consumption is continuous at the gradual switch": bool(np.allclose(before, after, rtol=1e-9)),
        "gradual opening is above delay at every date before the switch": bool(
            np.all(
                paths["gradual"].at(np.linspace(0, gradual, 20)).consumption
                > paths["delayed"].at(np.linspace(0, gradual, 20)).consumption
            )
        ),
    }


def figure_7(elasticity: float = 2.0, horizon: float = 60.0) -> Example:
    """Figure 7: industries 1 and 4 open at once; from autarky the delay is 110 (sqrt(5 / 3) - 1)."""
    world = World(_mirror([10, 4, 6, 2]), 0.2 * CLUSTERS, elasticity)
    first = np.array([True, False, False, True])
    curves = {
        "immediate": (world, [Phase("free")]),
        "delayed": (world, [Phase("autarky", until=HomeProduces([0, 1])), Phase("free")]),
        "gradual": (world, [Phase(first, until=HomeProduces([0, 1])), Phase("free")]),
    }
    note = "the text says Figure 6's initial conditions are used; the table printed with Figure 7 has 6 for 5"
    return Example(
        "figure-7", "Gradual liberalization by industry", curves, horizon, _NOT_GIVEN, note, _gradual
    )


def _migration(paths):
    population = {name: path.at([0.0, path.horizon]).employment.sum(axis=2) for name, path in paths.items()}
    moved = {name: people[1, 0] - people[0, 0] for name, people in population.items()}
    names = list(paths)
    return {
        "populations start equal": all(
            bool(np.isclose(people[0, 0], people[0, 1])) for people in population.values()
        ),
        "people move to the place with the learning industries": all(
            bool(move > 0) for move in moved.values()
        ),
        "more so when goods are better substitutes": bool(moved[names[1]] > moved[names[0]]),
    }


def figure_8(horizon: float = 50.0) -> Example:
    """Figure 8: Figure 5 with free migration, at the two elasticities that the paper gives here."""
    technology = [[10, 10, 5, 5], [5, 5, 10, 10]]
    curves = {
        f"sigma = {label}": (World(technology, np.diag([0.5, 0.5, 0.0, 0.0]), sigma), [Phase("mobile")])
        for label, sigma in (("4/3", 4 / 3), ("4", 4.0))
    }
    given = "labour (1 each is implicit) and the horizon"
    return Example(
        "figure-8", "The composition effect under free migration", curves, horizon, given, "", _migration
    )


def proposition_1(elasticity: float = 3.0, horizon: float = 50.0) -> Example:
    """Proposition 1 away from equal technologies: immediate trade is better at every date."""
    title = "With spillovers inside industries only, trade raises consumption at every date"
    note = (
        "the proof's displayed inequalities hold for the average technology; consumption is what is checked"
    )
    return _two_regimes(
        "proposition-1", title, _mirror([9, 7, 5, 4]), 0.2 * OWN, elasticity, horizon, note, _always_above
    )


def _builds(paths):
    times = np.linspace(0.0, paths["trade"].horizon, 30)[1:]
    better = [
        np.all(_used(paths["trade"], time) > paths["autarky"].at(time).technology[0].max(axis=0))
        for time in times
    ]
    return {"every technology in use is better than either country's in autarky": bool(np.all(better))}


def proposition_2(elasticity: float = 3.0, horizon: float = 50.0) -> Example:
    """Proposition 2: cluster-building trade."""
    title = "Cluster-building trade improves every technology in use"
    technology = _mirror([9, 8, 5, 4])
    return _two_regimes("proposition-2", title, technology, 0.2 * CLUSTERS, elasticity, horizon, "", _builds)


def _destroys(paths):
    trade, autarky = paths["trade"], paths["autarky"]
    times = np.linspace(0.0, trade.horizon, 30)[1:]
    used = np.array([_used(trade, time) for time in times])
    closed = autarky.at(times).technology
    early = 1e-3 * trade.horizon
    lagging = autarky.at(early).technology[0].min(axis=0)
    return {
        "technology in use stands still": bool(np.all(used == used[0])),
        "every technology in use falls behind the better country's in autarky": bool(
            np.all(used < closed.max(axis=1))
        ),
        "early on it is still ahead of the lagging country's": bool(np.all(_used(trade, early) > lagging)),
    }


def proposition_3(elasticity: float = 2.0, horizon: float = 50.0) -> Example:
    """Proposition 3: cluster-destroying trade."""
    title = "Cluster-destroying trade stops every technology"
    note = '"in either location" fails early on: the lagging place is behind the traded technology at first'
    technology = [[9, 5, 8, 4], [4, 8, 5, 9]]
    return _two_regimes(
        "proposition-3", title, technology, 0.2 * CLUSTERS, elasticity, horizon, note, _destroys
    )


def _marginal_shrinks(paths):
    def workers(name):
        return paths[name].at(0.0).employment[0, :, 1]

    growth = {name: _consumption(path)[-1] / _consumption(path)[0] for name, path in paths.items()}
    return {
        "trade lowers employment in the only learning industry, in both countries": bool(
            np.all(workers("trade") < workers("autarky"))
        ),
        "trade slows growth in both countries": bool(np.all(growth["trade"] < growth["autarky"])),
    }


def footnote_10(elasticity: float = 2.0, horizon: float = 20.0) -> Example:
    """Footnote 10: the shared industry alone learns, and concentration fails."""
    technology = [[10, 5, 1], [1, 5, 10]]
    title = "Learning in the shared industry only: trade slows growth through concentration"
    example = _two_regimes(
        "footnote-10", title, technology, np.diag([0.0, 0.2, 0.0]), elasticity, horizon, "", _marginal_shrinks
    )
    given = f"the technologies (described in words only), {_NOT_GIVEN}"
    return replace(example, not_given=given)


def _several(paths):
    ratio = {}
    for kind in ("weak own", "strong own"):
        trade, autarky = (_consumption(paths[f"{kind}: {regime}"])[-1] for regime in ("trade", "autarky"))
        ratio[kind] = trade / autarky
    return {
        "weak own spillovers: the broken clusters weigh more": bool(np.all(ratio["weak own"] < 1)),
        "strong own spillovers: concentration weighs more": bool(np.all(ratio["strong own"] > 1)),
    }


def several_effects(
    elasticity: float = 2.0, horizon: float = 100.0, weak: float = 0.02, strong: float = 0.2
) -> Example:
    """Section 3.4: cluster-destroying trade with within-industry spillovers, weak and strong."""
    technology = [[10, 5, 10, 5], [5, 10, 5, 10]]
    curves = {}
    for kind, own in (("weak own", weak), ("strong own", strong)):
        world = World(technology, 0.2 * CLUSTERS + own * OWN, elasticity)
        curves[f"{kind}: autarky"] = (world, [Phase("autarky")])
        curves[f"{kind}: trade"] = (world, [Phase("free")])
    title = "Concentration against broken clusters"
    given = f"any numbers (a discussion without an example), {_NOT_GIVEN}"
    return Example("several-effects", title, curves, horizon, given, "", _several)


_ALL = {
    "figure-2": figure_2,
    "figure-3": figure_3,
    "figure-4": figure_4,
    "figure-5": figure_5,
    "figure-6": figure_6,
    "figure-7": figure_7,
    "figure-8": figure_8,
    "proposition-1": proposition_1,
    "proposition-2": proposition_2,
    "proposition-3": proposition_3,
    "footnote-10": footnote_10,
    "several-effects": several_effects,
}


def names() -> tuple[str, ...]:
    """Names of the examples, for `load`; Figure 1 is `cutoff_curves`."""
    return tuple(_ALL)


def load(name: str, **options) -> Example:
    """Return an example by name; `elasticity` and `horizon` may be changed where the paper is silent.

    Dates at which a delay ends are found to ten times `rtol`, for `rtol` from 1e-5 to 1e-11.

    >>> from exacthat.clusters import examples
    >>> example = examples.load("figure-6")
    >>> delay = example.run()["delayed"].phase_starts[1]
    >>> abs(delay - 105 * (3 / 7**0.5 - 1)) < 1e-8
    True
    """
    if not isinstance(name, str) or name not in _ALL:
        raise BadParameter(f"no example {name!r}; there are {', '.join(_ALL)}{nearest(name, list(_ALL))}")
    known = tuple(inspect.signature(_ALL[name]).parameters)
    unknown = [option for option in options if option not in known]
    if unknown:
        raise BadParameter(
            [f"{name} has no option {option!r}; it takes {' and '.join(known)}" for option in unknown]
        )
    return _ALL[name](**options)


def cutoff_curves(world: World, points: int = 101) -> dict[str, np.ndarray]:
    """Return Figure 1's two lines: relative productivity (11) and balanced trade (10), against z in (0, n).

    z industries are at home, its fraction the part of the marginal one; in (10) the upper sum starts at 1 and the
    lower one after the marginal good. They cross at the free-trade relative wage, on a step of (11) if the
    marginal good is shared, else at a drop between two steps, where they have no point in common.

    >>> import numpy as np
    >>> from exacthat import clusters
    >>> world = clusters.World([[4.0, 2.0], [1.0, 2.0]], np.zeros((2, 2)), elasticity=2.0)
    >>> lines = clusters.examples.cutoff_curves(world, points=3)
    >>> lines["relative_productivity"].tolist(), lines["balanced_trade"].round(3).tolist()
    ([4.0, 1.0, 1.0], [0.894, 1.414, 2.236])
    """
    arguments.world(world, "cutoff_curves")
    points = arguments.whole(points, "points", 1)
    power, ratio = world.elasticity - 1, world.technology[0] / world.technology[1]
    order = np.argsort(-ratio, kind="stable")
    a, b = (world.technology[:, order] / world.technology.max()) ** power
    z = np.linspace(0.0, world.n, points + 2)[1:-1]
    whole = np.minimum(z.astype(int), world.n - 1)
    part = z - whole
    home = np.concatenate([[0.0], np.cumsum(a)])[whole] + part * a[whole]
    foreign = b.sum() - np.concatenate([[0.0], np.cumsum(b)])[whole] - part * b[whole]
    balanced = (world.labour[1] / world.labour[0] * home / foreign) ** (1 / world.elasticity)
    return {"z": z, "relative_productivity": ratio[order][whole], "balanced_trade": balanced}
