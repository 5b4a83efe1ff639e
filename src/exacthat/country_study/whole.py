"""All parts of a country study, in the order of the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from exacthat.country_study.correction import Correction, Immiserizing, correct
from exacthat.country_study.diagnosis import Diagnosis, diagnose
from exacthat.country_study.dynamic import Scenario, trajectories
from exacthat.country_study.focus import Support, supports
from exacthat.country_study.knowledge import KnowledgeScenario, knowledge_scenarios
from exacthat.country_study.sensitivity import (
    NOT_CONVERGED,
    Interval,
    Progress,
    Variant,
    intervals,
    sensitivity,
)
from exacthat.country_study.specialisation import Specialisation, specialisation
from exacthat.datasets import describe
from exacthat.economy import Economy
from exacthat.errors import BadInput
from exacthat.study import Result, corrective_policy

DATA = "icio2019"
DRAWS, SEED = 200, 1


@dataclass(frozen=True, eq=False)
class CountryStudy:
    """What was computed for one country; every number of the report stands in here.

    table           the corrective policy of the country and its peers, and gains from trade (`exacthat.study`)
    diagnosis       None where the embedded series do not hold the country
    interval        None where no draws were asked for
    learning        ten years of support under each set of assumptions on learning; empty where not asked for
    knowledge       research at home and diffusion from abroad; empty where the series do not hold the country
    """

    country: str
    peers: tuple[str, ...]
    table: Result
    diagnosis: Diagnosis | None
    specialisation: Specialisation
    alone: Correction
    together: Correction
    immiserizing: Immiserizing
    supports: tuple[Support, ...]
    variants: tuple[Variant, ...]
    interval: Interval | None
    learning: tuple[Scenario, ...]
    knowledge: tuple[KnowledgeScenario, ...]
    seed: int
    tolerance: float

    @property
    def base(self) -> Economy:
        """The base year of the main results, without deficits."""
        return self.table.base

    @property
    def solved(self) -> int:
        """Equilibria solved with a certificate, repeated solves of one policy counted once."""
        solved = len(self.table.certificates) - len(self.table.failed)
        solved += sum(one.certificate.ok for one in self.supports)
        solved += sum(one.solved for one in self.variants)
        return solved + (self.interval.solved if self.interval else 0)

    @property
    def residual(self) -> float:
        """Largest residual among the certified equilibria."""
        held = [one for one in self.table.certificates.values() if one.ok]
        held += [one.certificate for one in self.supports if one.certificate.ok]
        residuals = [one.residual for one in held] + [one.residual for one in self.variants]
        residuals += [one.residual for one in self.learning]
        return max(residuals + ([self.interval.residual] if self.interval else []))

    @property
    def paths(self) -> int:
        """Paths of learning, certified at every accepted step."""
        return sum(one.paths for one in self.learning)

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of what misses its certificate."""
        names = list(self.table.failed)
        names += [
            f"support of {one.sector.industry} at {one.rule}"
            for one in self.supports
            if not one.certificate.ok
        ]
        names += [one.name for one in self.variants if one.outcome == NOT_CONVERGED]
        if self.interval and self.interval.failed:
            names.append(f"{self.interval.failed} of {len(self.interval.gainers)} draws")
        names += [name for one in self.learning for name in one.failed]
        return tuple(names)


def country_study(
    economy: Economy,
    country: str,
    peers: Sequence[str],
    *,
    draws: int = DRAWS,
    seed: int = SEED,
    learning: bool = True,
    tol: float = 1e-10,
    threads: int | None = None,
    progress: Progress | None = None,
) -> CountryStudy:
    """Compute every part of the study of `country` beside `peers`.

    `economy` is `icio2019` under free entry with its deficits as observed; the main results move to the world
    without deficits first. `draws` draws of the elasticities, from `seed`; 0 leaves them out.
    Without `learning` there is no dynamic part.

    Raises `BadInput` for an economy with other industries, unknown countries and a peer that is the country,
    and as `exacthat.study.corrective_policy` does. An equilibrium that misses the tolerance stands in `failed`.
    """
    faults = []
    if economy.industries != describe(DATA).industries:
        faults.append(f"a country study needs the industries of {DATA!r}: load that data set")
    if economy.entry != "free":
        faults.append("a country study starts from free entry: it solves restricted entry beside it")
    if country in peers:
        faults.append(f"country {country!r} is listed among its peers: drop it there")
    if faults:
        raise BadInput(faults)
    options = {"tol": tol, "threads": threads, "progress": progress}
    table = corrective_policy(economy, [country, *peers], **options)
    diagnosis = diagnose(country, peers)
    alone, together, immiserizing = correct(table.base, country, **options)
    return CountryStudy(
        country=country,
        peers=tuple(peers),
        table=table,
        diagnosis=diagnosis,
        specialisation=specialisation(economy, country),
        alone=alone,
        together=together,
        immiserizing=immiserizing,
        supports=supports(table.base, country, **options),
        variants=sensitivity(economy, country, peers, **options),
        interval=intervals(economy, country, draws, seed, **options) if draws else None,
        learning=trajectories(table.base, country, peers, diagnosis, threads=threads, progress=progress)
        if learning
        else (),
        knowledge=knowledge_scenarios(economy, country) if diagnosis is not None else (),
        seed=seed,
        tolerance=tol,
    )
