"""Research at home and knowledge from abroad: the growth laws (4) and (8) of the paper's annexure, as scenarios.

The embedded data hold neither research nor diffusion. What is data: value added per manufacturing worker as the
stock of knowledge, its growth since 1991, and shares in imports of goods as the pattern of who learns from whom.
What is a scenario: the part of the country's growth that came from abroad.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exacthat.country_study.claims import MEASURES, compound_growth
from exacthat.datasets import series, series_countries
from exacthat.economy import Economy
from exacthat.growth import growth_rates, knowledge_path, long_run_growth

FROM_ABROAD = (0.25, 0.5)  # part of the country's growth at the start
YEARS = (10.0, 50.0)
SINCE = 1991
AS_IS, RESEARCH, OPEN = "as it is", "research at home doubled", "diffusion to it doubled"
SERVICES = ("SERV",)


@dataclass(frozen=True)
class KnowledgeScenario:
    """What knowledge does under one change; percent.

    from_abroad    part of the country's growth at the start that came from abroad (assumed)
    gains          knowledge above that without the change after each of `YEARS`
    growth         mean growth a year over the last of `YEARS`
    long_run       growth for ever by law (4): the largest root of diffusion, whatever research is
    equilibrium    growth by law (8), where foreign growth, not foreign knowledge, is what diffuses
    """

    from_abroad: float
    change: str
    gains: tuple[float, ...]
    growth: float
    long_run: float
    equilibrium: float


def knowledge_scenarios(economy: Economy, country: str) -> tuple[KnowledgeScenario, ...]:
    """Compute knowledge of `country` among the economies of the series; () where it has no value added per worker.

    Law (4), dT_n/dt = R_n + sum_i e_ni T_i, starts at value added per worker with e_ni proportional to the share of
    i in n's imports of goods from this group. One scale of e gives the part of the country's growth from abroad; R_n
    is what then is left of n's growth since 1991, at least 0, and stays. Law (8), g_n = r_n + sum_i e_ni g_i, takes
    the same import shares, each row scaled so that this part of n's growth comes from abroad: the largest root of e
    is then that part, so an equilibrium exists.

    >>> from exacthat import datasets
    >>> found = knowledge_scenarios(datasets.load("icio2019"), "PAK")
    >>> [one.change for one in found[:3]]
    ['as it is', 'research at home doubled', 'diffusion to it doubled']
    >>> found[0].gains
    (0.0, 0.0)
    """
    held = _group(economy)
    if country not in held:
        return ()
    n = list(held).index(country)
    level, growth = np.array(list(held.values())).T
    at = economy.country_index(list(held))
    goods = [k for k, label in enumerate(economy.industries) if label not in SERVICES]
    imports = economy.flows[np.ix_(at, at, goods)].sum(axis=2).T  # [receiver, sender]
    np.fill_diagonal(imports, 0.0)
    pattern = imports / imports.sum(axis=1, keepdims=True)
    found = []
    for part in FROM_ABROAD:
        diffusion = pattern * (part * growth[n] * level[n] / (pattern[n] @ level))
        research = np.maximum(growth * level - diffusion @ level, 0.0)
        following = pattern * (part * growth / (pattern @ growth))[:, None]
        lasting = (1.0 - part) * growth
        before = None
        for change in (AS_IS, RESEARCH, OPEN):
            more, wider = np.ones(len(level)), np.ones((len(level), 1))
            more[n] += change == RESEARCH
            wider[n] += change == OPEN
            paths = knowledge_path(level, 1.0, research * more, diffusion * wider, YEARS)[:, n]
            before = paths if before is None else before
            found.append(
                KnowledgeScenario(
                    from_abroad=100.0 * part,
                    change=change,
                    gains=tuple((100.0 * (paths / before - 1.0)).tolist()),
                    growth=float(100.0 * ((paths[-1] / level[n]) ** (1.0 / YEARS[-1]) - 1.0)),
                    long_run=100.0 * long_run_growth(diffusion * wider).rate,
                    equilibrium=float(100.0 * growth_rates(1.0, lasting * more, following * wider)[n]),
                )
            )
    return tuple(found)


def _group(economy: Economy) -> dict[str, tuple[float, float]]:
    """Return value added per manufacturing worker and its growth a year, by country of series and flows."""
    held = series(MEASURES[0])
    found = {}
    for label in series_countries():
        known = label in held.countries and np.isfinite(held.values[held.countries.index(label)]).sum() > 1
        if known and label in economy.countries:
            rate = np.log1p(compound_growth(MEASURES[0], label, SINCE)[0] / 100.0)
            found[label] = (float(held.of(label)[1][-1]), float(rate))
    return found
