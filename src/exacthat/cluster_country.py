"""Would opening now destroy a cluster of a country? Worlds revealed by trade, and what the answer hangs on.

One world has one answer, almost by construction: without trade costs a small country keeps few goods, whatever
the spillovers. The cases below move one assumption at a time.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from exacthat import datasets
from exacthat.clusters import Diagnosis, World, diagnose, equilibrium, spillovers_from, world_of
from exacthat.economy import Economy

DATA, COUNTRY, SERVICES = "icio2019", "PAK", "SERV"
PEERS = ("BGD", "VNM", "IND", "IDN", "MYS")
MATRICES = {"proximity": None, "suppliers": COUNTRY}  # spillover matrix -> the country it was measured in
SIGMA = 2.0
SIGMAS = (1.5, 4.0)
LOW_WAGE = 0.1
PACE = 0.02  # growth a year that spillovers across industries give the foreign country in autarky
COLUMNS = (
    "spillovers",
    "case",
    "labour share",
    "goods kept",
    "own learning",
    "growth open",
    "growth autarky",
    "cluster destroyed",
    "consumers lose",
)
MEANING = (
    "labour share: home's, percent; goods kept: made at home once open; own learning: change of what home's goods "
    "industries learn from each other, percent; growth: of the technologies bought at home, percent a year at first"
)


def traded(economy: Economy) -> np.ndarray:
    """Return which industries are goods (K,): services are not traded."""
    return np.array([industry != SERVICES for industry in economy.industries])


def revealed(
    economy: Economy,
    matrix: str,
    *,
    elasticity: float = SIGMA,
    relative_wage: float = 1.0,
    partner: str | None = None,
) -> World:
    """Return the world of `COUNTRY` against a partner, None for all others together.

    Spillovers have the shape of `matrix`, none inside an industry, and are scaled so that they give the foreign
    country a growth of `PACE` in autarky.
    """
    shape = datasets.spillovers(matrix, economy.industries, country=MATRICES[matrix], own=0.0)
    world = world_of(
        economy, COUNTRY, spillovers_from(shape), elasticity, foreign=partner, relative_wage=relative_wage
    )
    pace = PACE / diagnose(world, traded(economy)).growth_autarky[1]
    return world.replace(spillovers=pace * world.spillovers)


def goods_kept(world: World, goods: np.ndarray) -> list[int]:
    """Return the goods (their numbers) that home makes once goods are traded."""
    return np.flatnonzero((equilibrium(world, goods).employment[0] > 0) & goods).tolist()


def own_change(found: Diagnosis) -> float:
    """Return the change of what home's goods industries learn from each other, in percent."""
    return 100 * float(found.learning_open[0] / found.learning_autarky[0] - 1)


def _cases(economy: Economy, matrix: str) -> Iterator[tuple[str, World]]:
    base = revealed(economy, matrix)
    wage = equilibrium(base, traded(economy)).relative_wage
    yield "as above", base
    for sigma in SIGMAS:
        yield f"sigma {sigma:g}", revealed(economy, matrix, elasticity=sigma)
    yield f"wage {wage:.3f} (free)", revealed(economy, matrix, relative_wage=wage)
    yield f"wage {LOW_WAGE:g}", revealed(economy, matrix, relative_wage=LOW_WAGE)
    for peer in PEERS:
        yield f"against {peer}", revealed(economy, matrix, partner=peer)


def sensitivity(economy: Economy) -> tuple[tuple, ...]:
    """Return one row of `COLUMNS` for each matrix and case."""
    goods, rows = traded(economy), []
    for matrix in MATRICES:
        for case, world in _cases(economy, matrix):
            found = diagnose(world, goods)
            rows.append((
                matrix, case, 100 * float(world.labour[0] / world.labour.sum()), len(goods_kept(world, goods)),
                own_change(found), 100 * found.growth_open, 100 * float(found.growth_autarky[0]),
                "yes" if found.destroys(0) else "no", "yes" if found.slows(0) else "no",
            ))  # fmt: skip
    return tuple(rows)


def summary(rows: tuple[tuple, ...]) -> tuple[str, ...]:
    """Say what moves the answers in `rows` and what does not."""
    kept = [row[3] for row in rows]
    destroyed, losing = ([row for row in rows if row[at] == "yes"] for at in (7, 8))
    names = ", ".join(dict.fromkeys(row[1] for row in losing)) or "no case"
    spared = ", ".join(f"{row[0]}: {row[1]}" for row in rows if row[7] == "no") or "none"
    return (
        f"Sensitivity: a cluster is destroyed in {len(destroyed)} of {len(rows)} cases (not in: {spared}); home "
        f"keeps {min(kept)} to {max(kept)} goods. Without trade costs a country this small keeps few goods, so "
        "this answer is nearly assumed.",
        f"Sensitivity: consumers lose in {len(losing)} of {len(rows)} cases ({names}). Statics do not hang on the "
        "wage, which is the unit of home's labour; learning does, since it counts workers.",
    )
