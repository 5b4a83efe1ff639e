"""Spillover matrices between the industries of `icio2019`: product-space proximity, input-output shares."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from exacthat.checks import frozen
from exacthat.datasets.catalogue import catalogue, describe, read, record
from exacthat.errors import BadInput, BadParameter, nearest
from exacthat.labels import positions

_MATRICES = {
    "proximity": ("proximity", "proximity"),
    "suppliers": ("io2020", "input_share"),
    "customers": ("io2020", "use_share"),
}


@dataclass(frozen=True)
class SpilloverDescription:
    """Where a spillover matrix comes from and what its users owe to its makers.

    `countries` are those it can be had for (empty where it is one for the world), `sectors` the list on
    which it was measured, `sha256` the hash of the data file in this installation.
    """

    name: str
    title: str
    source: str
    licence: str
    citation: tuple[str, ...]
    notes: tuple[str, ...]
    countries: tuple[str, ...]
    sectors: tuple[str, ...]
    sha256: str


def spillover_names() -> tuple[str, ...]:
    """Return the names of the spillover matrices.

    >>> spillover_names()
    ('proximity', 'suppliers', 'customers')
    """
    return tuple(_MATRICES)


def spillovers(
    name: str,
    industries: Sequence[str] | None = None,
    *,
    country: str | None = None,
    own: float | None = None,
    services: bool = False,
) -> np.ndarray:
    """Return a spillover matrix [sender, receiver] (K, K), without unit: a shape, to be scaled.

    "proximity": how often countries that export one good with comparative advantage do so with the other
    (smaller of the two conditional probabilities; Hidalgo et al. 2007), 27 goods; symmetric, diagonal 1.
    "suppliers": the sender is a supplier, the entry its share in the receiver's material inputs.
    "customers": the sender is a user, the entry the share of the receiver's goods that it uses.

    Parameters
    ----------
    industries : labels of `icio2019`, optional
        The industries wanted, in this order: pass ``economy.industries``. By default all 28.
    country : label, optional
        For input-output shares, one of `describe_spillovers(name).countries`; by default "WLD", the world.
    own : float >= 0, optional
        What an industry learns from itself, in place of the data's diagonal; 0 leaves spillovers between
        different industries only.
    services : bool
        Whether services send and receive; by default they do neither. Proximity is of goods alone.

    Input-output shares were measured on 23 sectors and stand in every industry of a sector as they are
    (`spillover_crosswalk`): spillovers are per unit of the sender's employment, so industries that divide a
    sector send together what it sends. Their own learning is then also learning from their sisters.

    Raises `BadInput` for unknown names, labels and countries, `BadParameter` for `own` below 0.

    >>> matrix = spillovers("proximity", ["C13T15", "C28", "SERV"])
    >>> matrix.round(2).tolist()
    [[1.0, 0.18, 0.0], [0.18, 1.0, 0.0], [0.0, 0.0, 0.0]]
    >>> spillovers("suppliers", ["A01", "C10T12"], country="PAK").round(2).tolist()  # food is made of crops
    [[0.58, 0.64], [0.08, 0.1]]
    """
    stored, array = _matrix(name)
    held = _arrays(stored)
    labels = describe("icio2019").industries
    wanted = labels if industries is None else tuple(industries)
    at = positions(wanted, labels, "industry")
    if array == "proximity":
        if services or country is not None:
            raise BadInput("proximity is of goods, one matrix for the world: leave services and country out")
        goods = len(held["industries"])
        whole = np.zeros((len(labels), len(labels)))
        whole[:goods, :goods] = held["proximity"]
    else:
        sectors, crosswalk = held["sectors"].tolist(), spillover_crosswalk()
        sector = [sectors.index(crosswalk[label]) for label in labels]
        where = positions("WLD" if country is None else country, held["countries"].tolist(), "country")[0]
        shares = held[array][where].astype(float)
        whole = (shares if array == "input_share" else shares.T)[np.ix_(sector, sector)]
    if own is not None:
        if not (np.ndim(own) == 0 and 0 <= own < np.inf):
            raise BadParameter(f"own is {own!r}; it must be one number, at least 0")
        np.fill_diagonal(whole, own)
    if not services:
        idle = labels.index(record("sets", "icio2019")["services"])
        whole[idle, :] = whole[:, idle] = 0.0
    return frozen(np.ascontiguousarray(whole[np.ix_(at, at)]))


def spillover_crosswalk() -> Mapping[str, str]:
    """Return the sector of the input-output shares to which each industry of `icio2019` belongs.

    >>> spillover_crosswalk()["C24B"], len(spillover_crosswalk()), len(set(spillover_crosswalk().values()))
    ('C24', 28, 23)
    """
    return MappingProxyType(catalogue()["spillovers"]["io2020"]["crosswalk"])


def describe_spillovers(name: str) -> SpilloverDescription:
    """Return provenance, licence, citation and oddities of a spillover matrix.

    Raises `BadInput` for an unknown name and for a data file that is not the one that was recorded.

    >>> describe_spillovers("suppliers").countries[:3]
    ('PAK', 'BGD', 'VNM')
    """
    stored, _ = _matrix(name)
    facts, held = catalogue()["spillovers"][stored], _arrays(stored)
    sectors = held["industries" if stored == "proximity" else "sectors"]
    return SpilloverDescription(
        name=name,
        title=facts["title"],
        source=facts["source"],
        licence=facts["licence"],
        citation=tuple(facts["citation"]),
        notes=tuple(facts["notes"]),
        countries=tuple(held["countries"].tolist()) if "countries" in held else (),
        sectors=tuple(sectors.tolist()),
        sha256=hashlib.sha256(read(facts)).hexdigest(),
    )


def _matrix(name: str) -> tuple[str, str]:
    if not isinstance(name, str) or name not in _MATRICES:
        known = ", ".join(_MATRICES)
        raise BadInput(
            f"there is no spillover matrix {name!r}{nearest(name, list(_MATRICES))} (known: {known})"
        )
    return _MATRICES[name]


def _arrays(stored: str) -> dict[str, np.ndarray]:
    with np.load(io.BytesIO(read(catalogue()["spillovers"][stored])), allow_pickle=False) as file:
        return {key: file[key] for key in file.files}
