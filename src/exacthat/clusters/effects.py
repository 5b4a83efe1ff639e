"""What opening does: concentration, spillovers and composition; clusters built or destroyed.

Hanlon (2012), section 3, names three channels. Each is measured here by switching parts of the spillover
matrix off, and a world is diagnosed before it opens.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import scipy.sparse

from ..errors import BadInput, ExacthatError
from .paths import simulate_many, starting_pattern
from .schedule import Phase
from .statics import regime_mask, solve
from .world import World, read_only


class MissingLibrary(ExacthatError, ImportError):
    """An optional library is not installed; the message says which and what it is for."""

    exit_code = 10


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
    times = np.atleast_1d(np.asarray(times, dtype=float))
    if times.ndim != 1 or not times.size or not times.max() > 0:
        raise BadInput("times must be a list of dates, at least one of them positive")
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
    return OpeningEffects(read_only(times.copy()), *(read_only(part) for part in parts))


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """Hold what opening now would do to the clusters of a world.

    verdict : "building" if consumers of both countries would see technology grow faster through spillovers
        across industries than in autarky, "destroying" if slower in both, "mixed" otherwise, "none" if
        industries do not learn from each other.
    links_kept : share of the spillovers across industries whose two ends opening leaves in one country.
    growth_open : growth rate of the technologies in use, in shares of world spending.
    growth_autarky : (2,) the same in autarky. Both from spillovers across industries alone, at time 0.
    broken : (m, 2) linked pairs (sender, receiver) that opening would separate, the strongest first.
    """

    verdict: str
    links_kept: float
    growth_open: float
    growth_autarky: np.ndarray
    broken: np.ndarray

    def destroys(self, country: int) -> bool:
        """Whether opening now would slow learning across industries for country 0 (home) or 1."""
        return bool(self.growth_open < self.growth_autarky[country])


def diagnose(world: World, regime="free") -> Diagnosis:
    """Say whether opening to trade now would build or destroy clusters.

    A statement about time 0: a world that is cluster-destroying now may be cluster-building after a delay.

    >>> from exacthat import clusters
    >>> world, _ = clusters.examples.load("figure-6").curves["immediate"]
    >>> found = clusters.diagnose(world)
    >>> found.verdict, found.links_kept, found.broken[0].tolist()
    ('destroying', 0.0, [0, 1])
    """
    from ..kernels.learning import nb

    kind, tradable = regime_mask(world, regime)
    mobile = int(kind == "mobile")
    true = _dense(world.spillovers)
    cross = true - _own(true)
    state, labour = np.array(world.log_technology), np.array(world.labour)

    def growth(status, migrate):
        rates, employment, _ = nb.rates(state, status, cross, labour, world.elasticity, migrate)
        return rates, employment

    closed, at_home = growth(np.full(world.n, 3, np.int8), 0)
    autarky = (closed * at_home / world.labour[:, None]).sum(axis=1)  # spending shares are labour shares
    status = starting_pattern(world, tradable, mobile, state)
    opened, employment = growth(status, mobile)
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
        growth_autarky=read_only(autarky),
        broken=read_only(pairs),
    )


def communities(spillovers, resolution: float = 1.0) -> list[tuple[int, ...]]:
    """Group industries that learn from each other: greedy modularity of the spillovers, both ways added.

    spillovers : (n, n), dense or sparse. Needs networkx; raises MissingLibrary without it. Larger groups
    first; an industry without links is its own group.
    """
    try:
        import networkx
    except ImportError:
        raise MissingLibrary("communities needs networkx: pip install networkx") from None
    links = _dense(spillovers)
    links = links + links.T
    np.fill_diagonal(links, 0.0)
    graph = networkx.from_numpy_array(links)
    if not links.any():
        return [(industry,) for industry in range(links.shape[0])]
    found = networkx.community.greedy_modularity_communities(graph, weight="weight", resolution=resolution)
    return sorted((tuple(sorted(group)) for group in found), key=lambda group: (-len(group), group))
