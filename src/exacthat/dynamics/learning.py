"""Learning: what raises the productivity of a country's industries, and how fast it does at the start."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import NamedTuple

import numpy as np

from exacthat.checks import Reader, frozen, numbers
from exacthat.dynamics.schedule import check_kind
from exacthat.economy import Economy, require_economy
from exacthat.errors import BadInput, BadParameter, nearest
from exacthat.read_only import ReadOnly

LAWS = ("additive", "proportional", "stocks")


@dataclass(frozen=True, eq=False)
class Learning(ReadOnly):
    """Describe how productivity phi (N, K) grows with employment at home and abroad.

    Parameters
    ----------
    spillovers : (K, K)
        ``spillovers[sender, receiver]`` >= 0: what a unit of employment in one industry adds per unit of time to
        the productivity of another in the same country; the diagonal is an industry's own learning. A data frame
        brings its labels along.
    diffusion : (N, N), optional
        ``diffusion[receiver, sender]`` >= 0: the diagonal weighs a country's own learning, the rest what it learns
        from abroad. By default the identity.
    activity : float >= 0
        Constant a of the activity rule psi(L) = L / (L + a), psi(0) = 0, in the unit of employment: an industry
        far smaller than a hardly learns. At 0 every industry that is active at all learns in full. Hanlon (2012)
        lets an industry learn if and only if it is active, in a model where industries do shut; with gravity
        none does, and whether countries are trapped depends on this rule: vary it and report it.
    law : "additive", "proportional" or "stocks"
        "additive" dphi/dt = psi(L) (diffusion @ L @ spillovers + research): growth rates fade like 1/t;
        "proportional" the same for d ln phi/dt; "stocks" as additive, but what comes from abroad is
        diffusion times the sender's productivity, not its employment.
    labour : (N,), optional
        Employment of each country in the base year, by default 1: L is then employment shares. L (N, K) is
        labour times the phase's labour hat times employment shares.
    initial : scalar, (K,), (N, 1) or (N, K), optional
        phi(0) > 0, by default 1. It is the level from which additive gains count; the hat system sees phi / phi(0).
    research : scalar, (K,), (N, 1) or (N, K), optional
        What research adds per unit of time, >= 0, by default 0; like learning it works through psi.
    industries : K labels, optional
        Labels of `spillovers`. `simulate` refuses an economy with other ones or another order.

    Raises `BadInput` or `BadParameter` with every fault. Sources: MODEL section 5 [H, S]; equations in
    ``exacthat.kernels.diffusion.ref``.

    >>> learning = Learning([[0.02, 0.01], [0.0, 0.02]], industries=["food", "cloth"])
    >>> learning.scaled(2.0).spillovers.tolist()
    [[0.04, 0.02], [0.0, 0.04]]
    """

    spillovers: np.ndarray
    diffusion: np.ndarray | None = None
    _: KW_ONLY
    activity: float = 0.001
    law: str = "additive"
    labour: np.ndarray | None = None
    initial: np.ndarray | None = None
    research: np.ndarray | None = None
    industries: Sequence[str] | None = None

    def __post_init__(self):
        read = Reader()
        labels = _labels(self.spillovers, self.industries, read)
        settled = {"industries": labels}
        limits = {
            "spillovers": ({"least": 0.0}, "spillovers[sender, receiver]"),
            "diffusion": ({"least": 0.0}, "diffusion[receiver, sender]"),
            "labour": ({"above": 0.0}, "employment of a country"),
            "initial": ({"above": 0.0}, "a level of productivity"),
            "research": ({"least": 0.0}, "productivity per unit of time"),
        }
        for name, (bounds, cure) in limits.items():
            given = getattr(self, name)
            if name != "spillovers" and given is not None:
                given = read.attempt(numbers, given, name)
            elif name == "spillovers" and labels is not None:
                given = np.asarray(given)
            if given is not None:
                settled[name] = frozen(read.array(name, given, cure=cure, **bounds))
            elif name == "spillovers":
                read.fault("spillovers is None: give a (K, K) array [sender, receiver]")
        settled["activity"] = read.number("activity", self.activity, least=0.0, cure="in units of employment")
        read.choice("law", self.law, LAWS)
        for name in ("spillovers", "diffusion"):
            shape = settled[name].shape if name in settled else (1, 1)
            if len(shape) != 2 or shape[0] != shape[1] or shape[0] == 0:
                axis = (
                    "[sender, receiver] by industry"
                    if name == "spillovers"
                    else "[receiver, sender] by country"
                )
                read.fault(f"{name} has shape {shape}; it must be square: {axis}")
        read.finish()
        if labels is not None and len(labels) != len(settled["spillovers"]):
            raise BadInput(
                f"{len(labels)} industries are named, but spillovers has shape {settled['spillovers'].shape}"
            )
        for name, value in settled.items():
            object.__setattr__(self, name, value)

    def scaled(self, factor: float) -> Learning:
        """Return the same learning with all spillovers times `factor` >= 0; diffusion and research stay.

        See the class example. Raises `BadParameter` for a negative or infinite factor.
        """
        read = Reader()
        factor = read.number("factor", factor, least=0.0)
        read.finish()
        return replace(self, spillovers=self.spillovers * factor)

    def fit(self, economy: Economy) -> Fitted:
        """Return all arrays in full for this economy; `BadInput` names every shape and label that does not fit."""
        n, k = len(require_economy(economy).countries), len(economy.industries)
        faults = []
        if self.industries is not None:
            faults += _label_faults(self.industries, economy.industries)
        if not faults and len(self.spillovers) != k:
            faults.append(f"spillovers are between {len(self.spillovers)} industries, the economy has {k}")
        if self.diffusion is not None and len(self.diffusion) != n:
            faults.append(f"diffusion is between {len(self.diffusion)} countries, the economy has {n}")
        if self.labour is not None and self.labour.shape != (n,):
            faults.append(f"labour has shape {self.labour.shape}; it must be ({n},): one number a country")
        cells = {}
        for name, default in (("initial", 1.0), ("research", 0.0)):
            values = np.asarray(default) if getattr(self, name) is None else getattr(self, name)
            if values.shape not in {(), (k,), (n, 1), (n, k)}:
                faults.append(
                    f"{name} has shape {values.shape}; give a scalar, ({k},), ({n}, 1) or ({n}, {k})"
                )
            else:
                cells[name] = np.array(np.broadcast_to(values, (n, k)))
        if faults:
            raise BadInput(faults)
        return Fitted(
            law=self.law,
            spillovers=self.spillovers,
            diffusion=np.eye(n) if self.diffusion is None else self.diffusion,
            activity=self.activity,
            labour=np.ones(n) if self.labour is None else self.labour,
            **cells,
        )

    def __repr__(self):
        optional = ("diffusion", "labour", "initial", "research")
        given = ", ".join(name for name in optional if getattr(self, name) is not None)
        size = f"{len(self.spillovers)} industries"
        return (
            f"Learning({size}, {self.law} law, activity {self.activity:g}{', with ' if given else ''}{given})"
        )


class Fitted(NamedTuple):
    """A learning process with every array in full, in the axes of one economy."""

    law: str
    spillovers: np.ndarray  # (K, K) [sender, receiver]
    diffusion: np.ndarray  # (N, N) [receiver, sender]
    activity: float
    labour: np.ndarray  # (N,)
    initial: np.ndarray  # (N, K)
    research: np.ndarray  # (N, K)

    def speed(self, productivity: np.ndarray, employment: np.ndarray) -> np.ndarray:
        """Return dphi/dt (N, K), or d ln phi/dt under the proportional law."""
        from exacthat.kernels.diffusion import nb

        rest = (employment, self.spillovers, self.diffusion, self.research, self.activity)
        return nb.from_stocks(productivity, *rest) if self.law == "stocks" else nb.from_employment(*rest)

    def pulled_back(self, productivity, employment, weights) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Carry weights (N, K) on `speed` back: to employment that teaches, to employment that makes its own
        industry receptive (through psi), and to productivity; each (N, K)."""
        floor = np.where(employment > 0, employment + self.activity, 1.0)
        psi = np.where(employment > 0, employment / floor, 0.0)
        slope = np.where(employment > 0, self.activity / floor / floor, 0.0)
        taught, diffusion = psi * weights, self.diffusion
        to_productivity = np.zeros_like(taught)
        if self.law == "stocks":
            own = np.diag(diffusion)
            abroad = diffusion - np.diag(own)
            to_productivity = abroad.T @ taught
            received = own[:, None] * (employment @ self.spillovers) + abroad @ productivity
            teaching = own[:, None] * (taught @ self.spillovers.T)
        else:
            received = diffusion @ employment @ self.spillovers
            teaching = diffusion.T @ taught @ self.spillovers.T
        return teaching, slope * (received + self.research) * weights, to_productivity


def starting_growth(economy: Economy, learning: Learning) -> np.ndarray:
    """Return d ln phi/dt (N, K) at the start, with the base year's own employment: fractions per unit of time.

    >>> world = Economy([[[2.0, 3.0]]], 4.0)
    >>> starting_growth(world, Learning(0.05 * np.eye(2), activity=0.0)).round(9).tolist()
    [[0.02, 0.03]]
    """
    check_kind("learning", learning, Learning)
    fitted = learning.fit(economy)
    speed = fitted.speed(fitted.initial, fitted.labour[:, None] * economy.output_shares)
    return speed if fitted.law == "proportional" else speed / fitted.initial


def scale_to_growth(economy: Economy, learning: Learning, country: str, industries, rate: float) -> Learning:
    """Scale the spillovers so that a country's industries start to learn at a given mean rate.

    Parameters
    ----------
    economy, learning
        The base year, whose own employment counts, and the learning process to scale.
    country : label
    industries : label or labels
        The mean is over these, weighted by their employment in `country`.
    rate : float > 0
        Mean d ln phi/dt at the start, a fraction per unit of time: c is then the base-year growth rate of the
        industries' productivity. Other countries' rates follow: see `starting_growth`.

    Spillovers alone are scaled; research and stocks from abroad keep what they contribute. Raises `BadInput` for
    unknown labels and `BadParameter` where no scale gives the rate.

    >>> world = Economy([[[2.0, 3.0]]], 4.0, countries=["PAK"], industries=["food", "cloth"])
    >>> learning = scale_to_growth(world, Learning(np.eye(2), activity=0.0), "PAK", ["cloth"], 0.015)
    >>> starting_growth(world, learning).round(6).tolist()
    [[0.01, 0.015]]
    """
    read = Reader()
    rate = read.number("rate", rate, above=0.0, cure="a fraction per unit of time, 0.015 is 1.5 percent")
    read.finish()
    require_economy(economy)
    check_kind("learning", learning, Learning)
    home, chosen = economy.country_index(country), economy.industry_index(industries)
    if home.size != 1:
        raise BadInput(f"country is {country!r}; name one country")
    weights = economy.output_shares[home[0], chosen]
    if not weights.sum() > 0:
        raise BadParameter(f"{economy.countries[home[0]]!r} has no employment in the industries named")

    def mean(process):
        return float(starting_growth(economy, process)[home[0], chosen] @ weights / weights.sum())

    without = mean(learning.scaled(0.0))
    spilled = mean(learning) - without
    if not spilled > 0:
        raise BadParameter(
            f"no spillovers reach the industries named in {economy.countries[home[0]]!r}: no scale gives a rate"
        )
    if rate < without:
        raise BadParameter(
            f"rate is {rate:g}; research and stocks from abroad alone give {without:.4g}: name a larger one"
        )
    return learning.scaled((rate - without) / spilled)


def _labels(spillovers, given, read: Reader) -> tuple[str, ...] | None:
    """Labels of the spillover matrix: given, or those of a data frame, whose two axes must agree."""
    if isinstance(given, str) or not (given is None or isinstance(given, Iterable)):
        read.fault(f"industries is {given!r}; give a list of labels")
        return None
    given = None if given is None else tuple(str(name) for name in given)
    if not (hasattr(spillovers, "index") and hasattr(spillovers, "columns")):
        return given
    rows, columns = (tuple(str(name) for name in axis) for axis in (spillovers.index, spillovers.columns))
    if rows != columns:
        read.fault("spillovers has rows and columns with different labels: give both axes the same order")
    if given is not None and rows != given and rows != tuple(map(str, range(len(rows)))):
        read.fault(
            "spillovers has other labels than industries names, or another order: leave industries out"
        )
    return rows if given is None else given


def _label_faults(ours, known) -> list[str]:
    """Say how the labels of the spillovers differ from those of the economy."""
    if ours == known:
        return []
    faults = [
        f"spillovers have an unknown industry {name!r}{nearest(name, known)}"
        for name in ours
        if name not in known
    ]
    faults += [f"spillovers lack the industry {name!r} of the economy" for name in known if name not in ours]
    if not faults:
        at = next(at for at, (a, b) in enumerate(zip(ours, known)) if a != b)
        faults = [
            f"spillovers name {ours[at]!r} at position {at}, where the economy has {known[at]!r}: bring rows and "
            "columns into the order of economy.industries"
        ]
    return faults
