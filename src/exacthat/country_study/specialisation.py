"""What a country makes and sells: revealed comparative advantage, product space, clusters of strengths."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse.csgraph import connected_components

from exacthat.checks import frozen
from exacthat.economy import Economy

STRONG = 1.0  # revealed comparative advantage from which an industry counts as a strength
NEAR = 0.55  # proximity from which two strengths belong to one cluster (Hidalgo et al. 2007 draw links there)
NO_COUNTRY = ("ROW",)  # aggregates that are no country of the product space


@dataclass(frozen=True, eq=False)
class Specialisation:
    """Goods industries of one country in the flows as observed; arrays (G,) unless said otherwise.

    goods                 labels of the industries, services left out
    advantage             share in the country's goods exports over the share in the world's
    export_share          percent of the country's goods exports
    employment_share, spending_share    percent of the whole economy
    scale_elasticity      mu
    density               closeness to what the country is strong in: mean over goods, weighted by proximity,
                          of being strong in them; 0 to 1
    proximity             (G, G), the smaller of the two shares of countries strong in one good that are strong
                          in the other [Hidalgo et al. 2007]; aggregates of countries left out
    clusters              strengths that are linked by a proximity of at least `NEAR`, the largest exporter first
    concentration         country -> sum of squared shares in goods exports, 1 if one good is all
    scale_gap             mean scale elasticity by employment less that by spending, all industries: above 0 where
                          the country is specialised in industries with strong scale economies
    """

    country: str
    goods: tuple[str, ...]
    advantage: np.ndarray
    export_share: np.ndarray
    employment_share: np.ndarray
    spending_share: np.ndarray
    scale_elasticity: np.ndarray
    density: np.ndarray
    proximity: np.ndarray
    clusters: tuple[tuple[str, ...], ...]
    concentration: dict[str, float]
    scale_gap: float


def specialisation(economy: Economy, country: str, services: tuple[str, ...] = ("SERV",)) -> Specialisation:
    """Describe what `country` is specialised in; industries in `services` stay out of exports of goods.

    Raises `BadInput` for an unknown country.

    >>> from exacthat import datasets
    >>> held = specialisation(datasets.load("icio2019"), "PAK")
    >>> held.goods[int(held.advantage.argmax())]
    'C13T15'
    """
    i = int(economy.country_index(country)[0])
    goods = [k for k, label in enumerate(economy.industries) if label not in services]
    labels = tuple(economy.industries[k] for k in goods)
    exports = economy.flows.sum(axis=1) - np.einsum("nnk->nk", economy.flows)
    shares = exports[:, goods] / exports[:, goods].sum(axis=1, keepdims=True)
    world = exports[:, goods].sum(axis=0) / exports[:, goods].sum()
    advantage = shares / world
    strong = advantage >= STRONG
    counted = np.array([label not in NO_COUNTRY for label in economy.countries])
    both = strong[counted].T.astype(float) @ strong[counted]
    held_by = np.diag(both)
    larger = np.maximum(held_by[:, None], held_by[None, :])
    proximity = np.divide(both, larger, out=np.zeros_like(both), where=larger > 0)
    others = proximity - np.diag(np.diag(proximity))
    y, b = economy.output_shares[i], economy.spending_shares[i]
    mu = economy.scale_elasticity
    return Specialisation(
        country=country,
        goods=labels,
        advantage=frozen(advantage[i]),
        export_share=frozen(100.0 * shares[i]),
        employment_share=frozen(100.0 * y[goods]),
        spending_share=frozen(100.0 * b[goods]),
        scale_elasticity=frozen(mu[goods]),
        density=frozen(others @ strong[i] / np.maximum(others.sum(axis=1), 1e-300)),
        proximity=frozen(proximity),
        clusters=_clusters(labels, strong[i], proximity, shares[i]),
        concentration={label: float((shares[n] ** 2).sum()) for n, label in enumerate(economy.countries)},
        scale_gap=float(((y - b) * mu).sum()),
    )


def _clusters(labels, strong, proximity, shares) -> tuple[tuple[str, ...], ...]:
    held = np.flatnonzero(strong)
    if not len(held):
        return ()
    count, member = connected_components(proximity[np.ix_(held, held)] >= NEAR, directed=False)
    groups = [held[member == group] for group in range(count)]
    groups.sort(key=lambda group: -shares[group].sum())
    return tuple(tuple(labels[k] for k in sorted(group, key=lambda k: -shares[k])) for group in groups)
