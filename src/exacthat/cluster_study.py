"""Studies of clusters with the checks of each run: Hanlon's (2012) examples, and Pakistan against the rest.

A path has no certificate of `counterfactual`; it is checked here on its own terms. The static equilibrium is
written out anew from technologies, wages and employment along the path, and every path is integrated a second
time with a tolerance a hundred times smaller, which must give the same events at the same dates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from exacthat import datasets
from exacthat.cluster_checks import LOOSE, Check, against_tighter, pieces, static_residual
from exacthat.cluster_country import (
    COUNTRY,
    DATA,
    MATRICES,
    PACE,
    goods_kept,
    own_change,
    revealed,
    sensitivity,
    summary,
    traded,
)
from exacthat.clusters import (
    Path,
    Phase,
    World,
    diagnose,
    equilibrium,
    examples,
    simulate,
)
from exacthat.errors import BadInput, BadParameter, nearest

PREFIX = "hanlon-"
CUTOFF = f"{PREFIX}fig1"
REAL = "clusters-pakistan"
YEARS = 30.0
COUNTRIES = ("home", "foreign")
SMALLEST, LARGEST = 1e-11, 1e-4  # tolerances for which the integrator takes both
STEPS = 4  # spans between the dates of the table
BRACKET = 4001  # points of the two curves of Figure 1 between which their crossing is looked for


@dataclass(frozen=True)
class Happening:
    """One event of one schedule in words."""

    schedule: str
    time: float
    kind: str
    industries: tuple[str, ...]
    text: str


@dataclass(frozen=True, eq=False)
class ClusterStudy:
    """One run with its checks, ready to be shown.

    facts        what the run rests on, (label, text)
    worlds       schedule -> world and phases; paths, by schedule, are empty where nothing moves in time
    checks       what was measured about the run; `failed` names those not met
    statements   sentences of the paper -> whether they hold in this run
    columns, rows    the table on the screen: texts and numbers (None where there is none)
    series       the columns and rows of the file
    findings     sentences that say what the numbers show
    lines        Figure 1: name -> numbers along z, and the equilibrium
    cases        the country: rows of `cluster_country.COLUMNS`, one assumption changed in each
    """

    name: str
    title: str
    facts: tuple[tuple[str, str], ...]
    horizon: float
    worlds: Mapping[str, tuple[World, Sequence[Phase]]]
    paths: Mapping[str, Path]
    checks: tuple[Check, ...]
    statements: Mapping[str, bool]
    events: tuple[Happening, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple, ...]
    series: tuple[tuple[str, ...], tuple[tuple, ...]]
    findings: tuple[str, ...]
    lines: Mapping[str, np.ndarray] = field(default_factory=dict)
    cases: tuple[tuple, ...] = ()

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the checks that are not met."""
        return tuple(check.name for check in self.checks if not check.ok)

    @property
    def switches(self) -> dict[str, tuple[float, ...]]:
        """Dates at which a later phase starts, by schedule."""
        return {name: path.phase_starts[1:] for name, path in self.paths.items()}


def names() -> tuple[str, ...]:
    """Return the names of the embedded studies of clusters.

    >>> from exacthat.cluster_study import names
    >>> names()[:2], names()[-1]
    (('hanlon-fig1', 'hanlon-fig2'), 'clusters-pakistan')
    """
    return CUTOFF, *_examples(), REAL


def owns(scenario: str) -> bool:
    """Whether the name of a scenario is meant for this module: no file, and it starts like its names."""
    return scenario.startswith(
        (PREFIX.rstrip("-"), REAL.partition("-")[0])
    ) and not scenario.lower().endswith(".toml")


def known(name: str, country: str | None = None, threads: int | None = None) -> str:
    """Return `name` as `names` has it (hanlon-figure-6 is hanlon-fig6).

    Raises `BadInput` if it is none, and for a `country` or `threads`, which these studies have no use for.

    >>> from exacthat.cluster_study import known
    >>> known("hanlon-figure-6")
    'hanlon-fig6'
    """
    short = name.replace("figure-", "fig")
    if country is not None:
        raise BadInput(f"--country {country} has no use in a study of clusters: drop it")
    if threads is not None:
        raise BadInput(
            f"--threads {threads} has no use in a study of clusters, whose paths run one by one: drop it"
        )
    if short not in names():
        raise BadInput(
            f"there is no scenario {name!r}{nearest(short, names())} (known: {', '.join(names())})"
        )
    return short


def run(name: str, *, tol: float = 1e-10) -> ClusterStudy:
    """Carry out the study `name`, integrated to `tol` and checked to ten times it.

    `hanlon-fig6` may also be written `hanlon-figure-6`. Raises `BadInput` for an unknown name, `BadParameter`
    for a tolerance that the integrator cannot tighten a hundredfold; errors of `exacthat.clusters` pass through.

    >>> from exacthat import cluster_study
    >>> study = cluster_study.run("hanlon-fig6")
    >>> study.failed, round(study.switches["delayed"][0], 9)
    ((), 14.058808998)
    """
    name = known(name)
    if not SMALLEST <= tol <= LARGEST:
        raise BadParameter(
            f"the tolerance of a path is {tol:g}; it must lie between {SMALLEST:g} and {LARGEST:g}"
        )
    if name == CUTOFF:
        return _cutoff(LOOSE * tol)
    if name == REAL:
        return _country(tol)
    example = examples.load(_examples()[name])
    paths = example.run(tol)
    facts = (
        ("Source", f"Hanlon (2012), {_place(example.name)}"),
        *_world_facts([world for world, _ in example.curves.values()]),
        ("Horizon", f"{example.horizon:g}, in units of time of the spillovers"),
        *((("Schedules", _schedules(example.curves)),)),
        ("Not given", f"by the paper: {example.not_given}; chosen here"),
        *((("Not exact", example.not_exact),) if example.not_exact else ()),
    )
    statements = example.check(paths)
    title = f"Hanlon (2012), {_place(example.name)}: {example.title[0].lower()}{example.title[1:]}"
    return _of_paths(name, title, facts, example.horizon, example.curves, paths, statements, tol)


def regime_name(piece, industries: Sequence[str]) -> str:
    """Say in words what is open in a phase."""
    if piece.mobile:
        return "free trade and migration"
    return _opened(piece.tradable, industries)


def _opened(tradable: np.ndarray, industries: Sequence[str]) -> str:
    """Name the shorter of what is open and what is not."""
    if not tradable.any():
        return "autarky"
    if tradable.all():
        return "free trade"
    opened, closed = ([industries[k] for k in np.flatnonzero(held)] for held in (tradable, ~tradable))
    if len(closed) < len(opened):
        return f"free trade in all but {industry_list(closed)}"
    return f"trade in {industry_list(opened)} only"


def industry_list(labels: Sequence[str]) -> str:
    """Return labels as "industry 2" or "industries 1, 2 and 4"."""
    if len(labels) == 1:
        return f"industry {labels[0]}"
    return f"industries {', '.join(labels[:-1])} and {labels[-1]}"


def labels_of(world: World) -> tuple[str, ...]:
    """Return the labels of a world's industries; numbers from 1, as in the paper, where it has none."""
    return world.industries or tuple(str(number + 1) for number in range(world.n))


def _examples() -> dict[str, str]:
    return {PREFIX + name.replace("figure-", "fig"): name for name in examples.names()}


def _place(name: str) -> str:
    return "section 3.4" if name == "several-effects" else name.replace("-", " ").capitalize()


def _world_facts(worlds: Sequence[World]) -> list[tuple[str, str]]:
    sigmas = dict.fromkeys(f"{world.elasticity:.4g}" for world in worlds)
    home, foreign = worlds[0].labour
    size = f"{worlds[0].n} industries"
    size += ", numbered from 1" if worlds[0].industries is None else ""
    return [
        ("World", f"home and foreign, {size}"),
        ("Elasticity", f"of substitution, sigma: {' and '.join(sigmas)}"),
        ("Labour", f"L: {home:.4g} at home, {foreign:.4g} abroad"),
    ]


def _schedules(curves: Mapping[str, tuple[World, Sequence[Phase]]]) -> str:
    return "; ".join(f"{name}: {phases_text(*curve)}" for name, curve in curves.items())


def phases_text(world: World, phases: Sequence[Phase]) -> str:
    """Say in words what a schedule does."""
    labels, said = labels_of(world), []
    regimes = {"autarky": "autarky", "free": "free trade", "mobile": "free trade and migration"}
    for phase in phases:
        text = regimes[phase.regime] if isinstance(phase.regime, str) else _opened(phase.regime, labels)
        if isinstance(phase.until, (int, float)):
            text += f" until {phase.until:g}"
        elif phase.until is not None:
            wanted = [labels[k] for k in world.indices(phase.until.industries)]
            place = "abroad" if phase.until.side else "at home"
            text += f" until free trade would put {industry_list(wanted)} wholly {place}"
        said.append(text)
    return ", then ".join(said)


def _of_paths(name, title, facts, horizon, curves, paths, statements, tol) -> ClusterStudy:
    residual = max(
        static_residual(path, piece, states).max()
        for path in paths.values()
        for _, piece, states in pieces(path)
    )
    dates, levels = against_tighter(curves, paths, horizon, tol)
    limit = LOOSE * tol
    checks = (
        Check("static equilibrium along the paths", float(residual), limit),
        Check("shift of event dates", dates, limit),
        Check("shift of consumption", levels, limit),
    )
    columns, rows = _table(paths, horizon)
    return ClusterStudy(
        name, title, facts, horizon, curves, paths, checks, statements, _happenings(paths), columns, rows,
        _series(paths), _findings(paths, horizon),
    )  # fmt: skip


def _table(paths: Mapping[str, Path], horizon: float):
    switches = {time for path in paths.values() for time in path.phase_starts[1:]}
    even = set(np.linspace(0.0, horizon, STEPS + 1).tolist())
    dates = sorted(even | switches)
    columns = (
        "schedule",
        "country",
        *(["switch"] if switches else []),
        *(f"C at {date:.4g}" for date in dates),
    )
    rows = []
    for name, path in paths.items():
        consumption = path.at(dates).consumption
        last = [path.phase_starts[-1] if len(path.phase_starts) > 1 else None] if switches else []
        rows += [(name, country, *last, *consumption[:, n].tolist()) for n, country in enumerate(COUNTRIES)]
    return columns, tuple(rows)


def _series(paths: Mapping[str, Path]):
    columns = ("schedule", "phase", "regime", "time", "country", "consumption", "population", "relative_wage")
    rows = []
    for name, path in paths.items():
        for number, piece, states in pieces(path):
            regime = regime_name(piece, labels_of(path.world))
            population = states.employment.sum(axis=2)
            for t, time in enumerate(states.times):
                wage = None if np.isnan(states.relative_wage[t]) else float(states.relative_wage[t])
                rows += [
                    (name, number + 1, regime, float(time), country, float(states.consumption[t, n]),
                     float(population[t, n]), wage)
                    for n, country in enumerate(COUNTRIES)
                ]  # fmt: skip
    return columns, tuple(rows)


_SAID = {
    "shared": "{} made in both countries from now on",
    "home": "{} made at home alone from now on",
    "foreign": "{} made abroad alone from now on",
    "crossing": "{} change places at the margin",
    "slide": "{} tied; the tie is kept from now on",
    "slide end": "{}: the tie ends",
    "tie broken": "{}: the tie breaks, production goes to one place",
}


def _happenings(paths: Mapping[str, Path]) -> tuple[Happening, ...]:
    told = []
    for name, path in paths.items():
        labels = labels_of(path.world)
        starts = {piece.start: regime_name(piece, labels) for piece in path.pieces}
        for event in path.events:
            which = tuple(labels[k] for k in event.industries)
            if event.kind == "phase":
                text = f"{starts[event.time]} starts"
            else:
                text = _SAID[event.kind].format(industry_list(which) if which else "industries")
            told.append(Happening(name, event.time, event.kind, which, text))
    return tuple(told)


def _findings(paths: Mapping[str, Path], horizon: float) -> tuple[str, ...]:
    told = []
    for name, path in paths.items():
        labels = labels_of(path.world)
        for piece in path.pieces[1:]:
            before, after = (path.at(piece.start, side=side).consumption[0] for side in ("left", "right"))
            change = 100 * (after / before - 1)
            told.append(
                f"{name}: {regime_name(piece, labels)} from {piece.start:.6g} on; consumption changes at once by "
                f"{change[0]:z.2f} percent at home and {change[1]:z.2f} abroad."
            )
        if any(piece.mobile for piece in path.pieces):
            people = path.at([0.0, horizon]).employment[:, 0].sum(axis=1)
            told.append(f"{name}: home's population goes from {people[0]:.4g} to {people[1]:.4g}.")
    final = {name: path.at(horizon).consumption[0] for name, path in paths.items()}
    if len({path.world.elasticity for path in paths.values()}) == 1:
        for n, place in enumerate(("Home", "Foreign")):
            order = sorted(final, key=lambda name, n=n: -final[name][n])
            said = ", ".join(f"{name} ({final[name][n]:.4g})" for name in order)
            told.append(f"{place} at date {horizon:g}, from the highest consumption down: {said}.")
    return tuple(told)


def _cutoff(limit: float) -> ClusterStudy:
    """Figure 1 for a world of six industries: balanced trade (10), relative productivity (11), and where they cross."""
    technology = [[12.0, 10.0, 8.0, 7.0, 6.0, 5.0], [4.0, 5.0, 6.0, 7.5, 9.0, 11.0]]
    world = World(technology, np.zeros((6, 6)), 2.0, labour=(1.0, 2.0))
    static = equilibrium(world)
    lines = examples.cutoff_curves(world, BRACKET)
    crossing = np.flatnonzero(lines["relative_productivity"] <= lines["balanced_trade"])[0]
    reach = lines["z"][crossing - 1 : crossing + 1]
    z = float(static.home_share.sum())
    outside = max(float(reach[0]) - z, z - float(reach[1]), 0.0)  # of the two points between which they cross
    path = simulate(world, [Phase("free")], 1.0)
    residual = static_residual(path, path.pieces[0], path.at(0.0))[0]
    checks = (
        Check("static equilibrium", float(residual), limit),
        Check("distance to the crossing of the curves", outside, limit),
    )
    columns = ("industry", "A / A*", "home's share", "workers home", "workers abroad")
    ratio = world.technology[0] / world.technology[1]
    rows = tuple(
        (str(k + 1), float(ratio[k]), float(static.home_share[k]), *static.employment[:, k].tolist())
        for k in np.argsort(-ratio, kind="stable")
    )
    facts = (
        ("Source", "Hanlon (2012), Figure 1, equations (10) and (11)"),
        *_world_facts([world]),
        ("Horizon", "none: one date"),
        ("Not given", "by the paper: all numbers, the figure is a drawing; chosen here"),
        (
            "Not exact",
            "in (10) the upper sum starts at 0 and the lower one counts the marginal good twice; here they "
            "start at 1 and after that good. (11) is a staircase: where (10) meets a drop, no good is made in both",
        ),
    )
    made = "home alone" if static.marginal < 0 else f"both countries: industry {static.marginal + 1}"
    findings = (
        f"The curves cross at z = {z:.4f} industries and a wage at home of {static.relative_wage:.4f} times that "
        f"abroad; made in {made}.",
    )
    series = (tuple(lines), tuple(zip(*(values.tolist() for values in lines.values()))))
    held = {**lines, "equilibrium": np.array([z, static.relative_wage])}
    return ClusterStudy(
        CUTOFF, "Hanlon (2012), Figure 1: the cut-off between home's industries and foreign's", facts, 0.0,
        {"free trade": (world, [Phase("free")])}, {}, checks, {}, (), columns, rows, series, findings, held,
    )  # fmt: skip


def _country(tol: float) -> ClusterStudy:
    """Ask whether opening to free trade now would destroy a cluster of `COUNTRY`, on revealed technologies."""
    economy = datasets.load(DATA)
    goods = traded(economy)
    curves, told = {}, []
    for matrix in MATRICES:
        world = revealed(economy, matrix)
        told += _verdict(matrix, world, goods)
        curves[f"{matrix}: autarky"] = (world, [Phase("autarky")])
        curves[f"{matrix}: trade"] = (world, [Phase(goods)])
    facts = (
        ("Source", f"{DATA}: {datasets.describe(DATA).title}; model of Hanlon (2012)"),
        *_world_facts([world]),
        ("Horizon", f"{YEARS:g} years"),
        ("Countries", f"home is {COUNTRY}, foreign all other countries together"),
        ("Technology", "relative: as trade flows reveal it, trade costs alike both ways; level: world spending shares"),
        ("Wage", f"one at the start in both: L counts workers of equal output in {DATA}; under free trade "
         f"{equilibrium(world, goods).relative_wage:.3f}"),
        ("Regimes", "autarky; free trade in goods at no cost, services not traded. The data lie in between"),
        ("Spillovers", "shape: proximity of goods, or shares of suppliers in inputs (Pakistan's own table); none "
         "inside an industry or across borders; scaled so that they give foreign "
         f"{100 * PACE:g} percent a year in autarky"),
        ("Assumed", "sigma, the wage, the scale, the regimes; without trade costs at most one good is made in both"),
    )  # fmt: skip
    paths = {name: simulate(*curve, YEARS, rtol=tol) for name, curve in curves.items()}
    title = "Would opening now destroy a cluster of Pakistan?"
    study = _of_paths(REAL, title, facts, YEARS, curves, paths, {}, tol)
    cases = sensitivity(economy)
    return replace(study, findings=(*told, *summary(cases), *study.findings), cases=cases)


def _verdict(matrix: str, world: World, goods: np.ndarray) -> list[str]:
    """Answer in words: what opening does to learning inside the country, and to what its consumers get."""
    found, labels = diagnose(world, goods), labels_of(world)
    kept = [labels[k] for k in goods_kept(world, goods)]
    pairs = ", ".join(f"{labels[a]} to {labels[b]}" for a, b in found.broken[:3])
    return [
        f"{matrix}: is a cluster of {COUNTRY} destroyed? {'Yes' if found.destroys(0) else 'No'}: of its goods it "
        f"would make {industry_list(kept) if kept else 'none'}, and the spillovers its goods industries get from "
        f"each other change by {own_change(found):.1f} percent; strongest links cut: {pairs}."
        + (" With a single good left this holds whatever the spillovers." if len(kept) == 1 else ""),
        f"{matrix}: do its consumers lose by it? Technologies they buy from would grow "
        f"{'slower' if found.slows(0) else 'faster'} at first: {100 * found.growth_open:.3f} percent a year open, "
        f"{100 * found.growth_autarky[0]:.3f} in autarky (verdict for both countries: {found.verdict}). Spillovers "
        "count workers, so the large rest of the world learns faster than one country.",
    ]
