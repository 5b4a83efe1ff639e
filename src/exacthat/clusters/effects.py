"""What opening does: concentration, spillovers and composition; clusters built or destroyed.

Hanlon (2012), section 3, names three channels. Each is measured here by switching parts of the spillover
matrix off, and a world is diagnosed before it opens.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import scipy.sparse

from ..checks import frozen, number, numbers
from ..errors import BadInput, BadParameter, MissingLibrary
from . import arguments
from .paths import simulate_many, starting_pattern
from .schedule import Phase
from .statics import regime_mask, solve
from .world import World


def _country(number: int) -> int:
    if isinstance(number, bool) or number not in (0, 1):
        raise BadParameter(f"country is {number!r}; it must be 0 (home) or 1 (foreign)")
    return number


def _dense(spillovers) -> np.ndarray:
    return spillovers.toarray() if scipy.sparse.issparse(spillovers) else np.array(spillovers)


def _own(spillovers: np.ndarray) -> np.ndarray:
    return np.diag(np.diag(spillovers))


def _even(spillovers: np.ndarray) -> np.ndarray:
    """The same total, spread so that every industry sends equally much: to itself, and across.

    A sender's links to others keep their proportions; one without any spreads evenly.
    """
    n = spillovers.shape[0]
    cross = spillovers - _own(spillovers)
    sent = cross.sum(axis=1)
    if sent.sum() > 0:
        anyone = (np.ones((n, n)) - np.eye(n)) / max(n - 1, 1)
        shares = np.where(sent[:, None] > 0, cross / np.where(sent > 0, sent, 1.0)[:, None], anyone)
        cross = sent.mean() * shares
    return cross + np.trace(spillovers) / n * np.eye(n)


@dataclass(frozen=True, eq=False)
class OpeningEffects:
    """Hold the log change of consumption that opening at time 0 makes, by channel, each (T, 2).

    static : with no spillovers at all. concentration : added by spillovers inside industries, the same in all
    (their mean). spillover : added by spillovers across industries, every industry sending equally much.
    composition : added by the differences in what industries send. total : their sum, with the true matrix.
    The channels interact, so they are switched on in this order and add up exactly.
    """

    times: np.ndarray
    static: np.ndarray
    concentration: np.ndarray
    spillover: np.ndarray
    composition: np.ndarray

    @property
    def total(self) -> np.ndarray:
        """Log change of consumption against autarky (T, 2)."""
        return self.static + self.concentration + self.spillover + self.composition


def opening_effects(world: World, times, *, regime="free", rtol: float = 1e-9) -> OpeningEffects:
    """Split the effect of opening at time 0, against autarky for ever, into its channels.

    times : (T,) dates at which to compare consumption, the last one positive. Eight simulations.

    >>> from exacthat import clusters
    >>> world, _ = clusters.examples.load("figure-4").curves["trade"]
    >>> effects = clusters.opening_effects(world, [0.0, 50.0])
    >>> effects.static[:, 0].round(3).tolist(), effects.spillover[:, 0].round(3).tolist()
    ([0.288, 0.288], [0.0, -0.288])
    """
    arguments.world(world, "opening_effects")
    regime_mask(world, regime)
    times = arguments.dates(times, "times")
    if not (times.min() >= 0 and 0 < times.max() < np.inf):
        raise BadInput("times must be a list of dates from 0 on, at least one of them positive")
    true = _dense(world.spillovers)
    even = _even(true)
    steps = [np.zeros_like(true), _own(even), even, true]
    speed = max(1.0, max(float(step.max()) for step in steps))  # entries stay in [0, 1]: time runs faster
    worlds = [world.replace(spillovers=step / speed) for step in steps for _ in range(2)]
    schedules = [[Phase(kind)] for _ in steps for kind in ("autarky", regime)]
    paths = simulate_many(worlds, schedules, horizon=float(times.max()) * speed, rtol=rtol)
    logs = [np.log(path.at(np.minimum(times * speed, path.horizon)).consumption) for path in paths]
    gains = [opened - closed for closed, opened in zip(logs[::2], logs[1::2])]
    parts = [gains[0], *(after - before for before, after in itertools.pairwise(gains))]
    return OpeningEffects(frozen(times.copy()), *map(frozen, parts))


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """Hold what opening now would do to the clusters of a world.

    Two questions with two answers. Do consumers lose? They buy from both countries once trade is open, so it
    is the technologies in use anywhere that count. Does a country lose its cluster? There it is what its own
    industries learn from each other. A country may lose its cluster while its consumers gain.

    verdict : on consumers: "building" if those of both countries would see technology grow faster through
        spillovers across industries than in autarky, "destroying" if slower in both, "mixed" otherwise, "none"
        if industries do not learn from each other.
    links_kept : on the world: share of the spillovers across industries whose two ends opening leaves in one
        country, whichever that is.
    growth_open : growth rate of the technologies in use, in shares of world spending.
    growth_autarky : (2,) the same in autarky.
    learning_open, learning_autarky : (2,) what each country's own tradable industries receive from each other
        in all, sum over the active ones of sum_j spillovers[j, i] L_j. All from spillovers across industries
        alone, at time 0.
    broken : (m, 2) linked pairs (sender, receiver) that opening would separate, the strongest first.
    """

    verdict: str
    links_kept: float
    growth_open: float
    growth_autarky: np.ndarray
    learning_open: np.ndarray
    learning_autarky: np.ndarray
    broken: np.ndarray

    def slows(self, country: int) -> bool:
        """Whether opening now would slow the technologies that consumers of country 0 (home) or 1 buy."""
        return bool(self.growth_open < self.growth_autarky[_country(country)])

    def destroys(self, country: int) -> bool:
        """Whether opening now would cut what country 0's (home's) or 1's own industries learn from each other."""
        return bool(self.learning_open[_country(country)] < self.learning_autarky[country])


def diagnose(world: World, regime="free") -> Diagnosis:
    """Say whether opening to trade now would build or destroy clusters.

    A statement about time 0: a world that is cluster-destroying now may be cluster-building after a delay.

    >>> from exacthat import clusters
    >>> world, _ = clusters.examples.load("figure-6").curves["immediate"]
    >>> found = clusters.diagnose(world)
    >>> found.verdict, found.links_kept, found.broken[0].tolist()
    ('destroying', 0.0, [0, 1])
    >>> found.learning_autarky.round(3).tolist(), found.learning_open.tolist(), found.destroys(0)
    ([0.2, 0.2], [0.0, 0.0], True)
    """
    from ..kernels.learning import nb

    kind, tradable = regime_mask(arguments.world(world, "diagnose"), regime)
    mobile = int(kind == "mobile")
    true = _dense(world.spillovers)
    cross = true - _own(true)
    state, labour = np.array(world.log_technology), np.array(world.labour)

    def growth(status, migrate):
        rates, employment, _ = nb.rates(state, status, cross, labour, world.elasticity, migrate)
        learned = (rates * world.technology)[:, tradable].sum(axis=1)
        return rates, employment, learned

    closed, at_home, learning_autarky = growth(np.full(world.n, 3, np.int8), 0)
    autarky = (closed * at_home / world.labour[:, None]).sum(axis=1)  # spending shares are labour shares
    status = starting_pattern(world, tradable, mobile, state)
    if not mobile:
        status, _ = nb.resolve(state, status, true, labour, world.elasticity)
    opened, employment, learning_open = growth(status, mobile)
    share, _, summary = solve(world, regime, state)
    wages = np.array([1.0 if np.isnan(summary[0]) else np.exp(summary[0]), 1.0])
    value = wages[:, None] * employment
    open_growth = float((opened * value).sum() / value.sum())
    home = np.where(np.isnan(share), 0.5, share)
    together = np.outer(home, home) + np.outer(1 - home, 1 - home)
    together[np.isnan(share)] = together[:, np.isnan(share)] = 1.0  # not traded: made in both countries
    total = cross.sum()
    apart = cross * (1 - together)
    order = np.argsort(-apart, axis=None, kind="stable")
    pairs = np.stack(np.unravel_index(order[: np.count_nonzero(apart > 0)], apart.shape), axis=1)
    if total == 0:
        verdict = "none"
    elif np.all(open_growth > autarky):
        verdict = "building"
    else:
        verdict = "destroying" if np.all(open_growth < autarky) else "mixed"
    return Diagnosis(
        verdict=verdict,
        links_kept=float((cross * together).sum() / total) if total else 1.0,
        growth_open=open_growth,
        growth_autarky=frozen(autarky),
        learning_open=frozen(learning_open),
        learning_autarky=frozen(learning_autarky),
        broken=frozen(pairs),
    )


def communities(spillovers, resolution: float = 1.0) -> list[tuple[int, ...]]:
    """Group industries that learn from each other: greedy modularity of the spillovers, both ways added.

    spillovers : (n, n), dense or sparse, not negative. Needs networkx; raises MissingLibrary without it, BadInput
    for other arrays. Larger groups first; an industry without links is its own group.
    """
    links = numbers(spillovers.toarray() if scipy.sparse.issparse(spillovers) else spillovers, "spillovers")
    if links.ndim != 2 or links.shape[0] != links.shape[1] or not links.size:
        raise BadInput(f"spillovers have shape {links.shape}; they must be (n, n)")
    if not (np.isfinite(links).all() and np.all(links >= 0)):
        raise BadInput("spillovers must be finite and not negative")
    resolution = number(resolution, "resolution", 0.0, np.finfo(float).max)
    try:
        import networkx
    except ImportError:
        raise MissingLibrary("communities needs networkx: pip install networkx") from None
    links = links + links.T
    np.fill_diagonal(links, 0.0)
    graph = networkx.from_numpy_array(links)
    if not links.any():
        return [(industry,) for industry in range(links.shape[0])]
    found = networkx.community.greedy_modularity_communities(graph, weight="weight", resolution=resolution)
    return sorted((tuple(sorted(group)) for group in found), key=lambda group: (-len(group), group))
